"""Correct rules at kinks and near them, at ties and ends, of odd sizes, in float32, and large."""

from typing import Any

import numpy as np

from gradcheck.exam.rule import Rule
from gradcheck.exam.tuning.functions import (
    convolve,
    convolve_vjp,
    cos_rule,
    cross_entropy,
    cross_entropy_vjp,
    first_max,
    layer_norm,
    layer_norm_vjp,
    normals,
    relu,
    softmax,
    softmax_vjp,
    softplus,
    sort_vjp,
    take,
    take_vjp,
)

normal = normals(7203)
IDS = np.random.default_rng(7204).integers(0, 2000, 3000)
HALF_LINE = {"domain": (0.0, None)}


def single(*shape: int) -> Any:
    """Normal numbers in float32."""
    return normal(*shape).astype(np.float32)


def relu_vjp(g: Any, y: Any, x: Any) -> Any:
    """The rule of relu, 0 at the kink."""
    return g * (x > 0)


def tanh_vjp(g: Any, y: Any, x: Any) -> Any:
    """The rule of tanh."""
    return g * (1 - y * y)


def matmul_vjp(g: Any, y: Any, a: Any, b: Any) -> Any:
    """The rule of ``a @ b``."""
    return g @ b.T, a.T @ g


def max_share(g: Any, y: Any, x: Any) -> Any:
    """A rule of ``np.max``: equal shares for the largest."""
    hit = (x == y).astype(x.dtype)
    return g * hit / hit.sum()


def maximum_half(g: Any, y: Any, a: Any, b: Any) -> Any:
    """A rule of ``np.maximum``: halves for equals."""
    share = (a > b) + (a == b) * a.dtype.type(0.5)
    return g * share, g * (1 - share)


def first_of_pair(g: Any, y: Any, x: Any) -> Any:
    """The rule of maxima two by two, the first of equals having it all."""
    pairs = x.reshape(-1, 2)
    left = pairs[:, 0] >= pairs[:, 1]
    return np.stack([g * left, g * ~left], 1).reshape(x.shape)


