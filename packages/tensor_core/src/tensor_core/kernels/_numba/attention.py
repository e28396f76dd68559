"""Attention: BLAS multiplies, one compiled pass scales, masks and normalises.

Small heads, for which calling BLAS costs more than the multiplication, take compiled loops instead.
"""

import numpy as np
from numba import boolean, float32, int64

from .._numpy import attention as plain
from .._numpy.attention_blocks import batch_blocks, heads_together
from .attention_small import small_backward, small_forward
from .compiling import IN3, OUT3, kernel, takes, takes_strided
from .mathematics import exp32
from .softmax import row_max

Array = np.ndarray

_ZERO, _ONE = float32(0.0), float32(1.0)
_SMALL = 2048  # multiplications of a head, about where BLAS overtakes the loops
_SPAN = 128  # queries that are multiplied at once; causal ones skip the keys after the last of them


def attention_forward(
    q: Array, k: Array, v: Array, scale: float, causal: bool, bias: Array | None
) -> tuple[Array, Array]:
    """As the NumPy kernel of this name."""
    *batch, t, d = q.shape
    s, e = k.shape[-2], v.shape[-1]
    if not takes_strided(q, k, v) or not t * s * d * e or 0 in batch or len(batch) > 2:
        return plain.attention_forward(q, k, v, scale, causal, bias)
    p = np.empty((*batch, t, s), q.dtype)
    y = heads_together((*batch, t, e), q.dtype)
    if bias is None and t * s * max(d, e) <= _SMALL:
        small_forward(q, k, v, scale, causal, y, p)
    else:
        wide = None if bias is None else np.broadcast_to(bias, p.shape)
        for i in batch_blocks(tuple(batch), t * s):
            _block(q[i], k[i], v[i], scale, causal, None if wide is None else wide[i], y[i], p[i])
    return y, p


def _block(
    q: Array, k: Array, v: Array, scale: float, causal: bool, bias: Array | None, y: Array, p: Array
) -> None:
    t, s = p.shape[-2:]
    flat = p.reshape(-1, t, s)
    for start in range(0, t, _SPAN):
        stop = min(start + _SPAN, t)
        seen = min(stop, s) if causal else s
        part = p[..., start:stop, :seen]
        np.matmul(q[..., start:stop, :], k[..., :seen, :].swapaxes(-1, -2), out=part)
        if bias is None:
            _normalise(flat, scale, causal, start, stop)
        else:
            part *= np.float32(scale)
            part += bias[..., start:stop, :seen]
            _normalise(flat, 1.0, causal, start, stop)
        rows = y[..., start:stop, :]
        np.matmul(part, v[..., :seen, :], out=rows)
        if causal and not np.isfinite(rows.sum()):
            rows[...] = plain.without_leaks(part, v[..., :seen, :])


@kernel(OUT3, float32, boolean, int64, int64)
def _normalise(p, scale, causal, start, stop):  # type: ignore[no-untyped-def]
    """Softmax of rows ``start`` to ``stop`` in place; 0 at keys out of sight."""
    heads, _, s = p.shape
    for n in range(heads):
        for t in range(start, stop):
            row = p[n, t]
            seen = min(t + 1, s) if causal else s
            for j in range(seen):
                row[j] *= scale
            peak = row_max(row, seen)
            if peak == -np.inf:  # sees nothing
                peak = _ZERO
            total = _ZERO
            for j in range(seen):  # in place: two names for one row would not become vectors
                e = exp32(row[j] - peak)
                row[j] = e
                total += e
            factor = _ZERO if total == _ZERO else _ONE / total
            for j in range(seen):
                row[j] *= factor
            for j in range(seen, s):
                row[j] = _ZERO


def attention_backward(
    g: Array,
    q: Array,
    k: Array,
    v: Array,
    p: Array,
    y: Array,
    scale: float,
    need_q: bool,
    need_k: bool,
    need_v: bool,
    causal: bool = False,
) -> tuple[Array | None, Array | None, Array | None]:
    """As the NumPy kernel of this name."""
    needs = (need_q, need_k, need_v)
    *batch, t, s = p.shape
    fits = takes_strided(g, q, k, v) and takes(p) and len(batch) <= 2
    if not fits or 0 in p.shape:
        return plain.attention_backward(g, q, k, v, p, y, scale, *needs, causal)
    grads = [heads_together(a.shape, a.dtype) for a in (q, k, v)]
    if t * s * max(q.shape[-1], v.shape[-1]) <= _SMALL:
        small_backward(g, q, k, v, p, scale, *grads)
    else:
        for i in batch_blocks(tuple(batch), t * s):
            _block_backward(g[i], q[i], k[i], v[i], p[i], scale, [a[i] for a in grads], causal)
    dq, dk, dv = (a if need else None for a, need in zip(grads, needs, strict=True))
    return dq, dk, dv


def _block_backward(
    g: Array, q: Array, k: Array, v: Array, p: Array, scale: float, grads: list[Array], causal: bool
) -> None:
    t, s = p.shape[-2:]
    ds = np.empty_like(p)
    dq, dk, dv = grads
    for start in range(0, t, _SPAN):
        stop = min(start + _SPAN, t)
        seen = min(stop, s) if causal else s
        part = ds[..., start:stop, :seen]
        np.matmul(g[..., start:stop, :], v[..., :seen, :].swapaxes(-1, -2), out=part)
        _score_cotangents(p.reshape(-1, t, s), ds.reshape(-1, t, s), scale, start, stop, seen)
        np.matmul(part, k[..., :seen, :], out=dq[..., start:stop, :])
    last = min(s, t) if causal else s
    for start in range(0, last, _SPAN):
        stop, first = min(start + _SPAN, last), start if causal else 0
        keys = (..., slice(first, None), slice(start, stop))
        np.matmul(ds[keys].swapaxes(-1, -2), q[..., first:, :], out=dk[..., start:stop, :])
        np.matmul(p[keys].swapaxes(-1, -2), g[..., first:, :], out=dv[..., start:stop, :])
    dk[..., last:, :] = 0  # keys past the last query
    dv[..., last:, :] = 0


@kernel(IN3, OUT3, float32, int64, int64, int64)
def _score_cotangents(p, ds, scale, start, stop, seen):  # type: ignore[no-untyped-def]
    """From the cotangents of the probabilities to those of the scores, in place."""
    for n in range(p.shape[0]):
        for t in range(start, stop):
            total = _ZERO
            for j in range(seen):
                total += p[n, t, j] * ds[n, t, j]
            for j in range(seen):
                ds[n, t, j] = scale * p[n, t, j] * (ds[n, t, j] - total)
