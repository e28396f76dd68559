"""Correct rules, some of them hard to judge: none of these may be accused."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

R = np.random.default_rng(20240229)


@dataclass(frozen=True)
class Rule:
    """A function, its rule and a point, with options for check_vjp."""

    name: str
    f: Any
    vjp: Any
    primals: list[Any]
    options: dict[str, Any] = field(default_factory=dict)
    inconclusive: bool = False  # whether not being able to tell is an acceptable answer


def normal(*shape: int) -> np.ndarray:
    return R.standard_normal(shape)


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def softmax_vjp(g: Any, y: Any, x: Any) -> Any:
    return y * (g - (g * y).sum(-1, keepdims=True))


def log_softmax(x: np.ndarray) -> np.ndarray:
    shifted = x - x.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def layer_norm(x: np.ndarray) -> np.ndarray:
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)


def layer_norm_vjp(g: Any, y: Any, x: Any) -> Any:
    centred = x - x.mean(-1, keepdims=True)
    scale = 1 / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
    mean = g.mean(-1, keepdims=True)
    return scale * (g - mean - y * (g * y).mean(-1, keepdims=True))


def max_share(g: Any, y: Any, x: Any) -> Any:
    hit = (x == y).astype(x.dtype)
    return g * hit / hit.sum()


def first_max(g: Any, y: Any, x: Any) -> Any:
    grad = np.zeros_like(x)
    grad.reshape(-1)[x.argmax()] = g
    return grad


def maximum_half(g: Any, y: Any, a: Any, b: Any) -> Any:
    share = (a > b) + (a == b) * a.dtype.type(0.5)
    return g * share, g * (1 - share)


def summed(g: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Sum a cotangent back to the shape an input was broadcast from."""
    g = g.sum(axis=tuple(range(g.ndim - len(shape))))
    axes = tuple(k for k, n in enumerate(shape) if n == 1 and g.shape[k] != 1)
    return g.sum(axis=axes, keepdims=True) if axes else g


def gather_vjp(g: Any, y: Any, table: Any, ids: Any) -> Any:
    grad = np.zeros_like(table)
    np.add.at(grad, ids, g)
    return grad, None


def sort_vjp(g: Any, y: Any, x: Any) -> Any:
    grad = np.empty_like(x)
    grad[np.argsort(x, kind="stable")] = g
    return grad


def split_vjp(g: Any, y: Any, x: Any) -> Any:
    return np.concatenate(g)


def stable_softplus(x: Any) -> Any:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def cos_rule(g: Any, y: Any, x: Any) -> Any:
    return g * np.cos(x)


IDS = np.array([0, 2, 2, 1])

