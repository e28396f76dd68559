"""Tensors brought to one shape, and every combination of their elements."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import numpy as np

from .._card import Case, composed
from .._size import Size
from .._tensor import Tensor, wrap
from .index import getitem
from .join import stack
from .view import expand, ints, reshape


def broadcast_shapes(*shapes: Any) -> Size:
    """The shape that tensors of these shapes broadcast to.

    Raises:
        RuntimeError: they do not broadcast.

    >>> import tensor_core as torch
    >>> torch.broadcast_shapes((2, 1), (3,))
    torch.Size([2, 3])
    """
    try:
        return Size(np.broadcast_shapes(*(ints(s) for s in shapes)))
    except ValueError:
        raise RuntimeError(
            "Shape mismatch: objects cannot be broadcast to a single shape: "
            f"{', '.join(str(ints(s)) for s in shapes)}"
        ) from None


def broadcast_tensors(*tensors: Any) -> tuple[Tensor, ...]:
    """The tensors expanded to their common shape (views).

    >>> import tensor_core as torch
    >>> torch.broadcast_tensors(torch.tensor([[1], [2]]), torch.tensor([5, 6]))[0]
    tensor([[1, 1],
            [2, 2]])
    """
    if len(tensors) == 1 and isinstance(tensors[0], list | tuple):
        tensors = tuple(tensors[0])
    shape = broadcast_shapes(*(t._a.shape for t in tensors))
    return tuple(expand(t, shape) for t in tensors)


def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    """Coordinates of the grid that vectors span, one tensor each (views).

    ``indexing="ij"`` gives shape (len of first, len of second, ...), ``"xy"`` exchanges the
    first two.

    Raises:
        RuntimeError: a tensor has more than one dimension, or their types differ.

    >>> import tensor_core as torch
    >>> rows, columns = torch.meshgrid(torch.arange(2), torch.arange(3), indexing="ij")
    >>> rows
    tensor([[0, 0, 0],
            [1, 1, 1]])
    """
    if len(tensors) == 1 and isinstance(tensors[0], list | tuple):
        tensors = tuple(tensors[0])
    if not tensors:
        raise RuntimeError("meshgrid expects a non-empty TensorList")
    if indexing is None:
        warnings.warn(
            "torch.meshgrid: in an upcoming release, it will be required to pass the indexing "
            "argument; 'ij' is taken",
            stacklevel=2,
        )
    elif indexing not in ("ij", "xy"):
        raise RuntimeError(
            f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}'
        )
    for t in tensors:
        if t._a.ndim > 1:
            raise RuntimeError(
                f"torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: "
                f"{list(t._a.shape)}"
            )
        if t._a.dtype != tensors[0]._a.dtype:
            raise RuntimeError("torch.meshgrid expects all tensors to have the same dtype")
    order = list(range(len(tensors)))
    if indexing == "xy" and len(order) > 1:
        order[:2] = [1, 0]
    shape = tuple(tensors[i]._a.size for i in order)
    grids = []
    for i, t in enumerate(tensors):
        axis = order.index(i)
        own = tuple(t._a.size if k == axis else 1 for k in range(len(shape)))
        grids.append(expand(reshape(t, own), shape))
    return tuple(grids)


def cartesian_prod(*tensors: Any) -> Tensor:
    """Every combination of one element from each vector, in rows.

    Shapes: (n), (m), ... -> (n m ..., k).

    >>> import tensor_core as torch
    >>> torch.cartesian_prod(torch.tensor([1, 2]), torch.tensor([5, 6]))
    tensor([[1, 5],
            [1, 6],
            [2, 5],
            [2, 6]])
    """
    for t in tensors:
        if t._a.ndim != 1:
            raise RuntimeError(f"Expect a 1D vector, but got shape {list(t._a.shape)}")
    if len(tensors) == 1:
        return tensors[0]
    return reshape(stack(list(meshgrid(*tensors, indexing="ij")), -1), (-1, len(tensors)))


def _combination_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=4))
    yield Case(rng.normal(size=3), 3, True)
    yield Case(rng.normal(size=1))


@composed(torch="combinations", cases=_combination_cases)
def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """Every choice of ``r`` elements of a vector, in rows.

    >>> import tensor_core as torch
    >>> torch.combinations(torch.tensor([1, 2, 3]))
    tensor([[1, 2],
            [1, 3],
            [2, 3]])
    """
    if input._a.ndim != 1:
        raise RuntimeError(f"Expect a 1D vector, but got shape {list(input._a.shape)}")
    if r < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {r}")
    if r == 0:
        return wrap(np.empty(0, input._a.dtype))
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    chosen = np.array(list(choose(range(input._a.size), r)), np.int64).reshape(-1, r)
    return getitem(input, (chosen,))
