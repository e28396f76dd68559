"""What several of the held-out rules are written with."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def unbroadcast(grad: Array, like: Array) -> Array:
    """``grad`` summed to the shape of ``like``, in memory of its own.

    >>> unbroadcast(np.ones((4, 3)), np.zeros((1, 3))).tolist()
    [[4.0, 4.0, 4.0]]
    """
    extra = grad.ndim - like.ndim
    ones = (i + extra for i, n in enumerate(like.shape) if n == 1)
    total = grad.sum(axis=(*range(extra), *ones)).reshape(like.shape)
    return np.array(total, dtype=like.dtype)


def softmax(x: Array) -> Array:
    """Normalised exponentials along the last axis.

    >>> softmax(np.zeros(2)).tolist()
    [0.5, 0.5]
    """
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


def softmax_rule(g: Array, y: Array, x: Array) -> Array:
    """The rule of :func:`softmax`, from its output.

    >>> softmax_rule(np.ones(2), np.full(2, 0.5), np.zeros(2)).tolist()
    [0.0, 0.0]
    """
    return np.asarray(y * (g - (g * y).sum(axis=-1, keepdims=True)))


def layer_norm(x: Array, w: Array, b: Array) -> Array:
    """Rows of mean 0 and variance 1, times ``w`` plus ``b``. (..., d), (d,), (d,) -> (..., d).

    >>> layer_norm(np.array([[1.0, 3.0]]), np.ones(2), np.zeros(2)).round(3).tolist()
    [[-1.0, 1.0]]
    """
    centred = x - x.mean(axis=-1, keepdims=True)
    var = (centred * centred).mean(axis=-1, keepdims=True)
    return np.asarray(centred / np.sqrt(var + 1e-5) * w + b)


def layer_norm_rule(g: Array, y: Array, x: Array, w: Array, b: Array) -> tuple[Array, ...]:
    """The rule of :func:`layer_norm` for all three arguments.

    >>> one, row = np.ones(2), np.array([[1.0, 3.0]])
    >>> [d.shape for d in layer_norm_rule(row, row, row, one, one)]
    [(1, 2), (2,), (2,)]
    """
    centred = x - x.mean(axis=-1, keepdims=True)
    r = 1 / np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + 1e-5)
    unit, gw = centred * r, g * w
    inner = (gw * unit).mean(axis=-1, keepdims=True)
    dx = r * (gw - gw.mean(axis=-1, keepdims=True) - unit * inner)
    return dx, unbroadcast(g * unit, w), unbroadcast(g, b)


def gelu(x: Array) -> Array:
    """The tanh form of GELU (Hendrycks and Gimpel 2016). Any shape -> same.

    >>> gelu(np.zeros(1)).tolist()
    [0.0]
    """
    return np.asarray(0.5 * x * (1 + np.tanh(0.7978845608028654 * (x + 0.044715 * x**3))))


def gelu_rule(g: Array, y: Array, x: Array) -> Array:
    """The rule of :func:`gelu`.

    >>> gelu_rule(np.ones(1), np.zeros(1), np.zeros(1)).tolist()
    [0.5]
    """
    t = np.tanh(0.7978845608028654 * (x + 0.044715 * x**3))
    inner = 0.7978845608028654 * (1 + 3 * 0.044715 * x * x)
    return np.asarray(g * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * inner))


def logsumexp(x: Array) -> Array:
    """``log(sum(exp(x)))`` along the last axis, without overflow.

    >>> float(logsumexp(np.array([1e4, -1e4])))
    10000.0
    """
    top = x.max(axis=-1, keepdims=True)
    return np.asarray((top + np.log(np.exp(x - top).sum(axis=-1, keepdims=True)))[..., 0])


def logsumexp_rule(g: Array, y: Array, x: Array) -> Array:
    """The rule of :func:`logsumexp`.

    >>> logsumexp_rule(np.array(1.0), np.array(0.0), np.zeros(2)).tolist()
    [0.5, 0.5]
    """
    return np.asarray(np.asarray(g)[..., None] * softmax(x))
