"""Hooks, grad modes and custom functions: the same short programs on torch and tensor_core."""

import threading

import pytest
from programs import Programs, equal, leaf, plain, told
from side_by_side import BOTH, tally

program = Programs()


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
