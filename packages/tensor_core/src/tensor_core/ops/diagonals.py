"""Diagonals: read, made into matrices, filled and summed."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _dtypes
from .._card import Case, composed
from .._geometry import check_dim
from .._tensor import Tensor, wrap
from .strided import diagonal_scatter
from .view import diagonal, reshape


def _embed_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=3))
    yield Case(rng.normal(size=(2, 3)), 1)
    yield Case(rng.normal(size=(2, 3)), -1, 0, 2)


@composed(torch="diag_embed", cases=_embed_cases)
def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """The last dimension as a diagonal of two new ones, zeros elsewhere.

    Shapes: (..., n) -> (..., n, n).

    Raises:
        RuntimeError: the two dimensions are the same.

    >>> import tensor_core as torch
    >>> torch.diag_embed(torch.tensor([1, 2]))
    tensor([[1, 0],
            [0, 2]])
    """
    a = input._a
    first, second = check_dim(dim1, a.ndim + 1), check_dim(dim2, a.ndim + 1)
    if first == second:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    n = a.shape[-1] + abs(offset)
    shape = list(a.shape[:-1])
    for axis in sorted((first, second)):
        shape.insert(axis, n)
    return diagonal_scatter(wrap(np.zeros(shape, a.dtype)), input, offset, first, second)


def _diag_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=3))
    yield Case(rng.normal(size=3), -1)
    yield Case(rng.normal(size=(3, 4)), 1)
    yield Case(rng.normal(size=0))


@composed(torch="diag", cases=_diag_cases)
def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    """The diagonal of a matrix (a copy), or the matrix with a vector on its diagonal.

    Raises:
        RuntimeError: more than two dimensions, or none.

    >>> import tensor_core as torch
    >>> torch.diag(torch.tensor([[1, 2], [3, 4]])), torch.diag(torch.tensor([1, 2]))
    (tensor([1, 4]), tensor([[1, 0],
            [0, 2]]))
    """
    if input._a.ndim == 1:
        return diag_embed(input, diagonal)
    if input._a.ndim != 2:
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {input._a.ndim}D")
    return _diagonal(input, diagonal).clone()


_diagonal = diagonal  # ``diag`` has an argument of that name


@composed(torch="diagflat", cases=lambda rng: iter([Case(rng.normal(size=(2, 2)), 1)]))
def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """All elements on the diagonal of a matrix.

    >>> import tensor_core as torch
    >>> torch.diagflat(torch.tensor([[1, 2]]))
    tensor([[1, 0],
            [0, 2]])
    """
    return diag_embed(reshape(input, (input._a.size,)), offset)


@composed(
    torch="trace", cases=lambda rng: iter([Case(rng.normal(size=s)) for s in ((3, 3), (2, 4))])
)
def trace(input: Tensor) -> Tensor:
    """The sum of a matrix's diagonal. Shapes: (n, m) -> ().

    >>> import tensor_core as torch
    >>> torch.trace(torch.tensor([[1, 2], [3, 4]]))
    tensor(5)
    """
    if input._a.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {input._a.ndim}")
    return diagonal(input).sum()


def fill_diagonal_(self: Tensor, fill_value: Any, wrap: bool = False) -> Tensor:
    """Every element of the diagonal becomes ``fill_value``, in place.

    With ``wrap`` a tall matrix starts its diagonal again after each square.

    >>> import tensor_core as torch
    >>> torch.zeros(2, 2).fill_diagonal_(5)
    tensor([[5., 0.],
            [0., 5.]])
    """
    a = self._a
    if a.ndim < 2:
        raise RuntimeError("dimensions must larger than 1")
    if a.ndim > 2 and len(set(a.shape)) > 1:
        raise RuntimeError("all dimensions of input must be of equal length")
    mask = np.zeros(a.shape, bool)
    if a.ndim > 2:
        mask[tuple(np.arange(a.shape[0]) for _ in a.shape)] = True
    else:
        np.fill_diagonal(mask, True, wrap)
    return self.masked_fill_(_wrapped(mask), fill_value)


_wrapped = wrap  # ``fill_diagonal_`` has an argument of that name


def tril_indices(
    row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None,
    layout: Any = None,
) -> Tensor:  # fmt: skip
    """Where the lower triangle of a matrix lies: its rows and its columns. Shapes: (2, n).

    >>> import tensor_core as torch
    >>> torch.tril_indices(2, 2)
    tensor([[0, 1, 1],
            [0, 0, 1]])
    """
    return _triangle(np.tril_indices, row, col, offset, dtype, device)


def triu_indices(
    row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None,
    layout: Any = None,
) -> Tensor:  # fmt: skip
    """Where the upper triangle of a matrix lies: its rows and its columns. Shapes: (2, n).

    >>> import tensor_core as torch
    >>> torch.triu_indices(2, 2, offset=1)
    tensor([[0],
            [1]])
    """
    return _triangle(np.triu_indices, row, col, offset, dtype, device)


def _triangle(make: Any, row: int, col: int, offset: int, dtype: Any, device: Any) -> Tensor:
    if row < 0 or col < 0:
        raise RuntimeError(f"row and col must be non-negative, got {row} and {col}")
    if device is not None:
        from .._size import device as check

        check(device)
    kind = np.dtype(np.int64) if dtype is None else _dtypes.to_numpy(dtype)
    return wrap(np.stack(make(row, offset, col)).astype(kind))
