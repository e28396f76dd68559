"""Sums without NaN, spreads, covariances, distances, and norms held below a bound."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .. import return_types
from .._card import Case, composed, numpy_names
from .._geometry import check_dim
from .._tensor import Tensor, wrap
from ._cases import distinct
from ._refuse import numbers
from .choosing import where_op
from .extreme import amax, amin
from .norm import norm
from .reduce import axes_of, mean, std, sum, var

Dim = int | tuple[int, ...] | list[int] | None


def _plain(rng: np.random.Generator) -> Iterator[Case]:
    yield Case(rng.normal(size=(2, 3)))
    yield Case(rng.normal(size=(2, 3, 4)), (0, 2), True)
    yield Case(rng.normal(size=(2, 3)), dim=-1)


def _gone(input: Tensor) -> Any:
    """Zeros where there were NaN, and where those were."""
    missing = np.isnan(input._a)
    return where_op(wrap(missing), wrap(np.zeros((), input._a.dtype)), input), missing


@composed(torch="nansum", cases=_plain)
def nansum(input: Tensor, dim: Dim = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The sum along ``dim`` (all without) of what is not NaN.

    >>> import tensor_core as torch
    >>> torch.nansum(torch.tensor([1.0, torch.nan, 2.0]))
    tensor(3.)
    """
    if input._a.dtype.kind == "c":
        raise RuntimeError("nansum does not support complex inputs")
    kept = _gone(input)[0] if input._a.dtype.kind in "fV" else input
    return sum(kept, dim, keepdim, dtype)


