"""Scaled dot-product attention (Vaswani et al. 2017, equation 1), fused."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._card import Case
from .._define import op
from .._tensor import Tensor, wrap
from ..kernels import active as kernels
from .random import dropout


def _probabilities(
    q: Tensor, k: Tensor, bias: Tensor | None, is_causal: bool, scale: float
) -> Tensor:
    scores = (q @ k.transpose(-2, -1)) * scale  # (..., T, S)
    if is_causal:
        hidden = ~np.tri(q._a.shape[-2], k._a.shape[-2], dtype=bool)
        scores = scores.masked_fill(wrap(hidden), float("-inf"))
    if bias is not None:
        scores = scores + bias
    blind = (scores._a == -np.inf).all(axis=-1, keepdims=True)  # queries that see no key
    if not blind.any():
        return scores.softmax(-1)
    return scores.masked_fill(wrap(blind), 0.0).softmax(-1).masked_fill(wrap(blind), 0.0)


def _composed(
    q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None, is_causal: bool, scale: float
) -> Tensor:
    return _probabilities(q, k, bias, is_causal, scale) @ v


def _cases(rng: np.random.Generator) -> Any:
    def a(*shape: int) -> np.ndarray:
        return rng.normal(size=shape)

    yield Case(a(2, 3, 4), a(2, 3, 4), a(2, 3, 4), None, True, 0.5)
    yield Case(a(2, 2, 3, 4), a(2, 2, 5, 4), a(2, 2, 5, 2), None, False, 0.7)
    yield Case(a(2, 3, 4), a(2, 5, 4), a(2, 5, 4), a(3, 5), False, 0.5)
    yield Case(a(3, 2), a(3, 2), a(3, 2), None, True, 1.0)


@op(name="attention", keeps=("p",), fuses=_composed, cases=_cases)
def attention_op(
    q: Any, k: Any, v: Any, bias: Any = None, /, is_causal: bool = False, scale: float = 1.0
) -> Any:
    """``softmax(q @ k.T * scale + bias) @ v``. Shapes: (..., T, D), (..., S, D), (..., S, E)
    -> (..., T, E).

    >>> import tensor_core as torch
    >>> q, k = torch.zeros(1, 2), torch.zeros(3, 2)
    >>> torch.nn.functional.scaled_dot_product_attention(q, k, torch.tensor([[1.0], [2.0], [6.0]]))
    tensor([[3.]])
    """
    return kernels.attention_forward(q, k, v, scale, is_causal, bias)


@attention_op.vjp
def _(
    g: Any,
    q: Any,
    k: Any,
    v: Any,
    bias: Any,
    p: Any,
    y: Any,
    is_causal: Any,
    scale: Any,
    needs: Any,
) -> Any:
    dq, dk, dv = kernels.attention_backward(g, q, k, v, p, y, scale, *needs[:3], is_causal)
    db = None
    if needs[3]:
        dp = np.matmul(g, np.swapaxes(v, -1, -2))
        db = p * (dp - (dp * p).sum(axis=-1, keepdims=True))
    return dq, dk, dv, db


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """Attention of queries over keys and values.

    Shapes: query (..., H, T, D), key (..., H, S, D), value (..., H, S, E) -> (..., H, T, E); a
    boolean mask (..., T, S) is True where a query may look, a floating one is added. With
    ``enable_gqa`` keys and values may have fewer heads, each serving several query heads.

    Raises:
        RuntimeError: types or shapes that do not fit.

    >>> import tensor_core as torch
    >>> q = k = torch.zeros(3, 2)
    >>> v = torch.tensor([[1.0], [2.0], [6.0]])
    >>> torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    tensor([[1.0000],
            [1.5000],
            [3.0000]])
    """
    _check(query, key, value, attn_mask)
    if attn_mask is not None and is_causal and (query._a.ndim != 4 or dropout_p > 0):
        raise RuntimeError(
            "scaled_dot_product_attention: give attn_mask or is_causal, not both (both are for "
            "(N, H, T, D) without dropout)"
        )
    if not 0 <= dropout_p <= 1:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {dropout_p}")
    if enable_gqa:
        key, value = (_for_heads(t, query._a.shape[-3]) for t in (key, value))
    factor = 1 / math.sqrt(query._a.shape[-1]) if scale is None else scale
    bias = attn_mask
    if attn_mask is not None and attn_mask._a.dtype == np.bool_:
        hidden = np.where(attn_mask._a, 0.0, -np.inf).astype(query._a.dtype)
        bias = wrap(hidden)
    if dropout_p > 0:
        seen = _probabilities(query, key, bias, is_causal, factor)
        return dropout(seen, dropout_p, True) @ value
    query, key, value = _same_batch(query, key, value)
    return attention_op(query, key, value, bias, is_causal, factor)


def _for_heads(t: Tensor, heads: int) -> Tensor:
    """Keys or values repeated so that each query head has its own."""
    n = t._a.shape[-3]
    if n == 0 or heads % n:
        raise RuntimeError(
            "Number of heads in key and value must divide the number of heads in query, but got "
            f"{n} and {heads}"
        )
    return t if n == heads else t.repeat_interleave(heads // n, -3)


def _same_batch(*tensors: Tensor) -> list[Tensor]:
    batches = [t._a.shape[:-2] for t in tensors]
    if batches[0] == batches[1] == batches[2]:
        return list(tensors)
    try:
        batch = np.broadcast_shapes(*batches)
    except ValueError:
        raise RuntimeError(
            "scaled_dot_product_attention: the batch sizes and heads of query, key and value, "
            f"{batches[0]}, {batches[1]} and {batches[2]}, do not broadcast (fewer heads of keys "
            "and values are for enable_gqa=True)"
        ) from None
    return [t.expand((*batch, *t._a.shape[-2:])) for t in tensors]


def _check(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> None:
    name = "scaled_dot_product_attention"
    q, k, v = query._a.shape, key._a.shape, value._a.shape
    if min(len(q), len(k), len(v)) < 2 or q[-1] != k[-1] or k[-2] != v[-2]:
        raise RuntimeError(
            f"{name}: query {q}, key {k} and value {v}: query and key must agree in their last "
            "size, key and value in their last but one"
        )
    if not query.dtype == key.dtype == value.dtype or not query.is_floating_point():
        raise RuntimeError(
            f"{name}: query, key and value must have the same floating dtype, but got "
            f"{query.dtype}, {key.dtype} and {value.dtype}"
        )
    if mask is None:
        return
    if mask._a.dtype not in (np.bool_, np.float32, query._a.dtype):
        raise RuntimeError(
            f"{name}: Expected attn_mask dtype to be bool or float or to match query dtype, but "
            f"got {mask.dtype} for {query.dtype}"
        )
    scores = (*q[:-1], k[-2])
    sizes = zip(reversed(mask._a.shape), reversed(scores), strict=False)
    if mask._a.ndim > len(scores) or any(m not in (1, n) for m, n in sizes):
        raise RuntimeError(
            f"{name}: a mask of shape {mask._a.shape} does not broadcast to the scores, {scores}"
        )
