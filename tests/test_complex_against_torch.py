"""Complex numbers beside torch: every card that takes them, their parts and views, draws, printing.

Gradients are held equal to torch's, which are those of the real and imaginary parts; that they
descend is checked by finite differences over ``view_as_real``.
"""

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from op_cards import Call, cases
from side_by_side import BOTH, error_of, tally
from test_every_op import TRIED

import tensor_core
from tensor_core import registry

TOLERANCE = {"complex64": (2e-4, 2e-5), "complex128": (1e-8, 1e-10)}


def array(tensor):
    """The numbers of a tensor of either library."""
    if isinstance(tensor, torch.Tensor):
        return tensor.detach().resolve_conj().resolve_neg().numpy(force=True)
    return tensor.detach().numpy()


def weights(library, rng, y):
    """A random cotangent of the type of ``y``."""
    w = rng.normal(size=tuple(y.shape)) + 1j * rng.normal(size=tuple(y.shape))
    return library.from_numpy(np.asarray(w if y.is_complex() else w.real)).to(y.dtype)


def run(library, call, kind, order):
    """Outputs, gradients, and gradients of these, with floating arrays made complex."""
    inputs = []
    for i, a in enumerate(call.arrays):
        if a.dtype.kind == "f":
            turned = a + 1j * np.random.default_rng(i).uniform(-1, 1, a.shape)
            x = library.from_numpy(np.asarray(turned).astype(kind))
            inputs.append(x.requires_grad_() if i in call.wrt else x)
        else:
            inputs.append(library.from_numpy(np.array(a)))
    result = call(library, *inputs)
    levels = [list(result) if isinstance(result, tuple | list) else [result]]
    rng = np.random.default_rng(1)
    leaves = [x for x in inputs if x.requires_grad]
    for level in range(order):
        pairs = [(y, weights(library, rng, y)) for y in levels[-1]]
        pairs = [p for p in pairs if p[0].requires_grad]
        if not (pairs and leaves):
            break
        ys, gs = zip(*pairs, strict=True)
        found = library.autograd.grad(
            ys, leaves, gs, create_graph=level + 1 < order, allow_unused=True
        )
        kept = zip(leaves, found, strict=True)
        levels.append([x.detach() * 0 if g is None else g for x, g in kept])
    return levels


# Where torch takes complex numbers and tensor_core says that it does not.
REFUSED_HERE = {
    *("logcumsumexp", "logaddexp", "poisson_nll_loss", "mse_loss", "corrcoef"),
    *("triplet_margin_loss", "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d"),
}
# Where torch refuses, or refuses to differentiate, and the numbers are no matter of opinion.
TAKEN_HERE = {
    *("silu", "scatter", "scatter_add", "select_scatter", "slice_scatter", "embedding"),
    *("soft_margin_loss", "bilinear", "scatter_reduce", "index_reduce", "nan_to_num", "cond"),
    *("interpolate", "embedding_bag", "rnn_relu_cell", "floor_divide"),
}
# Where one library says that the second derivative is zero, and the other that there is none.
FIRST_ORDER = {"det", "vander"}
ELSEWHERE = {"as_strided_scatter"}


def attempt(library, call, kind, order):
    try:
        return run(library, call, kind, order)
    except (RuntimeError, TypeError, ValueError, IndexError, AssertionError) as error:
        return error


@pytest.mark.parametrize("kind", ["complex64", "complex128"])
@pytest.mark.parametrize("name", [n for n in TRIED if registry[n].torch and n not in ELSEWHERE])
@pytest.mark.filterwarnings("ignore")
def test_every_card(name, kind):
    """Values and derivatives are torch's; what torch refuses is refused."""
    order = 1 if kind == "complex64" or name in FIRST_ORDER else 2
    for number, case in cases(name):
        call = Call(registry[name], case)
        if not any(a.dtype.kind == "f" for a in call.arrays):
            continue
        theirs = attempt(torch, call, kind, min(order, case.max_order))
        ours = attempt(tensor_core, call, kind, min(order, case.max_order))
        where = f"case {number}, {case}"
        if isinstance(theirs, Exception):
            assert isinstance(ours, Exception) or name in TAKEN_HERE, f"{where}: torch: {theirs}"
            continue
        if isinstance(ours, Exception):
            assert name in REFUSED_HERE and "not implemented" in str(ours), f"{where}: {ours}"
            continue
        for what, a, b in zip(("value", "gradient", "second"), ours, theirs, strict=False):
            for x, y in zip(map(array, a), map(array, b), strict=True):
                assert (x.dtype, x.shape) == (y.dtype, y.shape), f"{where}: {what}"
                np.testing.assert_allclose(
                    x, y, *TOLERANCE[kind], equal_nan=True, err_msg=f"{where}: {what}"
                )
                tally["complex results beside torch"] += 1


