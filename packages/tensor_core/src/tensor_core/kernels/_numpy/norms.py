"""Layer norm (Ba, Kiros and Hinton 2016) and RMS norm (Zhang and Sennrich 2019) over rows."""

import numpy as np

from .blocks import quiet, row_blocks, row_sums

Array = np.ndarray


@quiet
def layer_norm_forward(
    x: Array, weight: Array | None, bias: Array | None, eps: float
) -> tuple[Array, Array, Array]:
    """Rows shifted to mean 0 and scaled to variance 1, then ``* weight + bias``.

    Shapes: x (rows, d), weight and bias (d,) or None -> y (rows, d), mean and rstd (rows, 1).

    >>> y, mean, rstd = layer_norm_forward(np.array([[1.0, 3.0]]), None, None, 0.0)
    >>> y.tolist(), mean.tolist(), rstd.tolist()
    ([[-1.0, 1.0]], [[2.0]], [[1.0]])
    """
    rows, d = x.shape
    y = np.empty_like(x)
    mean = np.empty((rows, 1), x.dtype)
    rstd = np.empty((rows, 1), x.dtype)
    for b in row_blocks(rows, d):
        yb, mb, rb = y[b], mean[b], rstd[b]
        mb[...] = row_sums(x[b])
        mb /= d
        np.subtract(x[b], mb, out=yb)
        np.vecdot(yb, yb, out=rb[:, 0])
        _reciprocal_root(rb, d, eps)
        yb *= rb
        if weight is not None:
            yb *= weight
        if bias is not None:
            yb += bias
    return y, mean, rstd


@quiet
def layer_norm_backward(
    g: Array,
    x: Array,
    mean: Array,
    rstd: Array,
    weight: Array | None,
    need_x: bool,
    need_w: bool,
    need_b: bool,
) -> tuple[Array | None, Array | None, Array | None]:
    """Cotangents of ``x``, ``weight`` and ``bias``, each None unless needed.

    Shapes: g and x (rows, d), mean and rstd (rows, 1), weight (d,) or None
    -> (rows, d), (d,), (d,).

    >>> layer_norm_backward(*np.ones((2, 1, 2)), *np.ones((2, 1, 1)), None, False, False, True)[2]
    array([1., 1.])
    """
    rows, d = x.shape
    dx = np.empty_like(x) if need_x else None
    dw = np.zeros(d, x.dtype) if need_w else None
    db = np.zeros(d, x.dtype) if need_b else None
    for b in row_blocks(rows, d):
        gb = g[b]
        if db is not None:
            db += _column_sums(gb)
        if dx is None and dw is None:
            continue
        xhat = x[b] - mean[b]
        xhat *= rstd[b]
        if dw is not None:
            dw += _column_sums(gb * xhat)
        if dx is not None:
            gw = gb if weight is None else np.multiply(gb, weight, out=dx[b])
            shift = row_sums(gw) / d
            slope = np.vecdot(gw, xhat)[:, None] / d
            np.subtract(gw, shift, out=dx[b])
            xhat *= slope
            dx[b] -= xhat
            dx[b] *= rstd[b]
    return dx, dw, db


@quiet
def rms_norm_forward(x: Array, weight: Array | None, eps: float) -> tuple[Array, Array]:
    """Rows divided by their root mean square, then ``* weight``.

    Shapes: x (rows, d), weight (d,) or None -> y (rows, d), rstd (rows, 1).

    >>> y, rstd = rms_norm_forward(np.array([[3.0, 3.0]]), None, 0.0)
    >>> y.tolist()
    [[1.0, 1.0]]
    """
    rows, d = x.shape
    y = np.empty_like(x)
    rstd = np.empty((rows, 1), x.dtype)
    for b in row_blocks(rows, d):
        np.vecdot(x[b], x[b], out=rstd[b][:, 0])
        _reciprocal_root(rstd[b], d, eps)
        np.multiply(x[b], rstd[b], out=y[b])
        if weight is not None:
            y[b] *= weight
    return y, rstd


@quiet
def rms_norm_backward(
    g: Array, x: Array, rstd: Array, weight: Array | None, need_x: bool, need_w: bool
) -> tuple[Array | None, Array | None]:
    """Cotangents of ``x`` and ``weight``, each None unless needed.

    Shapes: g and x (rows, d), rstd (rows, 1), weight (d,) or None -> (rows, d), (d,).

    >>> rms_norm_backward(*np.ones((2, 1, 2)), np.ones((1, 1)), None, True, False)[0]
    array([[0., 0.]])
    """
    rows, d = x.shape
    dx = np.empty_like(x) if need_x else None
    dw = np.zeros(d, x.dtype) if need_w else None
    for b in row_blocks(rows, d):
        xhat = x[b] * rstd[b]
        if dw is not None:
            dw += _column_sums(g[b] * xhat)
        if dx is not None:
            gw = g[b] if weight is None else np.multiply(g[b], weight, out=dx[b])
            xhat *= np.vecdot(gw, xhat)[:, None] / d
            np.subtract(gw, xhat, out=dx[b])
            dx[b] *= rstd[b]
    return dx, dw


def _reciprocal_root(sums: Array, d: int, eps: float) -> None:
    """In place: 1 / sqrt(sums / d + eps)."""
    sums /= d
    sums += eps
    np.sqrt(sums, out=sums)
    np.reciprocal(sums, out=sums)


def _column_sums(a: Array) -> Array:
    """Sums over rows, as a product with ones: BLAS reads each row once, whole vectors at a time."""
    return np.ones(a.shape[0], a.dtype) @ a
