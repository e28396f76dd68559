"""Losses, from likelihoods to margins."""

import numpy as np

from gradcheck.exam.held_out._parts import Array, logsumexp, softmax
from gradcheck.exam.rule import Rule

_draw = np.random.default_rng(113)


def _cross_entropy(x: Array, target: Array) -> Array:
    return np.asarray((logsumexp(x) * target.sum(axis=-1) - (x * target).sum(axis=-1)).mean())


def _cross_entropy_rule(g: Array, y: Array, x: Array, target: Array) -> tuple[Array, Array]:
    weight = target.sum(axis=-1, keepdims=True)
    gx = (softmax(x) * weight - target) * (g / len(x))
    return np.asarray(gx), np.asarray((logsumexp(x)[:, None] - x) * (g / len(x)))


def _binary(x: Array, t: Array) -> Array:
    return np.asarray(np.logaddexp(0, x) - t * x)


def _binary_rule(g: Array, y: Array, x: Array, t: Array) -> tuple[Array, Array]:
    e = np.exp(-np.abs(x))
    p = np.where(x >= 0, 1, e) / (1 + e)
    return g * (p - t), -g * x


def _huber(a: Array, b: Array) -> Array:
    d = np.abs(a - b)
    return np.asarray(np.where(d <= 0.5, 0.5 * d * d, 0.5 * (d - 0.25)).sum())


def _huber_rule(g: Array, y: Array, a: Array, b: Array) -> tuple[Array, Array]:
    slope = g * np.clip(a - b, -0.5, 0.5)
    return slope, -slope


def _divergence(x: Array, z: Array) -> Array:
    """Kullback and Leibler's divergence of two softmaxes."""
    p = softmax(x)
    return np.asarray((p * ((x - z) - (logsumexp(x) - logsumexp(z))[..., None])).sum())


def _divergence_rule(g: Array, y: Array, x: Array, z: Array) -> tuple[Array, Array]:
    p, q = softmax(x), softmax(z)
    gap = (x - z) - (logsumexp(x) - logsumexp(z))[..., None]
    return g * p * (gap - (p * gap).sum(axis=-1, keepdims=True)), g * (q - p)


def _paths(emit: Array, move: Array) -> Array:
    """Log of the summed weights of all paths. (T, K), (K, K) -> ()."""
    a = emit[0]
    for row in emit[1:]:
        a = logsumexp((a[:, None] + move).T) + row
    return logsumexp(a)


def _paths_rule(g: Array, y: Array, emit: Array, move: Array) -> tuple[Array, Array]:
    forward = [emit[0]]
    for row in emit[1:]:
        forward.append(logsumexp((forward[-1][:, None] + move).T) + row)
    back = 0 * emit[0]
    ge, gm = np.zeros(emit.shape, dtype=emit.dtype), np.zeros(move.shape, dtype=move.dtype)
    for t in reversed(range(len(emit))):
        ge[t] = g * np.exp(forward[t] + back - y)
        if t:
            ahead = emit[t] + back
            gm += g * np.exp(forward[t - 1][:, None] + move + ahead - y)
            back = logsumexp(move + ahead)
    return ge, gm


def _focal(x: Array) -> Array:
    return np.asarray((1 + np.exp(x)) ** -2.0 * np.logaddexp(0, -x))


def _focal_rule(g: Array, y: Array, x: Array) -> Array:
    p = 1 / (1 + np.exp(-x))
    return np.asarray(-g * (1 - p) ** 2 * (2 * p * np.logaddexp(0, -x) + (1 - p)))


def _triplet(a: Array, p: Array, n: Array) -> Array:
    return np.asarray(np.maximum(((a - p) ** 2 - (a - n) ** 2).sum(axis=1) + 1, 0).sum())


def _triplet_rule(g: Array, y: Array, a: Array, p: Array, n: Array) -> tuple[Array, ...]:
    active = (((a - p) ** 2 - (a - n) ** 2).sum(axis=1) + 1 > 0)[:, None]
    weight = 2 * g * active
    return weight * (n - p), weight * (p - a), weight * (a - n)


def _transport_rule(g: Array, y: Array, a: Array, b: Array) -> tuple[Array, Array]:
    i, j = np.argsort(a), np.argsort(b)
    signs = g * np.sign(a[i] - b[j]) / a.size
    ga, gb = np.zeros(a.shape, dtype=a.dtype), np.zeros(b.shape, dtype=b.dtype)
    ga[i], gb[j] = signs, -signs
    return ga, gb


_LOSS = "losses"

RULES = [
    Rule(
        "cross-entropy with soft targets",
        _LOSS,
        _cross_entropy,
        _cross_entropy_rule,
        [3 * _draw.normal(size=(3, 4)), _draw.uniform(size=(3, 4))],
    ),
    Rule(
        "binary cross-entropy of far logits",
        _LOSS,
        _binary,
        _binary_rule,
        [np.array([-500.0, -3.0, 0.0, 4.0, 500.0]), np.array([0.0, 1.0, 0.5, 1.0, 0.25])],
    ),
    Rule(
        "huber", _LOSS, _huber, _huber_rule, [np.array([0.3, 2.0, -4.0]), np.array([0.1, 0.0, 0.5])]
    ),
    Rule(
        "divergence of softmaxes",
        _LOSS,
        _divergence,
        _divergence_rule,
        [2 * _draw.normal(size=(2, 4)), 2 * _draw.normal(size=(2, 4))],
    ),
    Rule(
        "hinge, margins kept and broken",
        _LOSS,
        lambda s: np.maximum(1 - s, 0).sum(),
        lambda g, y, s: -g * (s < 1),
        [np.array([0.3, 2.0, -1.0, 1.1])],
    ),
    Rule(
        "summed paths",
        _LOSS,
        _paths,
        _paths_rule,
        [3 * _draw.normal(size=(5, 3)) - 100, _draw.normal(size=(3, 3))],
    ),
    Rule("focal", _LOSS, _focal, _focal_rule, [np.array([-5.0, 0.0, 0.4, 6.0])]),
    Rule(
        "triplet, one satisfied",
        _LOSS,
        _triplet,
        _triplet_rule,
        [np.zeros((2, 2)), np.array([[1.0, 0.5], [0.1, 0.0]]), np.array([[0.2, 0.7], [2.0, 3.0]])],
    ),
    Rule(
        "transport on a line",
        _LOSS,
        lambda a, b: np.abs(np.sort(a) - np.sort(b)).mean(),
        _transport_rule,
        [np.array([3.0, -1.0, 0.4]), np.array([0.0, 2.0, 0.7])],
    ),
    Rule(
        "Poisson likelihood",
        _LOSS,
        lambda x, k: (np.exp(x) - k.astype(x.dtype) * x).mean(),
        lambda g, y, x, k: (g * (np.exp(x) - k.astype(x.dtype)) / x.size, None),
        [np.array([0.0, 2.0, 7.0, -3.0]), np.array([0, 9, 1100, 1])],
    ),
]
