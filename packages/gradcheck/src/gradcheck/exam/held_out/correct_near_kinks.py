"""Points 1e-9 to 1e-4 from a kink: there is one derivative, and the next branch is a step away."""

import numpy as np

from gradcheck.exam.held_out._parts import Array, unbroadcast
from gradcheck.exam.rule import Rule

_draw = np.random.default_rng(104)
_GAPS = np.array([1e-9, 1e-7, 1e-5, 1e-4])
_AROUND = np.concatenate([_GAPS, -_GAPS])


def _relu_rule(g: Array, y: Array, x: Array) -> Array:
    return np.asarray(g * (x > 0))


def _max_rule(g: Array, y: Array, x: Array) -> Array:
    out = np.zeros(x.shape, dtype=x.dtype)
    winner = x.argmax(axis=-1)[..., None]
    np.put_along_axis(out, winner, g[..., None], axis=-1)
    return out


def _huber(x: Array) -> Array:
    a = np.abs(x)
    return np.where(a <= 1, 0.5 * x * x, a - 0.5)


def _median_rule(g: Array, y: Array, x: Array) -> Array:
    order = np.argsort(x)
    middle = order[(x.size - 1) // 2 : x.size // 2 + 1]
    out = np.zeros(x.shape, dtype=x.dtype)
    out[middle] = g / middle.size
    return out


def _sort_rule(g: Array, y: Array, x: Array) -> Array:
    out = np.empty(x.shape, dtype=x.dtype)
    out[np.argsort(x)] = g
    return out


def _hinge_rule(g: Array, y: Array, score: Array) -> Array:
    return np.asarray(np.where(score < 1, -g, 0 * g))


def _pool(x: Array) -> Array:
    return np.asarray(x.reshape(-1, 2).max(axis=1))


def _pool_rule(g: Array, y: Array, x: Array) -> Array:
    pairs = x.reshape(-1, 2)
    first = pairs[:, 0] > pairs[:, 1]
    return np.stack([g * first, g * ~first], axis=1).reshape(x.shape)


def _top_two_rule(g: Array, y: Array, x: Array) -> Array:
    out = np.zeros(x.shape, dtype=x.dtype)
    out[np.argsort(x)[-2:]] = g
    return out


def _residuals(a: Array, x: Array) -> Array:
    return np.asarray(np.abs(a @ x - np.array([1.0, 2.0, 3.0], dtype=x.dtype)).sum())


def _residuals_rule(g: Array, y: Array, a: Array, x: Array) -> tuple[Array, Array]:
    signs = g * np.sign(a @ x - np.array([1.0, 2.0, 3.0], dtype=x.dtype))
    return np.outer(signs, x), a.T @ signs


def _unit_rule(g: Array, y: Array, x: Array) -> Array:
    return np.asarray((g - y * (g * y).sum()) / np.sqrt((x * x).sum()))


def _clip_rule(g: Array, y: Array, x: Array) -> Array:
    return np.asarray(g * ((x > -1) & (x < 1)))


def _maximum_rule(g: Array, y: Array, a: Array, b: Array) -> tuple[Array, Array]:
    return unbroadcast(g * (a > b), a), unbroadcast(g * (a < b), b)


_NEAR = "nearly kinked"

RULES = [
    Rule("relu", _NEAR, lambda x: np.maximum(x, 0), _relu_rule, [_AROUND.copy()]),
    Rule("|x|", _NEAR, np.abs, lambda g, y, x: g * np.sign(x), [_AROUND.copy()]),
    Rule(
        "leaky relu",
        _NEAR,
        lambda x: np.where(x > 0, x, 0.01 * x),
        lambda g, y, x: np.where(x > 0, g, 0.01 * g),
        [_AROUND.reshape(2, 4)],
    ),
    Rule(
        "relu squared",
        _NEAR,
        lambda x: np.maximum(x, 0) ** 2,
        lambda g, y, x: 2 * g * np.maximum(x, 0),
        [_AROUND.copy()],
    ),
    Rule(
        "max of close rows",
        _NEAR,
        lambda x: x.max(axis=-1),
        _max_rule,
        [np.array([[1.0, 1.0 - 1e-8, 0.3], [2.0, -5.0, 2.0 + 1e-6], [0.5, 0.5 + 1e-4, 0.5]])],
    ),
    Rule(
        "maximum of close arrays",
        _NEAR,
        np.maximum,
        _maximum_rule,
        [0.7 + _AROUND, np.full(8, 0.7)],
    ),
    Rule(
        "huber",
        _NEAR,
        _huber,
        lambda g, y, x: g * np.clip(x, -1, 1),
        [np.concatenate([1 + _AROUND, -1 + _AROUND])],
    ),
    Rule(
        "clip",
        _NEAR,
        lambda x: np.clip(x, -1, 1),
        _clip_rule,
        [np.concatenate([1 + _AROUND, -1 + _AROUND])],
    ),
    Rule(
        "median of an odd number",
        _NEAR,
        np.median,
        _median_rule,
        [np.array([0.5, 3.0, 0.5 + 1e-7, 0.5 - 1e-8, -2.0])],
    ),
    Rule(
        "median of an even number",
        _NEAR,
        np.median,
        _median_rule,
        [np.array([4.0, 1.0 + 1e-6, 1.0, 1.0 - 1e-6, 1.0 + 3e-6, -4.0])],
    ),
    Rule(
        "sort with gaps of 1e-8",
        _NEAR,
        np.sort,
        _sort_rule,
        [np.array([0.3, 0.3 + 1e-8, -1.0, 0.3 - 1e-8, -1.0 + 1e-5])],
    ),
    Rule(
        "hinge",
        _NEAR,
        lambda s: np.maximum(1 - s, 0),
        _hinge_rule,
        [1 + _AROUND],
    ),
    Rule(
        "max pool of close pairs",
        _NEAR,
        _pool,
        _pool_rule,
        [np.array([1.0, 1.0 + 1e-9, -3.0, -3.0 - 1e-6, 0.0, 1e-7])],
    ),
    Rule(
        "sum of the two largest",
        _NEAR,
        lambda x: np.sort(x)[-2:].sum(),
        _top_two_rule,
        [np.array([1.0, 2.0, 1.0 - 1e-7, 0.0, 1.0 + 1e-8])],
    ),
    Rule(
        "absolute residuals of 1e-7",
        _NEAR,
        _residuals,
        _residuals_rule,
        [np.diag([1.0, 2.0, 3.0]), np.array([1 + 1e-7, 1 - 1e-6, 1 + 1e-5])],
    ),
    Rule(
        "|x|**1.5",
        _NEAR,
        lambda x: np.abs(x) ** 1.5,
        lambda g, y, x: 1.5 * g * np.sign(x) * np.sqrt(np.abs(x)),
        [_AROUND.copy()],
    ),
    Rule(
        "norm of a tiny vector",
        _NEAR,
        lambda x: np.sqrt((x * x).sum()),
        lambda g, y, x: g * x / y,
        [np.array([3e-9, -4e-9, 1e-9])],
    ),
    Rule(
        "direction of a tiny vector",
        _NEAR,
        lambda x: x / np.sqrt((x * x).sum()),
        _unit_rule,
        [np.array([1e-7, -2e-7, 2e-7])],
    ),
]
