"""Everyday rules at everyday points."""

import numpy as np

from gradcheck.exam.held_out._parts import (
    Array,
    gelu,
    gelu_rule,
    layer_norm,
    layer_norm_rule,
    softmax,
    softmax_rule,
    unbroadcast,
)
from gradcheck.exam.rule import Rule

_draw = np.random.default_rng(101)


def _affine_rule(g: Array, y: Array, w: Array, x: Array, b: Array) -> tuple[Array, ...]:
    return np.outer(g, x), w.T @ g, g.copy()


def _attention(q: Array, k: Array, v: Array) -> Array:
    return np.asarray(softmax(q @ k.T / 2.0) @ v)


def _attention_rule(g: Array, y: Array, q: Array, k: Array, v: Array) -> tuple[Array, ...]:
    p = softmax(q @ k.T / 2.0)
    gp = g @ v.T
    gs = p * (gp - (gp * p).sum(axis=-1, keepdims=True)) / 2.0
    return gs @ k, gs.T @ q, p.T @ g


def _mse_rule(g: Array, y: Array, a: Array, b: Array) -> tuple[Array, Array]:
    slope = 2 * g * (a - b) / a.size
    return slope, -slope


def _quotient_rule(g: Array, y: Array, a: Array, b: Array) -> tuple[Array, Array]:
    return unbroadcast(g / b, a), unbroadcast(-g * a / (b * b), b)


def _cell(x: Array, h: Array, w: Array, u: Array) -> Array:
    return np.asarray(np.tanh(x @ w + h @ u))


def _cell_rule(g: Array, y: Array, x: Array, h: Array, w: Array, u: Array) -> tuple[Array, ...]:
    s = g * (1 - y * y)
    return s @ w.T, s @ u.T, x.T @ s, h.T @ s


RULES = [
    Rule(
        "product",
        "plain",
        lambda a, b: a * b,
        lambda g, y, a, b: (g * b, g * a),
        [_draw.normal(size=(3, 4)), _draw.normal(size=(3, 4))],
    ),
    Rule(
        "affine",
        "plain",
        lambda w, x, b: w @ x + b,
        _affine_rule,
        [_draw.normal(size=(4, 3)), _draw.normal(size=3), _draw.normal(size=4)],
    ),
    Rule(
        "sigmoid",
        "plain",
        lambda x: 1 / (1 + np.exp(-x)),
        lambda g, y, x: g * y * (1 - y),
        [_draw.normal(size=(2, 5))],
    ),
    Rule(
        "sum of rows, kept",
        "plain",
        lambda x: x.sum(axis=1, keepdims=True),
        lambda g, y, x: np.repeat(g, x.shape[1], axis=1),
        [_draw.normal(size=(3, 4))],
    ),
    Rule("softmax", "plain", softmax, softmax_rule, [_draw.normal(size=(3, 5))]),
    Rule("gelu", "plain", gelu, gelu_rule, [_draw.normal(size=(3, 3)) * 2]),
    Rule(
        "layer norm",
        "plain",
        layer_norm,
        layer_norm_rule,
        [_draw.normal(size=(3, 6)), _draw.normal(size=6), _draw.normal(size=6)],
    ),
    Rule(
        "cube",
        "plain",
        lambda x: x**3,
        lambda g, y, x: 3 * g * x**2,
        [_draw.normal(size=7)],
    ),
    Rule(
        "mean squared error",
        "plain",
        lambda a, b: ((a - b) ** 2).mean(),
        _mse_rule,
        [_draw.normal(size=(4, 3)), _draw.normal(size=(4, 3))],
    ),
    Rule(
        "attention",
        "plain",
        _attention,
        _attention_rule,
        [_draw.normal(size=(3, 4)), _draw.normal(size=(5, 4)), _draw.normal(size=(5, 2))],
    ),
    Rule(
        "recurrent cell",
        "plain",
        _cell,
        _cell_rule,
        [
            _draw.normal(size=(2, 3)),
            _draw.normal(size=(2, 4)),
            _draw.normal(size=(3, 4)),
            _draw.normal(size=(4, 4)),
        ],
    ),
    Rule(
        "quotient of a column and a row",
        "broadcasting",
        lambda a, b: a / b,
        _quotient_rule,
        [_draw.normal(size=(3, 1)), _draw.uniform(1, 2, size=4)],
    ),
]
