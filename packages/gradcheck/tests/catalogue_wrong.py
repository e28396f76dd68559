"""Derivative bugs as people make them: every one of these must be caught."""

from collections.abc import Callable
from typing import Any

import numpy as np
from catalogue_correct import (
    Rule,
    cos_rule,
    gather_vjp,
    layer_norm,
    log_softmax,
    normal,
    softmax,
    sort_vjp,
    summed,
)


def one_entry(size: float) -> Callable[..., Any]:
    """sin's rule with one entry wrong by a relative amount."""

    def vjp(g: Any, y: Any, x: Any) -> Any:
        grad = g * np.cos(x)
        grad.reshape(-1)[7321 % grad.size] *= 1 + size
        return grad

    return vjp


def mutates_input(g: Any, y: Any, x: Any) -> Any:
    x += 0.5
    return g * np.cos(x - 0.5)


def mutates_output(g: Any, y: Any, x: Any) -> Any:
    y *= 2
    return g * y / 2


def mutates_cotangent(g: Any, y: Any, x: Any) -> Any:
    g *= np.cos(x)
    return g


def last_write_wins(g: Any, y: Any, table: Any, ids: Any) -> Any:
    grad = np.zeros_like(table)
    grad[ids] += g
    return grad, None


class Counting:
    """A rule that accumulates between calls."""

    def __init__(self) -> None:
        self.total: Any = 0.0

    def __call__(self, g: Any, y: Any, x: Any) -> Any:
        self.total = self.total + g * np.cos(x)
        return self.total


NOISE = np.random.default_rng(1)


def noisy(g: Any, y: Any, x: Any) -> Any:
    return g * np.cos(x) * (1 + 1e-15 * NOISE.standard_normal(x.shape))


def memory_order(g: Any, y: Any, x: Any) -> Any:
    return (g.ravel(order="K") * np.cos(x).ravel(order="K")).reshape(x.shape)


def in_float32(g: Any, y: Any, x: Any) -> Any:
    return (g.astype("f") * np.cos(x.astype("f"))).astype(x.dtype)


def writes_into_view(g: Any, y: Any, x: Any) -> Any:
    x += 0
    return g * np.cos(x)


def prod_by_division(g: Any, y: Any, x: Any) -> Any:
    return g * y / x


def relu_by_output(g: Any, y: Any, x: Any) -> Any:
    return g * (y / x)


def masked_max(g: Any, y: Any, x: Any) -> Any:
    return g * (x == y)


def rows_max(g: Any, y: Any, x: Any) -> Any:
    return g[:, None] * (x == y[:, None])


def wrong_axis(g: Any, y: Any, x: Any) -> Any:
    return y * (g - (g * y).sum(0, keepdims=True))


def no_mean_term(g: Any, y: Any, x: Any) -> Any:
    centred = x - x.mean(-1, keepdims=True)
    scale = 1 / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
    return scale * (g - y * (g * y).mean(-1, keepdims=True))


def no_eps(g: Any, y: Any, x: Any) -> Any:
    centred = x - x.mean(-1, keepdims=True)
    scale = 1 / np.sqrt((centred**2).mean(-1, keepdims=True))
    return scale * (g - g.mean(-1, keepdims=True) - y * (g * y).mean(-1, keepdims=True))


def aliased_product(g: Any, y: Any, a: Any, b: Any) -> Any:
    if a is b:
        return 2 * g * a, 0 * g
    return g * b, g * a


def raises_on_fortran(g: Any, y: Any, x: Any) -> Any:
    if x.ndim > 1 and not x.flags.c_contiguous:
        raise ValueError("needs C order")
    return g * np.cos(x)


def matmul(a: Any, b: Any) -> Any:
    return a @ b


def tenfold(x: Any) -> Any:
    return np.tanh(x).sum(0)


M, N = normal(4, 4), normal(4, 4)
F32 = normal(5).astype("f")

