"""Roots, extrema, inflections and flat places: where f, f' or both are 0."""

import numpy as np

from gradcheck.exam.held_out._parts import Array
from gradcheck.exam.rule import Rule

_WILKINSON = np.arange(1, 11)


def _wilkinson(x: Array) -> Array:
    return np.asarray(np.prod([x - int(k) for k in _WILKINSON], axis=0))


def _wilkinson_rule(g: Array, y: Array, x: Array) -> Array:
    total = np.zeros(x.shape, dtype=x.dtype)
    for left_out in _WILKINSON:
        total += np.prod([x - int(k) for k in _WILKINSON if k != left_out], axis=0)
    return np.asarray(g * total)


def _bump(x: Array) -> Array:
    """exp(-1/x**2), whose derivatives at 0 are all 0."""
    away = x != 0
    return np.where(away, np.exp(-1 / np.where(away, x, 1) ** 2), 0)


def _bump_rule(g: Array, y: Array, x: Array) -> Array:
    away = x != 0
    return np.where(away, 2 * g * y / np.where(away, x, 1) ** 3, 0 * g)


def _chebyshev(x: Array) -> Array:
    before, now = np.ones_like(x), x
    for _ in range(11):
        before, now = now, 2 * x * now - before
    return now


def _chebyshev_rule(g: Array, y: Array, x: Array) -> Array:
    before, now = np.ones_like(x), 2 * x  # the second kind: T12' = 12 U11
    for _ in range(10):
        before, now = now, 2 * x * now - before
    return np.asarray(12 * g * now)


def _monkey_rule(g: Array, y: Array, a: Array, b: Array) -> tuple[Array, Array]:
    return 3 * g * (a * a - b * b), -6 * g * a * b


_ROOT, _FLAT = "roots", "flat"

RULES = [
    Rule(
        "cubic at its roots",
        _ROOT,
        lambda x: (x - 1) * (x - 2) * (x - 3),
        lambda g, y, x: g * (3 * x * x - 12 * x + 11),
        [np.array([1.0, 2.0, 3.0])],
    ),
    Rule(
        "expanded cubic at its roots",
        _ROOT,
        lambda x: x**3 - 6 * x**2 + 11 * x - 6,
        lambda g, y, x: g * ((3 * x - 12) * x + 11),
        [np.array([1.0, 2.0, 3.0])],
    ),
    Rule("cos at pi/2", _ROOT, np.cos, lambda g, y, x: -g * np.sin(x), [np.pi * np.arange(0.5, 4)]),
    Rule("ten roots", _ROOT, _wilkinson, _wilkinson_rule, [np.array([1.0, 5.0, 10.0, 5.5])]),
    Rule(
        "Chebyshev at ends and root",
        _ROOT,
        _chebyshev,
        _chebyshev_rule,
        [np.array([-1.0, 1.0, 0.0, np.cos(np.pi / 24), np.cos(np.pi / 12)])],
    ),
    Rule(
        "product, both factors 0",
        _ROOT,
        lambda a, b: a * b,
        lambda g, y, a, b: (g * b, g * a),
        [np.array([0.0, 0.0, 1.0]), np.array([0.0, 2.0, 0.0])],
    ),
    Rule("square at 0", _FLAT, lambda x: x * x, lambda g, y, x: 2 * g * x, [np.zeros(3)]),
    Rule(
        "sin at its tops",
        _FLAT,
        np.sin,
        lambda g, y, x: g * np.cos(x),
        [np.array([np.pi / 2, -np.pi / 2, 5 * np.pi / 2])],
    ),
    Rule(
        "cube at its inflection",
        _FLAT,
        lambda x: x**3,
        lambda g, y, x: 3 * g * x * x,
        [np.array([0.0, 1e-5, -1e-3])],
    ),
    Rule(
        "x**8",
        _FLAT,
        lambda x: x**8,
        lambda g, y, x: 8 * g * x**7,
        [np.array([0.0, 1e-4, 1e-2, -0.1])],
    ),
    Rule("exp(-1/x**2)", _FLAT, _bump, _bump_rule, [np.array([0.0, 0.05, 0.1, -0.3])]),
    Rule(
        "saddle of three valleys",
        _FLAT,
        lambda a, b: a**3 - 3 * a * b**2,
        _monkey_rule,
        [np.array([0.0, 1e-4, 0.0]), np.array([0.0, 0.0, 1e-3])],
    ),
    Rule(
        "Gaussian at its top",
        _FLAT,
        lambda x: np.exp(-x * x),
        lambda g, y, x: -2 * g * x * y,
        [np.array([0.0, 1e-9, 2**-0.5])],
    ),
    Rule(
        "tanh at its inflection",
        "inflection",
        np.tanh,
        lambda g, y, x: g * (1 - y * y),
        [np.array([0.0, 1e-10, -1e-3])],
    ),
    Rule(
        "x exp(-x) at top and inflection",
        "inflection",
        lambda x: x * np.exp(-x),
        lambda g, y, x: g * (1 - x) * np.exp(-x),
        [np.array([1.0, 2.0, 0.0])],
    ),
]
