"""NumPy functions on Tensors, custom Functions, autograd.functional, the type stub."""

import ast
from pathlib import Path

import numpy as np
import pytest

import tensor_core as torch
from tensor_core import Tensor, _methods, _protocols
from tensor_core.autograd import functional


def leaf(*values):
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


# -- NumPy's protocols ---------------------------------------------------------------------------

ONE = [np.exp, np.log, np.sqrt, np.sin, np.tanh, np.negative, np.square, np.floor, np.isfinite,
       np.log1p, np.arctan, np.sign, np.reciprocal, np.absolute]  # fmt: skip
TWO = [np.add, np.subtract, np.multiply, np.true_divide, np.power, np.maximum, np.less, np.equal,
       np.matmul, np.remainder]  # fmt: skip


@pytest.mark.parametrize("ufunc", ONE, ids=lambda f: f.__name__)
def test_ufuncs_of_one(ufunc):
    x = leaf(0.3, 1.7)
    y = ufunc(x)
    assert isinstance(y, Tensor)
    np.testing.assert_allclose(y.detach().numpy(), ufunc(np.array([0.3, 1.7])))
    assert y.requires_grad == y.is_floating_point()


@pytest.mark.parametrize("ufunc", TWO, ids=lambda f: f.__name__)
def test_ufuncs_of_two_in_either_place(ufunc):
    x, a = leaf(0.3, 1.7), np.array([2.0, 0.5])
    for left, right in ((x, a), (a, x), (x, x)):
        y = ufunc(left, right)
        plain = [v.detach().numpy() if isinstance(v, Tensor) else v for v in (left, right)]
        assert isinstance(y, Tensor) and y.requires_grad == y.is_floating_point()
        np.testing.assert_allclose(y.detach().numpy(), ufunc(*plain))


def test_every_ufunc_of_the_table_agrees_with_numpy():
    x = np.array([0.2, 0.9])
    for ufunc in _protocols.UFUNCS:
        if ufunc.__name__.startswith("bitwise") or ufunc is np.invert:
            args = [np.array([1, 6]), np.array([3, 2])]
        else:
            args = [x, np.array([0.4, 2.0])]
        args = args[: ufunc.nin]
        expected = ufunc(*args)
        found = ufunc(*[torch.tensor(a) for a in args])
        np.testing.assert_allclose(found.numpy(), expected, err_msg=ufunc.__name__)


def test_operators_with_arrays_and_numpy_scalars():
    x = leaf(1.0, 2.0)
    a = np.array([3.0, 4.0])
    for y, expected in ((a * x, [3, 8]), (x * a, [3, 8]), (a - x, [2, 2]), (a / x, [3, 2]),
                        (np.float64(2) ** x, [2, 4]), (np.float32(3) + x, [4, 5])):  # fmt: skip
        assert isinstance(y, Tensor) and y.requires_grad and y.tolist() == expected
    (a @ x).backward()
    assert x.grad.tolist() == [3.0, 4.0]
    assert (np.eye(2) @ x).tolist() == [1.0, 2.0]
    assert (a < x).tolist() == [False, False]


CALLS = {
    "sum": lambda x: np.sum(x, axis=1),
    "sum of all": lambda x: np.sum(x),
    "mean": lambda x: np.mean(x, 0, keepdims=True),
    "max": lambda x: np.max(x, axis=-1),
    "min": lambda x: np.min(x),
    "prod": lambda x: np.prod(x, axis=0),
    "cumsum": lambda x: np.cumsum(x, axis=1),
    "reshape": lambda x: np.reshape(x, (3, 2)),
    "transpose": lambda x: np.transpose(x),
    "transpose axes": lambda x: np.transpose(x, (1, 0)),
    "swapaxes": lambda x: np.swapaxes(x, 0, 1),
    "moveaxis": lambda x: np.moveaxis(x, 0, -1),
    "broadcast_to": lambda x: np.broadcast_to(x, (4, 2, 3)),
    "squeeze": lambda x: np.squeeze(np.expand_dims(x, 1), 1),
    "flip": lambda x: np.flip(x, 1),
    "flip all": lambda x: np.flip(x),
    "roll": lambda x: np.roll(x, 1),
    "concatenate": lambda x: np.concatenate([x, x], axis=1),
    "stack": lambda x: np.stack([x, x], axis=-1),
    "where": lambda x: np.where(np.array([True, False, True]), x, 0.0),
    "take": lambda x: np.take(x, 1, axis=1),
    "tril": lambda x: np.tril(x),
    "triu": lambda x: np.triu(x, 1),
    "clip": lambda x: np.clip(x, -0.5, 0.5),
    "einsum": lambda x: np.einsum("ij,kj->ik", x, x),
    "dot": lambda x: np.dot(x, np.ones(3)),
    "outer": lambda x: np.outer(x[0], x[1]),
    "zeros_like": lambda x: np.zeros_like(x),
    "ones_like": lambda x: np.ones_like(x),
}


