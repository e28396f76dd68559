"""Softmax, its logarithm and cross-entropy: each row stays in the first-level cache."""

from math import log

import numpy as np
from numba import boolean, float32, int32, njit

from .._numpy import softmax as plain
from .compiling import FAST, IDS, IN2, OUT1, OUT2, kernel, takes
from .mathematics import exp32, rank32, unrank32

Array = np.ndarray

_ZERO, _ONE = float32(0.0), float32(1.0)
_LEAST = int32(-(2**31))


@njit(fastmath=FAST, error_model="numpy", nogil=True)
def row_max(row, n):  # type: ignore[no-untyped-def]
    """The largest of the first ``n``; a nan may or may not win, and stays in the row anyway."""
    best = _LEAST
    for j in range(n):
        best = max(best, rank32(row[j]))
    return unrank32(best)


@njit(fastmath=FAST, error_model="numpy", nogil=True)
def exp_row(x, peak, out, n):  # type: ignore[no-untyped-def]
    """exp(x - peak) into ``out``, returning the sum."""
    total = _ZERO
    for j in range(n):
        e = exp32(x[j] - peak)
        out[j] = e
        total += e
    return total


def softmax_forward(x: Array) -> Array:
    """As the NumPy kernel of this name."""
    if not takes(x):
        return plain.softmax_forward(x)
    y = np.empty_like(x)
    _softmax(x, y)
    return y


@kernel(IN2, OUT2)
def _softmax(x, y):  # type: ignore[no-untyped-def]
    rows, d = x.shape
    for i in range(rows):
        scale = _ONE / exp_row(x[i], row_max(x[i], d), y[i], d)
        for j in range(d):
            y[i, j] *= scale


def softmax_backward(g: Array, y: Array) -> Array:
    """As the NumPy kernel of this name."""
    if not takes(g, y):
        return plain.softmax_backward(g, y)
    dx = np.empty_like(y)
    _softmax_backward(g, y, dx)
    return dx


@kernel(IN2, IN2, OUT2)
def _softmax_backward(g, y, dx):  # type: ignore[no-untyped-def]
    rows, d = y.shape
    for i in range(rows):
        total = _ZERO
        for j in range(d):
            total += g[i, j] * y[i, j]
        for j in range(d):
            dx[i, j] = y[i, j] * (g[i, j] - total)


def log_softmax_forward(x: Array) -> Array:
    """As the NumPy kernel of this name."""
    if not takes(x):
        return plain.log_softmax_forward(x)
    y = np.empty_like(x)
    _log_softmax(x, y)
    return y


@kernel(IN2, OUT2)
def _log_softmax(x, y):  # type: ignore[no-untyped-def]
    rows, d = x.shape
    for i in range(rows):
        peak = row_max(x[i], d)
        total = _ZERO
        for j in range(d):
            total += exp32(x[i, j] - peak)
        shift = float32(log(total))
        for j in range(d):
            y[i, j] = x[i, j] - peak - shift


def log_softmax_backward(g: Array, y: Array) -> Array:
    """As the NumPy kernel of this name."""
    if not takes(g, y):
        return plain.log_softmax_backward(g, y)
    dx = np.empty_like(y)
    _log_softmax_backward(g, y, dx)
    return dx


@kernel(IN2, IN2, OUT2)
def _log_softmax_backward(g, y, dx):  # type: ignore[no-untyped-def]
    rows, d = y.shape
    for i in range(rows):
        total = _ZERO
        for j in range(d):
            total += g[i, j]
        for j in range(d):
            dx[i, j] = g[i, j] - exp32(y[i, j]) * total


def cross_entropy_forward(
    logits: Array, targets: Array, ignore_index: int, label_smoothing: float, need_grad: bool
) -> tuple[np.floating, int, Array, Array | None]:
    """As the NumPy kernel of this name."""
    if not takes(logits) or targets.dtype != np.int64:
        return plain.cross_entropy_forward(
            logits, targets, ignore_index, label_smoothing, need_grad
        )
    rows, classes = logits.shape
    ignored = targets == ignore_index
    plain.check_targets(np.where(ignored, 0, targets), classes)
    picks = np.where(ignored, -1, targets)
    losses = np.empty(rows, logits.dtype)
    grad = np.empty_like(logits) if need_grad else np.empty((0, classes), logits.dtype)
    _cross_entropy(logits, picks, label_smoothing, need_grad, losses, grad)
    n_valid = rows - int(np.count_nonzero(ignored))
    total = np.float32(losses.sum(dtype=np.float64))
    return total, n_valid, losses, grad if need_grad else None


@kernel(IN2, IDS, float32, boolean, OUT1, OUT2)
def _cross_entropy(x, picks, smoothing, need_grad, losses, grad):  # type: ignore[no-untyped-def]
    rows, d = x.shape
    keep = _ONE - smoothing
    share = smoothing / float32(d)
    for i in range(rows):
        pick = picks[i]
        if pick < 0:
            losses[i] = _ZERO
            if need_grad:
                for j in range(d):
                    grad[i, j] = _ZERO
            continue
        peak = row_max(x[i], d)
        total = _ZERO
        if need_grad:
            total = exp_row(x[i], peak, grad[i], d)
            scale = _ONE / total
            for j in range(d):
                grad[i, j] = grad[i, j] * scale - share
            grad[i, pick] -= keep
        else:
            for j in range(d):
                total += exp32(x[i, j] - peak)
        shift = float32(log(total))
        loss = shift - (x[i, pick] - peak)
        if smoothing != _ZERO:
            mean = _ZERO
            for j in range(d):
                mean += x[i, j] - peak
            loss = keep * loss + smoothing * (shift - mean / float32(d))
        losses[i] = loss
