"""Torch's path to transformers: ``nn.modules.transformer``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import functional as F
from ..transformer import copies as _get_clones  # noqa: F401  (torch's name for it)
from ._paths import found_in

__getattr__ = found_in("transformer", "transformer_layers")


def _get_activation_fn(activation: str) -> Callable[..., Any]:
    """``relu`` or ``gelu`` by name."""
    if activation not in ("relu", "gelu"):
        raise RuntimeError(f"activation should be relu/gelu, not {activation}")
    return getattr(F, activation)
