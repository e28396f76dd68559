"""Autograd as a user meets it: hooks, nodes, custom functions, Jacobians, checks and modes."""

import gc
import threading
import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tensor_core as torch
from tensor_core.autograd import Function, functional
from tensor_core.autograd.function import once_differentiable
from tensor_core.autograd.gradcheck import GradcheckError, gradcheck, gradgradcheck
from tensor_core.autograd.graph import GradientEdge, Node, get_gradient_edge, save_on_cpu


def leaf(*values):
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


# -- hooks -----------------------------------------------------------------------------------------


def test_a_step_inside_the_hook_after_accumulation():
    x = leaf(1.0, 2.0)

    def step(p):
        with torch.no_grad():
            p -= 0.5 * p.grad
        p.grad = None

    handle = x.register_post_accumulate_grad_hook(step)
    (x * x).sum().backward()
    assert x.tolist() == [0.0, 0.0] and x.grad is None
    handle.remove()
    x.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]


def test_leaves_with_hooks_hear_before_deeper_nodes():
    heard = []
    x, a, b = leaf(2.0), leaf(3.0), leaf(4.0)
    y = x * a
    for name, t in (("x", x), ("a", a), ("b", b), ("y", y)):
        t.register_hook(lambda g, name=name: heard.append(name))
    (y * b).sum().backward()
    assert heard.index("b") < heard.index("a") and heard.index("y") < heard.index("x")
    assert [t.grad.item() for t in (x, a, b)] == [12.0, 8.0, 6.0]


def test_hooks_of_leaves_outside_the_question_are_not_called():
    x, w = leaf(2.0), leaf(3.0)
    w.register_hook(lambda g: pytest.fail("nobody asked for w"))
    assert torch.autograd.grad(x * w, x)[0].item() == 3.0
    assert w.grad is None


@pytest.mark.parametrize(
    ("result", "error", "words"),
    [
        (lambda g: 3.0, TypeError, "returned 'float'"),
        (lambda g: g.sum(), RuntimeError, "changed the size"),
        (lambda g: g.float(), RuntimeError, "changed the type"),
    ],
)
def test_what_a_hook_may_not_return(result, error, words):
    x = leaf(1.0, 2.0)
    x.register_hook(result)
    with pytest.raises(error, match=words):
        (x * 2).sum().backward()


def test_a_retained_gradient_follows_its_tensor_and_its_hooks():
    x = leaf(1.0, 2.0)
    y = x * 3
    y.retain_grad()
    y.mul_(2)
    y.register_hook(lambda g: g * 5)
    y.sum().backward()
    assert y.grad.tolist() == [5.0, 5.0] and x.grad.tolist() == [30.0, 30.0]


def test_the_gradient_of_a_non_leaf_is_missed_aloud():
    y = leaf(1.0) * 2
    with pytest.warns(UserWarning, match="not a leaf"):
        assert y.grad is None


def test_a_gradient_with_a_graph_warns_of_the_cycle():
    x = leaf(2.0)
    with pytest.warns(UserWarning, match="reference cycle"):
        (x**3).backward(create_graph=True)
    assert torch.autograd.grad(x.grad, x)[0].item() == 12.0


def test_hooks_around_a_node():
    x, seen = leaf(1.0, 2.0), []
    y = x.exp()
    y.grad_fn.register_prehook(lambda go: seen.append("before") or (go[0] * 2,))
    handle = y.grad_fn.register_hook(lambda gi, go: seen.append(len(gi)) or (gi[0] * 0 + 1,))
    z = y.sum()
    z.backward(retain_graph=True)
    assert x.grad.tolist() == [1.0, 1.0] and seen == ["before", 1]
    handle.remove()
    x.grad = None
    z.backward()
    np.testing.assert_allclose(x.grad.numpy(), 2 * np.exp([1.0, 2.0]))


def test_hooks_of_a_node_see_an_anomaly():
    x = leaf(0.0)
    y = x.sqrt()
    x.register_hook(lambda g: None)
    y.grad_fn.register_hook(lambda gi, go: (gi[0] * float("nan"),))
    wrong = pytest.raises(RuntimeError, match="nan values")
    with torch.autograd.set_detect_anomaly(True), wrong:
        y.backward()


