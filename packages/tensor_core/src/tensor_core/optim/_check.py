"""Whether an optimizer's options make sense."""

from __future__ import annotations

from typing import Any

from .._tensor import Tensor


def check(what: str, value: Any, low: float = 0.0, below: float | None = None) -> None:
    """Raise ``ValueError`` unless low <= value, and value < below where there is a limit."""
    if not low <= float(value) or (below is not None and not float(value) < below):
        raise ValueError(f"Invalid {what}: {value}")


def check_betas(betas: Any) -> None:
    """Raise ``ValueError`` unless both are in [0, 1)."""
    for i, beta in enumerate(betas):
        check(f"beta parameter at index {i}", beta, below=1.0)


def check_rate(lr: Any) -> None:
    """Raise ``ValueError`` for a rate kept in a tensor of several elements."""
    if isinstance(lr, Tensor) and lr.numel() != 1:
        raise ValueError("Tensor lr must be 1-element")
