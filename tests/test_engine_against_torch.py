"""What autograd does beyond numbers: the same short programs on torch and on tensor_core."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from programs import Programs, equal, leaf, told
from side_by_side import BOTH, array, tally

import tensor_core

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
def write_a_recorded_factor_into_a_buffer(t):
    w, buffer = leaf(t, 3), t.ones(3, dtype=t.float64)
    buffer *= w
    buffer.mul_(w)
    buffer.addcmul_(w, w)
    buffer[1:] /= w[1:]
    buffer.sum().backward()
    return w.grad, buffer


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


@pytest.mark.filterwarnings("ignore:Using backward.. with create_graph")
@pytest.mark.parametrize("name", program)
def test_program(name):
    theirs, ours = (told(library, program[name]) for library in BOTH)
    equal(ours, theirs)
    tally["engine programs beside torch"] += 1


# -- memory ----------------------------------------------------------------------------------------


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
