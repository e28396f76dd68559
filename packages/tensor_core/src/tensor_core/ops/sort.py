"""Order: sorting, the largest and smallest, and what is not zero."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import return_types
from .._card import Case, composed, numpy_names
from .._geometry import check_dim
from .._tensor import Tensor, wrap
from ._cases import distinct
from .bounds import maximum, minimum
from .extreme import amax, amin, max_dim, min_dim
from .gather import take_along_dim


def _sort_cases(rng: np.random.Generator) -> Any:
    yield Case(distinct(rng, (5,)))
    yield Case(distinct(rng, (2, 4)), 0, True)


@composed(torch="sort", cases=_sort_cases, kinks="ties")
def sort(
    input: Tensor, dim: int = -1, descending: bool = False, *, stable: bool | None = None
) -> Any:
    """The elements in order along ``dim``, and their places; equals stay in their order.

    >>> import tensor_core as torch
    >>> values, places = torch.sort(torch.tensor([3, 1, 2]))
    >>> values, places
    (tensor([1, 2, 3]), tensor([1, 2, 0]))
    """
    order = argsort(input, dim, descending)
    return return_types.sort((_picked(input, order, dim), order))


@composed(torch="msort", cases=lambda rng: iter([Case(distinct(rng, (4, 2)))]), kinks="ties")
def msort(input: Tensor) -> Tensor:
    """The elements in order along the first dimension.

    >>> import tensor_core as torch
    >>> torch.msort(torch.tensor([[3, 1], [2, 4]]))
    tensor([[2, 1],
            [3, 4]])
    """
    return sort(input, 0).values


def _picked(input: Tensor, order: Tensor, dim: int) -> Tensor:
    return take_along_dim(input, order, dim) if input._a.ndim else input.clone()


@numpy_names
def argsort(
    input: Tensor, dim: int = -1, descending: bool = False, *, stable: bool = False
) -> Tensor:
    """The places of the elements in order along ``dim``; equals stay in their order, NaN are last.

    >>> import tensor_core as torch
    >>> torch.argsort(torch.tensor([3, 1, 2]), descending=True)
    tensor([0, 2, 1])
    """
    a = input._a
    if not a.ndim:
        return wrap(np.zeros((), np.int64))
    axis = check_dim(dim, a.ndim)
    if descending:  # a stable order of the reversed array, reversed, keeps ties in place
        order = np.argsort(np.flip(a, axis), axis=axis, kind="stable")
        return wrap(np.ascontiguousarray(a.shape[axis] - 1 - np.flip(order, axis)))
    return wrap(np.argsort(a, axis=axis, kind="stable"))


@composed(
    torch="topk",
    cases=lambda rng: iter([Case(distinct(rng, (2, 5)), 3), Case(distinct(rng, (4, 2)), 2, 0)]),
)
def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    """The ``k`` largest (or smallest) elements along ``dim``, in order, and their places.

    Raises:
        RuntimeError: there are fewer than ``k``.

    >>> import tensor_core as torch
    >>> torch.topk(torch.tensor([3, 1, 9, 2]), 2).indices
    tensor([2, 0])
    """
    if input._a.dtype.kind == "b":
        raise RuntimeError("topk does not support bool tensors")
    axis = check_dim(dim, input._a.ndim)
    n = input._a.shape[axis] if input._a.ndim else 1
    if not 0 <= k <= n:
        raise RuntimeError(f"selected index k out of range: k = {k} of {n} elements")
    if not input._a.ndim:
        return return_types.topk((input.clone(), argsort(input)))
    if n >= MANY and FEW * k <= n and k:
        first = wrap(_few(np.moveaxis(input._a, axis, -1), k, largest, axis))
    else:
        order = argsort(input, dim, largest)._a
        first = wrap(np.ascontiguousarray(order[(slice(None),) * axis + (slice(0, k),)]))
    return return_types.topk((_picked(input, first, dim), first))


MANY, FEW = 1024, 8  # from so many elements on, and so many for each wanted one, selecting pays


def _few(rows: np.ndarray, k: int, largest: bool, axis: int) -> np.ndarray:
    """The places of the ``k`` first in order along the last axis, which is put at ``axis``.

    Partitioning finds the last of them; only what is not beyond it is sorted. NaN count as largest.
    """
    n = rows.shape[-1]
    found = np.empty((*rows.shape[:-1], k), np.int64)
    for at in np.ndindex(rows.shape[:-1]):
        row = rows[at]
        edge = np.partition(row, n - k if largest else k - 1)[n - k if largest else k - 1]
        beyond = row < edge if largest else row > edge
        if edge != edge:  # more NaN than k, or not enough of anything else
            beyond = row == row if largest else np.zeros(n, bool)
        elif not largest:
            beyond |= row != row
        places = np.flatnonzero(~beyond)
        found[at] = places[argsort(wrap(row[places]), 0, largest)._a[:k]]
    return np.ascontiguousarray(np.moveaxis(found, -1, axis))


def _max_cases(rng: np.random.Generator) -> Any:
    yield Case(distinct(rng, (2, 5)))
    yield Case(distinct(rng, (2, 5)), 1)


@composed(torch="max", cases=_max_cases, kinks="ties share")
def max(input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
    """The largest element; with ``dim`` values and indices; with a tensor, element by element.

    >>> import tensor_core as torch
    >>> x = torch.tensor([[1, 5], [7, 2]])
    >>> torch.max(x), torch.max(x, 1).values
    (tensor(7), tensor([5, 7]))
    """
    return _extreme(input, dim, keepdim, other, amax, max_dim, maximum)


@composed(torch="min", cases=_max_cases, kinks="ties share")
def min(input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
    """The smallest element; with ``dim`` values and indices; with a tensor, element by element.

    >>> import tensor_core as torch
    >>> x = torch.tensor([[1, 5], [7, 2]])
    >>> torch.min(x), torch.min(x, 1).indices
    (tensor(1), tensor([0, 1]))
    """
    return _extreme(input, dim, keepdim, other, amin, min_dim, minimum)


def _extreme(
    input: Tensor, dim: Any, keepdim: bool, other: Any, full: Any, along: Any, pair: Any
) -> Any:
    if isinstance(dim, Tensor) or other is not None:
        return pair(input, dim if other is None else other)
    if dim is not None:
        kind = return_types.max if along is max_dim else return_types.min
        return kind(along(input, dim, keepdim))
    if not input._a.size:
        name = "max" if along is max_dim else "min"
        raise RuntimeError(
            f"{name}(): Expected reduction dim to be specified for input.numel() == 0. "
            "Specify the reduction dim with the 'dim' argument."
        )
    return full(input)


# -- what occurs: no derivative ------------------------------------------------------------------


def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any:
    """The indices of non-zero elements: rows of one tensor, or one tensor a dimension.

    >>> import tensor_core as torch
    >>> torch.nonzero(torch.tensor([[0, 3], [4, 0]]))
    tensor([[0, 1],
            [1, 0]])
    """
    found = np.nonzero(np.atleast_1d(input._a))
    if as_tuple:
        return tuple(wrap(np.ascontiguousarray(i)) for i in found)
    return wrap(np.stack(found)[: input._a.ndim].T)
