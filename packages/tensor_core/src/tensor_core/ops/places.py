"""Places as numbers: what is not zero, and flat indices taken apart."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._tensor import Tensor, wrap
from .sort import nonzero
from .view import ints


def argwhere(input: Tensor) -> Tensor:
    """The indices of non-zero elements, in rows.

    >>> import tensor_core as torch
    >>> torch.argwhere(torch.tensor([[0, 3], [4, 0]]))
    tensor([[0, 1],
            [1, 0]])
    """
    return nonzero(input)


def nonzero_static(input: Tensor, *, size: int, fill_value: int = -1) -> Tensor:
    """The indices of the first ``size`` non-zero elements, filled up with ``fill_value``.

    >>> import tensor_core as torch
    >>> torch.nonzero_static(torch.tensor([0, 3, 4]), size=3)
    tensor([[ 1],
            [ 2],
            [-1]])
    """
    if size < 0:
        raise RuntimeError(f"nonzero_static: 'size' must be an non-negative integer, not {size}")
    found = nonzero(input)._a[:size]
    missing = np.full((size - len(found), found.shape[1]), fill_value, np.int64)
    return wrap(np.concatenate([found, missing]))


def unravel_index(indices: Tensor, shape: Any) -> tuple[Tensor, ...]:
    """The coordinates of flat, row-major indices in a shape, one tensor a dimension.

    Raises:
        TypeError: the indices are not integers.
        ValueError: the shape has negative sizes.

    >>> import tensor_core as torch
    >>> torch.unravel_index(torch.tensor([4, 5]), (2, 3))
    (tensor([1, 1]), tensor([1, 2]))
    """
    if not isinstance(indices, Tensor) or indices._a.dtype.kind not in "iu":
        raise TypeError(
            "expected 'indices' to be integer dtype, but got "
            f"{getattr(indices, 'dtype', type(indices).__name__)}"
        )
    sizes = ints(shape)
    if any(n < 0 for n in sizes):
        raise ValueError(f"'shape' cannot have negative values, but got {sizes}")
    steps = [math.prod(sizes[i + 1 :]) for i in range(len(sizes))]
    return tuple(
        wrap(np.asarray(indices._a // max(step, 1) % max(n, 1)))
        for step, n in zip(steps, sizes, strict=True)
    )
