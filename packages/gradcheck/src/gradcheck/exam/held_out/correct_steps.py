"""Piecewise functions: flat pieces, jumps a short step away, branches chosen by the data."""

import numpy as np

from gradcheck.exam.held_out._parts import Array
from gradcheck.exam.rule import Rule

_draw = np.random.default_rng(107)
_TABLE = np.array([0.5, -2.0, 3.0, 8.0])


def _zero(g: Array, y: Array, x: Array) -> Array:
    return np.zeros_like(x)


def _masked_log(x: Array) -> Array:
    inside = x > 0
    return np.where(inside, np.log(np.where(inside, x, 1)), 0)


def _masked_log_rule(g: Array, y: Array, x: Array) -> Array:
    inside = x > 0
    return np.where(inside, g / np.where(inside, x, 1), 0 * g)


def _lookup(x: Array) -> Array:
    return _TABLE.astype(x.dtype)[(x > 1) * 1 + (x > 2) * 1 + (x > 3) * 1]


def _spline(x: Array) -> Array:
    """Two cubics that meet at 0 with one slope."""
    return np.where(x < 0, x + x**3, x - 2 * x**2)


def _spline_rule(g: Array, y: Array, x: Array) -> Array:
    return np.where(x < 0, g * (1 + 3 * x * x), g * (1 - 4 * x))


def _modulo_rule(g: Array, y: Array, a: Array, b: Array) -> tuple[Array, Array]:
    return g.copy(), -g * np.floor(a / b)


_STEPS = "steps"

RULES = [
    Rule("floor", _STEPS, np.floor, _zero, [np.array([0.5, 2 - 1e-6, -1.3, 3 + 1e-7])]),
    Rule("round", _STEPS, np.round, _zero, [np.array([0.49999, 1.5001, -0.7, 4.0])]),
    Rule("sign", _STEPS, np.sign, _zero, [np.array([1e-5, -1e-6, 2.0, -3.0])]),
    Rule("lookup table", _STEPS, _lookup, _zero, [np.array([0.5, 1.0001, 2.5, 1e3])]),
    Rule(
        "x + floor(x)",
        _STEPS,
        lambda x: x + np.floor(x),
        lambda g, y, x: 1 * g,
        [np.array([0.5, 2 - 1e-6, -1.3, 3 + 1e-7])],
    ),
    Rule(
        "jump at 0",
        _STEPS,
        lambda x: np.where(x > 0, x + 1, 2 * x),
        lambda g, y, x: np.where(x > 0, g, 2 * g),
        [np.array([1e-5, -1e-5, 1e-7, -1e-7, 1.0])],
    ),
    Rule(
        "remainder",
        _STEPS,
        np.mod,
        _modulo_rule,
        [np.array([5.5, -3.2, 2 - 1e-5, 7.0]), np.array([2.0, 1.5, 1.0, 3.0])],
    ),
    Rule(
        "sawtooth",
        _STEPS,
        lambda x: x - np.floor(x),
        lambda g, y, x: g.copy(),
        [np.array([0.1, 0.999999, -2.000001, 7.5])],
    ),
    Rule(
        "where with its other branch made safe",
        _STEPS,
        _masked_log,
        _masked_log_rule,
        [np.array([2.0, -1.0, 0.1, -1e-3, 5.0])],
    ),
    Rule(
        "spline at its knot",
        _STEPS,
        _spline,
        _spline_rule,
        [np.array([0.0, 1e-8, -1e-8, 0.5, -0.5])],
    ),
    Rule(
        "where by a mask",
        _STEPS,
        lambda m, a, b: np.where(m, a, b),
        lambda g, y, m, a, b: (None, g * m, g * ~m),
        [np.array([True, False, True, False]), _draw.normal(size=4), _draw.normal(size=4)],
    ),
    Rule(
        "dropout by a given mask",
        _STEPS,
        lambda x, keep: x * keep.astype(x.dtype) / 0.75,
        lambda g, y, x, keep: (g * keep.astype(x.dtype) / 0.75, None),
        [_draw.normal(size=(2, 4)), np.array([[1, 0, 1, 1], [1, 1, 0, 1]])],
    ),
    Rule(
        "triangle wave",
        _STEPS,
        lambda x: np.abs(x - np.round(x)),
        lambda g, y, x: g * np.sign(x - np.round(x)),
        [np.array([0.25, 0.4999, 3.0001, -1.3])],
    ),
]
