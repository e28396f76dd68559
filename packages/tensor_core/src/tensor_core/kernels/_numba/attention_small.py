"""Attention over few short keys: plain loops, without BLAS.

Thirty-two heads are taken at once and stored so that the same number of each lie side by side.
Every innermost loop then runs over these lanes, which the compiler turns into vectors; loops over a
handful of keys would go one by one, and so would loops over a constant 32, which it unrolls first.
"""

import numpy as np
from numba import boolean, float32, int64, njit

from .compiling import FAST, OUT4, STRIDED4, kernel
from .mathematics import exp32

Array = np.ndarray

_ZERO, _ONE = float32(0.0), float32(1.0)
_LEAST = float32(-3.4e38)
_WIDTH = 32


def small_forward(
    q: Array, k: Array, v: Array, scale: float, causal: bool, y: Array, p: Array
) -> None:
    """Fill y and p, of the shapes of the NumPy kernel with up to two batch dimensions."""
    _forward(*map(_four, (q, k, v)), scale, causal, *map(_four, (y, p)), _WIDTH)


def small_backward(
    g: Array, q: Array, k: Array, v: Array, p: Array, scale: float, dq: Array, dk: Array, dv: Array
) -> None:
    """Fill dq, dk and dv, of the shapes of q, k and v."""
    _backward(*map(_four, (g, q, k, v, p)), scale, *map(_four, (dq, dk, dv)), _WIDTH)


def _four(a: Array) -> Array:
    return a[(None,) * (4 - a.ndim)]


@njit(fastmath=FAST, error_model="numpy", nogil=True)
def _load(x, first, lanes):  # type: ignore[no-untyped-def]
    """Heads ``first`` and following of (B, H, T, D) as (T, D, lanes)."""
    heads = x.shape[1]
    for lane in range(min(lanes.shape[2], x.shape[0] * heads - first)):
        b, h = (first + lane) // heads, (first + lane) % heads
        for i in range(x.shape[2]):
            for c in range(x.shape[3]):
                lanes[i, c, lane] = x[b, h, i, c]


@njit(fastmath=FAST, error_model="numpy", nogil=True)
def _store(lanes, first, x):  # type: ignore[no-untyped-def]
    """The way back."""
    heads = x.shape[1]
    for lane in range(min(lanes.shape[2], x.shape[0] * heads - first)):
        b, h = (first + lane) // heads, (first + lane) % heads
        for i in range(x.shape[2]):
            for c in range(x.shape[3]):
                x[b, h, i, c] = lanes[i, c, lane]


@njit(fastmath=FAST, error_model="numpy", nogil=True)
def _dots(x, i, y, n, out, k):  # type: ignore[no-untyped-def]
    """out[k, j] = sum over c of x[i, c] * y[j, c], for j < n, in every lane."""
    width = out.shape[2]
    for j in range(n):
        for lane in range(width):
            out[k, j, lane] = _ZERO
        for c in range(x.shape[1]):
            for lane in range(width):
                out[k, j, lane] += x[i, c, lane] * y[j, c, lane]


@njit(fastmath=FAST, error_model="numpy", nogil=True)
def _softmax(p, i, n, scale, peak, total):  # type: ignore[no-untyped-def]
    """Row i of p in place, over its first n keys; 0 after them."""
    width = p.shape[2]
    for lane in range(width):
        peak[lane] = _LEAST
        total[lane] = _ZERO
    for j in range(n):
        for lane in range(width):
            x = p[i, j, lane] * scale
            p[i, j, lane] = x
            peak[lane] = peak[lane] if peak[lane] > x else x
    for j in range(n):
        for lane in range(width):
            e = exp32(p[i, j, lane] - peak[lane])
            p[i, j, lane] = e
            total[lane] += e
    for lane in range(width):
        total[lane] = _ONE / total[lane]
    for j in range(n):
        for lane in range(width):
            p[i, j, lane] *= total[lane]
    for j in range(n, p.shape[1]):
        for lane in range(width):
            p[i, j, lane] = _ZERO


@kernel(STRIDED4, STRIDED4, STRIDED4, float32, boolean, OUT4, OUT4, int64)
def _forward(q, k, v, scale, causal, y, p, width):  # type: ignore[no-untyped-def]
    t, d = q.shape[2:]
    s, e = v.shape[2:]
    qs, ks = np.zeros((t, d, width), np.float32), np.zeros((s, d, width), np.float32)
    vs, ys = np.zeros((s, e, width), np.float32), np.zeros((t, e, width), np.float32)
    ps = np.zeros((t, s, width), np.float32)
    peak, total = np.zeros(width, np.float32), np.zeros(width, np.float32)
    for first in range(0, q.shape[0] * q.shape[1], width):
        _load(q, first, qs)
        _load(k, first, ks)
        _load(v, first, vs)
        for i in range(t):
            seen = min(i + 1, s) if causal else s
            _dots(qs, i, ks, seen, ps, i)
            _softmax(ps, i, seen, scale, peak, total)
            for c in range(e):
                for lane in range(width):
                    ys[i, c, lane] = _ZERO
                for j in range(seen):
                    for lane in range(width):
                        ys[i, c, lane] += ps[i, j, lane] * vs[j, c, lane]
        _store(ys, first, y)
        _store(ps, first, p)


@kernel(STRIDED4, STRIDED4, STRIDED4, STRIDED4, STRIDED4, float32, OUT4, OUT4, OUT4, int64)
def _backward(g, q, k, v, p, scale, dq, dk, dv, width):  # type: ignore[no-untyped-def]
    t, d = q.shape[2:]
    s, e = v.shape[2:]
    qs, ks = np.zeros((t, d, width), np.float32), np.zeros((s, d, width), np.float32)
    vs, gs = np.zeros((s, e, width), np.float32), np.zeros((t, e, width), np.float32)
    ps, row = np.zeros((t, s, width), np.float32), np.zeros((1, s, width), np.float32)
    dqs, dks, dvs = np.zeros_like(qs), np.zeros_like(ks), np.zeros_like(vs)
    total = np.zeros(width, np.float32)
    for first in range(0, q.shape[0] * q.shape[1], width):
        _load(q, first, qs)
        _load(k, first, ks)
        _load(v, first, vs)
        _load(g, first, gs)
        _load(p, first, ps)
        dqs[:] = _ZERO
        dks[:] = _ZERO
        dvs[:] = _ZERO
        for i in range(t):
            _dots(gs, i, vs, s, row, 0)
            _cotangents(ps, i, row, scale, total)
            for j in range(s):
                for c in range(d):
                    for lane in range(width):
                        dqs[i, c, lane] += row[0, j, lane] * ks[j, c, lane]
                    for lane in range(width):
                        dks[j, c, lane] += row[0, j, lane] * qs[i, c, lane]
                for c in range(e):
                    for lane in range(width):
                        dvs[j, c, lane] += ps[i, j, lane] * gs[i, c, lane]
        _store(dqs, first, dq)
        _store(dks, first, dk)
        _store(dvs, first, dv)


@njit(fastmath=FAST, error_model="numpy", nogil=True)
def _cotangents(p, i, row, scale, total):  # type: ignore[no-untyped-def]
    """From the cotangents of row i of p to those of its scores, in place."""
    width = p.shape[2]
    for lane in range(width):
        total[lane] = _ZERO
    for j in range(p.shape[1]):
        for lane in range(width):
            total[lane] += p[i, j, lane] * row[0, j, lane]
    for j in range(p.shape[1]):
        for lane in range(width):
            row[0, j, lane] = scale * p[i, j, lane] * (row[0, j, lane] - total[lane])
