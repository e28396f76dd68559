"""Torch's path to transformers: ``nn.modules.transformer``."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from .. import functional as F
from ..containers import ModuleList
from ._paths import found_in

__getattr__ = found_in("transformer", "transformer_layers")


def _get_clones(module: Any, N: int) -> ModuleList:
    """``N`` copies of a layer, each with parameters of its own."""
    return ModuleList([copy.deepcopy(module) for _ in range(N)])


def _get_activation_fn(activation: str) -> Callable[..., Any]:
    """``relu`` or ``gelu`` by name."""
    if activation not in ("relu", "gelu"):
        raise RuntimeError(f"activation should be relu/gelu, not {activation}")
    return getattr(F, activation)
