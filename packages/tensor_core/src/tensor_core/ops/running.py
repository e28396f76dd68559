"""Running sums and the logarithm of sums of exponentials."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _dtypes
from .._card import Case
from .._define import op
from .._geometry import check_dim
from .reduce import Dim, axes_of, kept


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
    axis = check_dim(dim, x.ndim)
    whole = np.dtype(np.int64) if x.dtype.kind in "iub" else x.dtype
    kind = whole if dtype is None else _dtypes.to_numpy(dtype)
    return np.cumsum(x, axis=axis, dtype=kind) if x.ndim else x.astype(kind)


@cumsum.vjp
def _(g: Any, dim: Any) -> Any:
    return np.flip(np.cumsum(np.flip(g, dim), axis=dim), dim) if g.ndim else g


def _logsumexp_cases(rng: np.random.Generator) -> Any:
    yield from _along(rng)
    yield Case(rng.normal(size=(2, 3)) + 1e3, 1)  # must not overflow
    yield Case(rng.normal(size=(2, 3)), (0, 1), True)
    yield Case(np.zeros((0, 2)), 1)


@op(torch="logsumexp", promote="float", cases=_logsumexp_cases)
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
