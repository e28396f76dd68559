"""In-place operations and views under autograd: versions, leaves, chains, shared memory."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tensor_core as torch


def leaf(*values):
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


# -- versions ------------------------------------------------------------------------------------


def test_every_write_raises_the_version_all_views_share():
    x = torch.zeros(2, 3)
    row, base = x[0], x._version
    row.add_(1)
    x.mul_(2)
    x[1, 2] = 5
    row.fill_(3)
    assert x._version == row._version == base + 4
    assert x.detach()._version == x._version
    assert x.data._version == 0


STALE = [
    ("mul", lambda a, b: a * b, "add_"),
    ("pow", lambda a, b: a**2, "mul_"),
    ("matmul", lambda a, b: a @ b, "zero_"),
    ("div", lambda a, b: b / a, "exp_"),
    ("cat", lambda a, b: torch.einsum("i,i->", a, b), "neg_"),
]


@pytest.mark.parametrize("name, use, change", STALE)
def test_a_stale_saved_input_raises_and_names_the_op(name, use, change):
    x, w = leaf(1.0, 2.0), leaf(3.0, 4.0)
    a = x * 1
    y = use(a, w)
    arguments = (1.0,) if change in ("add_", "mul_") else ()
    getattr(a, change)(*arguments)
    op = y.grad_fn.op.name
    with pytest.raises(RuntimeError, match=rf"^{op}: .*modified by an inplace operation"):
        y.sum().backward()


def test_a_stale_saved_output_raises():
    x = leaf(0.5, 1.0)
    for name in ("exp", "tanh", "sigmoid", "sqrt", "softmax"):
        y = getattr(x, name)(*((0,) if name == "softmax" else ()))
        z = (y * 3).sum()
        y.add_(1)
        with pytest.raises(RuntimeError, match=f"^{name}: one of the variables"):
            z.backward()


def test_what_no_rule_saved_may_change():
    x = leaf(1.0, 2.0)
    a = x * 3  # saves 3, not x
    b = a + 1  # saves nothing
    a.add_(1)
    b.mul_(2)
    c = torch.cat([a, b])  # saves the lengths alone
    a.add_(1)
    (a.sum() + b.sum() + c.sum()).backward()
    assert x.grad.tolist() == [18.0, 18.0]


def test_a_write_through_a_view_or_detached_alias_makes_the_value_stale():
    for view in (lambda t: t[0:1], lambda t: t.detach(), lambda t: t.view(2, 1)[1]):
        x = leaf(1.0, 2.0)
        a = x * 1
        y = (a * a).sum()
        view(a).add_(1)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            y.backward()


def test_data_writes_past_the_guard():
    x = leaf(1.0, 2.0)
    a = x * 1
    y = (a * a).sum()
    a.data.add_(1)  # as torch has it: .data hides the change, so the gradient sees it
    y.backward()
    assert x.grad.tolist() == [4.0, 6.0]


def test_saved_tensors_of_a_function_are_guarded():
    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, g):
            return 2 * g * ctx.saved_tensors[0]

    x = leaf(1.0, 2.0)
    a = x * 1
    y = Square.apply(a).sum()
    a.zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()


# -- leaves --------------------------------------------------------------------------------------


def test_a_leaf_that_requires_grad_refuses_writes():
    x = leaf(1.0, 2.0)
    for change in (lambda: x.add_(1), lambda: x.__setitem__(0, 5), lambda: x.zero_()):
        with pytest.raises(RuntimeError, match="leaf Variable that requires grad"):
            change()
    with pytest.raises(RuntimeError, match="a view of a leaf Variable"):
        x[0:1].add_(1)
    with pytest.raises(RuntimeError, match="leaf Variable that requires grad"):
        x += 1
    assert x.tolist() == [1.0, 2.0] and x._version == 0


def test_without_recording_a_leaf_may_be_changed():
    x = leaf(1.0, 2.0)
    with torch.no_grad():
        x.sub_(0.5)
        x[0] = 7
    assert x.tolist() == [7.0, 1.5] and x.requires_grad and x.is_leaf
    x.data.mul_(2)
    x.detach().add_(1)
    assert x.tolist() == [15.0, 4.0] and x.is_leaf


def test_a_plain_leaf_joins_the_graph_when_written_to():
    x, buffer = leaf(1.0, 2.0), torch.zeros(3, dtype=torch.float64)
    buffer[1:] = x * 2
    assert buffer.requires_grad and not buffer.is_leaf
    (buffer * torch.tensor([1.0, 10.0, 100.0], dtype=torch.float64)).sum().backward()
    assert x.grad.tolist() == [20.0, 200.0]


def test_types_and_shapes_must_fit():
    x = torch.zeros(2, 3)
    with pytest.raises(RuntimeError, match="doesn't match the broadcast shape"):
        x.add_(torch.zeros(4, 2, 3))
    with pytest.raises(RuntimeError, match="result type float32 can't be cast to"):
        torch.zeros(2, dtype=torch.int64).add_(1.5)
    with pytest.raises(RuntimeError, match="single memory location"):
        torch.zeros(1, 3).expand(2, 3).add_(1)
    assert torch.zeros(2).add_(torch.ones(2, dtype=torch.float64)).dtype is torch.float32


# -- views ---------------------------------------------------------------------------------------


def test_chains_of_views_change_together():
    a = torch.arange(12.0)
    grid = a.view(3, 4)
    corner = grid.t()[1:3][:, 1:]
    corner.mul_(-1)
    expected = np.arange(12.0).reshape(3, 4)
    expected.T[1:3, 1:] *= -1
    assert a.tolist() == expected.ravel().tolist()
    assert np.shares_memory(a.numpy(), corner.numpy())


def test_writing_to_a_view_changes_the_base_in_the_graph():
    x = leaf(1.0, 2.0, 3.0)
    base = x * 1
    part = base[1:]
    part.mul_(10)
    (base**2).sum().backward()
    assert x.grad.tolist() == [2.0, 400.0, 600.0]


def test_writing_to_the_base_changes_a_view_in_the_graph():
    x = leaf(1.0, 2.0, 3.0)
    base = x * 1
    part = base[1:]
    base.mul_(10)
    assert part.grad_fn is not None
    (part**2).sum().backward()
    assert x.grad.tolist() == [0.0, 400.0, 600.0]


def test_writing_to_one_view_changes_another():
    x = leaf(1.0, 2.0, 3.0, 4.0)
    base = x * 1
    left, middle = base[:3], base[1:3]
    middle.square_()
    left.sum().backward()
    assert x.grad.tolist() == [1.0, 4.0, 6.0, 0.0]


def test_a_factor_from_the_memory_written_to_is_stale():
    for change in (lambda y: y.mul_(y), lambda y: y[0].mul_(y[1]), lambda y: y.copy_(y * y)):
        y = leaf(1.0, 2.0) * 1
        change(y)
        with pytest.raises(RuntimeError, match=r"^mul: .*clone"):
            y.sum().backward()


def test_a_view_through_many_steps_keeps_its_gradient():
    x = leaf(*range(6))
    base = x * 1
    part = base.view(2, 3).t().unsqueeze(0)[0, 1:].diagonal()
    part.mul_(5)  # elements (1, 0) and (2, 1) of the transposed: 1 and 5 of the base
    base.sum().backward()
    assert x.grad.tolist() == [1.0, 5.0, 1.0, 1.0, 1.0, 5.0]


def test_views_that_split_make_share_the_base_and_are_not_written_under_autograd():
    base = torch.arange(4.0)
    for k, part in enumerate(base.split(2)):
        part.mul_(k + 2)
    for part in base.view(2, 2).unbind(1):
        part.add_(1)
    assert base.tolist() == [1.0, 3.0, 7.0, 10.0]
    x = leaf(1.0, 2.0, 3.0, 4.0)
    for make in (lambda t: t.split(2)[0], lambda t: t.unbind()[1][None], lambda t: next(iter(t))):
        with pytest.raises(RuntimeError, match="one of several views"):
            make(x * 1).mul_(2)
    with torch.no_grad():
        base = x * 1
        base.chunk(2)[1].mul_(3)
    assert base.tolist() == [1.0, 2.0, 9.0, 12.0]


def test_what_is_expanded_can_be_filled_and_its_rows_written():
    x = torch.zeros(3)
    y = x.expand(2, 3)
    y[0] = torch.tensor([1.0, 2.0, 3.0])
    y[1].mul_(2)
    assert x.tolist() == [2.0, 4.0, 6.0] and y.tolist() == [x.tolist()] * 2
    y.fill_(7)
    assert x.tolist() == [7.0] * 3
    for write in (lambda: y.add_(1), lambda: y.copy_(x), lambda: y[:, 0].mul_(2)):
        with pytest.raises(RuntimeError, match="single memory location"):
            write()
    assert x.tolist() == [7.0] * 3


def test_a_value_wholly_overwritten_leaves_a_gradient_of_zero():
    x = leaf(1.0, 2.0)
    for overwrite in (
        lambda t: t.fill_(3), lambda t: t.zero_(), lambda t: t.copy_(torch.ones(2)),
        lambda t: t.__setitem__(slice(None), 1.0), lambda t: t.normal_(),
    ):  # fmt: skip
        x.grad = None
        y = x * 1
        overwrite(y)
        y.sum().backward()
        assert x.grad.tolist() == [0.0, 0.0]


def test_an_output_saved_by_an_op_in_place_is_guarded():
    x = leaf(0.5)
    y = (x * 1).tanh_()
    y.add_(1)
    with pytest.raises(RuntimeError, match=r"^tanh: .*modified by an inplace"):
        y.sum().backward()


def test_augmented_assignment_to_an_element():
    x = leaf(1.0, 2.0, 3.0)
    y = x * 1
    version = y._version
    y[1] += 10
    y[0] *= y[2].clone()
    assert y.tolist() == [3.0, 12.0, 3.0] and y._version == version + 2
    y.sum().backward()
    assert x.grad.tolist() == [3.0, 1.0, 2.0]


def test_augmented_assignment_at_index_arrays():
    x = leaf(1.0, 2.0, 3.0)
    y = x * 1
    y[torch.tensor([0, 2])] *= 10
    y[y > 25] -= 1
    assert y.tolist() == [10.0, 2.0, 29.0]
    y.sum().backward()
    assert x.grad.tolist() == [10.0, 1.0, 10.0]


def test_named_writes_carry_gradients():
    x, v = leaf(1.0, 2.0, 3.0), torch.tensor(5.0, dtype=torch.float64, requires_grad=True)
    y = x * 2
    y.masked_fill_(torch.tensor([True, False, True]), v)
    y.clamp_(max=4.5)
    y[1:].copy_(x[:2] * 3)
    assert y.tolist() == [4.5, 3.0, 6.0]
    y.sum().backward()
    assert x.grad.tolist() == [3.0, 3.0, 0.0] and v.grad.item() == 0.0
    z = x * 2
    z.fill_(v)
    z.sum().backward()
    assert v.grad.item() == 3.0


CHANGES = st.sampled_from(["mul", "add", "copy", "square", "neg", "fill"])
VIEWS = st.sampled_from(["all", "row", "column", "flat", "turned", "one"])


@given(st.lists(st.tuples(VIEWS, CHANGES), min_size=1, max_size=6))
def test_any_sequence_of_writes_equals_the_same_with_copies(steps):
    """The gradient after writes in place is that of a program that only makes new tensors."""
    start = np.linspace(0.5, 1.4, 6).reshape(2, 3)
    x = torch.tensor(start, requires_grad=True)
    y = x * 1
    held = {name: view(y) for name, view in LOOK.items()}
    w = torch.tensor(start, requires_grad=True)
    z = w * 1
    for where, what in steps:
        CHANGE[what](held[where])
        z = with_change(z, where, what)
    np.testing.assert_array_equal(y.detach().numpy(), z.detach().numpy())
    weights = torch.tensor(np.arange(1.0, 7).reshape(2, 3))
    total = (y * weights).sum() + held["turned"].square().sum() + (held["row"] * 3).sum()
    expected = (z * weights).sum() + z.square().sum() + (z[1] * 3).sum()
    assert total.item() == pytest.approx(expected.item())
    total.backward()
    expected.backward()
    found = np.zeros((2, 3)) if x.grad is None else x.grad.numpy()  # None: all was overwritten
    np.testing.assert_allclose(found, w.grad.numpy(), rtol=1e-12)


LOOK = {
    "all": lambda t: t,
    "row": lambda t: t[1],
    "column": lambda t: t[:, 1:2],
    "flat": lambda t: t.view(6)[1:4],
    "turned": lambda t: t.t(),
    "one": lambda t: t[0, 2],
}
CHANGE = {
    "mul": lambda t: t.mul_(0.7),
    "add": lambda t: t.add_(1.5),
    "copy": lambda t: t.copy_(t.detach() * 0 + 0.3),
    "square": lambda t: t.square_(),
    "neg": lambda t: t.neg_(),
    "fill": lambda t: t.fill_(0.25),
}
PURE = {
    "mul": lambda t: t * 0.7,
    "add": lambda t: t + 1.5,
    "copy": lambda t: t.detach() * 0 + 0.3,
    "square": lambda t: t * t,
    "neg": lambda t: -t,
    "fill": lambda t: t.detach() * 0 + 0.25,
}


def with_change(z, where, what):
    """A new tensor: the region that ``where`` looks at changed, the rest as it was."""
    region = torch.zeros(2, 3, dtype=torch.bool)
    LOOK[where](region).fill_(True)
    return torch.where(region, PURE[what](z), z)


# -- out=, detach, data --------------------------------------------------------------------------


def test_out():
    out = torch.empty(2)
    assert torch.add(torch.ones(2), 1, out=out) is out and out.tolist() == [2.0, 2.0]
    before = out._version
    torch.exp(torch.zeros(2), out=out)
    assert out.tolist() == [1.0, 1.0] and out._version == before + 1
    with pytest.raises(RuntimeError, match="don't support automatic differentiation"):
        torch.mul(leaf(1.0), 2, out=torch.empty(1, dtype=torch.float64))
    with torch.no_grad():
        w = leaf(1.0)
        torch.mul(w, 2, out=w)
    assert w.tolist() == [2.0]


def test_detach_shares_memory_and_leaves_the_graph():
    x = leaf(1.0, 2.0)
    y = x * 2
    d = y.detach()
    assert not d.requires_grad and d.is_leaf and np.shares_memory(d.numpy(), d.numpy())
    assert d.data_ptr() == y.data_ptr() == y.data.data_ptr()
    d.zero_()
    assert y.tolist() == [0.0, 0.0]
    y.detach_()
    assert y.is_leaf and not y.requires_grad
    with pytest.raises(RuntimeError, match="Can't detach views"):
        (x * 2)[0:1].detach_()


def test_data_can_be_replaced():
    x = leaf(1.0, 2.0)
    x.data = torch.zeros(3)
    assert x.shape == (3,) and x.requires_grad and x.is_leaf
    with pytest.raises(RuntimeError, match="must be floating"):
        x.data = torch.zeros(3, dtype=torch.int64)


def test_requires_grad_rules():
    with pytest.raises(RuntimeError, match="only Tensors of floating point"):
        torch.zeros(2, dtype=torch.int64).requires_grad_()
    with pytest.raises(RuntimeError, match="leaf variables"):
        (leaf(1.0) * 2).requires_grad_(False)
    frozen = leaf(1.0).requires_grad_(False)
    assert not (frozen * 2).requires_grad
