"""What stands at a rank: medians, quantiles, the k-th smallest; and the most frequent value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .. import return_types
from .._card import Case, composed
from .._define import op
from .._geometry import check_dim
from .._tensor import Tensor, wrap
from ._cases import distinct
from .gather import take_along_dim
from .sort import sort


def _unordered(rng: np.random.Generator) -> Iterator[Case]:
    yield Case(distinct(rng, (5,)), 0)
    yield Case(distinct(rng, (2, 4)), 1).with_(max_order=1)
    yield Case(distinct(rng, (3, 2, 2)), 0, True).with_(max_order=1)


def _whole(rng: np.random.Generator) -> Iterator[Case]:
    yield Case(distinct(rng, (2, 4)))
    yield Case(np.asarray(1.5))


def _rank(a: np.ndarray, skip_nan: bool) -> int:
    """The place, in order, of the lower of the middle elements; NaN stand last."""
    gaps = int(np.isnan(a).sum()) if a.dtype.kind == "f" else 0
    if gaps and not skip_nan:
        return a.size - gaps
    return max((a.size - gaps - 1) // 2, 0)


def _of_nothing(kind: Any) -> Any:
    """NaN, and what C makes of it in integers."""
    if kind.kind == "f":
        return np.nan
    return np.iinfo(kind).min if kind.itemsize > 2 and kind.kind == "i" else kind.kind == "b"


def _median(name: str, skip_nan: bool) -> Any:
    def forward(x: Any, /) -> Any:
        if not x.size:
            return np.asarray(_of_nothing(x.dtype), x.dtype)
        flat = x.reshape(-1)
        return np.partition(flat, _rank(flat, skip_nan))[_rank(flat, skip_nan)]

    forward.__doc__ = f"""The lower of the middle elements of all; ties share the gradient.

    >>> import tensor_core as torch
    >>> torch.{name}(torch.tensor([4, 1, 3, 2]))
    tensor(2)
    """
    made = op(name=f"{name}_all", torch=name, cases=_whole, kinks="ties: equal shares")(forward)

    @made.vjp
    def _(g: Any, y: Any, x: Any) -> Any:
        values, middle = getattr(x, "_a", x), getattr(y, "_a", y)
        hit = np.isnan(values) if np.isnan(middle) else values == middle
        return g * (hit / hit.sum()).astype(values.dtype)

    return made


median_all, nanmedian_all = _median("median", False), _median("nanmedian", True)


def at_places(input: Tensor, places: np.ndarray, dim: int, keepdim: bool, kind: Any) -> Any:
    """The elements at one place along ``dim``, and the places, under their names."""
    if not input._a.ndim:
        return kind((input.clone(), wrap(np.zeros((), np.int64))))
    values, indices = take_along_dim(input, wrap(places), dim), wrap(places)
    if not keepdim:
        values, indices = values.squeeze(dim), indices.squeeze(dim)
    return kind((values, indices))


def _filled(name: str, a: np.ndarray, dim: int) -> int:
    """The axis, if there is something along it."""
    axis = check_dim(dim, a.ndim)
    if a.ndim and not a.shape[axis]:
        raise IndexError(f"{name}(): Expected reduction dim {axis} to have non-zero size.")
    return axis


def _at_median(input: Tensor, dim: int, keepdim: bool, name: str) -> Any:
    a = input._a
    axis = _filled(name, a, dim)
    kind = getattr(return_types, name)
    if not a.ndim:
        return at_places(input, a, dim, keepdim, kind)
    order = np.argsort(a, axis=axis, kind="stable")
    gaps = np.isnan(a).sum(axis, keepdims=True) if a.dtype.kind == "f" else 0
    whole = a.shape[axis] - gaps
    ranks = np.maximum((whole - 1) // 2, 0)
    if name == "median":
        ranks = np.where(gaps > 0, whole, ranks)
    ranks = np.broadcast_to(ranks, [1 if i == axis else n for i, n in enumerate(a.shape)])
    return at_places(input, np.take_along_axis(order, ranks, axis), dim, keepdim, kind)


@composed(torch="median", cases=_unordered, kinks="ties")
def median(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The lower of the middle elements: of all, or with ``dim`` values and indices; NaN if any is.

    >>> import tensor_core as torch
    >>> torch.median(torch.tensor([4, 1, 3, 2]))
    tensor(2)
    >>> torch.median(torch.tensor([[4, 1, 3]]), 1).indices
    tensor([2])
    """
    return median_all(input) if dim is None else _at_median(input, dim, keepdim, "median")


