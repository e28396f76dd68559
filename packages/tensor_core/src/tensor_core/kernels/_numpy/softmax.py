"""Softmax, its logarithm and cross-entropy over rows."""

import numpy as np

from .blocks import quiet, row_blocks, row_sums

Array = np.ndarray


@quiet
def softmax_forward(x: Array) -> Array:
    """Normalised exponentials of each row. Shapes: (rows, d) -> (rows, d).

    >>> softmax_forward(np.zeros((1, 2))).tolist()
    [[0.5, 0.5]]
    """
    y = np.empty_like(x)
    if x.shape[1] == 0:
        return y
    for b in row_blocks(*x.shape):
        yb = y[b]
        np.subtract(x[b], x[b].max(axis=1, keepdims=True), out=yb)
        np.exp(yb, out=yb)
        yb /= row_sums(yb)
    return y


@quiet
def softmax_backward(g: Array, y: Array) -> Array:
    """``y * (g - sum(g * y))`` by row. Shapes: (rows, d), (rows, d) -> (rows, d).

    >>> softmax_backward(np.array([[1.0, 0.0]]), np.array([[0.5, 0.5]])).tolist()
    [[0.25, -0.25]]
    """
    dx = np.empty_like(y)
    for b in row_blocks(*y.shape):
        np.subtract(g[b], np.vecdot(g[b], y[b])[:, None], out=dx[b])
        dx[b] *= y[b]
    return dx


@quiet
def log_softmax_forward(x: Array) -> Array:
    """Logarithm of the softmax of each row. Shapes: (rows, d) -> (rows, d).

    >>> log_softmax_forward(np.zeros((1, 1))).tolist()
    [[0.0]]
    """
    y = np.empty_like(x)
    if x.shape[1] == 0:
        return y
    for b in row_blocks(*x.shape):
        yb = y[b]
        np.subtract(x[b], x[b].max(axis=1, keepdims=True), out=yb)
        yb -= np.log(row_sums(np.exp(yb)))
    return y


@quiet
def log_softmax_backward(g: Array, y: Array) -> Array:
    """``g - exp(y) * sum(g)`` by row. Shapes: (rows, d), (rows, d) -> (rows, d).

    >>> log_softmax_backward(np.array([[1.0, 0.0]]), np.log([[0.5, 0.5]])).round(6).tolist()
    [[0.5, -0.5]]
    """
    dx = np.empty_like(y)
    for b in row_blocks(*y.shape):
        np.exp(y[b], out=dx[b])
        dx[b] *= row_sums(g[b])
        np.subtract(g[b], dx[b], out=dx[b])
    return dx


@quiet
def cross_entropy_forward(
    logits: Array, targets: Array, ignore_index: int, label_smoothing: float, need_grad: bool
) -> tuple[np.floating, int, Array, Array | None]:
    """Summed negative log-likelihood of the targets, and its derivative.

    Shapes: logits (n, classes), targets (n,) integers -> sum of losses (scalar), number of targets
    that are not ``ignore_index``, losses (n,) with 0 where ignored, and the derivative of the sum
    (n, classes) or None. Raises IndexError for a target outside [0, classes). Label smoothing as
    in Szegedy et al. 2016, section 7.

    >>> logits, targets = np.zeros((1, 2)), np.array([0])
    >>> total, n, losses, d = cross_entropy_forward(logits, targets, -100, 0.0, True)
    >>> round(float(total), 4), n, d.tolist()
    (0.6931, 1, [[-0.5, 0.5]])
    """
    n, classes = logits.shape
    valid = targets != ignore_index
    picks = np.where(valid, targets, 0)
    check_targets(picks, classes)
    losses = np.empty(n, logits.dtype)
    grad = np.empty_like(logits) if need_grad else None
    for b in row_blocks(n, classes):
        if classes:
            part = None if grad is None else grad[b]
            _cross_entropy_rows(logits[b], picks[b], label_smoothing, losses[b], part)
    n_valid = int(np.count_nonzero(valid))
    if n_valid < n:
        losses[~valid] = 0
        if grad is not None:
            grad[~valid] = 0
    return logits.dtype.type(losses.sum(dtype=np.float64)), n_valid, losses, grad


def check_targets(picks: Array, classes: int) -> None:
    """Raise IndexError naming the first target outside [0, classes)."""
    if picks.size and (picks.min() < 0 or picks.max() >= classes):
        bad = picks[(picks < 0) | (picks >= classes)][0]
        raise IndexError(f"cross_entropy: target {bad} is out of bounds for {classes} classes")


def _cross_entropy_rows(
    x: Array, picks: Array, smoothing: float, losses: Array, grad: Array | None
) -> None:
    """Fill losses, and grad if given, for one block of rows."""
    rows = np.arange(x.shape[0])
    classes = x.shape[1]
    z = x - x.max(axis=1, keepdims=True)
    e = np.exp(z, out=grad)
    sums = row_sums(e)
    lse = np.log(sums)[:, 0]
    np.subtract(lse, z[rows, picks], out=losses)
    if smoothing:
        losses *= 1 - smoothing
        losses += smoothing * (lse - z.mean(axis=1))
    if grad is not None:
        grad /= sums
        grad[rows, picks] -= 1 - smoothing
        if smoothing:
            grad -= smoothing / classes
