"""Points at a kink or a tie, with a valid choice from the generalised gradient."""

import numpy as np

from gradcheck.exam.held_out._parts import Array, unbroadcast
from gradcheck.exam.rule import Rule

_HALF_ZERO = np.array([0.0, 1.0, 0.0, -1.0, -0.0])


def _relu(x: Array) -> Array:
    return np.maximum(x, 0)


def _step(g: Array, x: Array, at_zero: float) -> Array:
    """``g`` where x > 0, a share of it where x = 0."""
    return np.where(x > 0, g, np.where(x == 0, at_zero * g, 0 * g))


def _shared_max_rule(g: Array, y: Array, x: Array) -> Array:
    ties = x == y[..., None]
    return np.asarray(g[..., None] * ties / ties.sum(axis=-1, keepdims=True).astype(x.dtype))


def _first_max_rule(g: Array, y: Array, x: Array) -> Array:
    out = np.zeros(x.shape, dtype=x.dtype)
    np.put_along_axis(out, x.argmax(axis=-1)[..., None], g[..., None], axis=-1)
    return out


def _half_half(g: Array, y: Array, a: Array, b: Array) -> tuple[Array, Array]:
    share = np.where(a > b, 1.0, np.where(a < b, 0.0, 0.5)).astype(g.dtype)
    return unbroadcast(g * share, a), unbroadcast(g * (1 - share), b)


def _all_to_the_first(g: Array, y: Array, a: Array, b: Array) -> tuple[Array, Array]:
    return unbroadcast(g * (a <= b), a), unbroadcast(g * (a > b), b)


def _sort_rule(g: Array, y: Array, x: Array) -> Array:
    out = np.empty(x.shape, dtype=x.dtype)
    out[np.argsort(x, kind="stable")] = g
    return out


def _median_rule(g: Array, y: Array, x: Array) -> Array:
    ties = x == y
    return np.asarray(g * ties / ties.sum().astype(x.dtype))


def _norm_rule(g: Array, y: Array, x: Array) -> Array:
    return np.asarray(g * x / y if y > 0 else 0 * x)


def _pool(x: Array) -> Array:
    return np.asarray(x.reshape(2, 2, 2, 2).max(axis=(1, 3)))


def _pool_rule(g: Array, y: Array, x: Array) -> Array:
    windows = x.reshape(2, 2, 2, 2)
    ties = windows == y[:, None, :, None]
    count = ties.sum(axis=(1, 3), keepdims=True).astype(x.dtype)
    return np.asarray((g[:, None, :, None] * ties / count).reshape(x.shape))


def _variation_rule(g: Array, y: Array, x: Array) -> Array:
    signs = g * np.sign(np.diff(x))
    out = np.zeros(x.shape, dtype=x.dtype)
    out[1:] += signs
    out[:-1] -= signs
    return out


def _range_rule(g: Array, y: Array, x: Array) -> Array:
    top, low = x == x.max(), x == x.min()
    return np.asarray(g * (top / top.sum() - low / low.sum()).astype(x.dtype))


def _distance_rule(g: Array, y: Array, a: Array, b: Array) -> tuple[Array, Array]:
    signs = g * np.sign(a - b)
    return signs, -signs


_AT = "at kinks"

