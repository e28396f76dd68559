"""Rules that have rules of their own."""

import numpy as np

from gradcheck import Pair
from gradcheck.exam.held_out._parts import Array, softmax, softmax_rule
from gradcheck.exam.rule import Rule

_draw = np.random.default_rng(114)
_TWICE = {"order": 2}


def _product_rule(g: Array, y: Array, a: Array, b: Array) -> tuple[Array, Array]:
    return g * b, g * a


def _product_again(
    gg: tuple[Array, Array], raw: tuple[Array, Array], g: Array, y: Array, a: Array, b: Array
) -> tuple[Array, Array, Array, Array]:
    return gg[0] * b + gg[1] * a, np.zeros_like(y), gg[1] * g, gg[0] * g


def _matmul_rule(g: Array, y: Array, a: Array, b: Array) -> tuple[Array, Array]:
    return g @ b.T, a.T @ g


def _matmul_again(
    gg: tuple[Array, Array], raw: tuple[Array, Array], g: Array, y: Array, a: Array, b: Array
) -> tuple[Array, Array, Array, Array]:
    return gg[0] @ b + a @ gg[1], np.zeros_like(y), g @ gg[1].T, gg[0].T @ g


def _softmax_again(
    gg: Array, raw: Array, g: Array, y: Array, x: Array
) -> tuple[Array, Array, Array]:
    sent = (gg * y).sum(axis=-1, keepdims=True)
    mean = (g * y).sum(axis=-1, keepdims=True)
    return y * (gg - sent), gg * (g - mean) - sent * g, np.zeros_like(x)


def _logsumexp(x: Array) -> Array:
    return np.asarray(x.max() + np.log(np.exp(x - x.max()).sum()))


def _logsumexp_rule(g: Array, y: Array, x: Array) -> Array:
    return np.asarray(g * np.exp(x - y))


def _logsumexp_again(
    gg: Array, raw: Array, g: Array, y: Array, x: Array
) -> tuple[Array, Array, Array]:
    p = np.exp(x - y)
    return np.asarray((gg * p).sum()), np.asarray(-(gg * g * p).sum()), gg * g * p


def _form_rule(g: Array, y: Array, a: Array, x: Array) -> tuple[Array, Array]:
    return g * np.outer(x, x), g * ((a + a.T) @ x)


def _form_again(
    gg: tuple[Array, Array], raw: tuple[Array, Array], g: Array, y: Array, a: Array, x: Array
) -> tuple[Array, None, Array, Array]:
    ga, gx = gg
    both = a + a.T
    dg = np.asarray((ga * np.outer(x, x)).sum() + gx @ both @ x)
    da = g * (np.outer(gx, x) + np.outer(x, gx))
    return dg, None, da, g * ((ga + ga.T) @ x + both @ gx)


_SECOND = "second order"

RULES = [
    Rule(
        "square",
        _SECOND,
        np.square,
        Pair(
            lambda g, y, x: 2 * g * x,
            lambda gg, raw, g, y, x: (2 * gg * x, np.zeros_like(y), 2 * gg * g),
        ),
        [_draw.normal(size=4)],
        _TWICE,
    ),
    Rule(
        "exp",
        _SECOND,
        np.exp,
        Pair(lambda g, y, x: g * y, lambda gg, raw, g, y, x: (gg * y, gg * g, np.zeros_like(x))),
        [_draw.normal(size=(2, 2))],
        _TWICE,
    ),
    Rule(
        "product",
        _SECOND,
        np.multiply,
        Pair(_product_rule, _product_again),
        [_draw.normal(size=3), _draw.normal(size=3)],
        _TWICE,
    ),
    Rule(
        "softmax",
        _SECOND,
        softmax,
        Pair(softmax_rule, _softmax_again),
        [_draw.normal(size=(2, 3))],
        _TWICE,
    ),
    Rule(
        "matmul",
        _SECOND,
        np.matmul,
        Pair(_matmul_rule, _matmul_again),
        [_draw.normal(size=(2, 3)), _draw.normal(size=(3, 2))],
        _TWICE,
    ),
    Rule(
        "tanh",
        _SECOND,
        np.tanh,
        Pair(
            lambda g, y, x: g * (1 - y * y),
            lambda gg, raw, g, y, x: (gg * (1 - y * y), -2 * gg * g * y, np.zeros_like(x)),
        ),
        [np.array([0.0, 0.5, -2.0, 9.0])],
        _TWICE,
    ),
    Rule(
        "sigmoid",
        _SECOND,
        lambda x: 1 / (1 + np.exp(-x)),
        Pair(
            lambda g, y, x: g * y * (1 - y),
            lambda gg, raw, g, y, x: (gg * y * (1 - y), gg * g * (1 - 2 * y), None),
        ),
        [np.array([0.0, 1.5, -3.0])],
        _TWICE,
    ),
    Rule(
        "logsumexp",
        _SECOND,
        _logsumexp,
        Pair(_logsumexp_rule, _logsumexp_again),
        [_draw.normal(size=4)],
        _TWICE,
    ),
    Rule(
        "quadratic form",
        _SECOND,
        lambda a, x: x @ a @ x,
        Pair(_form_rule, _form_again),
        [_draw.normal(size=(3, 3)), _draw.normal(size=3)],
        _TWICE,
    ),
    Rule(
        "cube at its inflection",
        _SECOND,
        lambda x: x**3,
        Pair(
            lambda g, y, x: 3 * g * x * x,
            lambda gg, raw, g, y, x: (3 * gg * x * x, None, 6 * gg * g * x),
        ),
        [np.array([0.0, 1e-4, -1.0])],
        _TWICE,
    ),
    Rule(
        "sin(30 x)",
        _SECOND,
        lambda x: np.sin(30 * x),
        Pair(
            lambda g, y, x: 30 * g * np.cos(30 * x),
            lambda gg, raw, g, y, x: (
                30 * gg * np.cos(30 * x),
                None,
                -900 * gg * g * np.sin(30 * x),
            ),
        ),
        [_draw.normal(size=3)],
        _TWICE,
    ),
    Rule(
        "1/x",
        _SECOND,
        lambda x: 1 / x,
        Pair(
            lambda g, y, x: -g * y * y,
            lambda gg, raw, g, y, x: (-gg * y * y, -2 * gg * g * y, np.zeros_like(x)),
        ),
        [np.array([0.01, -3.0, 200.0])],
        _TWICE,
    ),
]
