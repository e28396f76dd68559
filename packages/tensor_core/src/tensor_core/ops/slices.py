"""One slice of one dimension, by numbers."""

from __future__ import annotations

from typing import Any

from .._tensor import Tensor
from .index import slice_view
from .strided import _slice_key, unfold_windows


def sliced(
    input: Tensor, dim: int = 0, start: Any = None, end: Any = None, step: int = 1
) -> Tensor:
    """The slice ``start:end:step`` of a dimension (a view)."""
    return slice_view(input, _slice_key(input, dim, start, end, step))


def windows(self: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """Windows of ``size`` every ``step`` along a dimension, as a last dimension (a view).

    >>> import tensor_core as torch
    >>> torch.arange(5).unfold(0, 2, 2)
    tensor([[0, 1],
            [2, 3]])
    """
    return unfold_windows(self, dimension, size, step)