PROGRAMS = {
    "abs": lambda t, z: z.abs(),
    "angle": lambda t, z: z.angle(),
    "sgn": lambda t, z: t.sgn(z),
    "conj": lambda t, z: z.conj() * z.exp(),
    "real and imag": lambda t, z: z.real * (z * z).imag,
    "view_as_real": lambda t, z: t.view_as_real(z * z).sin(),
    "view_as_complex": lambda t, z: t.view_as_complex(t.view_as_real(z).exp()) * z,
    "polar": lambda t, z: t.polar(z.abs(), z.real) * z,
    "complex": lambda t, z: t.complex(z.imag, z.real).log(),
    "norm": lambda t, z: z.norm() * z,
    "var": lambda t, z: z.var(0) + z.std(),
    "product": lambda t, z: z @ z.mH + 1j * z.imag.sum(),
    "einsum": lambda t, z: t.einsum("ij,kj->ik", z, z.conj()).tanh(),
    "powers": lambda t, z: z**3 + z ** (1 + 2j) + 2**z,
    "quotients": lambda t, z: (1j / z + z / 3).sqrt(),
    "running": lambda t, z: z.cumsum(0) * z.cumprod(1) + z.prod(),
    "mixed": lambda t, z: t.where(z.real > 0, z, 1j * z) * t.arange(3) + z.imag,
    "in place": lambda t, z: t.view_as_real(z * 1).mul_(2).sum() * z,
    "resolved": lambda t, z: z.conj().resolve_conj() * t.resolve_neg((z * z).imag),
    "physical": lambda t, z: t.conj_physical(z * z) + z * (z * 2).conj_physical_(),
    "other types": lambda t, z: (
        z.real.bfloat16().cdouble() + z.cfloat().cdouble() * z.imag.cdouble()
    ),
    "indexing": lambda t, z: z[0, [0, 0, 2]] * z.T[1:].flip(0).sum(),
}

# What these programs check, for the test that every public name is checked somewhere.
COVERED = {
    *("complex", "polar", "real", "imag", "view_as_real", "view_as_complex", "conj", "angle"),
    *("conj_physical", "conj_physical_", "resolve_conj", "resolve_neg", "bfloat16", "cfloat"),
    *("cdouble",),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name):
    rng = np.random.default_rng(3)
    z = rng.normal(size=(3, 3)) + 1j * rng.normal(size=(3, 3))
    results = [run(t, _Program(PROGRAMS[name], z), "complex128", 2) for t in BOTH]
    for theirs, ours in zip(*results, strict=True):
        for x, y in zip(map(array, ours), map(array, theirs), strict=True):
            np.testing.assert_allclose(x, y, 1e-9, 1e-11)
    if name == "other types":
        return  # they round: no step would be small enough
    x = z.copy()
    assert np.allclose(array(results[1][1][0]), _differences(PROGRAMS[name], x), atol=1e-6)


class _Program:
    """A function of one complex array in the shape of an op's case."""

    wrt = (0,)

    def __init__(self, program, z):
        self.program, self.imag = program, z.imag
        self.arrays = [z.real.copy()]

    def __call__(self, library, x):
        return self.program(library, x)


def _differences(program, z):
    """The gradient of the same weighted sum by central differences of each part."""
    t = tensor_core
    z = z.real + 1j * np.random.default_rng(0).uniform(-1, 1, z.shape)  # as run() makes it

    def loss(a):
        y = program(t, t.from_numpy(a))
        w = weights(t, np.random.default_rng(1), y)
        return float((y.conj() * w).real.sum() if y.is_complex() else (y * w).sum())

    grad = np.zeros_like(z)
    for i in np.ndindex(z.shape):
        for unit in (1, 1j):
            step = np.zeros_like(z)
            step[i] = 1e-6 * unit
            grad[i] += unit * (loss(z + step) - loss(z - step)) / 2e-6
    return grad


