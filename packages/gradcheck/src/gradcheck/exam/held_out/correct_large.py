"""Ten thousand elements and more."""

import numpy as np

from gradcheck.exam.held_out._parts import (
    Array,
    layer_norm,
    layer_norm_rule,
    logsumexp,
    logsumexp_rule,
    softmax,
    softmax_rule,
)
from gradcheck.exam.rule import Rule

_draw = np.random.default_rng(110)
_KERNEL = np.array([0.25, -0.5, 1.0, -0.5, 0.25])


def _bilinear_rule(g: Array, y: Array, a: Array, x: Array) -> tuple[Array, Array]:
    return g * np.outer(x, x), g * ((a + a.T) @ x)


def _gather_rule(g: Array, y: Array, table: Array, ids: Array) -> tuple[Array, None]:
    out = np.zeros(table.shape, dtype=table.dtype)
    np.add.at(out, ids, g)
    return out, None


def _mlp(x: Array, w: Array, u: Array) -> Array:
    return np.asarray((np.tanh(x @ w) @ u).mean())


def _mlp_rule(g: Array, y: Array, x: Array, w: Array, u: Array) -> tuple[Array, ...]:
    h = np.tanh(x @ w)
    slope = np.full((x.shape[0], u.shape[1]), g / (x.shape[0] * u.shape[1]), dtype=x.dtype)
    inner = (slope @ u.T) * (1 - h * h)
    return inner @ w.T, x.T @ inner, h.T @ slope


def _smooth(x: Array) -> Array:
    return np.convolve(x, _KERNEL.astype(x.dtype), "same")


_BIG = "large"

RULES = [
    Rule("exp of 10000", _BIG, np.exp, lambda g, y, x: g * y, [_draw.normal(size=10_000)]),
    Rule(
        "product of 100000",
        _BIG,
        np.multiply,
        lambda g, y, a, b: (g * b, g * a),
        [_draw.normal(size=100_000), _draw.normal(size=100_000)],
    ),
    Rule(
        "sum of 100000",
        _BIG,
        np.sum,
        lambda g, y, x: np.full_like(x, g),
        [_draw.normal(size=100_000)],
    ),
    Rule(
        "mean of 100000 far off 0, float32",
        _BIG,
        np.mean,
        lambda g, y, x: np.full_like(x, g / x.size),
        [(10 + _draw.normal(size=100_000)).astype(np.float32)],
    ),
    Rule(
        "matmul 150 x 150",
        _BIG,
        np.matmul,
        lambda g, y, a, b: (g @ b.T, a.T @ g),
        [_draw.normal(size=(150, 150)), _draw.normal(size=(150, 150))],
    ),
    Rule(
        "layer norm (100, 200)",
        _BIG,
        layer_norm,
        layer_norm_rule,
        [_draw.normal(size=(100, 200)), _draw.normal(size=200), _draw.normal(size=200)],
    ),
    Rule(
        "layer norm (100, 200), float32",
        _BIG,
        layer_norm,
        layer_norm_rule,
        [
            _draw.normal(size=(100, 200)).astype(np.float32),
            _draw.normal(size=200).astype(np.float32),
            _draw.normal(size=200).astype(np.float32),
        ],
    ),
    Rule("softmax (200, 50)", _BIG, softmax, softmax_rule, [3 * _draw.normal(size=(200, 50))]),
    Rule("logsumexp of 10000", _BIG, logsumexp, logsumexp_rule, [_draw.normal(size=10_000)]),
    Rule(
        "cumulative sum of 100000",
        _BIG,
        np.cumsum,
        lambda g, y, x: np.cumsum(g[::-1])[::-1].copy(),
        [_draw.normal(size=100_000)],
    ),
    Rule(
        "relu of 100000, float32",
        _BIG,
        lambda x: np.maximum(x, 0),
        lambda g, y, x: g * (x > 0),
        [_draw.normal(size=100_000).astype(np.float32)],
    ),
    Rule(
        "norm of 100000",
        _BIG,
        lambda x: np.sqrt((x * x).sum()),
        lambda g, y, x: g * x / y,
        [_draw.normal(size=100_000)],
    ),
    Rule(
        "bilinear form of 120",
        _BIG,
        lambda a, x: x @ a @ x,
        _bilinear_rule,
        [_draw.normal(size=(120, 120)), _draw.normal(size=120)],
    ),
    Rule(
        "gather of 20000",
        _BIG,
        lambda table, ids: table[ids],
        _gather_rule,
        [_draw.normal(size=(500, 8)), _draw.integers(0, 500, 2_500)],
    ),
    Rule(
        "convolution of 20000",
        _BIG,
        _smooth,
        lambda g, y, x: np.convolve(g, _KERNEL[::-1].astype(g.dtype), "same"),
        [_draw.normal(size=20_000)],
    ),
    Rule(
        "perceptron with 10000 weights",
        _BIG,
        _mlp,
        _mlp_rule,
        [
            _draw.normal(size=(32, 64)),
            _draw.normal(size=(64, 128)) / 8,
            _draw.normal(size=(128, 20)),
        ],
    ),
]
