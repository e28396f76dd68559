"""Functions whose values lose digits, though their derivatives are perfectly well known."""

import numpy as np

from gradcheck.exam.held_out._parts import Array, logsumexp, logsumexp_rule, softmax
from gradcheck.exam.rule import Rule

_draw = np.random.default_rng(103)


def _log_softmax(x: Array) -> Array:
    shifted = x - x.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def _var_rule(g: Array, y: Array, x: Array) -> Array:
    return np.asarray(2 * g * (x - x.mean()) / x.size)


def _textbook_var(x: Array) -> Array:
    return np.asarray((x * x).mean() - x.mean() ** 2)


def _squares_rule(g: Array, y: Array, a: Array, b: Array) -> tuple[Array, Array]:
    return 2 * g * a, -2 * g * b


CANCELLING = [
    Rule(
        "(1e8 + x) - 1e8",
        "cancelling",
        lambda x: (1e8 + x) - 1e8,
        lambda g, y, x: g.copy(),
        [_draw.normal(size=5)],
    ),
    Rule(
        "(1e8 + sin x) - 1e8",
        "cancelling",
        lambda x: (1e8 + np.sin(x)) - 1e8,
        lambda g, y, x: g * np.cos(x),
        [np.array([0.1, 1.0, -2.0])],
    ),
    Rule(
        "variance of data at 1e6",
        "cancelling",
        lambda x: ((x - x.mean()) ** 2).mean(),
        _var_rule,
        [1e6 + _draw.normal(size=9)],
    ),
    Rule(
        "textbook variance at 1e3",
        "cancelling",
        _textbook_var,
        _var_rule,
        [1e3 + _draw.normal(size=6)],
    ),
    Rule(
        "exp(x) - 1 for tiny x",
        "cancelling",
        lambda x: np.exp(x) - 1,
        lambda g, y, x: g * np.exp(x),
        [np.array([1e-12, -1e-9, 1e-6, 0.0])],
    ),
    Rule(
        "log(1 + x) for tiny x",
        "cancelling",
        lambda x: np.log(1 + x),
        lambda g, y, x: g / (1 + x),
        [np.array([1e-12, -1e-8, 1e-5, 0.0])],
    ),
    Rule(
        "expm1 and log1p there and back",
        "cancelling",
        lambda x: np.log1p(np.expm1(x)),
        lambda g, y, x: g.copy(),
        [np.array([1e-14, 1e-7, 0.5, 30.0])],
    ),
    Rule(
        "logsumexp of large numbers",
        "cancelling",
        logsumexp,
        logsumexp_rule,
        [1e4 + _draw.normal(size=(2, 5))],
    ),
    Rule(
        "log softmax at 1e6",
        "cancelling",
        _log_softmax,
        lambda g, y, x: g - softmax(x) * g.sum(axis=-1, keepdims=True),
        [1e6 + _draw.normal(size=(2, 4))],
    ),
    Rule(
        "sqrt(x + 1) - sqrt(x)",
        "cancelling",
        lambda x: np.sqrt(x + 1) - np.sqrt(x),
        lambda g, y, x: -0.5 * g * y / (np.sqrt(x + 1) * np.sqrt(x)),
        [np.array([2.0, 1e3, 1e5, 1e6])],
        {"domain": (0.0, np.inf)},
    ),
    Rule(
        "x - sin x",
        "cancelling",
        lambda x: x - np.sin(x),
        lambda g, y, x: 2 * g * np.sin(x / 2) ** 2,
        [np.array([0.0, 1e-3, -1e-2, 2.0])],
    ),
    Rule(
        "(1 - cos x) / (x x)",
        "cancelling",
        lambda x: (1 - np.cos(x)) / (x * x),
        lambda g, y, x: g * (np.sin(x) * x - 4 * np.sin(x / 2) ** 2) / x**3,
        [np.array([0.05, -0.1, 2.0])],
    ),
    Rule(
        "a a - b b of neighbours",
        "cancelling",
        lambda a, b: a * a - b * b,
        _squares_rule,
        [np.array([1e5, 1e6]), np.array([1e5 - 1, 1e6 + 0.5])],
    ),
    Rule(
        "sum with 1e7 and -1e7",
        "cancelling",
        lambda x: x.sum(),
        lambda g, y, x: np.full_like(x, g),
        [np.array([1e7, 0.25, -1e7, 1e-3])],
    ),
    Rule(
        "x / (1 - x) beside 1",
        "cancelling",
        lambda x: x / (1 - x),
        lambda g, y, x: g / (1 - x) ** 2,
        [1 - np.array([1e-6, 1e-4, 1e-2])],
    ),
]

BEYOND_DOUBLES = [
    Rule(
        "1e20 + x",
        "cancelling",
        lambda x: 1e20 + x,
        lambda g, y, x: g.copy(),
        [np.array([1.0, -2.0])],
        inconclusive=True,
    ),
    Rule(
        "(1e17 + sin x) - 1e17",
        "cancelling",
        lambda x: (1e17 + np.sin(x)) - 1e17,
        lambda g, y, x: g * np.cos(x),
        [np.array([0.5, 1.0])],
        inconclusive=True,
    ),
    Rule(
        "sin at 1e18",
        "oscillating",
        np.sin,
        lambda g, y, x: g * np.cos(x),
        [np.array([1e18, 3e18])],
        inconclusive=True,
    ),
]

RULES = CANCELLING + BEYOND_DOUBLES