def test_the_graph_can_be_walked():
    x, w = leaf(1.0, 2.0), torch.ones(2, dtype=torch.float64)
    y = (x * w).sum()
    (node, index), *rest = y.grad_fn.next_functions
    assert isinstance(node, Node) and index == 0 and not rest
    assert node.name() == "MulBackward0"
    accumulator, none = (f for f, _ in node.next_functions)
    assert accumulator.variable is x and none is None
    assert accumulator is node.next_functions[0][0]
    node.metadata["seen"] = True
    assert node.metadata == {"seen": True} and y.grad_fn.metadata == {}
    assert get_gradient_edge(x) == GradientEdge(accumulator, 0)
    with pytest.raises(RuntimeError, match="does not require"):
        get_gradient_edge(w)
    with save_on_cpu():
        assert x.exp().requires_grad


def test_what_the_graph_module_lacks_is_said():
    with pytest.raises(AttributeError, match="saved_tensors_hooks"):
        torch.autograd.graph.saved_tensors_hooks
    with pytest.raises(AttributeError, match="forward_ad"):
        torch.autograd.forward_ad


# -- custom functions ------------------------------------------------------------------------------


class Exp(Function):
    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(x, y)
        ctx.note = "free"
        return y

    @staticmethod
    def backward(ctx, g):
        _, y = ctx.saved_tensors
        return g * y


def test_a_custom_function_leaves_no_cycle():
    gc.collect()
    gc.disable()
    try:
        x = leaf(1.0, 2.0)
        y = Exp.apply(x)
        refs = [weakref.ref(y), weakref.ref(y.grad_fn), weakref.ref(y.grad_fn.ctx)]
        y.sum().backward()
        del y
        assert [ref() for ref in refs] == [None] * 3
    finally:
        gc.enable()


def test_saved_tensors_are_freed_by_backward():
    y = Exp.apply(leaf(1.0, 2.0) * 1)
    kept = weakref.ref(y.grad_fn.saved_tensors[0])
    assert kept() is not None and y.grad_fn.note == "free"
    y.sum().backward()
    assert kept() is None
    with pytest.raises(RuntimeError, match="second time"):
        y.grad_fn.saved_tensors
    with pytest.raises(RuntimeError, match="second time"):
        y.sum().backward()


