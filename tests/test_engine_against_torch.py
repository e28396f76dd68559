"""What autograd does beyond numbers: the same short programs on torch and on tensor_core."""

import threading

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from side_by_side import BOTH, array, close, tally

import tensor_core


def plain(value):
    """A program's result with tensors as (type, numbers), the same on both libraries."""
    if isinstance(value, torch.Tensor | tensor_core.Tensor):
        return str(value.dtype), array(value)
    if isinstance(value, tuple | list):
        return [plain(v) for v in value]
    return value


def told(library, program):
    """What a program returns, or the type of its error."""
    try:
        return plain(program(library))
    except (RuntimeError, TypeError, ValueError, IndexError, AttributeError) as error:
        return f"raises {type(error).__name__}"


def equal(ours, theirs):
    assert type(ours) is type(theirs), (ours, theirs)
    if isinstance(ours, list):
        assert len(ours) == len(theirs), (ours, theirs)
        for a, b in zip(ours, theirs, strict=True):
            equal(a, b)
    elif isinstance(ours, tuple):
        assert ours[0] == theirs[0]
        close(ours[1], theirs[1])
    else:
        assert ours == theirs


def leaf(t, *shape):
    values = np.linspace(-1.3, 1.7, int(np.prod(shape)) or 1).reshape(shape)
    return t.from_numpy(values.copy()).requires_grad_()


class Programs(dict):
    """Functions by name."""

    def __call__(self, function):
        self[function.__name__] = function
        return function


program = Programs()


# -- leaves, views and in-place writes -------------------------------------------------------------


@program
def write_to_a_leaf(t):
    return leaf(t, 3).add_(1)


@program
def write_to_a_view_of_a_leaf(t):
    leaf(t, 3)[0].mul_(2)


@program
def write_to_a_leaf_through_setitem(t):
    leaf(t, 3)[1] = 0.0


@program
def write_to_a_leaf_without_recording(t):
    x = leaf(t, 3)
    with t.no_grad():
        x.add_(1)
        x[0] = 5.0
    (x * x).sum().backward()
    return x, x.grad, x.is_leaf


@program
def stale_saved_value(t):
    x = leaf(t, 3) * 1
    y = x * x
    x.add_(1)
    y.sum().backward()


@program
def stale_saved_output(t):
    y = leaf(t, 3).exp()
    y.mul_(2)
    y.sum().backward()


@program
def stale_through_a_view(t):
    x = leaf(t, 4) * 1
    y = x * x
    x[1:].zero_()
    y.sum().backward()


@program
def stale_through_detach(t):
    x = leaf(t, 3) * 1
    y = x * x
    x.detach().zero_()
    y.sum().backward()


@program
def unseen_through_data(t):
    x = leaf(t, 3)
    y = x * x
    x.data.fill_(1.0)
    y.sum().backward()
    return x.grad


@program
def write_to_what_is_not_saved(t):
    x = leaf(t, 3)
    y = x + 1
    y.add_(2)
    y.sum().backward()
    return x.grad


@program
def detach_shares_memory(t):
    x = leaf(t, 3)
    with t.no_grad():
        x.detach().zero_()
    return x, x.detach().requires_grad, x.detach().is_leaf


@program
def integers_want_no_gradient(t):
    t.ones(2, dtype=t.int64).requires_grad_()


@program
def requires_grad_of_a_non_leaf(t):
    (leaf(t, 2) * 2).requires_grad_(False)


@program
def write_of_the_wrong_shape(t):
    t.ones(3).add_(t.ones(2, 3))


@program
def write_of_the_wrong_type(t):
    t.ones(3, dtype=t.int64).add_(0.5)


# -- the backward pass -----------------------------------------------------------------------------


@program
def backward_twice(t):
    y = leaf(t, 3).exp().sum()
    y.backward()
    y.backward()


@program
def backward_twice_with_retained_graph(t):
    x = leaf(t, 3)
    y = x.exp().sum()
    y.backward(retain_graph=True)
    y.backward()
    return x.grad


@program
def grad_after_the_graph_was_freed(t):
    x = leaf(t, 3)
    y = x.exp()
    y.sum().backward()
    return t.autograd.grad((y * 2).sum(), x)


@program
def backward_of_several_numbers(t):
    leaf(t, 3).exp().backward()


@program
def backward_with_a_cotangent_of_another_shape(t):
    leaf(t, 3).exp().backward(t.ones(2, dtype=t.float64))


@program
def backward_of_what_needs_none(t):
    t.ones(()).backward()


@program
def gradients_accumulate(t):
    x = leaf(t, 2, 2)
    for k in range(3):
        (x * k).sum().backward()
    return x.grad


@program
def backward_for_some_inputs(t):
    x, y = leaf(t, 2), leaf(t, 2)
    (x * y).sum().backward(inputs=[x])
    return x.grad, y.grad


