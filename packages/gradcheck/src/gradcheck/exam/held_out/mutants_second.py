"""Planted bugs in the derivative of a rule, whose own first derivative is right."""

from typing import Any

import numpy as np

from gradcheck import Pair
from gradcheck.exam.rule import Rule

_rng = np.random.default_rng(112)


def _softmax(x: Any) -> Any:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def _softmax_rule(g: Any, y: Any, x: Any) -> Any:
    return y * (g - (g * y).sum(axis=-1, keepdims=True))


def _softmax_second(gg: Any, raw: Any, g: Any, y: Any, x: Any) -> Any:
    s = (gg * y).sum(axis=-1, keepdims=True)
    dy = gg * (g - (g * y).sum(axis=-1, keepdims=True))
    return y * (gg - s), dy, np.zeros_like(x)


def _matmul_rule(g: Any, y: Any, a: Any, b: Any) -> Any:
    return g @ b.T, a.T @ g


def _matmul_second(gg: Any, raw: Any, g: Any, y: Any, a: Any, b: Any) -> Any:
    return gg[0] @ b, np.zeros_like(y), g @ gg[1].T, gg[0].T @ g


def _product_second(gg: Any, raw: Any, g: Any, y: Any, a: Any, b: Any) -> Any:
    return gg[0] * b + gg[1] * a, np.zeros_like(y), gg[0] * g, gg[1] * g


def _mean_square_second(gg: Any, raw: Any, g: Any, y: Any, x: Any) -> Any:
    return (gg * 2 * x).sum() / x.size, np.zeros_like(y), 2 * gg * g


def _solve_rule(g: Any, y: Any, a: Any, b: Any) -> Any:
    db = np.linalg.solve(a.T, g)
    return -np.outer(db, y), db


def _solve_second(gg: Any, raw: Any, g: Any, y: Any, a: Any, b: Any) -> Any:
    db = raw[1]
    inner = np.linalg.solve(a, gg[1] + gg[0] @ y)
    return inner, -gg[0].T @ db, -np.outer(db, inner), np.zeros_like(b)


def _norm_second(gg: Any, raw: Any, g: Any, y: Any, x: Any) -> Any:
    along = (gg * x).sum()
    return along / y, g * along / y**2, gg * g / y


def _sin_second(gg: Any, raw: Any, g: Any, y: Any, x: Any) -> Any:
    return gg * np.cos(x), np.zeros_like(y), gg * g * np.sin(x)


def _cube_second(gg: Any, raw: Any, g: Any, y: Any, x: Any) -> Any:
    return 3 * x * x * gg, np.zeros_like(y), 6 * x * g * g


def _row_bias_second(gg: Any, raw: Any, g: Any, y: Any, x: Any, w: Any) -> Any:
    dx = gg[1] * g
    return gg[0] * w + gg[1] * x, np.zeros_like(y), dx, (gg[0] * g).mean(axis=0)


def _rule(name: str, f: Any, first: Any, second: Any, *primals: Any) -> Rule:
    return Rule(name, "second order", f, Pair(first, second), list(primals), {"order": 2})


SECOND_ORDER = [
    _rule(
        "sine curves the wrong way",
        np.sin,
        lambda g, y, x: g * np.cos(x),
        _sin_second,
        _rng.normal(size=4),
    ),
    _rule(
        "exp's rule held constant in its output",
        np.exp,
        lambda g, y, x: g * y,
        lambda gg, raw, g, y, x: (gg * y, np.zeros_like(y), np.zeros_like(x)),
        _rng.normal(size=4),
    ),
    _rule(
        "product's mixed derivatives exchanged",
        np.multiply,
        lambda g, y, a, b: (g * b, g * a),
        _product_second,
        *_rng.normal(size=(2, 4)),
    ),
    _rule(
        "softmax's inner sum held constant",
        _softmax,
        _softmax_rule,
        _softmax_second,
        _rng.normal(size=(2, 4)),
    ),
    _rule(
        "matmul's cotangent misses a term",
        np.matmul,
        _matmul_rule,
        _matmul_second,
        *(_rng.normal(size=(2, 3)), _rng.normal(size=(3, 2))),
    ),
    _rule(
        "logarithm curves one power short",
        np.log,
        lambda g, y, x: g / x,
        lambda gg, raw, g, y, x: (gg / x, np.zeros_like(y), -gg * raw),
        1 + _rng.random(4),
    ),
    _rule(
        "mean square's curvature not divided",
        lambda x: (x * x).mean(),
        lambda g, y, x: g * 2 * x / x.size,
        _mean_square_second,
        _rng.normal(size=(2, 3)),
    ),
    _rule(
        "squared relu taken for flat",
        lambda x: np.maximum(x, 0) ** 2,
        lambda g, y, x: 2 * g * np.maximum(x, 0),
        lambda gg, raw, g, y, x: (2 * gg * np.maximum(x, 0), np.zeros_like(y), np.zeros_like(x)),
        np.array([-1.2, 0.4, 2.0, -0.3]),
    ),
    _rule(
        "tanh's curvature halved",
        np.tanh,
        lambda g, y, x: g * (1 - y * y),
        lambda gg, raw, g, y, x: (gg * (1 - y * y), -gg * g * y, np.zeros_like(x)),
        _rng.normal(size=4),
    ),
    _rule(
        "cube's cotangent used for its own gradient",
        lambda x: x**3,
        lambda g, y, x: 3 * g * x * x,
        _cube_second,
        _rng.normal(size=4),
    ),
    _rule(
        "norm's radius pulls outwards",
        lambda x: np.sqrt((x * x).sum()),
        lambda g, y, x: g * x / y,
        _norm_second,
        _rng.normal(size=5),
    ),
    _rule(
        "solve's answer given the wrong term",
        np.linalg.solve,
        _solve_rule,
        _solve_second,
        2 * np.eye(3) + 0.3 * _rng.normal(size=(3, 3)),
        _rng.normal(size=3),
    ),
    _rule(
        "row scale averaged at second order",
        np.multiply,
        lambda g, y, x, w: (g * w, (g * x).sum(axis=0)),
        _row_bias_second,
        *(_rng.normal(size=(4, 3)), _rng.normal(size=3)),
    ),
]