@pytest.mark.parametrize("name", CALLS)
def test_numpy_functions(name):
    a = np.array([[0.3, -1.2, 0.8], [1.9, 0.1, -0.7]])
    x = torch.tensor(a, requires_grad=True)
    y = CALLS[name](x)
    assert isinstance(y, Tensor)
    np.testing.assert_allclose(y.detach().numpy(), CALLS[name](a))
    if not name.endswith("_like"):
        y.sum().backward()
        assert x.grad.shape == (2, 3)


def test_shapes_are_plain_python():
    x = torch.zeros(2, 3)
    assert np.shape(x) == (2, 3) and type(np.shape(x)) is tuple
    assert np.ndim(x) == 2 and np.size(x) == 6


def test_what_has_no_counterpart_says_so():
    x = leaf(1.0, 2.0)
    with pytest.raises(TypeError, match=r"np.linspace|np.fft|np.gradient .*detach\(\).numpy\(\)"):
        np.gradient(x)
    with pytest.raises(TypeError, match=r"np.arctan2 has no differentiable counterpart; convert"):
        np.arctan2(x, x)
    with pytest.raises(TypeError, match=r"np.add.reduce has no differentiable counterpart"):
        np.add.reduce(x)
    with pytest.raises(TypeError, match=r"np.exp on a Tensor takes no out"):
        np.exp(x, out=np.zeros(2))


def test_asarray_gives_the_memory_and_refuses_to_drop_a_graph():
    t = torch.zeros(2)
    a = np.asarray(t)
    a[0] = 3
    assert t.tolist() == [3.0, 0.0]
    assert np.array(t).base is None and np.asarray(t, dtype=np.float64).dtype == np.float64
    with pytest.raises(RuntimeError, match=r"Use tensor.detach\(\).numpy\(\)"):
        np.asarray(leaf(1.0))
    assert leaf(1.0).numpy(force=True).tolist() == [1.0]


# -- Function ------------------------------------------------------------------------------------


class Pair(torch.autograd.Function):
    """Sum and product, with a number and a frozen input between."""

    @staticmethod
    def forward(ctx, x, scale, y):
        ctx.save_for_backward(x, y)
        ctx.scale = scale
        return x + y, x * y * scale

    @staticmethod
    def backward(ctx, gs, gp):
        x, y = ctx.saved_tensors
        assert ctx.needs_input_grad == (x.requires_grad, False, y.requires_grad)
        return gs + gp * y * ctx.scale, None, gs + gp * x * ctx.scale


def test_function_with_several_outputs():
    x, y = leaf(2.0), leaf(3.0)
    s, p = Pair.apply(x, 10.0, y)
    assert s.grad_fn.name() == p.grad_fn.name() == "PairBackward"
    (s * 2 + p).sum().backward()
    assert x.grad.item() == 32.0 and y.grad.item() == 22.0


def test_a_missing_cotangent_arrives_as_zeros():
    x, y = leaf(2.0), leaf(3.0)
    Pair.apply(x, 10.0, y)[1].sum().backward()
    assert x.grad.item() == 30.0


def test_function_differentiated_twice():
    x, y = leaf(2.0), leaf(3.0)
    p = Pair.apply(x, 1.0, y)[1]
    (g,) = torch.autograd.grad(p.sum(), x, create_graph=True)
    assert torch.autograd.grad(g.sum(), y)[0].item() == 1.0


def test_function_unrecorded_and_retained():
    x = leaf(2.0)
    with torch.no_grad():
        assert not Pair.apply(x, 1.0, x)[0].requires_grad
    s = Pair.apply(x, 1.0, x)[0].sum()
    s.backward(retain_graph=True)
    s.backward()
    with pytest.raises(RuntimeError, match="second time"):
        s.backward()
    assert x.grad.item() == 4.0


