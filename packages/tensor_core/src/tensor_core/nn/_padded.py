"""When torch's encoder would leave padding out (its nested tensors), so that it comes out zero."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._grad_mode import mode
from .._tensor import Tensor
from .module import Module
from .transformer_layers import TransformerEncoderLayer


def nested_refused(layer: Any) -> str:
    """Why an encoder of such layers does not leave padding out; empty if it does."""
    name = "encoder_layer"
    if not isinstance(layer, TransformerEncoderLayer):
        return f"{name} was not TransformerEncoderLayer"
    attention = layer.self_attn
    if layer.norm_first:
        return f"{name}.norm_first was True"
    if not attention.batch_first:
        return (
            f"{name}.self_attn.batch_first was not True"
            "(use batch_first for better inference performance)"
        )
    if not attention._qkv_same_embed_dim:
        return f"{name}.self_attn._qkv_same_embed_dim was not True"
    if attention.in_proj_bias is None:
        return f"{name}.self_attn was passed bias=False"
    if not layer.activation_relu_or_gelu:
        return f"{name}.activation_relu_or_gelu was not True"
    if layer.norm1.eps != layer.norm2.eps:
        return f"{name}.norm1.eps was not equal to {name}.norm2.eps"
    if attention.num_heads % 2 == 1:
        return f"{name}.self_attn.num_heads is odd"
    return ""


def nests(encoder: Any, src: Tensor, mask: Tensor | None, padding: Tensor | None) -> bool:
    """Whether torch leaves padding out of this call: at rest, no gradient, padding at the end."""
    first: Module = encoder.layers[0]
    if first.training or src.dim() != 3 or padding is None or mask is not None:
        return False
    if mode.enabled and (src.requires_grad or any(p.requires_grad for p in first.parameters())):
        return False
    kept = padding._a == 0  # (B, T)
    return not encoder.mask_check or bool((np.diff(kept.astype(int), axis=1) <= 0).all())
