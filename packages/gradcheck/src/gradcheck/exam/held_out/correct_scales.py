"""Saturated functions, and numbers far from 1."""

import numpy as np

from gradcheck.exam.held_out._parts import Array, softmax, softmax_rule
from gradcheck.exam.rule import Rule

_draw = np.random.default_rng(105)


def _softplus(x: Array) -> Array:
    return np.asarray(np.logaddexp(0, x))


def _sigmoid(x: Array) -> Array:
    e = np.exp(-np.abs(x))
    return np.asarray(np.where(x >= 0, 1, e) / (1 + e))


def _coulomb(q: Array, r: Array) -> Array:
    return np.asarray(8.9875e9 * q[0] * q[1] / r**2)


def _coulomb_rule(g: Array, y: Array, q: Array, r: Array) -> tuple[Array, Array]:
    pull = (g * 8.9875e9 / r**2).sum()
    return np.array([pull * q[1], pull * q[0]], dtype=q.dtype), -2 * g * y / r


def _cosine(a: Array, b: Array) -> Array:
    return np.asarray(a @ b / (np.sqrt(a @ a) * np.sqrt(b @ b)))


def _cosine_rule(g: Array, y: Array, a: Array, b: Array) -> tuple[Array, Array]:
    norms = np.sqrt(a @ a) * np.sqrt(b @ b)
    return g * (b / norms - y * a / (a @ a)), g * (a / norms - y * b / (b @ b))


SATURATED = [
    Rule(
        "tanh to 20, by its output",
        "saturated",
        np.tanh,
        lambda g, y, x: g * (1 - y * y),
        [np.array([0.1, 5.0, -9.0, 18.0, 20.0])],
    ),
    Rule(
        "tanh to 20, by cosh",
        "saturated",
        np.tanh,
        lambda g, y, x: g / np.cosh(x) ** 2,
        [np.array([0.1, 5.0, -9.0, 18.0, 20.0])],
    ),
    Rule(
        "sigmoid at -40",
        "saturated",
        _sigmoid,
        lambda g, y, x: g * y * _sigmoid(-x),
        [np.array([-40.0, 40.0, 0.0, -100.0])],
    ),
    Rule(
        "softmax with one winner",
        "saturated",
        softmax,
        softmax_rule,
        [np.array([[0.0, 50.0, -800.0], [30.0, -30.0, 0.0]])],
    ),
    Rule(
        "Gaussian tail",
        "saturated",
        lambda x: np.exp(-x * x / 2),
        lambda g, y, x: -g * x * y,
        [np.array([0.0, 6.0, -8.0, 12.0])],
    ),
    Rule(
        "softplus far out",
        "saturated",
        _softplus,
        lambda g, y, x: g * _sigmoid(x),
        [np.array([-40.0, -700.0, 40.0, 800.0, 0.0])],
    ),
    Rule(
        "log sigmoid",
        "saturated",
        lambda x: -np.logaddexp(0, -x),
        lambda g, y, x: g * _sigmoid(-x),
        [np.array([-1000.0, 50.0, 0.3])],
    ),
    Rule(
        "arctan at 1e8",
        "saturated",
        np.arctan,
        lambda g, y, x: g / (1 + x * x),
        [np.array([1e8, -1e4, 3.0])],
    ),
    Rule(
        "exp(-exp(x))",
        "saturated",
        lambda x: np.exp(-np.exp(x)),
        lambda g, y, x: -g * y * np.exp(x),
        [np.array([-30.0, 0.0, 3.0, 5.0])],
    ),
    Rule(
        "Hill function",
        "saturated",
        lambda x: x**4 / (1 + x**4),
        lambda g, y, x: 4 * g * x**3 / (1 + x**4) ** 2,
        [np.array([1e-4, 1.0, 1e3, 1e5])],
    ),
]

SCALES = [
    Rule(
        "outputs of 1e-12",
        "scales",
        lambda x: 1e-12 * np.sin(x),
        lambda g, y, x: 1e-12 * g * np.cos(x),
        [_draw.normal(size=5)],
    ),
    Rule(
        "outputs of 1e15",
        "scales",
        lambda x: 1e15 * x * x,
        lambda g, y, x: 2e15 * g * x,
        [_draw.normal(size=5)],
    ),
    Rule(
        "inputs of 1e-9",
        "scales",
        lambda x: np.sin(x) / (1 + x),
        lambda g, y, x: g * (np.cos(x) * (1 + x) - np.sin(x)) / (1 + x) ** 2,
        [1e-9 * _draw.normal(size=5)],
    ),
    Rule(
        "log of 1e9",
        "scales",
        np.log,
        lambda g, y, x: g / x,
        [np.array([1e9, 3e12, 1e-9])],
        {"domain": (0.0, np.inf)},
    ),
    Rule(
        "squares from 1e-9 to 1e9",
        "scales",
        np.square,
        lambda g, y, x: 2 * g * x,
        [np.array([1e-9, -1e-3, 1.0, -1e4, 1e9])],
    ),
    Rule(
        "sum of squares from 1e-3 to 1e3",
        "scales",
        lambda x: (x * x).sum(),
        lambda g, y, x: 2 * g * x,
        [np.array([1e-3, -1.0, 30.0, 1e3])],
    ),
    Rule(
        "tiny times huge",
        "scales",
        np.multiply,
        lambda g, y, a, b: (g * b, g * a),
        [1e-9 * _draw.normal(size=4), 1e9 * _draw.normal(size=4)],
    ),
    Rule(
        "Coulomb's law in SI units",
        "scales",
        _coulomb,
        _coulomb_rule,
        [np.array([1.6e-19, 3.2e-19]), np.array([1e-10, 5e-11, 1e-9])],
    ),
    Rule(
        "Stefan and Boltzmann",
        "scales",
        lambda t: 5.670374e-8 * t**4,
        lambda g, y, t: 4 * 5.670374e-8 * g * t**3,
        [np.array([300.0, 5778.0, 2.7])],
    ),
    Rule(
        "squares of 1e-100",
        "scales",
        np.square,
        lambda g, y, x: 2 * g * x,
        [np.array([1e-100, -3e-100])],
    ),
    Rule("gain of 1e-30", "scales", lambda x: x * 1e-30, lambda g, y, x: g * 1e-30, [np.ones(3)]),
    Rule(
        "cosine of 1e9 and 1e-9",
        "scales",
        _cosine,
        _cosine_rule,
        [1e9 * _draw.normal(size=4), 1e-9 * _draw.normal(size=4)],
    ),
    Rule(
        "exp(-x) at 500",
        "scales",
        lambda x: np.exp(-x),
        lambda g, y, x: -g * y,
        [np.array([500.0, 300.0, 0.0])],
    ),
]

RULES = SATURATED + SCALES