def test_setup_context_and_marks():
    class Split(torch.autograd.Function):
        @staticmethod
        def forward(x):
            return x * 2, x > 1

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.mark_non_differentiable(output[1])
            ctx.set_materialize_grads(False)

        @staticmethod
        def backward(ctx, g, mask):
            assert mask is None
            return g * 2

    x = leaf(0.5, 2.0)
    doubled, mask = Split.apply(x)
    assert doubled.requires_grad and not mask.requires_grad
    doubled.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


def test_a_wrong_number_of_gradients_is_named():
    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, y):
            return x + y

        @staticmethod
        def backward(ctx, g):
            return g

    with pytest.raises(RuntimeError, match=r"WrongBackward .*expected 2, got 1"):
        Wrong.apply(leaf(1.0), leaf(1.0)).sum().backward()


# -- functional ----------------------------------------------------------------------------------


def cubes(x, y):
    return (x**3 * y).sum()


def test_jacobian_nests_as_outputs_by_inputs():
    x, y = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])
    j = functional.jacobian(lambda a: a.outer(a), x)
    assert j.shape == (2, 2, 2) and j[0, 1].tolist() == [2.0, 1.0]
    rows = functional.jacobian(lambda a, b: (a * b, a.sum()), (x, y))
    assert [[tuple(c.shape) for c in r] for r in rows] == [[(2, 2), (2, 2)], [(2,), (2,)]]
    assert rows[0][0].tolist() == [[3.0, 0.0], [0.0, 4.0]] and rows[1][1].tolist() == [0.0, 0.0]


def test_hessian():
    x, y = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])
    (xx, xy), (yx, yy) = functional.hessian(cubes, (x, y))
    assert xx.tolist() == [[18.0, 0.0], [0.0, 48.0]] and not yy.any()
    assert torch.equal(xy, yx.t()) and xy.tolist() == [[3.0, 0.0], [0.0, 12.0]]


def test_products_with_the_jacobian_agree_with_it():
    x = torch.tensor([0.3, 1.2, -0.4], dtype=torch.float64)
    f = lambda a: torch.stack([a.prod(), (a * a).sum()])  # noqa: E731
    j = functional.jacobian(f, x)
    u, v = torch.tensor([2.0, -1.0]).double(), torch.tensor([1.0, 0.5, 3.0]).double()
    y, vjp = functional.vjp(f, x, u)
    z, jvp = functional.jvp(f, x, v)
    assert torch.allclose(vjp, u @ j) and torch.allclose(jvp, j @ v) and torch.equal(y, z)
    assert not vjp.requires_grad and not x.requires_grad


def test_products_with_the_hessian_agree_with_it():
    x = torch.tensor([0.3, 1.2], dtype=torch.float64)
    v = torch.tensor([1.0, 2.0], dtype=torch.float64)
    f = lambda a: (a.sin() * a.prod()).sum()  # noqa: E731
    h = functional.hessian(f, x)
    y, hv = functional.hvp(f, x, v)
    assert torch.allclose(hv, h @ v) and y.item() == pytest.approx(f(x).item())
    assert torch.allclose(functional.vhp(f, x, v)[1], v @ h)


def test_functions_of_no_input_have_zero_jacobians():
    x = torch.tensor([1.0, 2.0])
    assert functional.jacobian(lambda a: torch.ones(2), x).tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_create_graph_differentiates_the_jacobian():
    x = leaf(1.0, 2.0)
    j = functional.jacobian(lambda a: a**3, x, create_graph=True)
    j.sum().backward()
    assert x.grad.tolist() == [6.0, 12.0]


# -- the stub ------------------------------------------------------------------------------------


def test_the_stub_names_exactly_the_methods_that_are_attached():
    stub = ast.parse(Path(_methods.__file__).with_name("_method_types.pyi").read_text())
    (cls,) = [node for node in stub.body if isinstance(node, ast.ClassDef)]
    named = [n.name for n in cls.body if isinstance(n, ast.FunctionDef)]
    named += [n.target.id for n in cls.body if isinstance(n, ast.AnnAssign)]
    assert len(named) == len(set(named))
    own = set(vars(Tensor))
    tables = {*_methods.DIRECT, *_methods.ADAPTED, *_methods.ALIASES, *_methods.RANDOM,
              *_methods.CONVERSIONS, *_methods.OPERATORS, *_methods.IN_PLACE_OPERATORS,
              *_methods.PROPERTIES, "real", "imag"}  # fmt: skip
    tables |= {f"{n}_" for n in (*_methods.IN_PLACE, *_methods.TRUTHS)}
    tables |= {f"{n}_" for n in _methods.ALIASES if f"{n}_" in own}
    assert set(named) == tables
    assert tables <= own
