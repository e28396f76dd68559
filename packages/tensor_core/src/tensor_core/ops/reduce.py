"""Sums, means, extremes and other reductions along dimensions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import _dtypes
from .._card import Case, composed
from .._op import op
from .._tensor import Tensor, check_dim
from ._cases import distinct

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


def _axis(dim: Dim, ndim: int) -> Any:
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


@op(torch="sum", cases=_sum_cases)
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
    return x.sum(axis=_axis(dim, x.ndim), keepdims=keepdim)


@sum.vjp
def _(g: Any, x_shape: Any, dim: Any, keepdim: Any) -> Any:
    return spread(g, x_shape, dim, keepdim)


@op(torch="mean", cases=_cases)
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
    axis = _axis(dim, x.ndim)
    total = x.sum(axis=axis, keepdims=keepdim)
    return total / _count(x.shape, dim)


def _count(shape: tuple[int, ...], dim: Dim) -> int:
    return math.prod(shape[i] for i in axes_of(dim, len(shape)))


@mean.vjp
def _(g: Any, x_shape: Any, dim: Any, keepdim: Any) -> Any:
    return spread(g / max(_count(x_shape, dim), 1), x_shape, dim, keepdim)


@op(name="var", torch="var", cases=lambda rng: iter(list(_cases(rng))[:4]))
@np.errstate(all="ignore")
def var_op(x: Any, /, dim: Dim = None, correction: Any = 1, keepdim: bool = False) -> Any:
    """The mean squared distance from the mean, divided by n - ``correction``.

    >>> import tensor_core as torch
    >>> torch.tensor([1.0, 2.0, 6.0]).var(correction=0)
    tensor(4.6667)
    """
    axes = axes_of(dim, x.ndim)
    centred = x - x.mean(axis=axes, keepdims=True)
    n = _count(x.shape, dim) - correction
    total = (centred * centred).sum(axis=axes, keepdims=keepdim)
    return total / np.asarray(max(n, 0), x.dtype)


@var_op.vjp
def _(g: Any, x: Any, dim: Any, correction: Any, keepdim: Any) -> Any:
    axes = axes_of(dim, x.ndim)
    n = _count(x.shape, dim)
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


@op(torch="prod", cases=_prod_cases)
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
    return x.prod(axis=_axis(dim, x.ndim), keepdims=keepdim)


@prod.vjp
def _(g: Any, x: Any, dim: Any, keepdim: Any) -> Any:
    """Each element's slope is the product of the others: exclusive products from both ends."""
    if dim is None or not x.ndim:
        flat = x.reshape((-1,))
        return (g * _others(flat, 0)).reshape(x.shape)
    return kept(g, x.shape, dim, keepdim) * _others(x, check_dim(dim, x.ndim))


def _others(x: Any, axis: int) -> Any:
    n = x.shape[axis]
    parts = []
    for i in range(n):  # the plain way: zeros anywhere are right, to any order
        rest = [np.take(x, j, axis=axis) for j in range(n) if j != i]
        product = rest[0] * 1 if rest else np.ones_like(np.take(x, 0, axis=axis))
        for r in rest[1:]:
            product = product * r
        parts.append(product)
    return np.stack(parts, axis=axis)


# -- extremes ------------------------------------------------------------------------------------


def _extreme_cases(rng: np.random.Generator) -> Any:
    yield Case(distinct(rng, (2, 5)), 1)
    yield Case(distinct(rng, (2, 3, 2)), (0, 2), True)
    yield Case(np.array([[1.0, 1.0, 0.0], [2.0, 2.0, 2.0]]), 1).with_(max_order=1)  # ties share


def _nonempty(name: str, x: np.ndarray, dim: Dim) -> None:
    if not x.size and _count(x.shape, dim) == 0:
        raise IndexError(
            f"{name}(): Expected reduction dim to have non-zero size, but the shape is {x.shape}"
        )


@op(torch="amax", cases=_extreme_cases, kinks="ties: equal shares")
def amax(x: Any, /, dim: Dim = (), keepdim: bool = False) -> Any:
    """The largest element along ``dim``; ties share the gradient equally.

    >>> import tensor_core as torch
    >>> torch.amax(torch.tensor([[1, 5], [7, 2]]), 1)
    tensor([5, 7])
    """
    _nonempty("amax", x, dim)
    return x.max(axis=axes_of(dim, x.ndim), keepdims=keepdim)


@op(torch="amin", cases=_extreme_cases, kinks="ties: equal shares")
def amin(x: Any, /, dim: Dim = (), keepdim: bool = False) -> Any:
    """The smallest element along ``dim``; ties share the gradient equally.

    >>> import tensor_core as torch
    >>> torch.amin(torch.tensor([[1, 5], [7, 2]]), 1)
    tensor([1, 2])
    """
    _nonempty("amin", x, dim)
    return x.min(axis=axes_of(dim, x.ndim), keepdims=keepdim)


def _to_extremes(g: Any, y: Any, x: Any, dim: Any, keepdim: Any) -> Any:
    values, best = getattr(x, "_a", x), getattr(y, "_a", y)
    hit = values == kept(best, values.shape, dim, keepdim)
    share = hit / hit.sum(axis=axes_of(dim, values.ndim), keepdims=True)
    return kept(g, values.shape, dim, keepdim) * share.astype(values.dtype)


amax.vjp(_to_extremes)
amin.vjp(_to_extremes)


def _indexed_cases(rng: np.random.Generator) -> Any:
    yield Case(distinct(rng, (2, 5)), 1)
    yield Case(distinct(rng, (2, 3, 2)), 0, True)


