"""Functions and rules that several questions of this half are made of."""

from collections.abc import Callable
from typing import Any

import numpy as np


def normals(seed: int) -> Callable[..., Any]:
    """A function from shapes to normal numbers.

    >>> normals(0)(2, 3).shape
    (2, 3)
    """
    rng = np.random.default_rng(seed)
    return lambda *shape: rng.standard_normal(shape)


def softmax(x: Any) -> Any:
    """Softmax over the last axis."""
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def softmax_vjp(g: Any, y: Any, x: Any) -> Any:
    """The rule of :func:`softmax`."""
    return y * (g - (g * y).sum(-1, keepdims=True))


def log_softmax(x: Any) -> Any:
    """The logarithm of softmax over the last axis, without overflow."""
    shifted = x - x.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def log_softmax_vjp(g: Any, y: Any, x: Any) -> Any:
    """The rule of :func:`log_softmax`."""
    return g - np.exp(y) * g.sum(-1, keepdims=True)


def layer_norm(x: Any) -> Any:
    """Rows of mean 0 and variance 1."""
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)


def layer_norm_vjp(g: Any, y: Any, x: Any) -> Any:
    """The rule of :func:`layer_norm`."""
    centred = x - x.mean(-1, keepdims=True)
    scale = 1 / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
    mean = g.mean(-1, keepdims=True)
    return scale * (g - mean - y * (g * y).mean(-1, keepdims=True))


def sigmoid(x: Any) -> Any:
    """``1 / (1 + exp(-x))``."""
    return 1 / (1 + np.exp(-x))


def softplus(x: Any) -> Any:
    """``log(1 + exp(x))`` without overflow."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def relu(x: Any) -> Any:
    """``max(x, 0)``."""
    return np.maximum(x, 0)


def identity(x: Any) -> Any:
    """``x``, copied."""
    return np.array(x)


def take(table: Any, ids: Any) -> Any:
    """Rows of a table."""
    return table[ids]


def take_vjp(g: Any, y: Any, table: Any, ids: Any) -> Any:
    """The rule of :func:`take`: rows taken twice add up."""
    grad = np.zeros_like(table)
    np.add.at(grad, ids, g)
    return grad, None


def sort_vjp(g: Any, y: Any, x: Any) -> Any:
    """The rule of ``np.sort``."""
    grad = np.empty_like(x)
    grad[np.argsort(x, kind="stable")] = g
    return grad


def first_max(g: Any, y: Any, x: Any) -> Any:
    """A rule of ``np.max``: the first largest element has it all."""
    grad = np.zeros_like(x)
    grad.reshape(-1)[x.argmax()] = g
    return grad


def summed(g: Any, shape: tuple[int, ...]) -> Any:
    """Sum a cotangent back to the shape an input was broadcast from."""
    g = g.sum(axis=tuple(range(g.ndim - len(shape))))
    axes = tuple(k for k, n in enumerate(shape) if n == 1 and g.shape[k] != 1)
    return g.sum(axis=axes, keepdims=True) if axes else g


def cos_rule(g: Any, y: Any, x: Any) -> Any:
    """The rule of ``np.sin``."""
    return g * np.cos(x)


def convolve(x: Any, w: Any) -> Any:
    """Correlate every row of ``x`` (N, T) with ``w`` (K,): (N, T - K + 1)."""
    length = x.shape[1] - w.shape[0] + 1
    return sum(x[:, k : k + length] * w[k] for k in range(w.shape[0]))


def convolve_vjp(g: Any, y: Any, x: Any, w: Any) -> Any:
    """The rule of :func:`convolve`."""
    length, dx, dw = g.shape[1], np.zeros_like(x), np.zeros_like(w)
    for k in range(len(w)):
        dx[:, k : k + length] += g * w[k]
        dw[k] = (g * x[:, k : k + length]).sum()
    return dx, dw


def cross_entropy(x: Any, labels: Any) -> Any:
    """The mean over rows of minus the log-probability of the right label."""
    return -log_softmax(x)[np.arange(x.shape[0]), labels].mean()


def cross_entropy_vjp(g: Any, y: Any, x: Any, labels: Any) -> Any:
    """The rule of :func:`cross_entropy`."""
    grad = softmax(x)
    grad[np.arange(len(labels)), labels] -= 1
    return g * grad / x.dtype.type(len(labels)), None
