"""Correct rules as people write them every day."""

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
    identity,
    layer_norm,
    layer_norm_vjp,
    log_softmax,
    log_softmax_vjp,
    normals,
    sigmoid,
    softmax,
    softmax_vjp,
    sort_vjp,
    summed,
    take,
    take_vjp,
)

normal = normals(7201)


def matmul_vjp(g: Any, y: Any, a: Any, b: Any) -> Any:
    """The rule of ``a @ b``."""
    return g @ b.T, a.T @ g


def solve_vjp(g: Any, y: Any, a: Any, b: Any) -> Any:
    """The rule of ``np.linalg.solve`` for a right side of several columns."""
    db = np.linalg.solve(a.T, g)
    return -db @ y.T, db


def swish(x: Any) -> Any:
    """``x sigmoid(x)``."""
    return x * sigmoid(x)


def swish_vjp(g: Any, y: Any, x: Any) -> Any:
    """The rule of :func:`swish`."""
    s = sigmoid(x)
    return g * (s + y * (1 - s))


def attention(q: Any, k: Any, v: Any) -> Any:
    """Softmax attention: (T, D), (S, D), (S, D) -> (T, D)."""
    return softmax(q @ k.T) @ v


def attention_vjp(g: Any, y: Any, q: Any, k: Any, v: Any) -> Any:
    """The rule of :func:`attention`."""
    weights = softmax(q @ k.T)  # (T, S)
    scores = softmax_vjp(g @ v.T, weights, None)
    return scores @ k, scores.T @ q, weights.T @ g


def rms_norm(x: Any, w: Any) -> Any:
    """Rows of mean square 1, times ``w``."""
    return w * x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-6)


def rms_norm_vjp(g: Any, y: Any, x: Any, w: Any) -> Any:
    """The rule of :func:`rms_norm`."""
    scale = 1 / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-6)
    unit, inner = x * scale, g * w
    dx = scale * (inner - unit * (inner * unit).mean(-1, keepdims=True))
    return dx, (g * unit).sum(0)


def cumprod_vjp(g: Any, y: Any, x: Any) -> Any:
    """The rule of ``np.cumprod`` away from zeros."""
    return np.cumsum((g * y)[::-1])[::-1] / x


def diff_vjp(g: Any, y: Any, x: Any) -> Any:
    """The rule of ``np.diff``."""
    grad = np.zeros_like(x)
    grad[1:] += g
    grad[:-1] -= g
    return grad


def polar_vjp(g: Any, y: Any, a: Any, b: Any) -> Any:
    """The rule of radius and angle."""
    r = y[0]
    return g[0] * a / r - g[1] * b / r**2, g[0] * b / r + g[1] * a / r**2


