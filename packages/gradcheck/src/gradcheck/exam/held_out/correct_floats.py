"""float32 and float16: rules as accurate as their type allows."""

from typing import Any

import numpy as np

from gradcheck.exam.held_out._parts import (
    Array,
    gelu,
    gelu_rule,
    layer_norm,
    layer_norm_rule,
    logsumexp,
    logsumexp_rule,
    softmax,
    softmax_rule,
)
from gradcheck.exam.rule import Rule

_draw = np.random.default_rng(106)


def _single(*shape: int) -> Array:
    return _draw.normal(size=shape).astype(np.float32)


def _norm_rule(g: Array, y: Array, x: Array) -> Array:
    return np.asarray(g * x / y)


def _cross_entropy(x: Array, labels: Array) -> Array:
    return np.asarray((logsumexp(x) - x[np.arange(len(labels)), labels]).mean())


def _cross_entropy_rule(g: Array, y: Array, x: Array, labels: Array) -> tuple[Array, None]:
    out = softmax(x)
    out[np.arange(len(labels)), labels] -= 1
    return np.asarray(out * (g / x.dtype.type(len(labels)))), None


def _var(x: Array) -> Array:
    return np.asarray(((x - x.mean()) ** 2).mean())


def _var_rule(g: Array, y: Array, x: Array) -> Array:
    mean = x.mean(dtype=np.float64)  # a float32 mean of numbers at 100 is off by 1e-5
    return np.asarray(2 * g / x.size * (x - mean)).astype(x.dtype)


def _mixed_rule(g: Array, y: Array, w: Array, x: Array) -> tuple[Array, Array]:
    return np.outer(g, x).astype(w.dtype), (w.T @ g).astype(x.dtype)


def _wide_softmax(x: Array) -> Array:
    """Softmax with its inside in float32, whatever comes in."""
    wide = np.promote_types(x.dtype, np.float32)
    return softmax(x.astype(wide)).astype(x.dtype)


def _wide_softmax_rule(g: Array, y: Array, x: Array) -> Array:
    wide = np.promote_types(x.dtype, np.float32)
    return softmax_rule(g.astype(wide), softmax(x.astype(wide)), x).astype(x.dtype)


def _rms(x: Array) -> Any:
    return x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + 1e-6)


def _rms_rule(g: Array, y: Array, x: Array) -> Array:
    r = 1 / np.sqrt((x * x).mean(axis=-1, keepdims=True) + 1e-6)
    return np.asarray(r * (g - y * (g * y).mean(axis=-1, keepdims=True)))


RULES = [
    Rule("norm", "float32", lambda x: np.sqrt((x * x).sum()), _norm_rule, [_single(50)]),
    Rule("softmax", "float32", softmax, softmax_rule, [3 * _single(4, 16)]),
    Rule("logsumexp at 1e3", "float32", logsumexp, logsumexp_rule, [1000 + 4 * _single(3, 8)]),
    Rule(
        "sum of 20000",
        "float32",
        lambda x: x.sum(),
        lambda g, y, x: np.full_like(x, g),
        [_single(20_000)],
    ),
    Rule(
        "mean of 20000",
        "float32",
        lambda x: x.mean(),
        lambda g, y, x: np.full_like(x, g / x.size),
        [5 + _single(20_000)],
    ),
    Rule(
        "matmul 64 x 64",
        "float32",
        np.matmul,
        lambda g, y, a, b: (g @ b.T, a.T @ g),
        [_single(64, 64), _single(64, 64)],
    ),
    Rule("gelu", "float32", gelu, gelu_rule, [3 * _single(40)]),
    Rule(
        "layer norm (16, 64)",
        "float32",
        layer_norm,
        layer_norm_rule,
        [2 + 3 * _single(16, 64), _single(64), _single(64)],
    ),
    Rule("RMS norm", "float32", _rms, _rms_rule, [_single(5, 32)]),
    Rule(
        "tanh by its output",
        "float32",
        np.tanh,
        lambda g, y, x: g * (1 - y * y),
        [np.array([-9, -4, -1, 0, 0.01, 2, 5, 8.5], dtype=np.float32)],
    ),
    Rule(
        "cross-entropy",
        "float32",
        _cross_entropy,
        _cross_entropy_rule,
        [4 * _single(6, 10), _draw.integers(0, 10, 6)],
    ),
    Rule("variance at 100", "float32", _var, _var_rule, [100 + _single(30)]),
    Rule(
        "cumulative sum of 500",
        "float32",
        np.cumsum,
        lambda g, y, x: np.cumsum(g[::-1])[::-1].copy(),
        [_single(500)],
    ),
    Rule(
        "sin(100 x)",
        "float32",
        lambda x: np.sin(100 * x),
        lambda g, y, x: 100 * g * np.cos(100 * x),
        [_single(6)],
    ),
    Rule(
        "exp(-1000 x)",
        "float32",
        lambda x: np.exp(-1000 * x),
        lambda g, y, x: -1000 * g * y,
        [np.array([0, 1e-4, 1e-3, 5e-3], dtype=np.float32)],
    ),
    Rule(
        "log1p of tiny numbers",
        "float32",
        np.log1p,
        lambda g, y, x: g / (1 + x),
        [np.array([1e-8, -1e-6, 1e-3, 2.0], dtype=np.float32)],
        {"domain": (-1.0, np.inf)},
    ),
    Rule(
        "relu beside and at 0",
        "float32",
        lambda x: np.maximum(x, 0),
        lambda g, y, x: g * (x > 0),
        [np.array([0, 1e-7, -1e-7, 1e-3, -2, 3], dtype=np.float32)],
    ),
    Rule(
        "0-d",
        "float32",
        lambda x: x * x * x,
        lambda g, y, x: np.asarray(3 * g * x * x),
        [np.array(0.7, dtype=np.float32)],
    ),
    Rule(
        "float32 weights, float64 data",
        "mixed types",
        lambda w, x: w @ x,
        _mixed_rule,
        [_single(3, 4), _draw.normal(size=4)],
    ),
    Rule(
        "product",
        "float16",
        lambda a, b: a * b,
        lambda g, y, a, b: (g * b, g * a),
        [_single(6).astype(np.float16), _single(6).astype(np.float16)],
    ),
    Rule(
        "softmax, inside in float32",
        "float16",
        _wide_softmax,
        _wide_softmax_rule,
        [
            _single(3, 5).astype(np.float16),
        ],
    ),
]
