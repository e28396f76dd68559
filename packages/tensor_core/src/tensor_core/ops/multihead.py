"""Attention of several heads with its projections, as one function (Vaswani et al. 2017)."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from .._card import Case, composed
from .._creation import zeros, zeros_like
from .._tensor import Tensor
from .attention import scaled_dot_product_attention
from .contract import linear
from .join import cat
from .padding import pad
from .random import dropout


def canonical_mask(mask: Tensor | None, name: str, like: Tensor, other: Any = None) -> Any:
    """A mask to be added to the scores: -inf where a boolean one is True.

    ``other`` is a pair of a further mask, whose type should be the same, and its name.

    Raises:
        AssertionError: the mask is neither boolean nor floating point.

    >>> import tensor_core as torch
    >>> canonical_mask(torch.tensor([True, False]), "mask", torch.ones(1))
    tensor([-inf, 0.])
    """
    if mask is None:
        return None
    is_bool = mask._a.dtype == np.bool_
    if not is_bool and not mask.is_floating_point():
        raise AssertionError(f"only bool and floating types of {name} are supported")
    if other is not None and other[0] is not None and other[0].dtype != mask.dtype:
        warnings.warn(
            f"Support for mismatched {name} and {other[1]} is deprecated. Use same type for both "
            "instead.",
            stacklevel=3,
        )
    if not is_bool:
        return mask
    return zeros_like(mask, dtype=like.dtype).masked_fill(mask, float("-inf"))


def _cases(rng: np.random.Generator) -> Iterator[Case]:
    def a(*shape: int) -> np.ndarray:
        return rng.normal(size=shape) * 0.5

    def packed(q: Any, k: Any, v: Any, bias: bool = True, **more: Any) -> Case:
        weights = (a(6, 2), a(6) if bias else None)
        extra = more.pop("extra", (None, None, False))
        out = (a(2, 2), a(2) if bias else None)
        return Case(q, k, v, 2, 2, *weights, *extra, 0.0, *out, **more)

    x = a(2, 2, 2)
    yield packed(x, a(1, 2, 2), a(1, 2, 2), bias=False, average_attn_weights=False).with_(
        max_order=1
    )
    hidden = np.triu(np.full((2, 2), -np.inf), 1)
    yield packed(x, x, x, attn_mask=hidden, is_causal=True).with_(wrt=(0,))
    padding = np.array([[False, False], [False, True]])
    extra = (a(1, 1, 2), a(1, 1, 2), True)
    yield packed(x, a(2, 2, 2), a(2, 2, 2), extra=extra, key_padding_mask=padding).with_(
        wrt=(1, 2, 7, 8), max_order=1
    )
    yield Case(
        a(2, 4), a(2, 3), a(2, 2), 4, 2, None, a(12), None, None, False, 0.0, a(4, 4), a(4),
        use_separate_proj_weight=True,
        q_proj_weight=a(4, 4), k_proj_weight=a(4, 3), v_proj_weight=a(4, 2),
    ).with_(wrt=("k_proj_weight", "v_proj_weight"), max_order=1)  # fmt: skip


@composed(torch="nn.functional.multi_head_attention_forward", cases=_cases)
def multi_head_attention_forward(
    query: Tensor, key: Tensor, value: Tensor, embed_dim_to_check: int, num_heads: int,
    in_proj_weight: Tensor | None, in_proj_bias: Tensor | None,
    bias_k: Tensor | None, bias_v: Tensor | None, add_zero_attn: bool, dropout_p: float,
    out_proj_weight: Tensor, out_proj_bias: Tensor | None, training: bool = True,
    key_padding_mask: Tensor | None = None, need_weights: bool = True,
    attn_mask: Tensor | None = None, use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None, k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None, static_k: Tensor | None = None,
    static_v: Tensor | None = None, average_attn_weights: bool = True, is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:  # fmt: skip
    """Project, attend in every head, project back: what ``nn.MultiheadAttention`` computes.

    Shapes: query (T, B, E), key (S, B, K), value (S, B, V), or without B -> (T, B, E), and the
    weights (B, T, S), a head each (B, num_heads, T, S), or ``None``. ``key_padding_mask`` (B, S)
    and ``attn_mask`` (T, S) or (B * num_heads, T, S) hide where they are True, or are added.

    Raises:
        AssertionError: sizes that do not fit.
        RuntimeError: ``is_causal`` without ``attn_mask``, or a mask of the wrong shape.

    >>> import tensor_core as torch
    >>> x, one = torch.ones(3, 2), torch.eye(2)
    >>> y, weights = torch.nn.functional.multi_head_attention_forward(
    ...     x, x, x, 2, 1, torch.ones(6, 2), None, None, None, False, 0.0, one, None)
    >>> y.shape, weights.shape
    (torch.Size([3, 2]), torch.Size([3, 3]))
    """
    batched = _check_shapes(query, key, value, key_padding_mask, attn_mask, num_heads)
    if not batched:
        query, key, value = (t.unsqueeze(1) for t in (query, key, value))
        if key_padding_mask is not None:
            key_padding_mask = key_padding_mask.unsqueeze(0)
    key_padding_mask = canonical_mask(
        key_padding_mask, "key_padding_mask", query, (attn_mask, "attn_mask")
    )
    if is_causal and attn_mask is None:
        raise RuntimeError(
            "Need attn_mask if specifying the is_causal hint. You may use the Transformer module "
            "method `generate_square_subsequent_mask` to create this mask."
        )
    is_causal = is_causal and key_padding_mask is None and not need_weights
    attn_mask = None if is_causal else canonical_mask(attn_mask, "attn_mask", query)
    _check_sizes(query, key, value, embed_dim_to_check, num_heads, use_separate_proj_weight)
    if use_separate_proj_weight:
        weights = (q_proj_weight, k_proj_weight, v_proj_weight)
        q, k, v = _project_apart((query, key, value), weights, in_proj_bias)
    else:
        q, k, v = _project(query, key, value, in_proj_weight, in_proj_bias)
    t, b, e = query.shape
    d = e // num_heads
    mask = _check_mask(attn_mask, (t, key.shape[0]), b, num_heads)
    if (bias_k is None) != (bias_v is None):
        raise AssertionError("bias_k and bias_v are set together, or both None")
    more = 0  # keys beyond the given ones, which no mask hides
    if bias_k is not None and bias_v is not None:
        if static_k is not None or static_v is not None:
            raise AssertionError("a bias cannot be added to static key or value.")
        k, v = (cat([x, y.repeat(1, b, 1)]) for x, y in ((k, bias_k), (v, bias_v)))
        more += 1
    q, k, v = (x.reshape(x.shape[0], b, num_heads, d).permute(1, 2, 0, 3) for x in (q, k, v))
    k, v = (_static(x, s, b, num_heads, d) for x, s in ((k, static_k), (v, static_v)))
    if add_zero_attn:
        k, v = (cat([x, zeros((b, num_heads, 1, d), dtype=x.dtype)], 2) for x in (k, v))
        more += 1
    mask = _merged(mask, key_padding_mask, more, k.shape[2])
    p = dropout_p if training else 0.0
    seen: Tensor | None = None
    if need_weights:
        seen = (q * math.sqrt(1.0 / d)) @ k.transpose(-2, -1)  # (B, H, T, S)
        seen = (seen if mask is None else seen + mask).softmax(-1)
        seen = dropout(seen, p, True) if p > 0 else seen
        y = seen @ v
        seen = seen.mean(1) if average_attn_weights else seen
    else:
        y = scaled_dot_product_attention(q, k, v, mask, p, is_causal)
    y = linear(y.permute(2, 0, 1, 3).reshape(t, b, e), out_proj_weight, out_proj_bias)
    if batched:
        return y, seen
    return y.squeeze(1), None if seen is None else seen.squeeze(0)


def _check_shapes(
    query: Tensor, key: Tensor, value: Tensor, padding: Any, mask: Any, num_heads: int
) -> bool:
    """Whether there is a batch dimension; raises if the arguments disagree about it."""
    n = query.dim()
    if n not in (2, 3):
        raise AssertionError(
            f"query should be unbatched 2D or batched 3D tensor but received {n}-D query tensor"
        )
    kind = "batched (3-D)" if n == 3 else "unbatched (2-D)"
    if key.dim() != n or value.dim() != n:
        raise AssertionError(
            f"For {kind} `query`, expected `key` and `value` to be {n}-D but found {key.dim()}-D "
            f"and {value.dim()}-D tensors respectively"
        )
    if padding is not None and padding.dim() != n - 1:
        raise AssertionError(
            f"For {kind} `query`, expected `key_padding_mask` to be `None` or {n - 1}-D but found "
            f"{padding.dim()}-D tensor instead"
        )
    if mask is not None and mask.dim() not in (2, 3):
        raise AssertionError(
            f"For {kind} `query`, expected `attn_mask` to be `None`, 2-D or 3-D but found "
            f"{mask.dim()}-D tensor instead"
        )
    if n == 2 and mask is not None and mask.dim() == 3:
        expected = (num_heads, query.shape[0], key.shape[0])
        if tuple(mask.shape) != expected:
            raise AssertionError(
                f"Expected `attn_mask` shape to be {expected} but got {tuple(mask.shape)}"
            )
    return n == 3


def _check_sizes(
    query: Tensor, key: Tensor, value: Tensor, embed_dim: int, num_heads: int, apart: bool
) -> None:
    e = query.shape[-1]
    if e != embed_dim:
        raise AssertionError(f"was expecting embedding dimension of {embed_dim}, but got {e}")
    if e % num_heads:
        raise AssertionError(f"embed_dim {e} not divisible by num_heads {num_heads}")
    if apart and key.shape[:2] != value.shape[:2]:
        raise AssertionError(
            f"key's sequence and batch dims {tuple(key.shape[:2])} do not match value's "
            f"{tuple(value.shape[:2])}"
        )
    if not apart and key.shape != value.shape:
        raise AssertionError(
            f"key shape {tuple(key.shape)} does not match value shape {tuple(value.shape)}"
        )


def _project(q: Tensor, k: Tensor, v: Tensor, weight: Any, bias: Any) -> Any:
    """Queries, keys and values by one weight (3 E, E), in one product where they are the same."""
    if weight is None:
        raise AssertionError("use_separate_proj_weight is False but in_proj_weight is None")
    if q is k and k is v:
        return linear(q, weight, bias).chunk(3, -1)
    return _project_apart((q, k, v), weight.chunk(3), bias)


def _project_apart(inputs: tuple[Tensor, ...], weights: Any, bias: Any) -> Any:
    biases = (None,) * 3 if bias is None else bias.chunk(3)
    e = inputs[0].shape[-1]
    for name, x, w in zip(("query", "key", "value"), inputs, weights, strict=True):
        if w is None:
            raise AssertionError(
                f"use_separate_proj_weight is True but {name[0]}_proj_weight is None"
            )
        if tuple(w.shape) != (e, x.shape[-1]):
            raise AssertionError(
                f"expecting {name} weights shape of {(e, x.shape[-1])}, but got {tuple(w.shape)}"
            )
    return [linear(*arrays) for arrays in zip(inputs, weights, biases, strict=True)]


def _check_mask(mask: Any, shape: tuple[int, int], batch: int, num_heads: int) -> Any:
    """The mask with the dimensions (B, H, T, S), of which B and H may be 1."""
    if mask is None:
        return None
    expected = shape if mask.dim() == 2 else (batch * num_heads, *shape)
    if tuple(mask.shape) != expected:
        raise RuntimeError(
            f"The shape of the {mask.dim()}D attn_mask is {tuple(mask.shape)}, but should be "
            f"{expected}."
        )
    return mask[None, None] if mask.dim() == 2 else mask.reshape(batch, num_heads, *shape)


def _static(x: Tensor, static: Tensor | None, b: int, num_heads: int, d: int) -> Tensor:
    """Keys or values (B, H, S, D), or the ones given in their stead, (B * H, S, D)."""
    if static is None:
        return x
    if static.shape[0] != b * num_heads or static.shape[2] != d:
        raise AssertionError(
            f"expecting static keys and values of shape ({b * num_heads}, S, {d}), but got "
            f"{tuple(static.shape)}"
        )
    return static.reshape(b, num_heads, -1, d)


def _merged(mask: Any, padding: Any, more: int, length: int) -> Any:
    """Both masks as one, padded with zeros for keys that were added."""
    if mask is not None and more:
        mask = pad(mask, (0, more))
    if padding is None:
        return mask
    padding = pad(padding, (0, more)) if more else padding
    if padding.shape[1] != length:
        raise AssertionError(
            f"expecting a key_padding_mask for {length} keys, but got {tuple(padding.shape)}"
        )
    padding = padding[:, None, None, :]  # (B, 1, 1, S)
    return padding if mask is None else mask + padding
