"""Steep, stiff and oscillating functions: a step that suits one entry is too long for the next."""

import numpy as np

from gradcheck.exam.held_out._parts import Array
from gradcheck.exam.rule import Rule

_draw = np.random.default_rng(102)


def _rosenbrock(x: Array) -> Array:
    return np.asarray((100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum())


def _rosenbrock_rule(g: Array, y: Array, x: Array) -> Array:
    bend = x[1:] - x[:-1] ** 2
    out = np.zeros(x.shape, dtype=x.dtype)
    out[1:] += 200 * bend
    out[:-1] -= 400 * bend * x[:-1] + 2 * (1 - x[:-1])
    return np.asarray(out * g)


def _logistic_map(x: Array) -> Array:
    for _ in range(12):
        x = 3.9 * x * (1 - x)
    return x


def _logistic_map_rule(g: Array, y: Array, x: Array) -> Array:
    slope = np.ones(x.shape, dtype=x.dtype)
    for _ in range(12):
        slope = slope * (3.9 * (1 - 2 * x))
        x = 3.9 * x * (1 - x)
    return np.asarray(g * slope)


def _weierstrass(x: Array) -> Array:
    return np.asarray(sum(0.5**k * np.cos(7.0**k * x) for k in range(6)))


def _weierstrass_rule(g: Array, y: Array, x: Array) -> Array:
    return np.asarray(-g * sum(3.5**k * np.sin(7.0**k * x) for k in range(6)))


def _steep_rule(g: Array, y: Array, x: Array) -> Array:
    return np.asarray(1e4 * g * y * (1 - y))


STIFF = [
    Rule(
        "exp(-1e5 x)",
        "stiff",
        lambda x: np.exp(-1e5 * x),
        lambda g, y, x: -1e5 * g * y,
        [np.array([0.0, 1e-6, 1e-5, 3e-5, 1e-4])],
    ),
    Rule(
        "sigmoid 1e-4 wide",
        "stiff",
        lambda x: 1 / (1 + np.exp(-1e4 * (x - 0.5))),
        _steep_rule,
        [np.array([0.5, 0.49995, 0.5003, 0.4991, 0.501])],
    ),
    Rule("Rosenbrock", "stiff", _rosenbrock, _rosenbrock_rule, [np.array([-1.2, 1.0, 0.5, 2.0])]),
    Rule("Rosenbrock's minimum", "stiff", _rosenbrock, _rosenbrock_rule, [np.ones(4)]),
    Rule(
        "tan beside its pole",
        "stiff",
        np.tan,
        lambda g, y, x: g * (1 + y * y),
        [np.pi / 2 + np.array([-1e-3, -1e-2, 1e-2, 1e-3])],
    ),
    Rule(
        "1/x beside its pole",
        "stiff",
        lambda x: 1 / x,
        lambda g, y, x: -g * y * y,
        [np.array([1e-5, -1e-4, 1e-3, -2.0])],
    ),
    Rule(
        "tanh(x/1e-4)",
        "stiff",
        lambda x: np.tanh(x / 1e-4),
        lambda g, y, x: g * (1 - y * y) / 1e-4,
        [np.array([0.0, 3e-5, -1e-4, 2e-4])],
    ),
    Rule(
        "twelve logistic maps", "stiff", _logistic_map, _logistic_map_rule, [np.array([0.1, 0.4])]
    ),
    Rule(
        "Lorentz peaks 1e-4 wide",
        "stiff",
        lambda x: 1e-8 / (1e-8 + x * x),
        lambda g, y, x: -2e-8 * g * x / (1e-8 + x * x) ** 2,
        [np.array([0.0, 5e-5, 1e-4, -3e-4, 0.1])],
    ),
    Rule(
        "Lennard-Jones",
        "stiff",
        lambda r: 4 * (r**-12.0 - r**-6.0),
        lambda g, y, r: 4 * g * (-12 * r**-13.0 + 6 * r**-7.0),
        [np.array([0.5, 0.9, 2 ** (1 / 6), 3.0])],
    ),
    Rule(
        "exp(exp(x))",
        "stiff",
        lambda x: np.exp(np.exp(x)),
        lambda g, y, x: g * y * np.exp(x),
        [np.array([-3.0, 1.0, 3.0, 5.0])],
    ),
    Rule(
        "rounded corner sqrt(x x + 1e-12)",
        "stiff",
        lambda x: np.sqrt(x * x + 1e-12),
        lambda g, y, x: g * x / y,
        [np.array([0.0, 1e-7, -1e-6, 1e-5, 1.0])],
    ),
]

OSCILLATING = [
    Rule(
        "sin(1e3 x)",
        "oscillating",
        lambda x: np.sin(1e3 * x),
        lambda g, y, x: 1e3 * g * np.cos(1e3 * x),
        [_draw.normal(size=6)],
    ),
    Rule(
        "sin(1/x)",
        "oscillating",
        lambda x: np.sin(1 / x),
        lambda g, y, x: -g * np.cos(1 / x) / (x * x),
        [np.array([0.05, -0.04, 0.013, 1.0])],
    ),
    Rule(
        "sin far out",
        "oscillating",
        np.sin,
        lambda g, y, x: g * np.cos(x),
        [np.array([1.0, 1e4, 12345.678, -1e5, 1e6])],
    ),
    Rule(
        "cos at 1e8",
        "oscillating",
        np.cos,
        lambda g, y, x: -g * np.sin(x),
        [np.array([1e8, 123456789.0])],
    ),
    Rule(
        "chirp",
        "oscillating",
        lambda x: np.sin(100 * x * x),
        lambda g, y, x: 200 * g * x * np.cos(100 * x * x),
        [np.array([0.0, 0.3, 1.1, 3.0, -7.0])],
    ),
    Rule(
        "x x sin(1/x)",
        "oscillating",
        lambda x: x * x * np.sin(1 / x),
        lambda g, y, x: g * (2 * x * np.sin(1 / x) - np.cos(1 / x)),
        [np.array([0.01, -0.003, 0.2])],
    ),
    Rule(
        "line with a fast ripple",
        "oscillating",
        lambda x: x + 1e-3 * np.sin(1e4 * x),
        lambda g, y, x: g * (1 + 10 * np.cos(1e4 * x)),
        [np.array([0.2, -0.7, 3.0])],
    ),
    Rule(
        "sin with a ripple of 1e-6",
        "oscillating",
        lambda x: np.sin(x) + 1e-6 * np.sin(1e6 * x),
        lambda g, y, x: g * (np.cos(x) + np.cos(1e6 * x)),
        [np.array([0.3, 1.7])],
    ),
    Rule(
        "Weierstrass", "oscillating", _weierstrass, _weierstrass_rule, [np.array([0.1, 0.55, 2.0])]
    ),
    Rule(
        "product of sines",
        "oscillating",
        lambda a, b: np.sin(700 * a) * np.cos(3 * b),
        lambda g, y, a, b: (
            700 * g * np.cos(700 * a) * np.cos(3 * b),
            -3 * g * np.sin(700 * a) * np.sin(3 * b),
        ),
        [_draw.normal(size=4), _draw.normal(size=4)],
    ),
]

RULES = STIFF + OSCILLATING
