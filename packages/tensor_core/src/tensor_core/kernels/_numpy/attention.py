"""Scaled dot-product attention (Vaswani et al. 2017, eq. 1), keeping the probabilities.

With causal masking, what a query gets does not depend by a single bit on later keys and values,
not even when those are inf or nan.
"""

import numpy as np

from .attention_blocks import (
    Array,
    batch_blocks,
    heads_together,
    hidden_scores,
    key_spans,
    matmul_into,
    query_spans,
    row_max,
    score_array,
)
from .blocks import quiet


@quiet
def attention_forward(
    q: Array, k: Array, v: Array, scale: float, causal: bool, bias: Array | None
) -> tuple[Array, Array]:
    """``softmax(q @ k.T * scale + bias) @ v`` and the softmax's output.

    Shapes: q (..., T, D), k (..., S, D), v (..., S, E), bias broadcastable to (..., T, S)
    -> y (..., T, E), p (..., T, S). ``causal`` lets query t see keys 0 to t alone. A query that
    sees no key gets zeros. Of four dimensions, (B, H, T, E), y lies in memory as (B, T, H, E).

    >>> y, p = attention_forward(*np.ones((3, 1, 2, 1)), 1.0, True, None)
    >>> p.tolist()
    [[[1.0, 0.0], [0.5, 0.5]]]
    """
    *batch, t, _ = q.shape
    s = k.shape[-2]
    p = score_array(tuple(batch), t, s, q.dtype)
    y = heads_together((*batch, t, v.shape[-1]), q.dtype)
    if p.size == 0:
        y[...] = 0
        return y, p
    if bias is not None:
        bias = np.broadcast_to(bias, p.shape)
    for i in batch_blocks(tuple(batch), t * s):
        for rows, keys in query_spans(t, s, causal):
            at, seen = (*i, ..., rows, slice(None)), (*i, ..., keys, slice(None))
            part, out = p[at][..., keys], y[at]
            extra = None if bias is None else bias[at][..., keys]
            hidden = hidden_scores(t, s, p.dtype)[rows, keys] if causal else None
            _probabilities(q[at], k[seen], scale, hidden, extra, part)
            p[at][..., keys.stop :] = 0
            matmul_into(part, v[seen], out)
            if causal and not np.isfinite(out.sum()):
                out[...] = without_leaks(part, v[seen])
    return y, p


def _probabilities(
    q: Array, k: Array, scale: float, hidden: Array | None, bias: Array | None, p: Array
) -> None:
    """Fill p (..., T, S) for one block; ``hidden`` (T, S) is -inf at keys out of sight."""
    matmul_into(q * scale, k.swapaxes(-1, -2), p)
    if bias is not None:
        p += bias
    if hidden is not None:
        p += hidden
    peak = row_max(p)
    if not np.isfinite(peak).all():  # hidden keys may be at fault, or a row that sees nothing
        if hidden is not None:
            p[..., hidden < 0] = -np.inf
            peak = row_max(p)
        peak[peak == -np.inf] = 0
    p -= peak
    np.exp(p, out=p)
    sums = p @ np.ones((p.shape[-1], 1), p.dtype)  # BLAS sums short rows faster than np.sum
    sums[sums == 0] = 1
    p /= sums


def without_leaks(p: Array, v: Array) -> Array:
    """``p @ v`` where a probability of 0 silences even an infinite or undefined value.

    >>> without_leaks(np.array([[1.0, 0.0]]), np.array([[2.0], [np.nan]])).tolist()
    [[2.0]]
    """
    finite = np.isfinite(v)
    y = p @ np.where(finite, v, 0)
    wild = np.where(finite, 0, v)
    for s in np.flatnonzero(~finite.all(axis=-1).reshape(-1, v.shape[-2]).all(axis=0)):
        weight = p[..., s, None]
        y += np.multiply(weight, wild[..., s, None, :], where=weight > 0, out=np.zeros_like(y))
    return y


@quiet
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
    """Cotangents of q, k and v, each None unless needed. Shapes as in the forward pass.

    ``causal`` may say that p is 0 above the diagonal, to skip that part.

    >>> a = np.ones((1, 1, 1))
    >>> attention_backward(a, a, a, a, a, a, 1.0, False, False, True)[2].tolist()
    [[[1.0]]]
    """
    *batch, t, s = p.shape
    dq = heads_together(q.shape, q.dtype) if need_q else None
    dk = heads_together(k.shape, k.dtype) if need_k else None
    dv = heads_together(v.shape, v.dtype) if need_v else None
    if p.size == 0:
        for a in (dq, dk, dv):
            if a is not None:
                a[...] = 0
        return dq, dk, dv
    for i in batch_blocks(tuple(batch), t * s):
        if dv is not None:
            _sums_over_queries(p[i], g[i], dv[i], causal)
        if dq is None and dk is None:
            continue
        ds = np.empty_like(p[i])  # (..., T, S), laid out as p is
        for rows, keys in query_spans(t, s, causal):
            at, seen = (*i, ..., rows, slice(None)), (*i, ..., keys, slice(None))
            part = ds[..., rows, keys]
            _score_cotangents(g[at] * scale, v[seen], p[at][..., keys], y[at], part)
            if dq is not None:
                matmul_into(part, k[seen], dq[at])
        if dk is not None:
            _sums_over_queries(ds, q[i], dk[i], causal)
    return dq, dk, dv


def _score_cotangents(g: Array, v: Array, p: Array, y: Array, ds: Array) -> None:
    """Fill ``ds`` with p * (g @ v.T - sum(g * y)). Shape: (..., T, S)."""
    matmul_into(g, v.swapaxes(-1, -2), ds)
    ds -= np.vecdot(g, y)[..., None]
    ds *= p


def _sums_over_queries(weights: Array, x: Array, out: Array, causal: bool) -> None:
    """Fill ``out`` with weights.T @ x. Shapes: (..., T, S), (..., T, D) -> (..., S, D)."""
    for rows, keys in key_spans(weights.shape[-2], weights.shape[-1], causal):
        part = weights[..., rows, keys].swapaxes(-1, -2)
        matmul_into(part, x[..., rows, :], out[..., keys, :])
    if causal:
        out[..., weights.shape[-2] :, :] = 0  # keys past the last query
