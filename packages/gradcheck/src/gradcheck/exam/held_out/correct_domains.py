"""Points beside the end of a function's domain, where a step too long gives NaN."""

import numpy as np

from gradcheck.exam.held_out._parts import Array
from gradcheck.exam.rule import Rule

_POSITIVE = {"domain": (0.0, np.inf)}
_UNIT = {"domain": (0.0, 1.0)}
_BALL = {"domain": (-1.0, 1.0)}
_EDGE = np.array([1e-9, 1e-6, 1e-3, 0.4])


def _divergence(p: Array, q: Array) -> Array:
    return np.asarray((p * np.log(p / q)).sum())


def _divergence_rule(g: Array, y: Array, p: Array, q: Array) -> tuple[Array, Array]:
    return g * (np.log(p / q) + 1), -g * p / q


def _power_rule(g: Array, y: Array, x: Array, p: Array) -> tuple[Array, Array]:
    return g * p * x ** (p - 1), g * y * np.log(x)


def _entropy(p: Array) -> Array:
    return np.asarray(-(p * np.log(p) + (1 - p) * np.log1p(-p)))


RULES = [
    Rule("log", "domain", np.log, lambda g, y, x: g / x, [_EDGE.copy()], _POSITIVE),
    Rule("sqrt", "domain", np.sqrt, lambda g, y, x: g / (2 * y), [_EDGE.copy()], _POSITIVE),
    Rule(
        "x**0.3",
        "domain",
        lambda x: x**0.3,
        lambda g, y, x: 0.3 * g * x**-0.7,
        [_EDGE.copy()],
        _POSITIVE,
    ),
    Rule(
        "x**1.5 to the very end",
        "domain",
        lambda x: x * np.sqrt(x),
        lambda g, y, x: 1.5 * g * np.sqrt(x),
        [np.array([0.0, 1e-8, 1e-2, 2.0])],
        _POSITIVE,
    ),
    Rule(
        "x**p for both",
        "domain",
        lambda x, p: x**p,
        _power_rule,
        [np.array([1e-4, 0.5, 3.0]), np.array([0.5, 1.7, 2.0])],
        _POSITIVE,
    ),
    Rule(
        "x log x",
        "domain",
        lambda x: x * np.log(x),
        lambda g, y, x: g * (np.log(x) + 1),
        [_EDGE.copy()],
        _POSITIVE,
    ),
    Rule(
        "arcsin",
        "domain",
        np.arcsin,
        lambda g, y, x: g / np.sqrt((1 - x) * (1 + x)),
        [np.array([1 - 1e-9, -1 + 1e-6, 0.999, 0.0])],
        _BALL,
    ),
    Rule(
        "arccos",
        "domain",
        np.arccos,
        lambda g, y, x: -g / np.sqrt((1 - x) * (1 + x)),
        [np.array([1 - 1e-7, -1 + 1e-5, 0.5])],
        _BALL,
    ),
    Rule(
        "half circle",
        "domain",
        lambda x: np.sqrt(1 - x * x),
        lambda g, y, x: -g * x / np.sqrt((1 - x) * (1 + x)),
        [np.array([1 - 1e-6, -1 + 1e-4, 0.0])],
        _BALL,
    ),
    Rule(
        "log1p beside -1",
        "domain",
        np.log1p,
        lambda g, y, x: g / (1 + x),
        [np.array([-1 + 1e-7, -0.999, 0.0])],
        {"domain": (-1.0, np.inf)},
    ),
    Rule(
        "arccosh beside 1",
        "domain",
        np.arccosh,
        lambda g, y, x: g / np.sqrt((x - 1) * (x + 1)),
        [np.array([1 + 1e-8, 1 + 1e-4, 3.0])],
        {"domain": (1.0, np.inf)},
    ),
    Rule(
        "arctanh",
        "domain",
        np.arctanh,
        lambda g, y, x: g / ((1 - x) * (1 + x)),
        [np.array([1 - 1e-6, -0.999, 0.1])],
        _BALL,
    ),
    Rule(
        "logit",
        "domain",
        lambda p: np.log(p) - np.log1p(-p),
        lambda g, y, p: g / (p * (1 - p)),
        [np.array([1e-8, 0.5, 1 - 1e-6])],
        _UNIT,
    ),
    Rule(
        "binary entropy",
        "domain",
        _entropy,
        lambda g, y, p: g * (np.log1p(-p) - np.log(p)),
        [np.array([1e-7, 0.3, 1 - 1e-5])],
        _UNIT,
    ),
    Rule(
        "Kullback and Leibler",
        "domain",
        _divergence,
        _divergence_rule,
        [np.array([1e-6, 0.3, 0.7]), np.array([1e-3, 0.6, 0.4])],
        _POSITIVE,
    ),
    Rule(
        "log in float32",
        "domain",
        np.log,
        lambda g, y, x: g / x,
        [np.array([1e-6, 1e-3, 5.0], dtype=np.float32)],
        _POSITIVE,
    ),
]