def _with_index(name: str, arg: Any) -> Any:
    def forward(x: Any, /, dim: int, keepdim: bool = False) -> Any:
        axis = check_dim(dim, x.ndim)
        _nonempty(name, x, dim)
        if not x.ndim:
            return x.copy(), np.zeros((), np.int64)
        index = np.expand_dims(arg(x, axis), axis)
        values = np.take_along_axis(x, index, axis)
        if not keepdim:
            values, index = values.squeeze(axis), index.squeeze(axis)
        return values, index

    forward.__doc__ = f"""The {name} along one dimension, and where it stands (the first if tied).

    >>> import tensor_core as torch
    >>> values, places = torch.tensor([[4, 4], [4, 4]]).{name}(1)
    >>> values, places
    (tensor([4, 4]), tensor([0, 0]))
    """
    made = op(name=f"{name}_dim", torch=name, cases=_indexed_cases, kinks="ties: the first")(
        forward
    )

    @made.vjp
    def _(g: Any, y: Any, x_shape: Any, dim: Any, keepdim: Any) -> Any:
        if not x_shape:
            return g[0]
        values, index = kept(g[0], x_shape, dim, keepdim), kept(y[1], x_shape, dim, keepdim)
        index = getattr(index, "_a", index)
        axis = check_dim(dim, len(x_shape))
        ranks = np.arange(x_shape[axis]).reshape(
            [-1 if i == axis else 1 for i in range(len(x_shape))]
        )
        return values * (ranks == index)

    return made


max_dim = _with_index("max", np.argmax)
min_dim = _with_index("min", np.argmin)


@op(torch="argmax")
def argmax(x: Any, /, dim: int | None = None, keepdim: bool = False) -> Any:
    """The index of the largest element along ``dim``, or in the flattened tensor.

    >>> import tensor_core as torch
    >>> x = torch.tensor([[1, 5], [7, 2]])
    >>> torch.argmax(x), torch.argmax(x, 1)
    (tensor(2), tensor([1, 0]))
    """
    return _arg(np.argmax, "argmax", x, dim, keepdim)


@op(torch="argmin")
def argmin(x: Any, /, dim: int | None = None, keepdim: bool = False) -> Any:
    """The index of the smallest element along ``dim``, or in the flattened tensor.

    >>> import tensor_core as torch
    >>> x = torch.tensor([[1, 5], [7, 2]])
    >>> torch.argmin(x), torch.argmin(x, 1)
    (tensor(0), tensor([0, 1]))
    """
    return _arg(np.argmin, "argmin", x, dim, keepdim)


def _arg(find: Any, name: str, x: np.ndarray, dim: int | None, keepdim: bool) -> Any:
    _nonempty(name, x, dim)
    if dim is None or not x.ndim:
        index = find(x)
        return np.full([1] * x.ndim, index) if keepdim else index
    return find(x, axis=check_dim(dim, x.ndim), keepdims=keepdim)


@op(torch="all")
def all(x: Any, /, dim: Dim = None, keepdim: bool = False) -> Any:
    """Whether every element is true (non-zero).

    >>> import tensor_core as torch
    >>> torch.all(torch.tensor([[True, False], [True, True]]), 1)
    tensor([False,  True])
    """
    return x.all(axis=_axis(dim, x.ndim), keepdims=keepdim)


@op(torch="any")
def any(x: Any, /, dim: Dim = None, keepdim: bool = False) -> Any:
    """Whether some element is true (non-zero).

    >>> import tensor_core as torch
    >>> torch.any(torch.tensor([[True, False], [False, False]]), 1)
    tensor([ True, False])
    """
    return x.any(axis=_axis(dim, x.ndim), keepdims=keepdim)


# -- running and logarithmic sums ----------------------------------------------------------------


def _along(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(5,)), 0)
    yield Case(rng.normal(size=(2, 3)), 1)
    yield Case(rng.normal(size=(2, 3, 2)), dim=-2)


@op(torch="cumsum", cases=_along)
def cumsum(x: Any, /, dim: int, dtype: Any = None) -> Any:
    """Running sums along ``dim``.

    >>> import tensor_core as torch
    >>> torch.cumsum(torch.tensor([1, 2, 3]), 0)
    tensor([1, 3, 6])
    """
    kind = _dtypes.to_numpy(dtype) if dtype is not None else None
    return np.cumsum(x, axis=check_dim(dim, x.ndim), dtype=kind) if x.ndim else x.copy()


@cumsum.vjp
def _(g: Any, dim: Any) -> Any:
    return np.flip(np.cumsum(np.flip(g, dim), axis=dim), dim) if g.ndim else g


def _logsumexp_cases(rng: np.random.Generator) -> Any:
    yield from _along(rng)
    yield Case(rng.normal(size=(2, 3)) + 1e3, 1)  # must not overflow
    yield Case(rng.normal(size=(2, 3)), (0, 1), True)


@op(torch="logsumexp", promote="float", cases=_logsumexp_cases)
@np.errstate(all="ignore")
def logsumexp(x: Any, /, dim: Dim, keepdim: bool = False) -> Any:
    """``log(sum(exp(x)))`` along ``dim``, without overflow.

    >>> import tensor_core as torch
    >>> torch.logsumexp(torch.tensor([1000.0, 1000.0]), 0)
    tensor(1000.6932)
    """
    axes = axes_of(dim, x.ndim)
    top = x.max(axis=axes, keepdims=True)
    top = np.where(np.isfinite(top), top, np.zeros((), x.dtype))
    y = np.log(np.exp(x - top).sum(axis=axes, keepdims=True)) + top
    return y if keepdim else y.squeeze(axes)


@logsumexp.vjp
def _(g: Any, y: Any, x: Any, dim: Any, keepdim: Any) -> Any:
    shape = x.shape
    return kept(g, shape, dim, keepdim) * np.exp(x - kept(y, shape, dim, keepdim))