RULES = [
    Rule("relu, 0 at 0", _AT, _relu, lambda g, y, x: g * (x > 0), [_HALF_ZERO.copy()]),
    Rule("relu, 1/2 at 0", _AT, _relu, lambda g, y, x: _step(g, x, 0.5), [_HALF_ZERO.copy()]),
    Rule("relu, 1 at 0", _AT, _relu, lambda g, y, x: g * (x >= 0), [_HALF_ZERO.copy()]),
    Rule("|x|, 0 at 0", _AT, np.abs, lambda g, y, x: g * np.sign(x), [_HALF_ZERO.copy()]),
    Rule(
        "|x|, 1 at 0",
        _AT,
        np.abs,
        lambda g, y, x: np.where(x < 0, -g, 1 * g),
        [_HALF_ZERO.copy()],
    ),
    Rule(
        "max, shared by ties",
        _AT,
        lambda x: x.max(axis=-1),
        _shared_max_rule,
        [np.array([[1.0, 1.0, 0.0], [2.0, 2.0, 2.0], [0.0, 1.0, -1.0]])],
    ),
    Rule(
        "max, the first winner's",
        _AT,
        lambda x: x.max(axis=-1),
        _first_max_rule,
        [np.array([[1.0, 1.0, 0.0], [2.0, 2.0, 2.0], [0.0, 1.0, -1.0]])],
    ),
    Rule(
        "maximum, halves",
        _AT,
        np.maximum,
        _half_half,
        [np.array([[1.0, 2.0, 3.0], [0.0, 0.0, 5.0]]), np.array([1.0, 0.0, 3.0])],
    ),
    Rule(
        "minimum, the first's",
        _AT,
        np.minimum,
        _all_to_the_first,
        [np.array([1.0, 2.0, -0.5]), np.array([1.0, 2.0, 3.0])],
    ),
    Rule(
        "clip, 1 at its bounds",
        _AT,
        lambda x: np.clip(x, -1, 2),
        lambda g, y, x: g * ((x >= -1) & (x <= 2)),
        [np.array([-1.0, 2.0, 0.0, 3.0])],
    ),
    Rule(
        "clip, 0 at its bounds",
        _AT,
        lambda x: np.clip(x, -1, 2),
        lambda g, y, x: g * ((x > -1) & (x < 2)),
        [np.array([-1.0, 2.0, 0.0, 3.0])],
    ),
    Rule(
        "sort with ties",
        _AT,
        np.sort,
        _sort_rule,
        [np.array([2.0, 1.0, 2.0, 1.0, 1.0])],
    ),
    Rule(
        "median with ties",
        _AT,
        np.median,
        _median_rule,
        [np.array([1.0, 3.0, 1.0, 1.0, -2.0])],
    ),
    Rule(
        "hinge at its margin",
        _AT,
        lambda s: np.maximum(1 - s, 0),
        lambda g, y, s: -g * (s < 1),
        [np.array([1.0, 0.0, 1.0, 2.0])],
    ),
    Rule("norm at 0", _AT, lambda x: np.sqrt((x * x).sum()), _norm_rule, [np.zeros(3)]),
    Rule(
        "leaky relu at 0",
        _AT,
        lambda x: np.maximum(x, 0.1 * x),
        lambda g, y, x: np.where(x > 0, g, 0.1 * g),
        [_HALF_ZERO.copy()],
    ),
    Rule("max pool of a flat picture", _AT, _pool, _pool_rule, [np.ones((4, 4))]),
    Rule(
        "total variation of flat data",
        _AT,
        lambda x: np.abs(np.diff(x)).sum(),
        _variation_rule,
        [np.array([1.0, 1.0, 1.0, 2.0, 2.0])],
    ),
    Rule(
        "range of constant data",
        _AT,
        lambda x: x.max() - x.min(),
        _range_rule,
        [np.full(4, 3.0)],
    ),
    Rule(
        "|a - b| where equal",
        _AT,
        lambda a, b: np.abs(a - b),
        _distance_rule,
        [np.array([1.0, 2.0, 3.0]), np.array([1.0, 0.0, 3.0])],
    ),
    Rule(
        "relu(x) - relu(-x), which is x",
        _AT,
        lambda x: np.maximum(x, 0) - np.maximum(-x, 0),
        lambda g, y, x: g.copy(),
        [_HALF_ZERO.copy()],
    ),
    Rule(
        "elu, smooth at 0",
        _AT,
        lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
        lambda g, y, x: np.where(x > 0, g, g * np.exp(np.minimum(x, 0))),
        [_HALF_ZERO.copy()],
    ),
    Rule(
        "soft threshold at its threshold",
        _AT,
        lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.5, 0),
        lambda g, y, x: g * (np.abs(x) > 0.5),
        [np.array([0.5, -0.5, 0.2, 1.0])],
    ),
]
