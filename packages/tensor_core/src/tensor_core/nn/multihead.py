"""Attention of several heads, with its projections."""

from __future__ import annotations

from typing import Any

from .._creation import empty
from .._tensor import Tensor
from ..ops.multihead import canonical_mask, multi_head_attention_forward
from . import init
from .linear import NonDynamicallyQuantizableLinear
from .module import Module
from .parameter import Parameter


class MultiheadAttention(Module):
    """Queries look at keys and get values, in several heads at once (Vaswani et al. 2017).

    ``layer(query, key, value)`` returns the output and the attention weights (``None`` with
    ``need_weights=False``, which is faster). Shapes: (T, B, E), (S, B, K), (S, B, V) -> (T, B, E)
    and (B, T, S), with B first if ``batch_first``, or without B. Boolean masks hide where True.

    >>> import tensor_core as torch
    >>> y, weights = torch.nn.MultiheadAttention(4, 2)(*torch.zeros(3, 5, 1, 4))
    >>> y.shape, weights.shape
    (torch.Size([5, 1, 4]), torch.Size([1, 5, 5]))
    """

    in_proj_weight: Tensor | None  # (3 E, E)
    in_proj_bias: Tensor | None  # (3 E,)
    bias_k: Tensor | None  # (1, 1, E)
    bias_v: Tensor | None

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(
                f"embed_dim and num_heads must be greater than 0, got embed_dim={embed_dim} and "
                f"num_heads={num_heads} instead"
            )
        super().__init__()
        self.embed_dim = embed_dim
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self._qkv_same_embed_dim = self.kdim == embed_dim and self.vdim == embed_dim
        self.num_heads = num_heads
        self.dropout = dropout
        self.batch_first = batch_first
        self.head_dim = embed_dim // num_heads
        if self.head_dim * num_heads != embed_dim:
            raise AssertionError("embed_dim must be divisible by num_heads")
        kind = {"device": device, "dtype": dtype}
        self._make_projections(bias, kind)
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias=bias, **kind)
        self.bias_k = self.bias_v = None
        if add_bias_kv:
            self.bias_k = Parameter(empty((1, 1, embed_dim), **kind))
            self.bias_v = Parameter(empty((1, 1, embed_dim), **kind))
        self.add_zero_attn = add_zero_attn
        self._reset_parameters()

    def _make_projections(self, bias: bool, kind: dict[str, Any]) -> None:
        """One weight for queries, keys and values of the same size, else one for each."""
        e = self.embed_dim
        apart = {"q_proj_weight": e, "k_proj_weight": self.kdim, "v_proj_weight": self.vdim}
        if self._qkv_same_embed_dim:
            self.in_proj_weight = Parameter(empty((3 * e, e), **kind))
            for name in apart:
                self.register_parameter(name, None)
        else:
            for name, size in apart.items():
                self.register_parameter(name, Parameter(empty((e, size), **kind)))
            self.register_parameter("in_proj_weight", None)
        self.register_parameter("in_proj_bias", Parameter(empty(3 * e, **kind)) if bias else None)

    def _reset_parameters(self) -> None:
        weights = [
            self.in_proj_weight, self.q_proj_weight, self.k_proj_weight, self.v_proj_weight
        ]  # fmt: skip
        for weight in weights:
            if weight is not None:
                init.xavier_uniform_(weight)
        for bias in (self.in_proj_bias, self.out_proj.bias):
            if bias is not None:
                init.constant_(bias, 0.0)
        for bias in (self.bias_k, self.bias_v):
            if bias is not None:
                init.xavier_normal_(bias)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> Any:
        """The output, and the weights averaged over heads (or of each), or ``None``."""
        padding = canonical_mask(
            key_padding_mask, "key_padding_mask", query, (attn_mask, "attn_mask")
        )
        mask = canonical_mask(attn_mask, "attn_mask", query)
        swapped = self.batch_first and query.dim() == 3
        if swapped:
            query, key, value = _swapped(query, key, value)
        y, weights = multi_head_attention_forward(
            query, key, value, self.embed_dim, self.num_heads, self.in_proj_weight,
            self.in_proj_bias, self.bias_k, self.bias_v, self.add_zero_attn, self.dropout,
            self.out_proj.weight, self.out_proj.bias, self.training, padding, need_weights, mask,
            not self._qkv_same_embed_dim, self.q_proj_weight, self.k_proj_weight,
            self.v_proj_weight, average_attn_weights=average_attn_weights, is_causal=is_causal,
        )  # fmt: skip
        return (y.transpose(0, 1) if swapped else y), weights


def _swapped(query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Batch and sequence exchanged; tensors that are the same stay the same."""
    q = query.transpose(0, 1)
    k = q if key is query else key.transpose(0, 1)
    return q, k, k if value is key else value.transpose(0, 1)