RULES = [
    Rule("sin", np.sin, cos_rule, [normal(10)]),
    Rule("sin of 1e4", np.sin, cos_rule, [np.array([1e4, 1.2e4, -3e4])]),
    Rule(
        "sin 1e4 x",
        lambda x: np.sin(1e4 * x),
        lambda g, y, x: 1e4 * g * np.cos(1e4 * x),
        [normal(5)],
    ),
    Rule(
        "inputs of 1e-7",
        lambda x: np.sin(1e7 * x),
        lambda g, y, x: 1e7 * g * np.cos(1e7 * x),
        [1e-7 * normal(5)],
    ),
    Rule(
        "inputs of 1e12",
        lambda x: np.sin(1e-12 * x),
        lambda g, y, x: 1e-12 * g * np.cos(1e-12 * x),
        [1e12 * normal(5)],
    ),
    Rule("outputs of 1e-7", lambda x: 1e-7 * np.exp(x), lambda g, y, x: g * y, [normal(5)]),
    Rule(
        "outputs of 1e12",
        lambda x: 1e12 * np.tanh(x),
        lambda g, y, x: 1e12 * g * (1 - np.tanh(x) ** 2),
        [normal(5)],
    ),
    Rule("exp", np.exp, lambda g, y, x: g * y, [np.array([-30.0, 0.0, 1.0, 30.0, 200.0])]),
    Rule(
        "stiff exp",
        lambda x: np.exp(-1e6 * x),
        lambda g, y, x: -1e6 * g * y,
        [np.array([1e-6, 5e-7])],
    ),
    Rule(
        "log near 0",
        np.log,
        lambda g, y, x: g / x,
        [np.array([1e-9, 1e-3, 1.0])],
        {"domain": (0.0, None)},
    ),
    Rule(
        "reciprocal near 0",
        lambda x: 1 / x,
        lambda g, y, x: -g * y * y,
        [np.array([1e-5, -2e-3, 3.0])],
    ),
    Rule("cancelling", lambda x: (1e8 + x) - 1e8, lambda g, y, x: g.copy(), [normal(4)]),
    Rule(
        "cancelling badly",
        lambda x: (1e13 + x) - 1e13,
        lambda g, y, x: g.copy(),
        [normal(4)],
        {},
        True,
    ),
    Rule("lost in rounding", lambda x: 1e20 + x, lambda g, y, x: g.copy(), [normal(3)], {}, True),
    Rule(
        "one minus cos",
        lambda x: (1 - np.cos(x)) / x**2,
        lambda g, y, x: g * (np.sin(x) * x - 2 * (1 - np.cos(x))) / x**3,
        [np.array([1e-3, 0.1, 2.0])],
    ),
    Rule(
        "tanh saturated",
        np.tanh,
        lambda g, y, x: g * (1 - y * y),
        [np.array([20.0, 1.0, -19.5, 0.1])],
    ),
    Rule(
        "all saturated",
        np.tanh,
        lambda g, y, x: g * (1 - y * y),
        [np.array([20.0, 18.0])],
        {},
        True,
    ),
    Rule(
        "tanh float32 saturated",
        np.tanh,
        lambda g, y, x: g * (1 - y * y),
        [np.array([9, 8.5, 0.5, -7], "f")],
    ),
    Rule("softmax", softmax, softmax_vjp, [normal(3, 4)]),
    Rule(
        "softmax saturated",
        softmax,
        softmax_vjp,
        [np.array([[0.0, 1000.0, -1000.0], [1.0, 2.0, 3.0]])],
    ),
    Rule("softmax float32", softmax, softmax_vjp, [normal(3, 4).astype("f")]),
    Rule(
        "log softmax",
        log_softmax,
        lambda g, y, x: g - np.exp(y) * g.sum(-1, keepdims=True),
        [3 * normal(4, 5)],
    ),
    Rule("layer norm", layer_norm, layer_norm_vjp, [normal(3, 6)]),
    Rule("layer norm far from 0", layer_norm, layer_norm_vjp, [1e4 + normal(2, 5)]),
    Rule("layer norm float32", layer_norm, layer_norm_vjp, [normal(3, 6).astype("f")]),
    Rule("large layer norm float32", layer_norm, layer_norm_vjp, [normal(64, 64).astype("f")]),
    Rule("matmul", np.matmul, lambda g, y, a, b: (g @ b.T, a.T @ g), [normal(3, 4), normal(4, 5)]),
    Rule(
        "matmul float32",
        np.matmul,
        lambda g, y, a, b: (g @ b.T, a.T @ g),
        [normal(3, 4).astype("f"), normal(4, 5).astype("f")],
    ),
    Rule(
        "large matmul",
        np.matmul,
        lambda g, y, a, b: (g @ b.T, a.T @ g),
        [normal(40, 50), normal(50, 60)],
    ),
    Rule(
        "broadcast multiply",
        np.multiply,
        lambda g, y, a, b: (summed(g * b, a.shape), summed(g * a, b.shape)),
        [normal(3, 1, 4), normal(5, 1)],
    ),
    Rule("add returns g twice", np.add, lambda g, y, a, b: (g, g), [normal(3), normal(3)]),
    Rule("identity", lambda x: x, lambda g, y, x: g, [normal(3)]),
    Rule(
        "f(x, x) of product", np.multiply, lambda g, y, a, b: (g * b, g * a), [normal(4), normal(4)]
    ),
    Rule("sum", np.sum, lambda g, y, x: np.full(x.shape, g), [normal(3, 4)]),
    Rule(
        "mean", np.mean, lambda g, y, x: np.full(x.shape, g / x.dtype.type(x.size)), [normal(3, 4)]
    ),
    Rule("0-d", np.exp, lambda g, y, x: g * y, [np.array(0.3)], {"sizes": True}),
    Rule("number", lambda x: x * x, lambda g, y, x: 2 * g * x, [1.5]),
    Rule("empty", np.exp, lambda g, y, x: g * y, [np.zeros((0, 3))], {"sizes": True}),
    Rule(
        "empty and not",
        lambda a, b: np.concatenate([a, b]),
        lambda g, y, a, b: (g[:0].copy(), g.copy()),
        [np.zeros(0), normal(3)],
    ),
    Rule(
        "relu",
        lambda x: np.maximum(x, 0),
        lambda g, y, x: g * (x > 0),
        [np.array([-1.0, 0.0, 2.0])],
    ),
    Rule(
        "relu other subgradient",
        lambda x: np.maximum(x, 0),
        lambda g, y, x: g * (x >= 0),
        [np.array([-1.0, 0.0, 2.0])],
    ),
    Rule(
        "relu at 1e-9",
        lambda x: np.maximum(x, 0),
        lambda g, y, x: g * (x > 0),
        [np.array([1e-9, -1e-9, 1e-12])],
    ),
    Rule(
        "hinge near its kink",
        lambda x: np.maximum(x - 1, 0),
        lambda g, y, x: g * (x > 1),
        [np.array([1 + 3e-8, 1 - 2e-8, 1 + 1e-6, 1 - 1e-4])],
    ),
    Rule(
        "large relu of relu",
        lambda x: np.maximum(x, 0),
        lambda g, y, x: g * (x > 0),
        [np.maximum(normal(900), 0)],
    ),
    Rule("large relu", lambda x: np.maximum(x, 0), lambda g, y, x: g * (x > 0), [normal(100, 100)]),
    Rule("abs", np.abs, lambda g, y, x: g * np.sign(x), [np.array([-1.0, 0.0, 2.0])]),
    Rule(
        "clip",
        lambda x: np.clip(x, 0, 1),
        lambda g, y, x: g * ((x >= 0) & (x <= 1)),
        [np.array([-0.5, 0.0, 0.5, 1.0, 1.5])],
    ),
    Rule("max of ties, shared", np.max, max_share, [np.array([1.0, 3.0, 3.0, 3.0])]),
    Rule("max of ties, first", np.max, first_max, [np.array([1.0, 3.0, 3.0])]),
    Rule(
        "maximum of ties",
        np.maximum,
        maximum_half,
        [np.array([1.0, 2.0, 3.0]), np.array([1.0, 3.0, 2.0])],
    ),
    Rule("sort of ties", np.sort, sort_vjp, [np.array([2.0, 1.0, 2.0, 0.5])]),
    Rule(
        "norm at 0",
        lambda x: np.sqrt((x * x).sum()),
        lambda g, y, x: np.zeros_like(x),
        [np.zeros(3)],
    ),
    Rule(
        "sqrt at the edge",
        np.sqrt,
        lambda g, y, x: g / (2 * y),
        [np.array([0.0, 1.0])],
        {"domain": (0.0, None)},
        True,
    ),
    Rule(
        "x**1.5 at the edge",
        lambda x: x**1.5,
        lambda g, y, x: g * x.dtype.type(1.5) * np.sqrt(x),
        [np.array([0.0, 1.0])],
        {"domain": (0.0, None)},
        True,
    ),
    Rule(
        "arcsin near the edge",
        np.arcsin,
        lambda g, y, x: g / np.sqrt(1 - x * x),
        [np.array([0.999999, -0.5, 1 - 1e-10])],
        {"domain": (-1.0, 1.0)},
        True,
    ),
    Rule("floor", np.floor, lambda g, y, x: np.zeros_like(x), [np.array([0.3, 2.0, -1.7])]),
    Rule(
        "sharp softplus",
        lambda x: stable_softplus(1e6 * x) / 1e6,
        lambda g, y, x: g / (1 + np.exp(-1e6 * x)),
        [np.array([1e-7, 0.0, -2e-6, 1.0])],
    ),
    Rule("gather", lambda t, i: t[i], gather_vjp, [normal(3, 2), IDS]),
    Rule("several outputs", lambda x: tuple(np.split(x, 2)), split_vjp, [normal(6)]),
    Rule(
        "values and indices",
        lambda x: (np.max(x), np.argmax(x)),
        lambda g, y, x: first_max(g[0], y[0], x),
        [normal(5)],
    ),
    Rule(
        "unused input",
        lambda a, b: np.sin(a),
        lambda g, y, a, b: (g * np.cos(a), None),
        [normal(3), normal(2)],
    ),
    Rule(
        "zeros for unused",
        lambda a, b: np.sin(a),
        lambda g, y, a, b: (g * np.cos(a), np.zeros_like(b)),
        [normal(3), normal(2)],
    ),
    Rule(
        "cumsum",
        lambda x: np.cumsum(x, 0),
        lambda g, y, x: np.cumsum(g[::-1], 0)[::-1],
        [normal(4, 2)],
    ),
    Rule(
        "fortran input", np.tanh, lambda g, y, x: g * (1 - y * y), [np.asfortranarray(normal(3, 4))]
    ),
    Rule("float16", np.tanh, lambda g, y, x: g * (1 - y * y), [normal(5).astype(np.float16)]),
    Rule(
        "logsumexp float32",
        lambda x: np.log(np.exp(x - x.max()).sum()) + x.max(),
        lambda g, y, x: g * np.exp(x - y),
        [30 * normal(5).astype("f")],
    ),
    Rule(
        "polynomial with roots",
        lambda x: (x - 1) * (x - 2) * (x - 3),
        lambda g, y, x: g * (3 * x * x - 12 * x + 11),
        [np.array([1.0, 2.0, 3.0, 1.4226497])],
    ),
    Rule(
        "quartic at 0", lambda x: x**4, lambda g, y, x: 4 * g * x**3, [np.array([0.0, 1e-3, 2.0])]
    ),
    Rule("constant", lambda x: np.ones(3) * 5, lambda g, y, x: np.zeros_like(x), [normal(2)]),
    Rule(
        "einsum trace",
        lambda x: np.einsum("ii->", x),
        lambda g, y, x: g * np.eye(len(x), dtype=x.dtype),
        [normal(4, 4)],
    ),
]