@composed(torch="nanmean", cases=_plain)
def nanmean(input: Tensor, dim: Dim = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The mean along ``dim`` (all without) of what is not NaN; NaN of nothing.

    Raises:
        RuntimeError: the tensor is not floating point.

    >>> import tensor_core as torch
    >>> torch.nanmean(torch.tensor([1.0, torch.nan, 2.0]))
    tensor(1.5000)
    """
    if input._a.dtype.kind not in "fcV":
        raise RuntimeError(
            "nanmean(): expected input to have floating point or complex dtype but got "
            f"{input.dtype.name}"
        )
    kept, missing = _gone(input)
    count = sum(wrap(~missing), dim, keepdim)
    return sum(kept, dim, keepdim, dtype) / count


@numpy_names
def count_nonzero(input: Tensor, dim: Dim = None) -> Tensor:
    """How many elements along ``dim`` (all without) are not zero.

    >>> import tensor_core as torch
    >>> torch.count_nonzero(torch.tensor([[0, 3], [4, 5]]), 0)
    tensor([1, 2])
    """
    axes = axes_of(dim, input._a.ndim)
    return wrap(np.asarray(np.count_nonzero(input._a, axis=axes), np.int64))


def _ends(rng: np.random.Generator) -> Iterator[Case]:
    yield Case(distinct(rng, (2, 5)))
    yield Case(distinct(rng, (2, 5)), dim=1, keepdim=True)


@composed(torch="aminmax", cases=_ends, kinks="ties: equal shares")
def aminmax(input: Tensor, *, dim: int | None = None, keepdim: bool = False) -> Any:
    """The smallest and the largest element along ``dim`` (of all without).

    >>> import tensor_core as torch
    >>> torch.aminmax(torch.tensor([3, 1, 2]))
    torch.return_types.aminmax(
    min=tensor(1),
    max=tensor(3))
    """
    if dim is not None:
        return return_types.aminmax((amin(input, dim, keepdim), amax(input, dim, keepdim)))
    if not input._a.size:
        raise RuntimeError(
            "aminmax(): cannot compute aminmax over an empty dimension as the operation has no "
            "identity."
        )
    axes = tuple(range(input._a.ndim))
    return return_types.aminmax((amin(input, axes, keepdim), amax(input, axes, keepdim)))


@composed(torch="std_mean", cases=_plain)
def std_mean(
    input: Tensor, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *,
    correction: Any = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The standard deviation and the mean along ``dim`` (all without).

    >>> import tensor_core as torch
    >>> torch.std_mean(torch.tensor([1.0, 3.0, 5.0]))
    (tensor(2.), tensor(3.))
    """
    spread = std(input, dim, unbiased, keepdim, correction=correction)
    return spread, mean(input, None if isinstance(dim, bool) else dim, keepdim)


@composed(torch="var_mean", cases=_plain)
def var_mean(
    input: Tensor, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *,
    correction: Any = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The variance and the mean along ``dim`` (all without).

    >>> import tensor_core as torch
    >>> torch.var_mean(torch.tensor([1.0, 3.0, 5.0]), correction=0)
    (tensor(2.6667), tensor(3.))
    """
    spread = var(input, dim, unbiased, keepdim, correction=correction)
    return spread, mean(input, None if isinstance(dim, bool) else dim, keepdim)


def _tables(rng: np.random.Generator) -> Iterator[Case]:
    yield Case(rng.normal(size=(2, 4)))
    yield Case(rng.normal(size=(3, 5)))


def _weighted(rng: np.random.Generator) -> Iterator[Case]:
    yield from _tables(rng)
    yield Case(rng.normal(size=(5,)))
    x = rng.normal(size=(2, 4))
    yield Case(x, correction=0, fweights=np.array([1, 2, 1, 3]))
    yield Case(x, aweights=np.array([0.5, 1.0, 2.0, 1.5])).with_(wrt=(0,))


@composed(torch="cov", cases=_weighted)
def cov(
    input: Tensor, *, correction: int = 1, fweights: Tensor | None = None,
    aweights: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The covariances of the rows, which are variables observed together in each column.

    ``fweights`` say how often a column was observed, ``aweights`` how much it counts.
    Shapes: (variables, observations) -> (variables, variables).

    Raises:
        RuntimeError: there are more than two dimensions, or the weights do not fit.

    >>> import tensor_core as torch
    >>> torch.cov(torch.tensor([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]]))
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    if input._a.ndim > 2:
        raise RuntimeError(
            f"cov(): expected input to have two or fewer dimensions but got an input with "
            f"{input._a.ndim} dimensions"
        )
    if input._a.dtype.kind == "b":
        raise RuntimeError("cov(): bool dtype is not supported for input")
    rows = input.reshape((1, -1)) if input._a.ndim < 2 else input
    if rows._a.dtype.kind in "iu":
        rows = rows.float()
    weights = _weights(rows, fweights, aweights)
    n: Any = rows._a.shape[1]
    if weights is None:
        centred = rows - rows.mean(1, True)
        product = centred @ centred.mH
        norm_factor: Any = max(n - correction, 0)
    else:
        total = weights.sum()
        centred = rows - (rows * weights).sum(1, True) / total
        product = centred @ (centred * weights).mH
        if aweights is None or correction == 0:
            norm_factor = total - correction
        else:
            norm_factor = total - correction * (weights * aweights).sum() / total
        norm_factor = norm_factor.clamp(min=0)
    return (product / norm_factor).reshape(()) if input._a.ndim < 2 else product / norm_factor


def _weights(rows: Tensor, fweights: Any, aweights: Any) -> Any:
    for name, w in (("fweights", fweights), ("aweights", aweights)):
        if w is None:
            continue
        if w._a.ndim > 1 or w._a.size != rows._a.shape[1]:
            raise RuntimeError(
                f"cov(): expected {name} to have one weight for each of {rows._a.shape[1]} "
                f"observations, but it has shape {tuple(w._a.shape)}"
            )
        if (w._a < 0).any():
            raise RuntimeError(f"cov(): {name} cannot be negative")
        if (w._a.dtype.kind in "iu") != (name == "fweights"):
            kind = "integral" if name == "fweights" else "floating point"
            raise RuntimeError(f"cov(): expected {name} to have {kind} dtype but got {w.dtype}")
    if fweights is None or aweights is None:
        return fweights if aweights is None else aweights
    return fweights * aweights


@composed(torch="corrcoef", cases=_tables)
def corrcoef(input: Tensor) -> Tensor:
    """Pearson's correlations of the rows: their covariances over their standard deviations.

    Shapes: (variables, observations) -> (variables, variables).

    >>> import tensor_core as torch
    >>> torch.corrcoef(torch.tensor([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]]))
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    if input._a.ndim > 2:
        raise RuntimeError(
            "corrcoef(): expected input to have two or fewer dimensions but got an input with "
            f"{input._a.ndim} dimensions"
        )
    c = cov(input)
    if not c._a.ndim:
        return c / c
    spread = c.diagonal().sqrt()
    return (c / spread.unsqueeze(1) / spread).clamp(-1, 1)


def _apart(rng: np.random.Generator) -> Iterator[Case]:
    yield Case(rng.normal(size=(2, 3)), rng.normal(size=(2, 3)))
    yield Case(rng.normal(size=(2, 3)), rng.normal(size=(3,)), 1)
    yield Case(rng.normal(size=(3,)), rng.normal(size=(3,)), p=3.5)


@composed(torch="dist", cases=_apart, kinks="equal elements")
def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """The ``p``-norm of the difference of two tensors, which broadcast.

    >>> import tensor_core as torch
    >>> torch.dist(torch.tensor([0.0, 0.0]), torch.tensor([3.0, 4.0]))
    tensor(5.)
    """
    numbers("dist", input, other)
    apart = (input - other).reshape((-1,))
    if apart._a.dtype.kind in "iub":
        raise RuntimeError(
            "norm(): input dtype should be either floating point or complex. Got "
            f"{apart.dtype.name} instead."
        )
    return norm(apart, p)


def _long(rng: np.random.Generator) -> Iterator[Case]:
    yield Case(rng.normal(size=(3, 4)) * np.array([[0.1], [2.0], [3.0]]), 2, 0, 1.0)
    yield Case(rng.normal(size=(2, 3, 2)), 1.5, 1, 2.5)


@composed(torch="renorm", cases=_long, kinks="norms of maxnorm")
def renorm(input: Tensor, p: float, dim: int, maxnorm: float) -> Tensor:
    """Each slice along ``dim`` shrunk to a ``p``-norm of at most ``maxnorm``.

    >>> import tensor_core as torch
    >>> torch.renorm(torch.tensor([[3.0, 4.0], [0.3, 0.4]]), 2, 0, 1.0)
    tensor([[0.6000, 0.8000],
            [0.3000, 0.4000]])
    """
    if p <= 0 or maxnorm < 0:
        raise RuntimeError(f"renorm: p={p} must be positive and maxnorm={maxnorm} not negative")
    if input._a.dtype.kind in "iub":
        raise RuntimeError(f"renorm: expected a floating point tensor, not {input.dtype}")
    if input._a.ndim < 2:
        raise RuntimeError("renorm: input needs at least 2 dimensions, got 1 dimensions")
    axis = check_dim(dim, input._a.ndim)
    sizes = norm(input, p, tuple(d for d in range(input._a.ndim) if d != axis), True)
    factor = maxnorm / (sizes + 1e-7)
    return input * where_op(wrap(sizes._a > maxnorm), factor, wrap(np.ones((), input._a.dtype)))