@program
def unused_input(t):
    x, y = leaf(t, 2), leaf(t, 2)
    return t.autograd.grad(x.sum(), [x, y])


@program
def unused_input_allowed(t):
    x, y = leaf(t, 2), leaf(t, 2)
    return t.autograd.grad(x.sum(), [x, y], allow_unused=True)


@program
def unused_input_as_zeros(t):
    x, y = leaf(t, 2), leaf(t, 2)
    return t.autograd.grad(x.sum(), [x, y], materialize_grads=True)


@program
def grad_of_an_input_that_needs_none(t):
    return t.autograd.grad(leaf(t, 2).sum(), t.ones(2))


@program
def grad_of_a_middle_value(t):
    x = leaf(t, 3)
    y = x.tanh()
    z = (y * y).sum()
    return t.autograd.grad(z, [y, x])


@program
def several_outputs_with_cotangents(t):
    x = leaf(t, 3)
    return t.autograd.grad([x * 2, x.exp()], [x], [t.ones(3, dtype=t.float64), x.detach()])


@program
def five_orders(t):
    y = x = leaf(t, 3)
    y = (x**5).sin()
    found = []
    for _ in range(5):
        (y,) = t.autograd.grad(y.sum(), x, create_graph=True)
        found.append(y)
    return found


@program
def mixed_third_derivative(t):
    a, b = leaf(t, 2, 3), leaf(t, 3, 2)
    y = (a @ b).softmax(-1).log().square().sum()
    ga, gb = t.autograd.grad(y, [a, b], create_graph=True)
    haa, hab = t.autograd.grad((ga * ga).sum() + gb.sum(), [a, b], create_graph=True)
    return t.autograd.grad((haa * a).sum() + (hab * hab).sum(), [a, b])


@program
def grad_of_grad_through_backward(t):
    x = leaf(t, 3)
    (x**3).sum().backward(create_graph=True)
    first = x.grad
    x.grad = None
    first.sum().backward()
    return first, x.grad


@program
def the_same_tensor_many_times(t):
    x = leaf(t, 3)
    y = x * x + x / x - x
    for _ in range(3):
        y = y * y + x
    y.sum().backward()
    return x.grad


# -- hooks and retained gradients ------------------------------------------------------------------


@program
def hooks_in_their_order(t):
    x, seen = leaf(t, 3), []
    x.register_hook(lambda g: seen.append(("leaf", plain(g))))
    y = x * 2
    y.register_hook(lambda g: seen.append(("first", plain(g))) or g * 10)
    handle = y.register_hook(lambda g: seen.append(("removed", plain(g))))
    y.register_hook(lambda g: seen.append(("second", plain(g))))
    handle.remove()
    y.sum().backward()
    return [name for name, _ in seen], x.grad


@program
def hook_on_what_needs_none(t):
    t.ones(2).register_hook(print)


@program
def retained_gradients(t):
    x = leaf(t, 3)
    y = x * 3
    y.retain_grad()
    z = y.exp()
    z.sum().backward()
    return y.grad, z.retains_grad, y.retains_grad, x.retains_grad


@program
def retained_gradient_before_hooks(t):
    x = leaf(t, 3)
    y = x * 3
    y.register_hook(lambda g: g * 2)
    y.retain_grad()
    y.sum().backward()
    return y.grad, x.grad


@program
def grad_of_the_wrong_shape(t):
    leaf(t, 3).grad = t.ones(2, dtype=t.float64)


@program
def grad_of_the_wrong_type(t):
    leaf(t, 3).grad = t.ones(3, dtype=t.float32)


# -- modes -----------------------------------------------------------------------------------------


@program
def modes_nested(t):
    x, seen = leaf(t, 2), []
    with t.no_grad():
        seen.append((x * 2).requires_grad)
        with t.enable_grad():
            seen.append((x * 2).requires_grad)
        seen.append((x * 2).requires_grad)
    with t.set_grad_enabled(False):
        seen.append(t.is_grad_enabled())
    with t.inference_mode():
        seen.append((x * 2).requires_grad)
    return seen, t.is_grad_enabled()


@program
def no_grad_as_decorator(t):
    @t.no_grad()
    def f(x):
        return x * 2

    return f(leaf(t, 2)).requires_grad, t.is_grad_enabled()


@program
def modes_are_of_one_thread(t):
    x, seen = leaf(t, 2), []
    with t.no_grad():
        thread = threading.Thread(target=lambda: seen.append((x * 2).requires_grad))
        thread.start()
        thread.join()
        seen.append((x * 2).requires_grad)
    return seen


# -- autograd.Function -----------------------------------------------------------------------------


def scaled_product(t):
    class ScaledProduct(t.autograd.Function):
        @staticmethod
        def forward(ctx, a, b, factor):
            ctx.save_for_backward(a, b)
            ctx.factor = factor
            ctx.asked = []
            return a * b * factor

        @staticmethod
        def backward(ctx, g):
            a, b = ctx.saved_tensors
            needs.append(ctx.needs_input_grad)
            return g * b * ctx.factor, g * a * ctx.factor, None

    needs = []
    return ScaledProduct, needs


