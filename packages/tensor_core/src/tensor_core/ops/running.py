"""Running sums, products and extremes, and the logarithm of sums of exponentials."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _dtypes, return_types
from .._card import Case, composed
from .._define import op
from .._geometry import check_dim
from .._tensor import Tensor, wrap
from ._cases import distinct
from ._errstate import quiet
from ._refuse import only
from .gather import take_along_dim
from .reduce import Dim, axes_of, kept


def _along(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(5,)), 0)
    yield Case(rng.normal(size=(2, 3)), 1)
    yield Case(rng.normal(size=(2, 3, 2)), dim=-2)


@op(torch="cumsum", row_major=True, cases=_along)
def cumsum(x: Any, /, dim: int, dtype: Any = None) -> Any:
    """Running sums along ``dim``.

    >>> import tensor_core as torch
    >>> torch.cumsum(torch.tensor([1, 2, 3]), 0)
    tensor([1, 3, 6])
    """
    axis = check_dim(dim, x.ndim)
    whole = np.dtype(np.int64) if x.dtype.kind in "iub" else x.dtype
    kind = whole if dtype is None else _dtypes.to_numpy(dtype)
    return np.cumsum(x, axis=axis, dtype=kind) if x.ndim else x.astype(kind)


@cumsum.vjp
def _(g: Any, dim: Any) -> Any:
    return np.flip(np.cumsum(np.flip(g, dim), axis=dim), dim) if g.ndim else g


def from_the_end(g: Any, factor: Any, axis: int) -> Any:
    """``s[k] = g[k] + factor[k + 1] * s[k + 1]`` along an axis, from the last ``k`` to the first.

    The shape of every derivative of a running product: no division, so zeros are right.
    """
    n = g.shape[axis]
    if not n:
        return g
    total = np.take(g, n - 1, axis=axis)
    items = [total]
    for k in range(n - 2, -1, -1):
        total = np.take(g, k, axis=axis) + np.take(factor, k + 1, axis=axis) * total
        items.append(total)
    return np.stack(items[::-1], axis=axis)


def _cumprod_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.uniform(0.5, 2, (5,)), 0)
    yield Case(rng.uniform(0.5, 2, (2, 3, 2)), dim=-2)
    yield Case(np.array([[2.0, 0.0, 3.0], [0.0, 0.0, 1.5]]), 1)  # zeros, one and several
    yield Case(np.zeros((2, 0)), 1)


@op(torch="cumprod", row_major=True, cases=_cumprod_cases)
@quiet
def cumprod(x: Any, /, dim: int, dtype: Any = None) -> Any:
    """Running products along ``dim``. Integers and bool give int64.

    >>> import tensor_core as torch
    >>> torch.cumprod(torch.tensor([1, 2, 3]), 0)
    tensor([1, 2, 6])
    """
    axis = check_dim(dim, x.ndim)
    whole = np.dtype(np.int64) if x.dtype.kind in "iub" else x.dtype
    kind = whole if dtype is None else _dtypes.to_numpy(dtype)
    return np.cumprod(x, axis=axis, dtype=kind) if x.ndim else x.astype(kind)


@cumprod.vjp
def _(g: Any, x: Any, dim: Any) -> Any:
    if not g.ndim:
        return g
    axis = check_dim(dim, g.ndim)
    n = g.shape[axis]
    before = [np.ones_like(np.take(g, 0, axis=axis))] if n else []
    for k in range(n - 1):
        before.append(before[-1] * np.take(x, k, axis=axis))
    later = from_the_end(g, x, axis)
    return np.stack(before, axis=axis) * later if n else later


@op(torch="logcumsumexp", row_major=True, cases=_along)
@quiet
def logcumsumexp(x: Any, /, dim: int) -> Any:
    """The logarithms of running sums of exponentials along ``dim``, without overflow.

    >>> import tensor_core as torch
    >>> torch.logcumsumexp(torch.tensor([1000.0, 1000.0]), 0)
    tensor([1000.0000, 1000.6932])
    """
    only("fV", "logcumsumexp_out_cpu", x)
    return np.logaddexp.accumulate(x, axis=check_dim(dim, x.ndim)) if x.ndim else x.copy()


@logcumsumexp.vjp
@quiet
def _(g: Any, x: Any, y: Any, dim: Any) -> Any:
    if not g.ndim:
        return g
    axis = check_dim(dim, g.ndim)
    n = g.shape[axis]
    step = np.roll(y, 1, axis) - y  # never positive, but for the first, which nobody uses
    share = np.exp(np.where(_at_first(n, axis, g.ndim), step * 0, step))
    later = from_the_end(g, np.where(np.isnan(share), share * 0, share), axis)
    part = np.exp(x - y)
    return later * np.where(np.isneginf(getattr(x, "_a", x)), part * 0, part)


def _at_first(n: int, axis: int, ndim: int) -> np.ndarray:
    return (np.arange(n) == 0).reshape([-1 if i == axis else 1 for i in range(ndim)])


def _distinct_cases(rng: np.random.Generator) -> Any:
    yield Case(distinct(rng, (6,)), 0)
    yield Case(distinct(rng, (2, 3, 2)), -2)


def _running_places(a: np.ndarray, dim: int, find: Any) -> np.ndarray:
    """Where the extreme so far stands: the last of those tied; from a NaN on, a NaN."""
    if not a.ndim:
        return np.zeros((), np.int64)
    axis = check_dim(dim, a.ndim)
    best = find.accumulate(a, axis=axis)
    ranks = np.arange(a.shape[axis]).reshape([-1 if i == axis else 1 for i in range(a.ndim)])
    return np.maximum.accumulate(np.where((a == best) | (a != a), ranks, 0), axis=axis)


def _running(input: Tensor, dim: int, find: Any, kind: Any) -> Any:
    check_dim(dim, input._a.ndim)
    places = wrap(_running_places(input._a, dim, find))
    values = take_along_dim(input, places, dim) if input._a.ndim else input.clone()
    return kind((values, places))


@composed(torch="cummax", cases=_distinct_cases, kinks="ties: the last")
def cummax(input: Tensor, dim: int) -> Any:
    """The largest element so far along ``dim``, and where it stands.

    >>> import tensor_core as torch
    >>> torch.cummax(torch.tensor([1, 3, 2, 3]), 0)
    torch.return_types.cummax(
    values=tensor([1, 3, 3, 3]),
    indices=tensor([0, 1, 1, 3]))
    """
    return _running(input, dim, np.maximum, return_types.cummax)


@composed(torch="cummin", cases=_distinct_cases, kinks="ties: the last")
def cummin(input: Tensor, dim: int) -> Any:
    """The smallest element so far along ``dim``, and where it stands.

    >>> import tensor_core as torch
    >>> torch.cummin(torch.tensor([2, 1, 3]), 0).values
    tensor([2, 1, 1])
    """
    return _running(input, dim, np.minimum, return_types.cummin)


def _logsumexp_cases(rng: np.random.Generator) -> Any:
    yield from _along(rng)
    yield Case(rng.normal(size=(2, 3)) + 1e3, 1)  # must not overflow
    yield Case(rng.normal(size=(2, 3)), (0, 1), True)
    yield Case(np.zeros((0, 2)), 1)


@op(torch="logsumexp", row_major=True, promote="float", cases=_logsumexp_cases)
@np.errstate(all="ignore")
def logsumexp(x: Any, /, dim: Dim, keepdim: bool = False) -> Any:
    """``log(sum(exp(x)))`` along ``dim``, without overflow.

    >>> import tensor_core as torch
    >>> torch.logsumexp(torch.tensor([1000.0, 1000.0]), 0)
    tensor(1000.6932)
    """
    axes = axes_of(dim, x.ndim)
    top = x.max(axis=axes, keepdims=True, initial=-np.inf)
    top = np.where(np.isfinite(top), top, np.zeros((), x.dtype))
    y = np.log(np.exp(x - top).sum(axis=axes, keepdims=True)) + top
    return y if keepdim else y.squeeze(axes)


@logsumexp.vjp
def _(g: Any, y: Any, x: Any, dim: Any, keepdim: Any) -> Any:
    shape = x.shape
    return kept(g, shape, dim, keepdim) * np.exp(x - kept(y, shape, dim, keepdim))
