"""The order in which einsum contracts its operands."""

from __future__ import annotations

enabled = False
strategy: str | None = None


def is_available() -> bool:
    """Whether the package opt_einsum chooses the order: no.

    >>> import tensor_core as torch
    >>> torch.backends.opt_einsum.is_available()
    False
    """
    return False
