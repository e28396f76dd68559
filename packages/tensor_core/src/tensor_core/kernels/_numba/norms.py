"""Layer norm and RMS norm: each row is read into the first-level cache once."""

import numpy as np
from numba import boolean, float32

from .._numpy import norms as plain
from .compiling import IN1, IN2, OUT1, OUT2, kernel, takes

Array = np.ndarray

_ZERO, _ONE = float32(0.0), float32(1.0)
_NONE = np.empty(0, np.float32)
# column sums are added up by so many rows first, so that rounding grows with the root of the rows
_GROUP = 64


def layer_norm_forward(
    x: Array, weight: Array | None, bias: Array | None, eps: float
) -> tuple[Array, Array, Array]:
    """As the NumPy kernel of this name."""
    if not takes(x, weight, bias):
        return plain.layer_norm_forward(x, weight, bias, eps)
    rows, d = x.shape
    y = np.empty_like(x)
    mean, rstd = np.empty((rows, 1), x.dtype), np.empty((rows, 1), x.dtype)
    w = np.ones(d, x.dtype) if weight is None else weight
    b = np.zeros(d, x.dtype) if bias is None else bias
    _layer_norm(x, w, b, eps, y, mean.reshape(-1), rstd.reshape(-1))
    return y, mean, rstd


@kernel(IN2, IN1, IN1, float32, OUT2, OUT1, OUT1)
def _layer_norm(x, w, b, eps, y, means, rstds):  # type: ignore[no-untyped-def]
    d = x.shape[1]
    per_d = _ONE / float32(d)
    for i in range(x.shape[0]):
        total = _ZERO
        for j in range(d):
            total += x[i, j]
        mean = total * per_d
        squares = _ZERO
        for j in range(d):
            c = x[i, j] - mean
            squares += c * c
        rstd = _ONE / np.sqrt(squares * per_d + eps)
        for j in range(d):
            y[i, j] = (x[i, j] - mean) * rstd * w[j] + b[j]
        means[i] = mean
        rstds[i] = rstd


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
    """As the NumPy kernel of this name."""
    if not takes(g, x, mean, rstd, weight):
        return plain.layer_norm_backward(g, x, mean, rstd, weight, need_x, need_w, need_b)
    d = x.shape[1]
    w = np.ones(d, x.dtype) if weight is None else weight
    dx = np.empty_like(x) if need_x else np.empty((0, d), x.dtype)
    dw, db = np.zeros((2, d), x.dtype)
    m, r = mean.reshape(-1), rstd.reshape(-1)
    _layer_norm_backward(g, x, m, r, w, need_x, need_w or need_b, dx, dw, db)
    return dx if need_x else None, dw if need_w else None, db if need_b else None


@kernel(IN2, IN2, IN1, IN1, IN1, boolean, boolean, OUT2, OUT1, OUT1)
def _layer_norm_backward(g, x, means, rstds, w, need_x, need_w, dx, dw, db):  # type: ignore[no-untyped-def]
    rows, d = x.shape
    per_d = _ONE / float32(d)
    part_w, part_b = np.zeros(d, np.float32), np.zeros(d, np.float32)
    for i in range(rows):
        mean, rstd = means[i], rstds[i]
        if need_w:
            for j in range(d):
                part_w[j] += g[i, j] * ((x[i, j] - mean) * rstd)
                part_b[j] += g[i, j]
            if (i + 1) % _GROUP == 0 or i + 1 == rows:
                for j in range(d):
                    dw[j] += part_w[j]
                    db[j] += part_b[j]
                    part_w[j] = _ZERO
                    part_b[j] = _ZERO
        if need_x:
            shift = _ZERO
            slope = _ZERO
            for j in range(d):
                gw = g[i, j] * w[j]
                shift += gw
                slope += gw * ((x[i, j] - mean) * rstd)
            shift *= per_d
            slope *= per_d
            for j in range(d):
                xhat = (x[i, j] - mean) * rstd
                dx[i, j] = rstd * (g[i, j] * w[j] - shift - xhat * slope)


def rms_norm_forward(x: Array, weight: Array | None, eps: float) -> tuple[Array, Array]:
    """As the NumPy kernel of this name."""
    if not takes(x, weight):
        return plain.rms_norm_forward(x, weight, eps)
    y = np.empty_like(x)
    rstd = np.empty((x.shape[0], 1), x.dtype)
    w = np.ones(x.shape[1], x.dtype) if weight is None else weight
    _rms_norm(x, w, eps, y, rstd.reshape(-1))
    return y, rstd


@kernel(IN2, IN1, float32, OUT2, OUT1)
def _rms_norm(x, w, eps, y, rstds):  # type: ignore[no-untyped-def]
    d = x.shape[1]
    per_d = _ONE / float32(d)
    for i in range(x.shape[0]):
        squares = _ZERO
        for j in range(d):
            squares += x[i, j] * x[i, j]
        rstd = _ONE / np.sqrt(squares * per_d + eps)
        for j in range(d):
            y[i, j] = x[i, j] * rstd * w[j]
        rstds[i] = rstd


def rms_norm_backward(
    g: Array, x: Array, rstd: Array, weight: Array | None, need_x: bool, need_w: bool
) -> tuple[Array | None, Array | None]:
    """As the NumPy kernel of this name."""
    if not takes(g, x, rstd, weight):
        return plain.rms_norm_backward(g, x, rstd, weight, need_x, need_w)
    d = x.shape[1]
    w = np.ones(d, x.dtype) if weight is None else weight
    dx = np.empty_like(x) if need_x else np.empty((0, d), x.dtype)
    dw = np.zeros(d, x.dtype)
    _rms_norm_backward(g, x, rstd.reshape(-1), w, need_x, need_w, dx, dw)
    return dx if need_x else None, dw if need_w else None


@kernel(IN2, IN2, IN1, IN1, boolean, boolean, OUT2, OUT1)
def _rms_norm_backward(g, x, rstds, w, need_x, need_w, dx, dw):  # type: ignore[no-untyped-def]
    rows, d = x.shape
    per_d = _ONE / float32(d)
    part = np.zeros(d, np.float32)
    for i in range(rows):
        rstd = rstds[i]
        if need_w:
            for j in range(d):
                part[j] += g[i, j] * (x[i, j] * rstd)
            if (i + 1) % _GROUP == 0 or i + 1 == rows:
                for j in range(d):
                    dw[j] += part[j]
                    part[j] = _ZERO
        if need_x:
            slope = _ZERO
            for j in range(d):
                slope += g[i, j] * w[j] * (x[i, j] * rstd)
            slope *= per_d
            for j in range(d):
                dx[i, j] = rstd * (g[i, j] * w[j] - x[i, j] * rstd * slope)
