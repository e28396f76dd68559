"""Planted bugs that spoil one entry, or one row, of ten thousand."""

from typing import Any

import numpy as np

from gradcheck.exam.rule import Rule

_rng = np.random.default_rng(103)
_ROWS = _rng.permutation(100)
_ROWS[71] = _ROWS[8]


def _one_per_cent_of_a_per_mille(g: Any, y: Any, x: Any) -> Any:
    d = g * np.cos(x)
    d[7321] *= 1 + 1e-5
    return d


def _one_per_mille(g: Any, y: Any, x: Any) -> Any:
    d = g * (1 - y * y)
    d[17, 42] *= 0.999
    return d


def _two_swapped(g: Any, y: Any, x: Any) -> Any:
    d = 3 * g * x * x
    d[[12, 9876]] = d[[9876, 12]]
    return d


def _softmax(x: Any) -> Any:
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def _softmax_by_blocks(g: Any, y: Any, x: Any) -> Any:
    d = np.zeros_like(x)
    for i in range(0, 99, 33):
        block = slice(i, i + 33)
        gy = g[block] * y[block]
        d[block] = gy - y[block] * gy.sum(axis=1, keepdims=True)
    return d


def _differences(g: Any, y: Any, x: Any) -> Any:
    d = np.zeros_like(x)
    d[:-1] -= g
    d[1:-1] += g[:-1]
    return d


def _symmetrised(g: Any, y: Any, x: Any) -> Any:
    d = (g + g.T) / 2
    d[0, 0] *= 2
    return d


def _gathered(g: Any, y: Any, x: Any) -> Any:
    d = np.zeros_like(x)
    d[_ROWS] = g
    return d


def _weighted_sum(g: Any, y: Any, x: Any, w: Any) -> Any:
    dw = g * x
    dw[-1, -2] += 1e-4 * g
    return g * w, dw


def _row_of_weights(g: Any, y: Any, x: Any, w: Any) -> Any:
    dw = np.outer(x, g)
    dw[63] = dw[62]
    return w @ g, dw


def _huge_neighbours(g: Any, y: Any, x: Any) -> Any:
    d = 2 * g * x
    d[5000] = 0
    return d


_wide = 1e3 * _rng.normal(size=10_000)
_wide[5000] = 1e-3


def _rule(name: str, f: Any, vjp: Any, *primals: Any) -> Rule:
    return Rule(name, "one entry", f, vjp, list(primals))


ONE_ENTRY = [
    _rule(
        "one sine of 10^4 off by 1e-5",
        np.sin,
        _one_per_cent_of_a_per_mille,
        _rng.uniform(-1, 1, 10_000),
    ),
    _rule("one tanh of 10^4 off by 1e-3", np.tanh, _one_per_mille, _rng.normal(size=(100, 100))),
    _rule("two of 10^4 swapped", lambda x: x**3, _two_swapped, _rng.normal(size=10_000)),
    _rule(
        "last row left out by blocks", _softmax, _softmax_by_blocks, _rng.normal(size=(100, 100))
    ),
    _rule("last difference left out", np.diff, _differences, _rng.normal(size=10_000)),
    _rule(
        "corner of a symmetric matrix doubled",
        lambda x: (x + x.T) / 2,
        _symmetrised,
        _rng.normal(size=(100, 100)),
    ),
    _rule(
        "one row gathered twice, given once",
        lambda x: x[_ROWS],
        _gathered,
        _rng.normal(size=(100, 100)),
    ),
    _rule(
        "one weight of a sum off by 1e-4",
        lambda x, w: (x * w).sum(),
        _weighted_sum,
        *_rng.normal(size=(2, 100, 100)),
    ),
    _rule(
        "one row of weights copied from its neighbour",
        lambda x, w: x @ w,
        _row_of_weights,
        _rng.normal(size=100),
        _rng.normal(size=(100, 100)),
    ),
    _rule("a small entry among large ones lost", np.square, _huge_neighbours, _wide),
]