def middle(g: Any, y: Any, x: Any) -> Any:
    """The rule of the median of an odd number of elements."""
    grad = np.zeros_like(x)
    grad[np.argsort(x, kind="stable")[x.size // 2]] = g
    return grad


def prod_vjp(g: Any, y: Any, x: Any) -> Any:
    """The rule of ``np.prod`` that survives zeros."""
    one = np.ones(1, x.dtype)
    before = np.cumprod(np.concatenate([one, x[:-1]]))
    after = np.cumprod(np.concatenate([one, x[:0:-1]]))[::-1]
    return g * before * after


def gelu(x: Any) -> Any:
    """GELU by tanh (Hendrycks and Gimpel, 2016)."""
    return x * (1 + np.tanh(0.7978845608 * (x + 0.044715 * x**3))) / 2


def gelu_vjp(g: Any, y: Any, x: Any) -> Any:
    """The rule of :func:`gelu`."""
    t = np.tanh(0.7978845608 * (x + 0.044715 * x**3))
    inner = 0.7978845608 * (1 + 3 * 0.044715 * x * x)
    return g * ((1 + t) / 2 + x * (1 - t * t) * inner / 2)


def smooth_abs(x: Any) -> Any:
    """``sqrt(x x + 1e-12)``, nearly ``|x|``."""
    return np.sqrt(x * x + 1e-12)


def logsumexp(x: Any) -> Any:
    """``log(sum(exp(x)))`` without overflow."""
    return np.log(np.exp(x - x.max()).sum()) + x.max()


KINKS = [
    Rule("relu", "kink", relu, relu_vjp, [np.array([-1.0, 0.0, 2.0])]),
    Rule(
        "relu, the other slope",
        "kink",
        relu,
        lambda g, y, x: g * (x >= 0),
        [np.array([-1.0, 0.0, 2.0])],
    ),
    Rule("abs", "kink", np.abs, lambda g, y, x: g * np.sign(x), [np.array([-1.0, 0.0, 2.0])]),
    Rule(
        "clip",
        "kink",
        lambda x: np.clip(x, 0, 1),
        lambda g, y, x: g * ((x >= 0) & (x <= 1)),
        [np.array([-0.5, 0.0, 0.5, 1.0, 1.5])],
    ),
    Rule(
        "norm at 0",
        "kink",
        lambda x: np.sqrt((x * x).sum()),
        lambda g, y, x: np.zeros_like(x),
        [np.zeros(3)],
    ),
    Rule("floor", "kink", np.floor, lambda g, y, x: np.zeros_like(x), [np.array([0.3, 2.0, -1.7])]),
    Rule("max of ties, shared", "tie", np.max, max_share, [np.array([1.0, 3.0, 3.0, 3.0])]),
    Rule("max of ties, first", "tie", np.max, first_max, [np.array([1.0, 3.0, 3.0])]),
    Rule(
        "maximum of ties",
        "tie",
        np.maximum,
        maximum_half,
        [np.array([1.0, 2.0, 3.0]), np.array([1.0, 3.0, 2.0])],
    ),
    Rule(
        "pool of ties",
        "tie",
        lambda x: x.reshape(-1, 2).max(1),
        first_of_pair,
        [np.array([1.0, 1.0, 3.0, 2.0])],
    ),
    Rule("sort of ties", "tie", np.sort, sort_vjp, [np.array([2.0, 1.0, 2.0, 0.5])]),
    Rule("median of ties", "tie", np.median, middle, [np.array([2.0, 5.0, 2.0, 0.5, 7.0])]),
    Rule("prod with a zero", "zero", np.prod, prod_vjp, [np.array([2.0, 0.0, 3.0])]),
    Rule(
        "sqrt at its end",
        "end",
        np.sqrt,
        lambda g, y, x: g / (2 * y),
        [np.array([0.0, 1.0])],
        HALF_LINE,
        inconclusive=True,
    ),
    Rule(
        "x**1.5 at its end",
        "end",
        lambda x: x**1.5,
        lambda g, y, x: g * x.dtype.type(1.5) * np.sqrt(x),
        [np.array([0.0, 1.0])],
        HALF_LINE,
        inconclusive=True,
    ),
    Rule(
        "arcsin near its end",
        "end",
        np.arcsin,
        lambda g, y, x: g / np.sqrt(1 - x * x),
        [np.array([0.999999, -0.5, 1 - 1e-10])],
        {"domain": (-1.0, 1.0)},
        inconclusive=True,
    ),
]

NEARLY_KINKED = [
    Rule(
        "sharp softplus",
        "nearly kinked",
        lambda x: softplus(1e6 * x) / 1e6,
        lambda g, y, x: g / (1 + np.exp(-1e6 * x)),
        [np.array([1e-7, 0.0, -2e-6, 1.0])],
    ),
    Rule(
        "smooth abs",
        "nearly kinked",
        smooth_abs,
        lambda g, y, x: g * x / y,
        [np.array([0.0, 1e-6, -3e-6, 1.0])],
    ),
    Rule(
        "relu at 1e-9",
        "nearly kinked",
        lambda x: np.maximum(x, 0),
        lambda g, y, x: g * (x > 0),
        [np.array([1e-9, -1e-9, 1e-12])],
    ),
    Rule(
        "hinge near its kink",
        "nearly kinked",
        lambda x: np.maximum(x - 1, 0),
        lambda g, y, x: g * (x > 1),
        [np.array([1 + 3e-8, 1 - 2e-8, 1 + 1e-6, 1 - 1e-4])],
    ),
    Rule(
        "maximum, nearly tied",
        "nearly kinked",
        np.maximum,
        lambda g, y, a, b: (g * (a > b), g * (b > a)),
        [np.array([1.0, 2.0]), np.array([1.0 + 1e-10, 2.0 - 1e-7])],
    ),
]

SIZES = [
    Rule("0-d", "size", np.exp, lambda g, y, x: g * y, [np.array(0.3)], {"sizes": True}),
    Rule("a number", "size", lambda x: x * x, lambda g, y, x: 2 * g * x, [1.5]),
    Rule(
        "empty",
        "size",
        np.exp,
        lambda g, y, x: g * y,
        [np.zeros((0, 3))],
        {"sizes": True},
    ),
    Rule(
        "empty and not",
        "size",
        lambda a, b: np.concatenate([a, b]),
        lambda g, y, a, b: (np.zeros_like(a), g.copy()),
        [np.zeros(0), normal(3)],
    ),
    Rule("a single element", "size", softmax, softmax_vjp, [normal(2, 1)]),
    Rule("all sizes", "size", np.sin, cos_rule, [normal(2, 3)], {"sizes": True}),
    Rule("fortran input", "layout", np.tanh, tanh_vjp, [np.asfortranarray(normal(3, 4))]),
]

SINGLE = [
    Rule(
        "tanh float32, saturated", "float32", np.tanh, tanh_vjp, [np.array([9, 8.5, 0.5, -7], "f")]
    ),
    Rule("softmax float32", "float32", softmax, softmax_vjp, [single(3, 4)]),
    Rule("layer norm float32", "float32", layer_norm, layer_norm_vjp, [single(3, 6)]),
    Rule("matmul float32", "float32", np.matmul, matmul_vjp, [single(3, 4), single(4, 5)]),
    Rule("gelu float32", "float32", gelu, gelu_vjp, [single(6)]),
    Rule(
        "cross entropy float32",
        "float32",
        cross_entropy,
        cross_entropy_vjp,
        [5 * single(4, 6), np.array([0, 2, 5, 2])],
    ),
    Rule(
        "logsumexp float32",
        "float32",
        logsumexp,
        lambda g, y, x: g * np.exp(x - y),
        [30 * single(5)],
    ),
    Rule("tanh float16", "float16", np.tanh, tanh_vjp, [normal(5).astype(np.float16)]),
    Rule("large layer norm float32", "float32", layer_norm, layer_norm_vjp, [single(64, 64)]),
    Rule(
        "large sum float32",
        "float32",
        lambda x: np.tanh(x).sum(),
        lambda g, y, x: g * (1 - np.tanh(x) ** 2),
        [single(10_000)],
    ),
]

LARGE = [
    Rule("large relu of relu", "large", relu, relu_vjp, [np.maximum(normal(900), 0)]),
    Rule("large relu", "large", relu, relu_vjp, [normal(100, 100)]),
    Rule("large matmul", "large", np.matmul, matmul_vjp, [normal(40, 50), normal(50, 60)]),
    Rule("large softmax", "large", softmax, softmax_vjp, [normal(100, 100)]),
    Rule("large convolution", "large", convolve, convolve_vjp, [normal(50, 200), normal(5)]),
    Rule("large table", "large", take, take_vjp, [normal(2000, 5), IDS]),
    Rule("sin of 10^5", "large", np.sin, cos_rule, [normal(100_000)]),
    Rule("layer norm of 10^5", "large", layer_norm, layer_norm_vjp, [normal(100, 1000)]),
    Rule(
        "mean of squares of 10^5",
        "large",
        lambda x: (x * x).mean(),
        lambda g, y, x: 2 * g * x / x.dtype.type(x.size),
        [normal(100_000)],
    ),
]

RULES = [*KINKS, *NEARLY_KINKED, *SIZES, *SINGLE, *LARGE]
