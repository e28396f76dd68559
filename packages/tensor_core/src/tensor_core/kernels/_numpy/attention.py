"""Scaled dot-product attention (Vaswani et al. 2017, eq. 1), keeping the probabilities."""

import numpy as np

Array = np.ndarray


def attention_forward(
    q: Array, k: Array, v: Array, scale: float, causal: bool, bias: Array | None
) -> tuple[Array, Array]:
    """``softmax(q @ k.T * scale + bias) @ v`` and the softmax's output.

    Shapes: q (..., T, D), k (..., S, D), v (..., S, E), bias broadcastable to (..., T, S)
    -> y (..., T, E), p (..., T, S). ``causal`` lets query t see keys 0 to t alone.

    >>> y, p = attention_forward(*np.ones((3, 1, 2, 1)), 1.0, True, None)
    >>> p.tolist()
    [[[1.0, 0.0], [0.5, 0.5]]]
    """
    p = np.matmul(q, k.swapaxes(-1, -2))
    p *= scale
    if bias is not None:
        p += bias
    if causal:
        p[..., ~np.tri(*p.shape[-2:], dtype=bool)] = -np.inf
    p -= p.max(axis=-1, keepdims=True)
    np.exp(p, out=p)
    p /= p.sum(axis=-1, keepdims=True)
    return np.matmul(p, v), p


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
) -> tuple[Array | None, Array | None, Array | None]:
    """Cotangents of q, k and v, each None unless needed. Shapes as in the forward pass.

    >>> a = np.ones((1, 1, 1))
    >>> attention_backward(a, a, a, a, a, a, 1.0, False, False, True)[2].tolist()
    [[[1.0]]]
    """
    dq = dk = dv = None
    if need_v:
        dv = np.matmul(p.swapaxes(-1, -2), g)
    if need_q or need_k:
        ds = np.matmul(g, v.swapaxes(-1, -2))
        ds -= np.vecdot(g, y)[..., None]
        ds *= p
        ds *= scale
        dq = np.matmul(ds, k) if need_q else None
        dk = np.matmul(ds.swapaxes(-1, -2), q) if need_k else None
    return dq, dk, dv