def test_rotary_embedding_the_llama_way():
    """Queries turned by polar numbers, forward and backward, in float32."""
    results = []
    for t in BOTH:
        t.manual_seed(0)
        q = t.randn(2, 8, 4, 16, requires_grad=True)  # (B, T, H, D)
        speed = 1.0 / (10000.0 ** (t.arange(0, 16, 2)[:8].float() / 16))
        turns = t.polar(t.ones(8, 8), t.outer(t.arange(8), speed))  # (T, D / 2)
        pairs = t.view_as_complex(q.float().reshape(*q.shape[:-1], -1, 2))
        out = t.view_as_real(pairs * turns.view(1, 8, 1, 8)).flatten(3).type_as(q)
        (out * t.randn(2, 8, 4, 16)).sum().backward()
        results.append((out.detach().numpy(), q.grad.numpy()))
    for theirs, ours in zip(*results, strict=True):
        assert ours.dtype == theirs.dtype == np.float32
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6)


def test_views_share_memory_and_take_writes():
    results = []
    for t in BOTH:
        z = t.tensor([[1 + 2j, 3 - 1j], [0.5j, -2]])
        t.view_as_real(z)[0, 0, 1] = 7
        z.real[1] += 10
        z.imag = t.zeros(2, 2) + z.imag * 2
        t.view_as_complex(pairs := t.arange(6.0).reshape(3, 2)).mul_(1j)
        w = t.ones(2, dtype=t.complex64, requires_grad=True)
        v = w * (2 + 1j)
        v.real.mul_(3)
        t.view_as_real(v)[0, 1] = 5.0
        (v * v.conj()).real.sum().backward()
        results.append([array(x).tolist() for x in (z, z.real, z.imag, pairs, v, w.grad)])
    assert results[0] == results[1]


NUMBERS = st.complex_numbers(max_magnitude=1e6, width=64)


@given(st.lists(NUMBERS, min_size=1, max_size=12))
def test_printing(numbers):
    theirs, ours = (repr(t.tensor(numbers, dtype=t.complex64)) for t in BOTH)
    assert ours == theirs


PRINTED = [
    lambda t: t.tensor(1j),
    lambda t: t.tensor([complex(float("nan"), float("inf")), -1j, 1.5]),
    lambda t: t.zeros(2, 2, dtype=t.cdouble),
    lambda t: t.zeros(0, dtype=t.complex64),
    lambda t: t.zeros(3, 500, dtype=t.complex64),
    lambda t: t.tensor([1j], requires_grad=True),
    lambda t: t.tensor([1 + 2j]).dtype.to_real(),
    lambda t: t.arange(60) * (1.234 - 0.1j),
]


@pytest.mark.parametrize("make", PRINTED)
def test_printing_of(make):
    theirs, ours = (repr(make(t)) for t in BOTH)
    assert ours == theirs


@pytest.mark.parametrize("kind", ["complex64", "complex128"])
def test_draws(kind):
    for n in (1, 7, 8, 20, 300):
        for name in ("rand", "randn"):
            drawn = []
            for t in BOTH:
                t.manual_seed(n)
                drawn.append(array(getattr(t, name)(n, dtype=getattr(t, kind))).tolist())
            assert drawn[0] == drawn[1], f"{name}({n})"


ERRORS = {
    "order": lambda t, z: z < z,
    "largest": lambda t, z: z.max(),
    "sorted": lambda t, z: z.sort(),
    "index of the largest": lambda t, z: z.argmax(),
    "clamp": lambda t, z: z.clamp(0, 1),
    "floor": lambda t, z: z.floor(),
    "remainder": lambda t, z: z % 2,
    "relu": lambda t, z: t.relu(z),
    "softmax": lambda t, z: z.softmax(0),
    "imaginary part of real": lambda t, z: z.real.imag,
    "real view of real": lambda t, z: t.view_as_real(z.real),
    "complex view of three": lambda t, z: t.view_as_complex(t.ones(2, 3)),
    "complex view of strides": lambda t, z: t.view_as_complex(t.ones(2, 2).t()),
    "complex view of integers": lambda t, z: t.view_as_complex(t.arange(2)),
    "parts of two types": lambda t, z: t.complex(z.real, z.imag.double()),
    "parts of integers": lambda t, z: t.complex(t.arange(2), t.arange(2)),
    "into a real tensor": lambda t, z: z.real.add_(1j),
    "backward from a complex number": lambda t, z: (z * z).sum().backward(),
    "shapes": lambda t, z: z + t.ones(3),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    theirs, ours = (
        error_of(lambda t=t: ERRORS[name](t, t.ones(2, dtype=t.complex64, requires_grad=True)))
        for t in BOTH
    )
    assert theirs is not None, "torch raises nothing here"
    assert ours is not None and issubclass(ours, theirs), (ours, theirs)


def test_casting_to_real_warns():
    for t in BOTH:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            real = t.tensor([1 + 2j, 3j]).to(t.float32)
        assert real.tolist() == [1.0, 0.0]
        assert [w.category for w in caught] == [UserWarning]