@composed(torch="nanmedian", cases=_unordered, kinks="ties")
def nanmedian(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """:func:`median` of what is not NaN.

    >>> import tensor_core as torch
    >>> torch.nanmedian(torch.tensor([4.0, torch.nan, 3.0]))
    tensor(3.)
    """
    return nanmedian_all(input) if dim is None else _at_median(input, dim, keepdim, "nanmedian")


def _ranked(rng: np.random.Generator) -> Iterator[Case]:
    for case in _unordered(rng):
        yield Case(case.args[0], 2, *case.args[1:]).with_(max_order=1)


@composed(torch="kthvalue", cases=_ranked, kinks="ties")
def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    """The ``k``-th smallest element (from 1) along ``dim``, and where it stands; NaN are last.

    Raises:
        RuntimeError: there are fewer than ``k``.

    >>> import tensor_core as torch
    >>> torch.kthvalue(torch.tensor([4, 1, 3]), 2)
    torch.return_types.kthvalue(
    values=tensor(3),
    indices=tensor(2))
    """
    a = input._a
    axis = _filled("kthvalue", a, dim)
    if not 1 <= k <= (a.shape[axis] if a.ndim else 1):
        raise RuntimeError(f"kthvalue(): selected number k out of range for dimension {axis}")
    order = np.argsort(a, axis=axis, kind="stable") if a.ndim else a
    places = np.take(order, [k - 1], axis=axis) if a.ndim else a
    return at_places(input, places, dim, keepdim, return_types.kthvalue)


def _repeated(rng: np.random.Generator) -> Iterator[Case]:
    yield Case(np.array([1.0, 2.0, 2.0, 1.0, 2.0])).with_(max_order=1, wrt=(0,))
    yield Case(np.array([[1.0, 3.0, 3.0], [2.0, 2.0, 0.5]]), 1, True)


def _mode_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case(rng.permutation(np.linspace(-1, 1, 5)))  # the smallest: no kink
    yield from _repeated(rng)


@composed(torch="mode", cases=_mode_cases, kinks="where elements are equal")
def mode(input: Tensor, dim: int = -1, keepdim: bool = False) -> Any:
    """The most frequent element along ``dim`` (the smallest of those tied), and its last place.

    >>> import tensor_core as torch
    >>> torch.mode(torch.tensor([6, 5, 5, 1]))
    torch.return_types.mode(
    values=tensor(5),
    indices=tensor(2))
    """
    a = input._a
    axis = _filled("mode", a, dim)
    if not a.ndim:
        return at_places(input, a, dim, keepdim, return_types.mode)
    places = np.expand_dims(np.apply_along_axis(_last_of_mode, axis, a), axis)
    return at_places(input, places, dim, keepdim, return_types.mode)


def _last_of_mode(row: np.ndarray) -> int:
    values, counts = np.unique(row, return_counts=True)
    return int(np.flatnonzero(row == values[counts.argmax()])[-1])


def _quantile_cases(rng: np.random.Generator) -> Iterator[Case]:
    x = distinct(rng, (2, 5))
    yield Case(x, 0.3)
    yield Case(x, 0.6, 1)
    yield Case(x, np.array([0.1, 0.5]), dim=0, keepdim=True).with_(wrt=(0,))
    for way in ("lower", "higher", "midpoint", "nearest"):
        yield Case(x, 0.4, 1, interpolation=way).with_(max_order=1)


@composed(torch="quantile", cases=_quantile_cases, kinks="ties")
def quantile(
    input: Tensor, q: Any, dim: int | None = None, keepdim: bool = False, *,
    interpolation: str = "linear",
) -> Tensor:  # fmt: skip
    """Where the share ``q`` (a number or several) of the elements along ``dim`` lies below.

    Shapes: the quantiles of several ``q`` stand along a new first dimension.

    Raises:
        RuntimeError: ``q`` is not in [0, 1], or the types do not fit.

    >>> import tensor_core as torch
    >>> torch.quantile(torch.tensor([0.0, 1.0, 2.0, 3.0]), 0.4)
    tensor(1.2000)
    """
    return _quantile("quantile", input, q, dim, keepdim, interpolation)


@composed(torch="nanquantile", cases=_quantile_cases, kinks="ties")
def nanquantile(
    input: Tensor, q: Any, dim: int | None = None, keepdim: bool = False, *,
    interpolation: str = "linear",
) -> Tensor:  # fmt: skip
    """:func:`quantile` of what is not NaN.

    >>> import tensor_core as torch
    >>> torch.nanquantile(torch.tensor([torch.nan, 1.0, 2.0]), 0.5)
    tensor(1.5000)
    """
    return _quantile("nanquantile", input, q, dim, keepdim, interpolation)


_WAYS = ("linear", "lower", "higher", "midpoint", "nearest")


def _shares(name: str, input: Tensor, q: Any, interpolation: str) -> np.ndarray:
    """``q`` as an array of the input's type, checked."""
    a = input._a
    if a.dtype not in (np.float32, np.float64):
        raise RuntimeError(f"{name}() input tensor must be either float or double dtype")
    if not a.size:
        raise RuntimeError(f"{name}() input tensor must be non-empty")
    if isinstance(q, Tensor) and q._a.dtype != a.dtype:
        raise RuntimeError(f"{name}() q tensor must be same dtype as the input tensor")
    shares = q._a if isinstance(q, Tensor) else np.asarray(q, a.dtype)
    if shares.ndim > 1:
        raise RuntimeError(f"{name}() q must be a scalar or 1D tensor")
    if not ((shares >= 0) & (shares <= 1)).all():
        raise RuntimeError(f"{name}() q values must be in the range [0, 1]")
    if interpolation not in _WAYS:
        raise RuntimeError(
            f"{name}() interpolation must be one of linear, lower, higher, midpoint or nearest, "
            f"but got {interpolation}"
        )
    return shares


def _quantile(
    name: str, input: Tensor, q: Any, dim: int | None, keepdim: bool, interpolation: str
) -> Tensor:
    shares = _shares(name, input, q, interpolation)
    ndim = input._a.ndim
    rows = input.reshape((-1,)) if dim is None else input.transpose(dim, -1) if ndim else input
    rows = sort(rows if rows._a.ndim else rows.reshape((1,)), -1).values
    a = rows._a  # in order along the last dimension, NaN at its end
    n = a.shape[-1]
    gaps = np.isnan(a).sum(-1, keepdims=True)
    last = np.maximum(n - gaps - 1, 0) if name[0] == "n" else np.full(gaps.shape, n - 1)
    ranks = (shares.reshape(-1) * last.astype(a.dtype)).astype(a.dtype)  # (..., q)
    if name[0] != "n":
        ranks = np.where(gaps > 0, np.asarray(n - 1, a.dtype), ranks)
    out = _between(rows, ranks, interpolation)
    out = out.movedim(-1, 0)  # (q, ...)
    if dim is None:
        shape = shares.shape + ((1,) * ndim if keepdim else ())
        return out.reshape(shape)
    if keepdim and ndim:
        out = out.unsqueeze(-1).transpose(-1, (dim if dim >= 0 else dim + ndim) + 1)
    elif ndim:
        out = _restored(out, dim % ndim, ndim)
    return out if shares.ndim else out.squeeze(0)


def _restored(out: Tensor, dim: int, ndim: int) -> Tensor:
    """The remaining dimensions in their order: the transposition had moved the last to ``dim``."""
    if dim == ndim - 1:
        return out
    order = [0, *(d + 1 for d in range(ndim - 1))]
    moved = order.pop(dim + 1)  # the last dimension stands where ``dim`` was
    return out.permute([*order, moved])


def _between(rows: Tensor, ranks: np.ndarray, interpolation: str) -> Tensor:
    if interpolation == "lower":
        ranks = np.floor(ranks)
    elif interpolation == "higher":
        ranks = np.ceil(ranks)
    elif interpolation == "nearest":
        ranks = np.rint(ranks)
    low = np.floor(ranks).astype(np.int64)
    below = take_along_dim(rows, wrap(low), -1)
    if interpolation not in ("linear", "midpoint"):
        return below
    weight = np.full(ranks.shape, 0.5, ranks.dtype) if interpolation == "midpoint" else ranks - low
    above = take_along_dim(rows, wrap(np.ceil(ranks).astype(np.int64)), -1)
    return below.lerp(above, wrap(weight.astype(ranks.dtype)))
