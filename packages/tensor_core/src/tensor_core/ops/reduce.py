"""Sums, means, variances and products along dimensions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import _dtypes
from .._card import Case, composed, numpy_names
from .._define import op
from .._geometry import check_dim
from .._tensor import Tensor

_add_up: Any = np.add.reduce

Dim = int | tuple[int, ...] | list[int] | None


def axes_of(dim: Any, ndim: int) -> tuple[int, ...]:
    """The dimensions a reduction removes, counted from the front; ``None`` means all.

    Raises:
        RuntimeError: one is named twice.
    """
    if dim is None or (isinstance(dim, tuple | list) and not dim):
        return tuple(range(ndim))
    dims = tuple(
        check_dim(int(d), ndim) for d in (dim if isinstance(dim, tuple | list) else (dim,))
    )
    if len(set(dims)) != len(dims):
        raise RuntimeError(f"dim {dims} appears multiple times in the list of dims")
    return dims if ndim else ()


def spread(g: Any, shape: tuple[int, ...], dim: Dim, keepdim: bool) -> Any:
    """The cotangent of a reduction, back at the input's shape (a broadcast: not to be written)."""
    g = kept(g, shape, dim, keepdim)
    if type(g) is not np.ndarray:
        return np.broadcast_to(g, shape)
    if not g.ndim:
        return np.ndarray(shape, g.dtype, g, 0, (0,) * len(shape))  # 5x faster than broadcast_to
    steps = tuple([0 if n == 1 else s for n, s in zip(g.shape, g.strides, strict=True)])
    return (
        np.ndarray(shape, g.dtype, g, 0, steps)
        if g.flags.c_contiguous
        else (np.broadcast_to(g, shape))
    )


def kept(g: Any, shape: tuple[int, ...], dim: Dim, keepdim: bool) -> Any:
    """The reduced dimensions put back with length 1."""
    if keepdim or not shape or dim is None:  # a 0-d array broadcasts as it is
        return g
    axes = axes_of(dim, len(shape))
    return g.reshape(tuple(1 if i in axes else n for i, n in enumerate(shape)))


def numpy_axis(dim: Dim, ndim: int) -> Any:
    return None if dim is None else axes_of(dim, ndim)


def _cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(2, 3)))
    yield Case(rng.normal(size=(2, 3, 4)), 1)
    yield Case(rng.normal(size=(2, 3, 4)), (0, 2), True)
    yield Case(rng.normal(size=(2, 3)), dim=-1, keepdim=True)
    yield Case(np.asarray(rng.normal()))


def _sum_cases(rng: np.random.Generator) -> Any:
    yield from _cases(rng)
    yield Case(np.zeros((0, 3)), 0)


@op(torch="sum", row_major=True, cases=_sum_cases)
def sum(x: Any, /, dim: Dim = None, keepdim: bool = False, dtype: Any = None) -> Any:
    """The sum along ``dim`` (all without). Integers and bool give int64.

    >>> import tensor_core as torch
    >>> x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> x.sum(), x.sum(0)
    (tensor(10.), tensor([4., 6.]))
    """
    if dtype is not None:
        x = x.astype(_dtypes.to_numpy(dtype), copy=False)
    elif x.dtype.kind in "iub":
        x = x.astype(np.int64, copy=False)
    kind = None if dtype is None else x.dtype  # else NumPy adds short integers as long ones
    return _add_up(x, None if dim is None else axes_of(dim, x.ndim), kind, None, keepdim)


@sum.vjp
def _(g: Any, x_shape: Any, dim: Any, keepdim: Any) -> Any:
    if dim is None and type(g) is np.ndarray and not g.ndim:
        return np.ndarray(x_shape, g.dtype, g, 0, (0,) * len(x_shape))  # a broadcast
    return spread(g, x_shape, dim, keepdim)


@op(torch="mean", row_major=True, cases=_cases)
@np.errstate(all="ignore")
def mean(x: Any, /, dim: Dim = None, keepdim: bool = False, dtype: Any = None) -> Any:
    """The mean along ``dim`` (all without); NaN of nothing.

    Raises:
        RuntimeError: ``x`` is not floating point.

    >>> import tensor_core as torch
    >>> torch.tensor([[1.0, 2.0], [3.0, 4.0]]).mean(1, keepdim=True)
    tensor([[1.5000],
            [3.5000]])
    """
    if dtype is not None:
        x = x.astype(_dtypes.to_numpy(dtype), copy=False)
    if x.dtype.kind not in "fc":
        raise RuntimeError(
            "mean(): could not infer output dtype. Input dtype must be either a floating point or "
            f"complex dtype. Got: {_dtypes.of_array(x).name}"
        )
    axis = numpy_axis(dim, x.ndim)
    total = x.sum(axis=axis, keepdims=keepdim)
    return total / reduced_count(x.shape, dim)


def reduced_count(shape: tuple[int, ...], dim: Dim) -> int:
    return math.prod(shape[i] for i in axes_of(dim, len(shape)))