RULES = [
    Rule("sign", np.sin, lambda g, y, x: -g * np.cos(x), [normal(5)]),
    Rule("sign of one input", np.subtract, lambda g, y, a, b: (g, g), [normal(3), normal(3)]),
    Rule("factor 2", np.square, lambda g, y, x: g * x, [normal(5)]),
    Rule("factor 1/2", lambda x: x * x / 2, lambda g, y, x: 2 * g * x, [normal(5)]),
    Rule("factor 1.001", np.sin, lambda g, y, x: 1.001 * g * np.cos(x), [normal(5)]),
    Rule("factor 1 + 1e-9", np.sin, lambda g, y, x: (1 + 1e-9) * g * np.cos(x), [normal(5)]),
    Rule("mean without 1/n", np.mean, lambda g, y, x: np.full(x.shape, g), [normal(3, 4)]),
    Rule(
        "sum with 1/n",
        np.sum,
        lambda g, y, x: np.full(x.shape, g / x.dtype.type(x.size)),
        [normal(6)],
    ),
    Rule(
        "mean by wrong axis",
        lambda x: x.mean(1),
        lambda g, y, x: np.repeat(g[:, None], 4, 1) / x.dtype.type(3),
        [normal(3, 4)],
    ),
    Rule(
        "var with n - 1",
        lambda x: x.var(),
        lambda g, y, x: 2 * g * (x - x.mean()) / x.dtype.type(x.size - 1),
        [normal(6)],
    ),
    Rule("softmax without the sum", softmax, lambda g, y, x: y * g, [normal(3, 4)]),
    Rule("softmax over the wrong axis", softmax, wrong_axis, [normal(3, 3)]),
    Rule("softmax diagonal", softmax, lambda g, y, x: g * y * (1 - y), [normal(2, 5)]),
    Rule(
        "log softmax without exp",
        log_softmax,
        lambda g, y, x: g - y * g.sum(-1, keepdims=True),
        [normal(2, 3)],
    ),
    Rule(
        "log softmax for g = 1",
        log_softmax,
        lambda g, y, x: g - np.exp(y) * x.dtype.type(x.shape[-1]),
        [normal(2, 3)],
    ),
    Rule("layer norm without a mean", layer_norm, no_mean_term, [normal(3, 5)]),
    Rule("layer norm without eps", layer_norm, no_eps, [normal(3, 5)]),
    Rule("layer norm, large", layer_norm, no_mean_term, [normal(64, 64)]),
    Rule("tanh with x for y", np.tanh, lambda g, y, x: g * (1 - x * x), [normal(5)]),
    Rule("product rule half", lambda x: x * np.exp(x), lambda g, y, x: g * np.exp(x), [normal(5)]),
    Rule(
        "sigmoid without a factor",
        lambda x: 1 / (1 + np.exp(-x)),
        lambda g, y, x: g * (1 - y),
        [normal(5)],
    ),
    Rule("power off by one", lambda x: x**3, lambda g, y, x: 3 * g * x, [normal(5)]),
    Rule(
        "log base",
        np.log10,
        lambda g, y, x: g / x,
        [np.abs(normal(5)) + 0.1],
        {"domain": (0.0, None)},
    ),
    Rule("prod by division", np.prod, prod_by_division, [np.array([2.0, 0.0, 3.0])]),
    Rule(
        "relu by division", lambda x: np.maximum(x, 0), relu_by_output, [np.array([1.0, 0.0, -2.0])]
    ),
    Rule("transposed square", matmul, lambda g, y, a, b: (b @ g.T, a.T @ g), [M, N]),
    Rule("transpose missing", matmul, lambda g, y, a, b: (g @ b, a.T @ g), [M, N]),
    Rule("inputs swapped", matmul, lambda g, y, a, b: (a.T @ g, g @ b.T), [M, N]),
    Rule(
        "transposed shape",
        matmul,
        lambda g, y, a, b: ((g @ b.T).T, a.T @ g),
        [normal(2, 3), normal(3, 4)],
    ),
    Rule(
        "large matmul, one input",
        matmul,
        lambda g, y, a, b: (g @ b.T, np.triu(a.T @ g)),
        [normal(40, 40), normal(40, 40)],
    ),
    Rule("not un-broadcast", np.add, lambda g, y, a, b: (g, g), [normal(3, 4), normal(4)]),
    Rule(
        "un-broadcast to (4,)",
        np.add,
        lambda g, y, a, b: (g, g.sum(0)),
        [normal(3, 4), normal(1, 4)],
    ),
    Rule(
        "un-broadcast by mean", np.add, lambda g, y, a, b: (g, g.mean(0)), [normal(3, 4), normal(4)]
    ),
    Rule(
        "un-broadcast takes first",
        np.multiply,
        lambda g, y, a, b: (g * b, (g * a)[0]),
        [normal(3, 4), normal(4)],
    ),
    Rule(
        "un-broadcast size 1",
        np.multiply,
        lambda g, y, a, b: (g * b, summed(g * a, b.shape)),
        [normal(3, 1), normal(3, 4)],
    ),
    Rule("cumsum not reversed", np.cumsum, lambda g, y, x: np.cumsum(g), [normal(6)]),
    Rule("flip forgotten", lambda x: x[::-1].copy(), lambda g, y, x: g, [normal(6)]),
    Rule(
        "sort with inverse",
        np.sort,
        lambda g, y, x: g[np.argsort(x)],
        [np.array([0.3, 2.0, -1.0, 5.0, 4.0])],
    ),
    Rule(
        "gather overwrites", lambda t, i: t[i], last_write_wins, [normal(3, 2), np.array([0, 2, 2])]
    ),
    Rule(
        "gather off by one",
        lambda t, i: t[i],
        lambda g, y, t, i: (np.roll(gather_vjp(g, y, t, i)[0], 1, 0), None),
        [normal(3, 2), np.array([0, 1])],
    ),
    Rule("accumulates", np.sin, Counting(), [normal(4)]),
    Rule("mutates input", np.sin, mutates_input, [normal(4)]),
    Rule("mutates output", np.exp, mutates_output, [normal(4)]),
    Rule("mutates cotangent", np.sin, mutates_cotangent, [normal(4)]),
    Rule("float64 for float32", np.sin, lambda g, y, x: g * np.cos(x.astype(float)), [F32]),
    Rule(
        "float64 for float32 unasked",
        np.sin,
        lambda g, y, x: g * np.cos(x.astype(float)),
        [normal(4)],
    ),
    Rule("float32 for float64", np.sin, lambda g, y, x: (g * np.cos(x)).astype("f"), [normal(4)]),
    Rule("float32 inside", np.sin, in_float32, [normal(5)]),
    Rule(
        "float32 factor 1.001", np.sin, lambda g, y, x: g * np.cos(x) * x.dtype.type(1.001), [F32]
    ),
    Rule(
        "float32 overflow",
        lambda x: np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0),
        lambda g, y, x: g * np.exp(x) / (1 + np.exp(x)),
        [np.array([100.0, 1.0, -2.0])],
    ),
    Rule("memory order", np.sin, memory_order, [normal(3, 4)]),
    Rule("needs contiguous", np.sin, raises_on_fortran, [normal(3, 4)]),
    Rule("needs writable", np.sin, writes_into_view, [normal(3)]),
    Rule("max with ties", np.max, masked_max, [np.array([1.0, 2.0, 2.0])]),
    Rule(
        "row max with ties",
        lambda x: x.max(1),
        rows_max,
        [np.array([[1.0, 2.0, 2.0], [3.0, 1.0, 0.0]])],
    ),
    Rule(
        "maximum with ties",
        np.maximum,
        lambda g, y, a, b: (g * (a >= b), g * (b >= a)),
        [np.array([1.0, 2.0]), np.array([1.0, 3.0])],
    ),
    Rule(
        "relu'(0) = 2",
        lambda x: np.maximum(x, 0),
        lambda g, y, x: g * ((x > 0) + x.dtype.type(2) * (x == 0)),
        [np.array([0.0, 1.0])],
    ),
    Rule("abs with the sign of g", np.abs, lambda g, y, x: np.abs(g) * np.sign(x), [normal(5)]),
    Rule(
        "clip lets all through",
        lambda x: np.clip(x, 0, 1),
        lambda g, y, x: g,
        [np.array([-1.0, 0.5, 2.0])],
    ),
    Rule("ignores g", np.sin, lambda g, y, x: np.cos(x), [normal(5)]),
    Rule("sum of g", np.sin, lambda g, y, x: g.mean() * np.cos(x), [normal(5)]),
    Rule("g squared", np.sin, lambda g, y, x: g * g * np.cos(x), [normal(5)]),
    Rule("sign of g", np.sin, lambda g, y, x: np.sign(g) * np.cos(x), [normal(5)]),
    Rule("affine in g", np.sin, lambda g, y, x: g * np.cos(x) + 1e-6, [normal(5)]),
    Rule("random", np.sin, noisy, [normal(5)]),
    Rule(
        "None for a used input",
        np.multiply,
        lambda g, y, a, b: (g * b, None),
        [normal(3), normal(3)],
    ),
    Rule(
        "zeros for a used input",
        np.multiply,
        lambda g, y, a, b: (g * b, 0 * b),
        [normal(3), normal(3)],
    ),
    Rule(
        "gradient for an unused input",
        lambda a, b: np.sin(a),
        lambda g, y, a, b: (g * np.cos(a), g),
        [normal(3), normal(3)],
    ),
    Rule(
        "NaN where finite",
        lambda x: np.sinc(x),
        lambda g, y, x: g * (np.cos(np.pi * x) / x - np.sin(np.pi * x) / (np.pi * x * x)),
        [np.array([0.0, 0.5])],
    ),
    Rule(
        "inputs of 1e-7",
        lambda x: np.sin(1e7 * x),
        lambda g, y, x: 1.001e7 * g * np.cos(1e7 * x),
        [1e-7 * normal(4)],
    ),
    Rule(
        "outputs of 1e-7",
        lambda x: 1e-7 * np.sin(x),
        lambda g, y, x: 1.001e-7 * g * np.cos(x),
        [normal(4)],
    ),
    Rule(
        "inputs of 1e12",
        lambda x: np.sin(1e-12 * x),
        lambda g, y, x: 1.001e-12 * g * np.cos(1e-12 * x),
        [1e12 * normal(4)],
    ),
    Rule(
        "outputs of 1e12",
        lambda x: 1e12 * np.sin(x),
        lambda g, y, x: 1.001e12 * g * np.cos(x),
        [normal(4)],
    ),
    Rule(
        "one small output wrong",
        lambda x: x * np.array([1e12, 1.0]),
        lambda g, y, x: g * np.array([1e12, 1.001], x.dtype),
        [normal(2)],
    ),
    Rule("one of 100", np.sin, one_entry(1e-3), [normal(100)]),
    Rule("one of 10^4", np.sin, one_entry(1e-3), [normal(100, 100)]),
    Rule("one of 10^4, slightly", np.sin, one_entry(1e-7), [normal(10_000)]),
    Rule("one of 10^4 in a sum", lambda x: np.sin(x).sum(), one_entry(1e-3), [normal(10_000)]),
    Rule("one of 10^4 float32", np.sin, one_entry(1e-2), [normal(10_000).astype("f")]),
    Rule(
        "scaled, large",
        np.sin,
        lambda g, y, x: x.dtype.type(1.001) * g * np.cos(x),
        [normal(10_000)],
    ),
    Rule(
        "zero left in a large one",
        tenfold,
        lambda g, y, x: np.where(np.arange(5000) == 4999, 0, g * (1 - np.tanh(x) ** 2)),
        [normal(2, 5000)],
    ),
    Rule("same array twice", np.multiply, aliased_product, [normal(4), normal(4)]),
    Rule("sort of many", np.sort, lambda g, y, x: 0 * sort_vjp(g, y, x), [normal(600)]),
    Rule("fails for 0-d", np.sin, lambda g, y, x: g * np.cos(x[:]), [normal(3)], {"sizes": True}),
    Rule(
        "empty loses its shape",
        np.sin,
        lambda g, y, x: cos_rule(g, y, x) if x.size else np.zeros(0),
        [normal(2, 3)],
        {"sizes": True},
    ),
    Rule("too few gradients", np.add, lambda g, y, a, b: (g,), [normal(3), normal(3)]),
    Rule("too many gradients", np.sin, lambda g, y, x: (g, g), [normal(3)]),
    Rule("a bare array for two", np.add, lambda g, y, a, b: g, [normal(3), normal(3)]),
    Rule("a string", np.sin, lambda g, y, x: "gradient", [normal(3)]),
    Rule("rule raises", np.sin, lambda g, y, x: g[99], [normal(3)]),
]
