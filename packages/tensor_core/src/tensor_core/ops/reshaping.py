"""Rearrangements composed of views."""

from __future__ import annotations

import math
from typing import Any

from .._card import Case, composed
from .._geometry import check_dim
from .._tensor import Tensor
from .view import expand, infer, ints, permute, reshape, transpose, view_op


@composed(
    torch="flatten",
    cases=lambda rng: iter(
        [
            Case(rng.normal(size=(2, 3, 4))),
            Case(rng.normal(size=(2, 3, 4)), 1),
            Case(rng.normal(size=(2, 3, 4)), 0, 1),
        ]
    ),
)
def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The dimensions from ``start_dim`` to ``end_dim`` as one.

    >>> import tensor_core as torch
    >>> torch.flatten(torch.zeros(2, 3, 4), 1).shape
    torch.Size([2, 12])
    """
    n = input._a.ndim
    a, b = check_dim(start_dim, n), check_dim(end_dim, n)
    if a > b:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    shape = input._a.shape
    if not n:
        return reshape(input, (1,))
    if a == b:
        return input
    return reshape(input, (*shape[:a], math.prod(shape[a : b + 1]), *shape[b + 1 :]))


@composed(torch="unflatten", cases=lambda rng: iter([Case(rng.normal(size=(2, 6)), 1, (2, 3))]))
def unflatten(input: Tensor, dim: int, sizes: Any) -> Tensor:
    """One dimension as several.

    >>> import tensor_core as torch
    >>> torch.unflatten(torch.zeros(2, 6), 1, (3, -1)).shape
    torch.Size([2, 3, 2])
    """
    axis = check_dim(dim, input._a.ndim)
    shape = input._a.shape
    if not shape:
        raise RuntimeError("unflatten: dimension specified as 0 but tensor has no dimensions")
    if not ints(sizes):
        raise RuntimeError("unflatten: sizes must be non-empty")
    return view_op(input, (*shape[:axis], *infer(sizes, shape[axis]), *shape[axis + 1 :]))


@composed(
    torch="movedim",
    cases=lambda rng: iter(
        [Case(rng.normal(size=(2, 3, 4)), 0, -1), Case(rng.normal(size=(2, 3, 4)), (0, 1), (2, 0))]
    ),
)
def movedim(input: Tensor, source: Any, destination: Any) -> Tensor:
    """Dimensions moved to other places, the rest keeping their order (a view).

    >>> import tensor_core as torch
    >>> torch.movedim(torch.zeros(2, 3, 4), 0, -1).shape
    torch.Size([3, 4, 2])
    """
    n = input._a.ndim
    src = [check_dim(d, n) for d in ints(source)]
    dst = [check_dim(d, n) for d in ints(destination)]
    rest = iter(d for d in range(n) if d not in src)
    return permute(input, tuple(src[dst.index(i)] if i in dst else next(rest) for i in range(n)))


@composed(
    torch="t", cases=lambda rng: iter([Case(rng.normal(size=(2, 3))), Case(rng.normal(size=3))])
)
def t(input: Tensor) -> Tensor:
    """The transpose of a matrix; vectors and numbers as they are.

    Raises:
        RuntimeError: more than two dimensions.

    >>> import tensor_core as torch
    >>> torch.t(torch.tensor([[1, 2], [3, 4]]))
    tensor([[1, 3],
            [2, 4]])
    """
    if input._a.ndim > 2:
        raise RuntimeError(
            f"t() expects a tensor with <= 2 dimensions, but self is {input._a.ndim}D"
        )
    return transpose(input, 0, 1) if input._a.ndim == 2 else input


@composed(torch="narrow", cases=lambda rng: iter([Case(rng.normal(size=(4, 3)), 0, 1, 2)]))
def narrow(input: Tensor, dim: int, start: Any, length: int) -> Tensor:
    """``length`` slices along ``dim`` from ``start`` (a view).

    Raises:
        RuntimeError: they reach beyond the end, or there is no dimension.
        IndexError: they begin beyond the end.

    >>> import tensor_core as torch
    >>> torch.narrow(torch.arange(5), 0, 1, 3)
    tensor([1, 2, 3])
    """
    if not input._a.ndim:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    axis = check_dim(dim, input._a.ndim)
    n = input._a.shape[axis]
    if not -n <= int(start) <= n:
        raise IndexError(f"narrow: start {start} is not in [{-n}, {n}], the dimension's range")
    first = int(start) + (n if int(start) < 0 else 0)
    if length < 0 or first < 0 or first + length > n:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({n}).")
    return input[(slice(None),) * axis + (slice(first, first + length),)]


@composed(torch="broadcast_to", cases=lambda rng: iter([Case(rng.normal(size=(2, 1)), (2, 3))]))
def broadcast_to(input: Tensor, size: Any) -> Tensor:
    """The tensor expanded to a shape (a view).

    >>> import tensor_core as torch
    >>> torch.broadcast_to(torch.tensor([1, 2]), (2, 2))
    tensor([[1, 2],
            [1, 2]])
    """
    return expand(input, size)


moveaxis = movedim
swapaxes = swapdims = transpose