@program
def function_with_saved_tensors(t):
    f, needs = scaled_product(t)
    a, b = leaf(t, 3), leaf(t, 3)
    f.apply(a, b, 2.5).sum().backward()
    f.apply(a, b.detach(), 0.5).sum().backward()
    return a.grad, b.grad, needs


@program
def function_differentiated_twice(t):
    f, _ = scaled_product(t)
    a, b = leaf(t, 3), leaf(t, 3)
    (g,) = t.autograd.grad(f.apply(a, b * b, 2.0).exp().sum(), b, create_graph=True)
    return t.autograd.grad(g.sum(), [a, b])


@program
def function_with_stale_saved_tensor(t):
    f, _ = scaled_product(t)
    a, b = leaf(t, 3) * 1, leaf(t, 3) * 1
    y = f.apply(a, b, 2.0)
    a.zero_()
    y.sum().backward()


@program
def function_freed(t):
    f, _ = scaled_product(t)
    y = f.apply(leaf(t, 3), leaf(t, 3), 2.0).sum()
    y.backward()
    y.backward()


def divided(t):
    class Divided(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            whole = x.floor()
            ctx.mark_non_differentiable(whole)
            return x - whole, whole, x * 2

        @staticmethod
        def backward(ctx, g, none, h):
            return g + 2 * h

    return Divided


@program
def function_with_several_outputs(t):
    x = leaf(t, 3)
    rest, whole, twice = divided(t).apply(x)
    (rest * 3).sum().backward()
    return rest.requires_grad, whole.requires_grad, twice.is_leaf, x.grad


@program
def function_with_too_few_gradients(t):
    class Short(t.autograd.Function):
        @staticmethod
        def forward(ctx, a, b):
            return a + b

        @staticmethod
        def backward(ctx, g):
            return g

    Short.apply(leaf(t, 2), leaf(t, 2)).sum().backward()


@program
def function_of_an_input_returned(t):
    class Same(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x

        @staticmethod
        def backward(ctx, g):
            return g * 3

    x = leaf(t, 2)
    y = Same.apply(x)
    y.sum().backward()
    return x.grad, y is x


@program
def function_that_writes_in_place(t):
    class Doubled(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.mark_dirty(x)
            return x.mul_(2)

        @staticmethod
        def backward(ctx, g):
            return g * 2

    x = leaf(t, 2)
    y = x * 1
    z = Doubled.apply(y)
    z.sum().backward()
    return x.grad, z is y, y.requires_grad


@pytest.mark.parametrize("name", program)
def test_program(name):
    theirs, ours = (told(library, program[name]) for library in BOTH)
    equal(ours, theirs)
    tally["engine programs beside torch"] += 1


# -- depth and memory ------------------------------------------------------------------------------


def test_a_chain_of_a_million_ops():
    """Forward, backward and letting go of it, without recursion anywhere."""
    x = tensor_core.tensor(1.0, requires_grad=True, dtype=tensor_core.float64)
    y = x
    for _ in range(500_000):
        y = y * 1.0000001 + 0.0  # two nodes
    y.backward()
    assert x.grad.item() == pytest.approx(1.0000001**500_000)
    del y


FAN = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "reshape": lambda x, y: x.reshape(-1) + y.view(-1),
    "transpose": lambda x, y: x.t() + y.t(),
    "expand": lambda x, y: x.expand(3, 2, 2) + y,
    "cat": lambda x, y: tensor_core.cat([x, y]),
    "same": lambda x, y: x + x,
    "sum": lambda x, y: x.sum() + y.sum(),
    "setitem": lambda x, y: (x * 1).index_add(0, tensor_core.tensor([0, 1]), y),
    "clone": lambda x, y: x.clone() + y,
}


@given(st.sampled_from(sorted(FAN)), st.booleans(), st.booleans())
def test_gradients_share_memory_with_nothing(name, functional, given_cotangent):
    x, y = leaf(tensor_core, 2, 2), leaf(tensor_core, 2, 2)
    out = FAN[name](x, y)
    cotangent = tensor_core.ones_like(out)
    if not given_cotangent:
        out = (out * 1).sum()
        cotangent = tensor_core.ones_like(out)
    if functional:
        grads = tensor_core.autograd.grad(out, [x, y], cotangent, allow_unused=True)
    else:
        out.backward(cotangent)
        grads = [x.grad, y.grad]
    arrays = [x, y, out, cotangent, *(g for g in grads if g is not None)]
    memories = [array(a) for a in arrays]
    for i, g in enumerate(memories[4:], 4):
        assert g.flags.writeable
        assert not any(np.shares_memory(g, m) for j, m in enumerate(memories) if j != i)
