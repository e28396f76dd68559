"""Apple's GPUs: not built in, not available."""

from __future__ import annotations


def is_built() -> bool:
    """Whether this was built with Apple GPUs in mind: no."""
    return False


def is_available() -> bool:
    """Whether an Apple GPU can be used: no.

    >>> import tensor_core as torch
    >>> torch.backends.mps.is_available()
    False
    """
    return False
