"""Views by strides: ``as_strided``, sliding windows, and writing where a view looks.

The derivative of a strided view puts the cotangent where the view looked, adding where it looked
more than once, in a flat memory that the input's own strides then read.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._card import Case, composed
from .._define import op
from .._geometry import check_dim
from .._inplace import replace_view
from .._tensor import Tensor
from .index import index_put, slice_view
from .keys import FULL
from .view import _type, diagonal, ints


def _root(x: np.ndarray) -> np.ndarray:
    """The array that owns the memory ``x`` looks into."""
    while isinstance(x.base, np.ndarray):
        x = x.base
    return x


def _memory(x: np.ndarray) -> np.ndarray:
    """All bytes of the memory that ``x`` looks into."""
    return _root(x).ravel(order="K").view(np.uint8)


def _seen(x: np.ndarray, shape: Any, strides: Any, offset: int | None = None) -> np.ndarray:
    """x's memory under a shape and strides in bytes, from x's own first element on."""
    memory = _memory(x)
    if offset is None:
        offset = x.__array_interface__["data"][0] - memory.__array_interface__["data"][0]
    if 0 in shape:
        return np.ndarray(shape, x.dtype)
    return np.ndarray(shape, x.dtype, memory, offset, strides)  # type: ignore[arg-type]


def _places(size: Any, stride: Any, offset: int) -> np.ndarray:
    """The place in flat memory of every element of a strided view."""
    places = np.full(tuple(size), offset, np.int64)
    for axis, (n, step) in enumerate(zip(size, stride, strict=True)):
        shape = [1] * len(size)
        shape[axis] = n
        places = places + (np.arange(n) * step).reshape(shape)
    return places


def _strided_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(2, 3)), (2, 2), (1, 2), 1, ((2, 3), (3, 1), 0))
    yield Case(rng.normal(size=(6,)), (3, 4), (1, 1), 0, ((6,), (1,), 0))


@op(name="as_strided", view=True, cases=_strided_cases)
def as_strided_op(x: Any, /, size: Any, stride: Any, offset: int, source: Any) -> Any:
    """The memory of ``x`` under a shape and strides; ``source`` are x's own, for the derivative.

    >>> import tensor_core as torch
    >>> torch.as_strided(torch.arange(6), (2, 2), (3, 1))
    tensor([[0, 1],
            [3, 4]])
    """
    need = offset + sum((n - 1) * s for n, s in zip(size, stride, strict=True)) + 1
    have = _memory(x).size // x.itemsize
    if 0 not in size and (offset < 0 or need > have):
        raise RuntimeError(
            f"setStorage: sizes {list(size)}, strides {list(stride)} and storage offset {offset} "
            f"need {need} elements, but the memory holds {have}"
        )
    return _seen(x, tuple(size), tuple(s * x.itemsize for s in stride), offset * x.itemsize)


@as_strided_op.vjp
def _(g: Any, size: Any, stride: Any, offset: Any, source: Any) -> Any:
    places, own = _places(size, stride, offset), _places(*source)
    n = int(max(places.max(initial=-1), own.max(initial=-1))) + 1
    flat = index_put.plain(np.zeros(n, _type(g)), g.reshape(-1), (places.reshape(-1),), True)
    dx = flat[own]
    if np.unique(own).size == own.size:
        return dx
    return dx / np.bincount(own.reshape(-1))[own].astype(_type(g))  # an element seen k times


def _source(input: Tensor) -> tuple[Any, Any, int]:
    return tuple(input._a.shape), input.stride(), input.storage_offset()


def as_strided(input: Tensor, size: Any, stride: Any, storage_offset: int | None = None) -> Tensor:
    """The tensor's memory under another shape and other strides, in elements (a view).

    Raises:
        RuntimeError: a stride is negative, or the memory is too small.

    >>> import tensor_core as torch
    >>> torch.as_strided(torch.arange(4), (3, 2), (1, 1))
    tensor([[0, 1],
            [1, 2],
            [2, 3]])
    """
    sizes, steps = ints(size), ints(stride)
    if len(sizes) != len(steps):
        raise RuntimeError(
            f"mismatch in length of strides and shape: {list(steps)} and {list(sizes)}"
        )
    if any(s < 0 for s in steps):
        raise RuntimeError(f"as_strided: Negative strides are not supported: {list(steps)}")
    source = _source(input)
    offset = source[2] if storage_offset is None else int(storage_offset)
    return as_strided_op(input, sizes, steps, offset, source)


def _written(name: str, input: Tensor, src: Tensor, steps: tuple[Any, ...], shape: Any) -> Tensor:
    if tuple(src._a.shape) != tuple(shape):
        raise RuntimeError(
            f"expected src to have a size equal to the slice of self: {name} writes shape "
            f"{list(shape)}, but src has {list(src._a.shape)}"
        )
    return replace_view(input, src, steps)


def as_strided_scatter(
    input: Tensor, src: Tensor, size: Any, stride: Any, storage_offset: int | None = None
) -> Tensor:
    """A copy of ``input`` with ``src`` written where ``as_strided`` would look.

    >>> import tensor_core as torch
    >>> torch.as_strided_scatter(torch.zeros(4), torch.ones(2), (2,), (2,))
    tensor([1., 0., 1., 0.])
    """
    part = as_strided(input.detach(), size, stride, storage_offset)
    offset = input.storage_offset() if storage_offset is None else storage_offset
    step = (as_strided_op, (ints(size), ints(stride), offset, _source(input)), None)
    return _written("as_strided_scatter", input, src, (step,), part._a.shape)


# -- windows -------------------------------------------------------------------------------------


def _window_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=7), 0, 3, 2)
    yield Case(rng.normal(size=(2, 5)), -1, 2, 1)
    yield Case(rng.normal(size=(4, 3)), 0, 2, 2)
    yield Case(np.asarray(rng.normal()), 0, 1, 1)


@op(name="unfold", view=True, torch="Tensor.unfold", cases=_window_cases)
def unfold_windows(x: Any, /, dimension: int, size: int, step: int) -> Any:
    """Windows of ``size`` every ``step`` along a dimension, as a last dimension (a view).

    Shapes: (..., n, ...) -> (..., (n - size) // step + 1, ..., size).

    Raises:
        RuntimeError: the window is larger than the dimension, or the step is not positive.

    >>> import tensor_core as torch
    >>> torch.arange(5).unfold(0, 2, 2)
    tensor([[0, 1],
            [2, 3]])
    """
    axis = check_dim(dimension, x.ndim)
    n = x.shape[axis] if x.ndim else 1
    if size < 0 or size > n:
        raise RuntimeError(f"maximum size for tensor at dimension {axis} is {n} but size is {size}")
    if step <= 0:
        raise RuntimeError(f"step is {step} but must be > 0")
    if not x.ndim:  # a 0-d tensor counts as one element
        return x.reshape(1)[:size]
    steps = list(x.strides)
    shape = list(x.shape)
    shape[axis] = (n - size) // step + 1
    steps.append(steps[axis])
    steps[axis] *= step
    return _seen(x, (*shape, size), steps)


@unfold_windows.vjp
def _(g: Any, x_shape: Any, dimension: Any, size: Any, step: Any) -> Any:
    if not x_shape:
        return g.sum().reshape(())
    shape = tuple(x_shape)
    axis = dimension % len(shape)
    starts = np.arange((shape[axis] - size) // step + 1) * step
    places = starts[:, None] + np.arange(size)
    g = np.moveaxis(g, -1, axis + 1)
    return index_put.plain(np.zeros(shape, _type(g)), g, (FULL,) * axis + (places,), True).reshape(
        x_shape
    )


# -- single slices -------------------------------------------------------------------------------


def _select_key(input: Tensor, dim: int, index: Any) -> tuple[Any, ...]:
    if not input._a.ndim:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    axis = check_dim(dim, input._a.ndim)
    n = input._a.shape[axis]
    if not -n <= int(index) < n:
        raise IndexError(
            f"select(): index {int(index)} out of range for tensor of size {list(input._a.shape)} "
            f"at dimension {axis}"
        )
    return (FULL,) * axis + (int(index),)


@composed(
    torch="select",
    cases=lambda rng: iter([Case(rng.normal(size=(2, 3)), 1, -1), Case(rng.normal(size=3), 0, 1)]),
)
def select(input: Tensor, dim: int, index: Any) -> Tensor:
    """One slice along ``dim``, without that dimension (a view).

    Raises:
        IndexError: there is no such slice.

    >>> import tensor_core as torch
    >>> torch.select(torch.tensor([[1, 2], [3, 4]]), 1, 0)
    tensor([1, 3])
    """
    return slice_view(input, _select_key(input, dim, index))


@composed(
    torch="select_scatter",
    cases=lambda rng: iter([Case(rng.normal(size=(2, 3)), rng.normal(size=2), 1, 2)]),
)
def select_scatter(input: Tensor, src: Tensor, dim: int, index: int) -> Tensor:
    """A copy of ``input`` with ``src`` as the slice ``index`` of ``dim``.

    >>> import tensor_core as torch
    >>> torch.select_scatter(torch.zeros(2, 2), torch.ones(2), 0, 1)
    tensor([[0., 0.],
            [1., 1.]])
    """
    key = _select_key(input, dim, index)
    shape = input._a[key].shape
    return _written("select_scatter", input, src, ((slice_view, (key,), None),), shape)


def _slice_key(input: Tensor, dim: int, start: Any, end: Any, step: int) -> tuple[Any, ...]:
    axis = check_dim(dim, input._a.ndim)
    if step <= 0:
        raise RuntimeError("slice step must be positive")
    return (FULL,) * axis + (slice(start, end, step),)


def _slice_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(4, 3)), rng.normal(size=(2, 3)), 0, 1, 3)
    yield Case(rng.normal(size=(4, 3)), rng.normal(size=(4, 2)), dim=1, step=2)


@composed(torch="slice_scatter", cases=_slice_cases)
def slice_scatter(
    input: Tensor, src: Tensor, dim: int = 0, start: Any = None, end: Any = None, step: int = 1
) -> Tensor:
    """A copy of ``input`` with ``src`` as the slice ``start:end:step`` of ``dim``.

    >>> import tensor_core as torch
    >>> torch.slice_scatter(torch.zeros(4), torch.ones(2), start=1, end=3)
    tensor([0., 1., 1., 0.])
    """
    key = _slice_key(input, dim, start, end, step)
    shape = input._a[key].shape
    return _written("slice_scatter", input, src, ((slice_view, (key,), None),), shape)


@composed(
    torch="diagonal_scatter",
    cases=lambda rng: iter(
        [
            Case(rng.normal(size=(3, 3)), rng.normal(size=3)),
            Case(rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 3)), 1, 1, 2),
        ]
    ),
)
def diagonal_scatter(
    input: Tensor, src: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1
) -> Tensor:
    """A copy of ``input`` with ``src`` on a diagonal.

    >>> import tensor_core as torch
    >>> torch.diagonal_scatter(torch.zeros(2, 2), torch.ones(2))
    tensor([[1., 0.],
            [0., 1.]])
    """
    shape = diagonal.forward(input._a, offset, dim1, dim2).shape
    step = (diagonal, (offset, dim1, dim2), None)
    return _written("diagonal_scatter", input, src, (step,), shape)
