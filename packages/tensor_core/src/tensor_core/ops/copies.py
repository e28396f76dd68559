"""Copies of the elements in another order or number."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._card import Case
from .._define import op
from .._geometry import check_dim
from .._memory_order import copied
from .view import _type, ints


@op(
    torch="flip",
    cases=lambda rng: iter(
        [
            Case(rng.normal(size=(2, 3)), (1,)),
            Case(rng.normal(size=(2, 3, 2)), (0, -1)),
            Case(np.asarray(rng.normal()), (0,)),
        ]
    ),
)
def flip(x: Any, /, dims: Any) -> Any:
    """The order of elements reversed along ``dims`` (a copy).

    >>> import tensor_core as torch
    >>> torch.flip(torch.tensor([[1, 2], [3, 4]]), (1,))
    tensor([[2, 1],
            [4, 3]])
    """
    axes = tuple(check_dim(d, x.ndim) for d in ints(dims))
    if len(set(axes)) < len(axes):
        raise RuntimeError(f"flip: a dimension appears more than once in dims {axes}")
    return np.flip(x, axes).copy() if x.ndim else x.copy()


@flip.vjp
def _(g: Any, dims: Any) -> Any:
    return np.flip(g, ints(dims)) if g.ndim else g


@op(
    torch="roll",
    row_major=True,
    cases=lambda rng: iter(
        [
            Case(rng.normal(size=(2, 3)), 1, 1),
            Case(rng.normal(size=(2, 3)), 2),
            Case(rng.normal(size=(2, 3)), (1, -1), (0, 1)),
        ]
    ),
)
def roll(x: Any, /, shifts: Any, dims: Any = None) -> Any:
    """Elements moved along ``dims``, those beyond the end coming in at the start.

    >>> import tensor_core as torch
    >>> torch.roll(torch.tensor([1, 2, 3, 4]), 1)
    tensor([4, 1, 2, 3])
    """
    return np.roll(x, shifts, None if dims is None or dims == () else dims)


@roll.vjp
def _(g: Any, shifts: Any, dims: Any) -> Any:
    back = tuple(-s for s in shifts) if isinstance(shifts, tuple | list) else -shifts
    return np.roll(g, back, None if dims is None or dims == () else dims)


@op(torch="clone", cases=lambda rng: iter([Case(rng.normal(size=(2, 3)))]))
def clone(x: Any, /, memory_format: Any = None) -> Any:
    """A copy with memory of its own.

    >>> import tensor_core as torch
    >>> x = torch.tensor([1.0])
    >>> y = x.clone().add_(1)
    >>> x, y
    (tensor([1.]), tensor([2.]))
    """
    return copied(x, memory_format)


@clone.vjp
def _(g: Any) -> Any:
    return g


def _repeat_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(2, 3)), (2, 2))
    yield Case(rng.normal(size=3), (4, 1, 2))


@op(torch="Tensor.repeat", cases=_repeat_cases)
def repeat(x: Any, /, sizes: Any) -> Any:
    """The whole tensor laid beside itself ``sizes`` times along each dimension (a copy).

    >>> import tensor_core as torch
    >>> torch.tensor([1, 2]).repeat(2, 2)
    tensor([[1, 2, 1, 2],
            [1, 2, 1, 2]])
    """
    counts = ints(sizes)
    if len(counts) < x.ndim:
        raise RuntimeError(
            "Number of dimensions of repeat dims can not be smaller than number of dimensions of "
            f"tensor: {counts} for shape {x.shape}"
        )
    return np.tile(x, counts)


@repeat.vjp
def _(g: Any, x_shape: Any, sizes: Any) -> Any:
    counts = ints(sizes)
    shape = (1,) * (len(counts) - len(x_shape)) + tuple(x_shape)
    split = [n for pair in zip(counts, shape, strict=True) for n in pair]
    return g.reshape(tuple(split)).sum(tuple(range(0, 2 * len(counts), 2))).reshape(x_shape)


@op(
    torch="repeat_interleave",
    cases=lambda rng: iter(
        [
            Case(rng.normal(size=(2, 3)), 2, 1),
            Case(rng.normal(size=(2, 3)), 3),
            Case(rng.normal(size=(2, 3)), 2, 0),
        ]
    ),
)
def repeat_interleave(x: Any, /, repeats: Any, dim: int | None = None) -> Any:
    """Each element repeated in place along ``dim`` (flattened without).

    >>> import tensor_core as torch
    >>> torch.repeat_interleave(torch.tensor([1, 2]), 2)
    tensor([1, 1, 2, 2])
    """
    counts = getattr(repeats, "_a", repeats)
    return np.repeat(x, counts, None if dim is None else check_dim(dim, x.ndim))


@repeat_interleave.vjp
def _(g: Any, x_shape: Any, repeats: Any, dim: Any) -> Any:
    counts = np.asarray(getattr(repeats, "_a", repeats))
    if not x_shape:
        dim = None
    axis = 0 if dim is None else dim % len(x_shape)
    n = math.prod(x_shape) if dim is None else x_shape[axis]
    counts = np.broadcast_to(counts, (n,))
    if (counts == counts[:1]).all() and n and counts[0]:  # equal counts: a sum over a new axis
        shape = (n,) if dim is None else tuple(x_shape)
        k = int(counts[0])
        return g.reshape((*shape[: axis + 1], k, *shape[axis + 1 :])).sum(axis + 1).reshape(x_shape)
    pick = np.repeat(np.arange(n), counts)
    matrix = (pick[None, :] == np.arange(n)[:, None]).astype(_type(g))
    moved = np.swapaxes(g, axis, -1) if g.ndim else g
    return np.swapaxes(moved @ matrix.T, axis, -1).reshape(x_shape)