@mean.vjp
def _(g: Any, x_shape: Any, dim: Any, keepdim: Any) -> Any:
    return spread(g / max(reduced_count(x_shape, dim), 1), x_shape, dim, keepdim)


@op(name="var", torch="var", row_major=True, cases=lambda rng: iter(list(_cases(rng))[:4]))
@np.errstate(all="ignore")
def var_op(x: Any, /, dim: Dim = None, correction: Any = 1, keepdim: bool = False) -> Any:
    """The mean squared distance from the mean, divided by n - ``correction``.

    >>> import tensor_core as torch
    >>> torch.tensor([1.0, 2.0, 6.0]).var(correction=0)
    tensor(4.6667)
    """
    if x.dtype.kind not in "fc":
        raise RuntimeError(f"std and var need a floating-point tensor, not {x.dtype}")
    axes = axes_of(dim, x.ndim)
    centred = x - x.mean(axis=axes, keepdims=True)
    n = reduced_count(x.shape, dim) - correction
    squares = np.real(centred * np.conjugate(centred)) if x.dtype.kind == "c" else centred * centred
    total = squares.sum(axis=axes, keepdims=keepdim)
    return total / np.asarray(max(n, 0), total.dtype)


@var_op.vjp
def _(g: Any, x: Any, dim: Any, correction: Any, keepdim: Any) -> Any:
    axes = axes_of(dim, x.ndim)
    n = reduced_count(x.shape, dim)
    centred = x - x.mean(axis=axes, keepdims=True)
    g = kept(g, x.shape, dim, keepdim)
    return g * centred * (2 / (n - correction) if n > correction else float("nan"))


def _correction(dim: Any, unbiased: Any, correction: Any) -> tuple[Any, Any]:
    """torch's old ``unbiased`` flag, which may also stand in the place of ``dim``."""
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if correction is None:
        correction = 1 if unbiased is None or unbiased else 0
    return dim, correction


@composed(torch="std", cases=lambda rng: iter(list(_cases(rng))[:4]))
def std(
    input: Tensor,
    dim: Any = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: Any = None,
) -> Any:
    """The square root of :func:`var`.

    >>> import tensor_core as torch
    >>> torch.std(torch.tensor([1.0, 3.0, 5.0]))
    tensor(2.)
    """
    return var(input, dim, unbiased, keepdim, correction=correction).sqrt()


@numpy_names
def var(
    input: Tensor,
    dim: Any = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: Any = None,
) -> Any:
    """The variance along ``dim``, divided by n - 1 (``correction`` says another number).

    >>> import tensor_core as torch
    >>> x = torch.tensor([[1.0, 3.0], [2.0, 2.0]])
    >>> torch.var(x, 1), torch.var(x, 1, unbiased=False)
    (tensor([2., 0.]), tensor([1., 0.]))
    """
    dim, correction = _correction(dim, unbiased, correction)
    return var_op(input, dim, correction, keepdim)


def _prod_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.uniform(0.5, 2, (2, 3)))
    yield Case(np.array([[0.0, 2.0, 3.0], [0.0, 0.0, 1.5]]), 1)
    yield Case(rng.uniform(0.5, 2, (2, 3)), 0, True)
    yield Case(np.asarray(1.5), 0)
    yield Case(rng.uniform(0.5, 2, (2, 1)), 1)
    yield Case(np.zeros((0, 3)), 0)


@op(torch="prod", row_major=True, cases=_prod_cases)
def prod(x: Any, /, dim: int | None = None, keepdim: bool = False, dtype: Any = None) -> Any:
    """The product along ``dim`` (all without). Integers and bool give int64.

    >>> import tensor_core as torch
    >>> torch.prod(torch.tensor([[1, 2], [3, 4]]), 1)
    tensor([ 2, 12])
    """
    if dtype is not None:
        x = x.astype(_dtypes.to_numpy(dtype), copy=False)
    elif x.dtype.kind in "iub":
        x = x.astype(np.int64, copy=False)
    return x.prod(axis=numpy_axis(dim, x.ndim), dtype=x.dtype, keepdims=keepdim)


@prod.vjp
def _(g: Any, x: Any, dim: Any, keepdim: Any) -> Any:
    """Each element's slope is the product of the others."""
    if dim is None or not x.ndim:
        flat = x.reshape((-1,))
        return (g * _others(flat, 0)).reshape(x.shape)
    return kept(g, x.shape, dim, keepdim) * _others(x, check_dim(dim, x.ndim))


def _others(x: Any, axis: int) -> Any:
    """For each element the product of those before it times the product of those after it.

    No division by ``x``: zeros anywhere are right, to any order.
    """
    items = [np.take(x, i, axis=axis) for i in range(x.shape[axis])]
    if not items:
        return x
    before, after = [np.ones_like(items[0])], [np.ones_like(items[0])]
    for left, right in zip(items[:-1], items[:0:-1], strict=True):
        before.append(before[-1] * left)
        after.append(after[-1] * right)
    return np.stack([b * a for b, a in zip(before, reversed(after), strict=True)], axis=axis)
