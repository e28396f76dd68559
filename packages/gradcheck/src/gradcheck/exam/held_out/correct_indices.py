"""Integer and boolean arguments, duplicate indices, arguments that play no part."""

import numpy as np

from gradcheck.exam.held_out._parts import Array, logsumexp, softmax
from gradcheck.exam.rule import Rule

_draw = np.random.default_rng(108)


def _gather_rule(g: Array, y: Array, table: Array, ids: Array) -> tuple[Array, None]:
    out = np.zeros(table.shape, dtype=table.dtype)
    np.add.at(out, ids, g)
    return out, None


def _scatter_add(base: Array, ids: Array, rows: Array) -> Array:
    out = base.copy()
    np.add.at(out, ids, rows)
    return out


def _segment_sum(x: Array, segment: Array) -> Array:
    out = np.zeros((4, *x.shape[1:]), dtype=x.dtype)
    np.add.at(out, segment, x)
    return out


def _segment_mean_rule(g: Array, y: Array, x: Array, segment: Array) -> tuple[Array, None]:
    count = np.maximum(np.bincount(segment, minlength=4), 1).astype(x.dtype)
    return (g / count[:, None])[segment], None


def _segment_mean(x: Array, segment: Array) -> Array:
    count = np.maximum(np.bincount(segment, minlength=4), 1).astype(x.dtype)
    return np.asarray(_segment_sum(x, segment) / count[:, None])


def _one_hot(labels: Array, w: Array) -> Array:
    return np.asarray(np.eye(w.shape[0], dtype=w.dtype)[labels] @ w)


def _one_hot_rule(g: Array, y: Array, labels: Array, w: Array) -> tuple[None, Array]:
    return None, np.eye(w.shape[0], dtype=w.dtype)[labels].T @ g


def _cross_entropy(x: Array, labels: Array) -> Array:
    picked = np.take_along_axis(x, labels[:, None], axis=-1)[:, 0]
    return np.asarray(logsumexp(x) - picked)


def _cross_entropy_rule(g: Array, y: Array, x: Array, labels: Array) -> tuple[Array, None]:
    hot = np.arange(x.shape[-1]) == labels[:, None]
    return g[:, None] * (softmax(x) - hot), None


def _along_rule(g: Array, y: Array, x: Array, ids: Array) -> tuple[Array, None]:
    out = np.zeros(x.shape, dtype=x.dtype)
    rows = np.arange(x.shape[0])[:, None]
    np.add.at(out, (np.broadcast_to(rows, ids.shape), ids), g)
    return out, None


def _select_rule(g: Array, y: Array, x: Array, mask: Array) -> tuple[Array, None]:
    out = np.zeros(x.shape, dtype=x.dtype)
    out[mask] = g
    return out, None


def _repeat_rule(g: Array, y: Array, x: Array, counts: Array) -> tuple[Array, None]:
    out = np.zeros(x.shape, dtype=x.dtype)
    np.add.at(out, np.repeat(np.arange(x.size), counts), g)
    return out, None


_INT = "integers"

RULES = [
    Rule(
        "gather with duplicates",
        _INT,
        lambda table, ids: table[ids],
        _gather_rule,
        [_draw.normal(size=(5, 3)), np.array([0, 2, 2, 4, 2, 0])],
    ),
    Rule(
        "gather by a matrix, from the end",
        _INT,
        lambda table, ids: table[ids],
        _gather_rule,
        [_draw.normal(size=(4, 2)), np.array([[0, -1], [3, 1]])],
    ),
    Rule(
        "scatter add",
        _INT,
        _scatter_add,
        lambda g, y, base, ids, rows: (g.copy(), None, g[ids]),
        [_draw.normal(size=(4, 2)), np.array([1, 1, 3]), _draw.normal(size=(3, 2))],
    ),
    Rule(
        "segment sum, one segment empty",
        _INT,
        _segment_sum,
        lambda g, y, x, segment: (g[segment], None),
        [_draw.normal(size=(6, 2)), np.array([0, 0, 1, 3, 3, 3])],
    ),
    Rule(
        "segment mean, one segment empty",
        _INT,
        _segment_mean,
        _segment_mean_rule,
        [_draw.normal(size=(6, 2)), np.array([3, 0, 1, 3, 0, 3])],
    ),
    Rule(
        "one-hot product",
        _INT,
        _one_hot,
        _one_hot_rule,
        [np.array([2, 0, 2]), _draw.normal(size=(3, 4))],
    ),
    Rule(
        "cross-entropy by label",
        _INT,
        _cross_entropy,
        _cross_entropy_rule,
        [3 * _draw.normal(size=(4, 5)), np.array([0, 4, 4, 2])],
    ),
    Rule(
        "take along an axis, twice the same",
        _INT,
        lambda x, ids: np.take_along_axis(x, ids, axis=1),
        _along_rule,
        [_draw.normal(size=(2, 4)), np.array([[1, 1, 0], [3, 2, 3]])],
    ),
    Rule(
        "selection by a mask",
        _INT,
        lambda x, mask: x[mask],
        _select_rule,
        [_draw.normal(size=(2, 3)), np.array([[True, False, True], [False, False, True]])],
    ),
    Rule(
        "repeat by counts, one of them 0",
        _INT,
        np.repeat,
        _repeat_rule,
        [_draw.normal(size=3), np.array([2, 0, 3])],
    ),
    Rule(
        "power with an integer exponent",
        _INT,
        lambda x, n: x ** int(n),
        lambda g, y, x, n: (int(n) * g * x ** (int(n) - 1), None),
        [_draw.normal(size=4), np.array(3)],
    ),
    Rule(
        "unused, None",
        "unused",
        lambda a, b: np.exp(a),
        lambda g, y, a, b: (g * y, None),
        [_draw.normal(size=3), _draw.normal(size=(2, 2))],
    ),
    Rule(
        "unused, zeros",
        "unused",
        lambda a, b: np.exp(b),
        lambda g, y, a, b: (np.zeros_like(a), g * y),
        [_draw.normal(size=3), _draw.normal(size=(2, 2))],
    ),
]
