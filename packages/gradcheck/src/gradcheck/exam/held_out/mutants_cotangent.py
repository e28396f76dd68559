"""Planted bugs in the use of the cotangent: not linear in it, or not using it."""

from typing import Any

import numpy as np

from gradcheck.exam.rule import Rule

_rng = np.random.default_rng(110)


def _mse_rule(g: Any, y: Any, x: Any, t: Any) -> Any:
    d = 2 * (x - t) / x.size
    return d, -g * d


def _guided_relu(g: Any, y: Any, x: Any) -> Any:
    return g * (x > 0) * (g > 0)


def _pruned(g: Any, y: Any, x: Any) -> Any:
    return np.where(np.abs(g) < 1e-4, 0, g) * np.cos(x)


def _linear_for_ones(g: Any, y: Any, x: Any, w: Any) -> Any:
    dx = np.zeros_like(x) + w.sum(axis=1)
    return dx, x.T @ g


def _weight_decay(g: Any, y: Any, x: Any, w: Any) -> Any:
    return g @ w.T, x.T @ g + 1e-3 * w


def _norm_clipped(g: Any, y: Any, x: Any) -> Any:
    d = g * y
    norm = np.sqrt((d * d).sum())
    return d if norm < 10 else 10 * d / norm


def _two_moments(x: Any) -> Any:
    m = x.mean(axis=1)
    return m, ((x - m[:, None]) ** 2).mean(axis=1)


def _mean_alone(g: Any, y: Any, x: Any) -> Any:
    return np.repeat(g[0][:, None], x.shape[1], axis=1) / x.shape[1]


def _squared_first(g: Any, y: Any, x: Any) -> Any:
    return y * (g - (g * g * y).sum(axis=-1, keepdims=True))


def _softmax(x: Any) -> Any:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def _polar_rule(g: Any, y: Any, x: Any) -> Any:
    return -2 * x * y * np.abs(g)


def _normal(*shape: int) -> Any:
    return _rng.normal(size=shape)


def _rule(name: str, f: Any, vjp: Any, *primals: Any) -> Rule:
    return Rule(name, "cotangent", f, vjp, list(primals))


COTANGENT = [
    _rule("softmax squares it in the sum", _softmax, _squared_first, _normal(2, 4)),
    _rule("gaussian takes its modulus", lambda x: np.exp(-x * x), _polar_rule, _normal(5)),
    _rule("sine takes its sign", np.sin, lambda g, y, x: np.sign(g) * np.cos(x), _normal(5)),
    _rule(
        "cube clips it at ten",
        lambda x: x**3,
        lambda g, y, x: 3 * x * x * np.clip(g, -10, 10),
        _normal(4),
    ),
    _rule("tanh spreads its sum", np.tanh, lambda g, y, x: g.sum() * (1 - y * y), _normal(5)),
    _rule(
        "loss of predictions ignores it",
        lambda x, t: ((x - t) ** 2).mean(),
        _mse_rule,
        *_normal(2, 6),
    ),
    _rule("guided relu drops the negative", lambda x: np.maximum(x, 0), _guided_relu, _normal(6)),
    _rule("sine prunes the small", np.sin, _pruned, _normal(6)),
    _rule(
        "linear layer right for ones alone",
        np.matmul,
        _linear_for_ones,
        _normal(3, 4),
        _normal(4, 2),
    ),
    _rule("weight decay inside the rule", np.matmul, _weight_decay, _normal(3, 2), _normal(2, 3)),
    _rule("gradient norm clipped inside", np.exp, _norm_clipped, 0.5 * _normal(4)),
    _rule("second of two outputs not listened to", _two_moments, _mean_alone, _normal(3, 4)),
    _rule(
        "square root takes it normalised",
        np.sqrt,
        lambda g, y, x: g / np.sqrt((g * g).sum() + 1e-30) / (2 * y),
        1 + _rng.random(4),
    ),
    _rule(
        "square reads only its first element",
        np.square,
        lambda g, y, x: 2 * x * g.ravel()[0],
        _normal(4),
    ),
]