RULES = [
    Rule("sin", "plain", np.sin, cos_rule, [normal(10)]),
    Rule("arctan", "plain", np.arctan, lambda g, y, x: g / (1 + x * x), [normal(5)]),
    Rule("swish", "plain", swish, swish_vjp, [normal(6)]),
    Rule(
        "divide",
        "plain",
        np.divide,
        lambda g, y, a, b: (g / b, -g * y / b),
        [normal(4), 2 + normal(4) ** 2],
    ),
    Rule("softmax", "plain", softmax, softmax_vjp, [normal(3, 4)]),
    Rule("log softmax", "plain", log_softmax, log_softmax_vjp, [3 * normal(4, 5)]),
    Rule("layer norm", "plain", layer_norm, layer_norm_vjp, [normal(3, 6)]),
    Rule("rms norm", "plain", rms_norm, rms_norm_vjp, [normal(3, 5), normal(5)]),
    Rule(
        "attention", "plain", attention, attention_vjp, [normal(3, 2), normal(4, 2), normal(4, 2)]
    ),
    Rule("convolution", "plain", convolve, convolve_vjp, [normal(2, 7), normal(3)]),
    Rule("sum", "reduction", np.sum, lambda g, y, x: np.full(x.shape, g), [normal(3, 4)]),
    Rule(
        "mean",
        "reduction",
        np.mean,
        lambda g, y, x: np.full(x.shape, g / x.dtype.type(x.size)),
        [normal(3, 4)],
    ),
    Rule(
        "var",
        "reduction",
        np.var,
        lambda g, y, x: 2 * g * (x - x.mean()) / x.dtype.type(x.size),
        [normal(6)],
    ),
    Rule("dot", "reduction", np.dot, lambda g, y, a, b: (g * b, g * a), [normal(5), normal(5)]),
    Rule(
        "cumsum",
        "axis",
        lambda x: np.cumsum(x, 0),
        lambda g, y, x: np.cumsum(g[::-1], 0)[::-1],
        [normal(4, 2)],
    ),
    Rule("cumprod", "axis", np.cumprod, cumprod_vjp, [1 + normal(5) ** 2]),
    Rule("diff", "axis", np.diff, diff_vjp, [normal(6)]),
    Rule("roll", "axis", lambda x: np.roll(x, 2), lambda g, y, x: np.roll(g, -2), [normal(7)]),
    Rule("pad", "axis", lambda x: np.pad(x, 2), lambda g, y, x: g[2:-2].copy(), [normal(4)]),
    Rule("transpose", "axis", lambda x: x.T.copy(), lambda g, y, x: g.T.copy(), [normal(2, 3)]),
    Rule(
        "einsum trace",
        "axis",
        lambda x: np.einsum("ii->", x),
        lambda g, y, x: g * np.eye(len(x), dtype=x.dtype),
        [normal(4, 4)],
    ),
    Rule("matmul", "linear algebra", np.matmul, matmul_vjp, [normal(3, 4), normal(4, 5)]),
    Rule(
        "outer",
        "linear algebra",
        np.outer,
        lambda g, y, a, b: (g @ b, a @ g),
        [normal(3), normal(4)],
    ),
    Rule(
        "inverse",
        "linear algebra",
        np.linalg.inv,
        lambda g, y, x: -y.T @ g @ y.T,
        [normal(3, 3) + 4 * np.eye(3)],
    ),
    Rule(
        "determinant",
        "linear algebra",
        np.linalg.det,
        lambda g, y, x: g * y * np.linalg.inv(x).T,
        [normal(3, 3) + 4 * np.eye(3)],
    ),
    Rule(
        "solve",
        "linear algebra",
        np.linalg.solve,
        solve_vjp,
        [normal(3, 3) + 4 * np.eye(3), normal(3, 2)],
    ),
    Rule(
        "broadcast multiply",
        "broadcast",
        np.multiply,
        lambda g, y, a, b: (summed(g * b, a.shape), summed(g * a, b.shape)),
        [normal(3, 1, 4), normal(5, 1)],
    ),
    Rule(
        "bias",
        "broadcast",
        np.add,
        lambda g, y, a, b: (g.copy(), g.sum(0)),
        [normal(3, 4), normal(4)],
    ),
    Rule(
        "add", "aliasing", np.add, lambda g, y, a, b: (g.copy(), g.copy()), [normal(3), normal(3)]
    ),
    Rule("identity", "aliasing", identity, lambda g, y, x: g.copy(), [normal(3)]),
    Rule("the input itself", "aliasing", lambda x: x, lambda g, y, x: g.copy(), [normal(3)]),
    Rule(
        "two halves of one array",
        "aliasing",
        lambda a, b: np.concatenate([a, b]),
        lambda g, y, a, b: tuple(np.split(g.copy(), [2])),
        [normal(2), normal(3)],
    ),
    Rule(
        "square of two",
        "aliasing",
        np.multiply,
        lambda g, y, a, b: (g * b, g * a),
        [normal(4), normal(4)],
    ),
    Rule(
        "unused input",
        "unused",
        lambda a, b: np.sin(a),
        lambda g, y, a, b: (g * np.cos(a), None),
        [normal(3), normal(2)],
    ),
    Rule(
        "zeros for unused",
        "unused",
        lambda a, b: np.sin(a),
        lambda g, y, a, b: (g * np.cos(a), np.zeros_like(b)),
        [normal(3), normal(2)],
    ),
    Rule(
        "constant",
        "unused",
        lambda x: 5.0 * np.ones(3),
        lambda g, y, x: np.zeros_like(x),
        [normal(2)],
    ),
    Rule("gather", "integers", take, take_vjp, [normal(3, 2), np.array([0, 2, 2, 1])]),
    Rule(
        "cross entropy",
        "integers",
        cross_entropy,
        cross_entropy_vjp,
        [normal(4, 3), np.array([0, 2, 1, 2])],
    ),
    Rule(
        "integer powers",
        "integers",
        lambda x, n: x**n,
        lambda g, y, x, n: (g * n.astype(x.dtype) * x ** (n - 1), None),
        [normal(4), np.array([1, 2, 3, 4])],
    ),
    Rule(
        "mask",
        "integers",
        lambda x, m: np.where(m, x, 0),
        lambda g, y, x, m: (np.where(m, g, 0), None),
        [normal(4), np.array([True, False, True, False])],
    ),
    Rule("sort", "order", np.sort, sort_vjp, [normal(6)]),
    Rule(
        "several outputs",
        "several outputs",
        lambda x: (x[:3] * 1, x[3:] * 2),
        lambda g, y, x: np.concatenate([g[0], 2 * g[1]]),
        [normal(6)],
    ),
    Rule(
        "sin and cos",
        "several outputs",
        lambda x: (np.sin(x), np.cos(x)),
        lambda g, y, x: g[0] * y[1] - g[1] * y[0],
        [normal(4)],
    ),
    Rule(
        "radius and angle",
        "several outputs",
        lambda a, b: (np.hypot(a, b), np.arctan2(b, a)),
        polar_vjp,
        [1 + normal(3) ** 2, normal(3)],
    ),
    Rule(
        "values and indices",
        "several outputs",
        lambda x: (np.max(x), np.argmax(x)),
        lambda g, y, x: first_max(g[0], y[0], x),
        [normal(5)],
    ),
]