@given(st.lists(st.floats(-2, 2), min_size=1, max_size=4))
def test_a_saved_output_has_all_derivatives(values):
    x = leaf(*values)
    y = Exp.apply(x)
    for _ in range(3):
        (y,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    np.testing.assert_allclose(y.detach().numpy(), np.exp(values))


def test_a_saved_output_that_changes_is_noticed():
    y = Exp.apply(leaf(1.0, 2.0))
    with torch.no_grad():
        y.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace"):
        y.sum().backward()


class Handed(Function):
    @staticmethod
    def forward(ctx, x):
        return x

    @staticmethod
    def backward(ctx, g):
        return g * 7


def test_an_input_handed_through_is_guarded_like_a_view():
    x = leaf(1.0, 2.0)
    y = Handed.apply(x)
    assert y is not x and y._is_view()
    with pytest.raises(RuntimeError, match="custom Function"):
        Handed.apply(x * 1).mul_(2)
    y = Handed.apply(x)
    with torch.no_grad():
        x.add_(1)
    for _ in range(2):  # at every try
        with pytest.raises(RuntimeError, match="custom Function"):
            y.sum().backward()


def test_once_differentiable_refuses_the_second_time():
    class Square(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        @once_differentiable
        def backward(ctx, g):
            return 2 * ctx.saved_tensors[0] * g

    x = leaf(1.0, 2.0)
    y = Square.apply(x * 1) * x
    (g,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    assert g.tolist() == [3.0, 12.0]
    with pytest.raises(RuntimeError, match="once_differentiable"):
        g.sum().backward()


@pytest.mark.parametrize(
    ("gradient", "words"),
    [
        (lambda g: (g, g), "incorrect number of gradients"),
        (lambda g: g[:1], "expected shape compatible with"),
        (lambda g: 3.0, "a gradient is a Tensor or None"),
    ],
)
def test_wrong_gradients_are_named(gradient, words):
    class Odd(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return gradient(g)

    with pytest.raises(RuntimeError, match="OddBackward.*" + words):
        Odd.apply(leaf(1.0, 2.0, 3.0)).sum().backward()


# -- functional and checks -------------------------------------------------------------------------

MATRIX = st.lists(st.lists(st.floats(-3, 3), min_size=3, max_size=3), min_size=1, max_size=4)


@given(MATRIX, st.lists(st.floats(-2, 2), min_size=3, max_size=3))
def test_jacobians_and_products_of_a_quadratic(rows, values):
    a, x = torch.tensor(rows, dtype=torch.float64), torch.tensor(values, dtype=torch.float64)

    def f(x):
        return a @ (x * x)

    j = functional.jacobian(f, x).numpy()
    np.testing.assert_allclose(j, 2 * a.numpy() * x.numpy(), atol=1e-12)
    np.testing.assert_allclose(functional.jvp(f, x, x)[1].numpy(), j @ x.numpy(), atol=1e-12)
    v = torch.ones(len(rows), dtype=torch.float64)
    np.testing.assert_allclose(functional.vjp(f, x, v)[1].numpy(), j.sum(0), atol=1e-12)

    def g(x):
        return f(x).sum()

    h = functional.hessian(g, x).numpy()
    np.testing.assert_allclose(h, np.diag(2 * a.numpy().sum(0)), atol=1e-12)
    for product in (functional.hvp, functional.vhp):
        np.testing.assert_allclose(product(g, x, x)[1].numpy(), h @ x.numpy(), atol=1e-12)


def test_a_batch_of_cotangents_is_a_loop():
    x = leaf(1.0, 2.0, 3.0)
    y = x.exp()
    eye = torch.eye(3, dtype=torch.float64)
    (g,) = torch.autograd.grad(y, x, eye, is_grads_batched=True, create_graph=True)
    assert torch.equal(g, torch.diag(y)) and g.requires_grad
    np.testing.assert_allclose(torch.autograd.grad(g.sum(), x)[0].numpy(), y.detach().numpy())


class Wrong(Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, g):
        return g * 3


def test_gradcheck_finds_wrong_derivatives():
    x = leaf(0.3, 1.7)
    assert gradcheck(torch.sin, x) and gradgradcheck(torch.sin, x)
    with pytest.raises(GradcheckError, match="Jacobian mismatch"):
        gradcheck(Wrong.apply, x)
    assert not gradcheck(Wrong.apply, x, raise_exception=False)
    with pytest.raises(RuntimeError, match="forward-mode"):
        gradcheck(torch.sin, x, check_forward_ad=True)
    with pytest.raises(ValueError, match="require"):
        gradcheck(torch.sin, x.detach())
    with pytest.raises(RuntimeError, match="stride 0"):
        gradcheck(torch.sin, x[:1].detach().expand(3).requires_grad_())


def test_gradcheck_of_complex_numbers():
    z = torch.tensor([0.5 + 1j, -1.0 + 0.25j], dtype=torch.complex128, requires_grad=True)
    assert gradcheck(lambda z: z * z.conj(), z) and gradcheck(lambda z: z.abs(), z)
    assert gradcheck(lambda z: z * z, z)


def test_gradcheck_notices_a_rule_that_adds():
    class Shifted(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, g):
            return g + 1e-6

    with pytest.raises(GradcheckError, match="not multiplied by grad_output"):
        gradcheck(Shifted.apply, leaf(1.0, 2.0))


# -- modes -----------------------------------------------------------------------------------------


def test_a_generator_leaves_its_caller_alone():
    @torch.no_grad()
    def steps():
        yield torch.is_grad_enabled()
        yield torch.is_grad_enabled()

    seen = [(inside, torch.is_grad_enabled()) for inside in steps()]
    assert seen == [(False, True)] * 2


def test_inference_records_nothing_whatever_is_asked():
    x = leaf(1.0)
    with torch.inference_mode(), torch.enable_grad():
        assert torch.is_grad_enabled()
        assert not (x * 2).requires_grad
    assert (x * 2).requires_grad


def test_tensors_of_inference_mode_cannot_be_told():
    with torch.inference_mode():
        made = torch.ones(1)
    with pytest.raises(RuntimeError, match="does not mark"):
        made.is_inference()
    assert not (leaf(1.0) * 2).is_inference()


def test_modes_of_threads_do_not_mix():
    seen = []
    with torch.inference_mode():
        thread = threading.Thread(
            target=lambda: seen.append((torch.is_grad_enabled(), torch.is_inference_mode_enabled()))
        )
        thread.start()
        thread.join()
    assert seen == [(True, False)]
