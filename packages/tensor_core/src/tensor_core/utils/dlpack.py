"""DLPack capsules, for libraries that still exchange those."""

from __future__ import annotations

from typing import Any

from .._dlpack import capsule, from_dlpack
from .._tensor import Tensor

__all__ = ["from_dlpack", "to_dlpack"]


def to_dlpack(tensor: Tensor) -> Any:
    """A capsule of the tensor's memory, which can be taken once.

    >>> import tensor_core as torch
    >>> x = torch.ones(2)
    >>> y = from_dlpack(to_dlpack(x))
    >>> y[0] = 5
    >>> x
    tensor([5., 1.])
    """
    return capsule(tensor, None, None, None, None)
