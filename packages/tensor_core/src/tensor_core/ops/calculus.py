"""Differences, integrals and slopes of sampled functions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .._card import Case, composed
from .._geometry import check_dim
from .._tensor import Tensor, wrap
from .join import cat
from .reduce import sum
from .reshaping import narrow
from .running import cumsum


def _sampled(rng: np.random.Generator) -> Iterator[Case]:
    yield Case(rng.normal(size=(5,)))
    yield Case(rng.normal(size=(2, 4)), 2)
    yield Case(rng.normal(size=(3, 2)), 1, 0, prepend=rng.normal(size=(1, 2)))
    yield Case(rng.normal(size=(3,)), append=rng.normal(size=(2,)))
    yield Case(rng.normal(size=(3,)), 0)


@composed(torch="diff", cases=_sampled)
def diff(
    input: Tensor, n: int = 1, dim: int = -1, prepend: Tensor | None = None,
    append: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Each element less the one before it along ``dim``, ``n`` times over.

    Raises:
        RuntimeError: ``input`` has no dimension, or ``n`` is negative.

    >>> import tensor_core as torch
    >>> torch.diff(torch.tensor([1, 3, 6]))
    tensor([2, 3])
    """
    if not input._a.ndim:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    axis = check_dim(dim, input._a.ndim)
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    ends = [part for part in (prepend, input, append) if part is not None]
    y = cat(ends, axis) if len(ends) > 1 else input
    if n == 0 and len(ends) == 1:
        return y.clone()
    for _ in range(min(n, y._a.shape[axis])):
        size = max(y._a.shape[axis] - 1, 0)
        upper, lower = narrow(y, axis, y._a.shape[axis] - size, size), narrow(y, axis, 0, size)
        y = upper.logical_xor(lower) if y._a.dtype.kind == "b" else upper - lower
    return y


def _curves(rng: np.random.Generator) -> Iterator[Case]:
    y = rng.normal(size=(2, 4))
    yield Case(y)
    yield Case(y, np.array([0.0, 0.5, 2.0, 2.5]))
    yield Case(y, rng.normal(size=(2, 4)))
    yield Case(y, dx=0.5, dim=0)


def _panels(y: Tensor, x: Any, dx: Any, dim: int) -> Tensor:
    """The area under each piece."""
    if y._a.dtype.kind == "b":
        raise RuntimeError("trapezoid does not support bool tensors; convert with .float()")
    axis = check_dim(dim, y._a.ndim)
    n = max(y._a.shape[axis] - 1, 0)
    both = narrow(y, axis, 0, n) + narrow(y, axis, y._a.shape[axis] - n, n)
    if x is None:
        return both * ((1 if dx is None else dx) / 2)
    if dx is not None:
        raise TypeError("trapezoid: give x or dx, not both")
    if x._a.ndim == 1:
        if x._a.size != y._a.shape[axis]:
            raise RuntimeError(
                f"There must be one `x` value for each sample point: {x._a.size} for "
                f"{y._a.shape[axis]} points"
            )
        steps = diff(x).reshape([-1 if i == axis else 1 for i in range(y._a.ndim)])
    else:
        steps = diff(x, dim=axis - y._a.ndim)
    return both * steps / 2


@composed(torch="trapezoid", cases=_curves)
def trapezoid(y: Tensor, x: Any = None, *, dx: Any = None, dim: int = -1) -> Tensor:
    """The integral of samples ``y`` along ``dim`` by trapezoids, at ``x`` or ``dx`` apart.

    >>> import tensor_core as torch
    >>> torch.trapezoid(torch.tensor([1.0, 2.0, 3.0]), dx=2)
    tensor(8.)
    """
    if not y._a.shape[check_dim(dim, y._a.ndim)]:
        return sum(y * 1.0, dim)
    return sum(_panels(y, x, dx, dim), dim)


@composed(torch="cumulative_trapezoid", cases=_curves)
def cumulative_trapezoid(y: Tensor, x: Any = None, *, dx: Any = None, dim: int = -1) -> Tensor:
    """The integrals of :func:`trapezoid` up to each sample but the first.

    >>> import tensor_core as torch
    >>> torch.cumulative_trapezoid(torch.tensor([1.0, 2.0, 3.0]))
    tensor([1.5000, 4.0000])
    """
    return cumsum(_panels(y, x, dx, dim), dim)


def _fields(rng: np.random.Generator) -> Iterator[Case]:
    yield Case(rng.normal(size=(5,)))
    yield Case(rng.normal(size=(4, 3)), spacing=2.0)
    yield Case(rng.normal(size=(4, 5)), spacing=[0.5, 3.0], edge_order=1)
    yield Case(rng.normal(size=(4, 5)), spacing=0.5, dim=1, edge_order=2)


@composed(torch="gradient", cases=_fields)
def gradient(
    input: Tensor, *, spacing: Any = 1, dim: Any = None, edge_order: int = 1
) -> tuple[Tensor, ...]:
    """The slopes of samples along each ``dim``, by central differences (one-sided at the ends).

    ``spacing`` is one distance, one for each dimension, or the coordinates in each as tensors.

    Raises:
        RuntimeError: a dimension has too few samples, or the spacing does not fit.

    >>> import tensor_core as torch
    >>> torch.gradient(torch.tensor([1.0, 2.0, 4.0, 7.0]))
    (tensor([1.0000, 1.5000, 2.5000, 3.0000]),)
    """
    if input._a.dtype.kind in "bu":
        raise RuntimeError(f"torch.gradient does not support tensors of {input.dtype}")
    ndim = input._a.ndim
    dims = list(range(ndim)) if dim is None else [dim] if isinstance(dim, int) else list(dim)
    dims = [check_dim(d, ndim) for d in dims]
    steps = list(spacing) if isinstance(spacing, list | tuple) else [spacing] * len(dims)
    if len(steps) != len(dims):
        raise RuntimeError(
            f"torch.gradient expected spacing to be unspecified, a scalar or a list of length "
            f"{len(dims)}, but got a list of length {len(steps)}"
        )
    if edge_order not in (1, 2):
        raise RuntimeError("torch.gradient only supports edge_order=1 and edge_order=2.")
    for d in dims:
        if input._a.shape[d] <= edge_order:
            raise RuntimeError(
                "torch.gradient expected each dimension size to be at least edge_order+1"
            )
    y = input if input._a.dtype.kind in "fcV" else input.float()
    return tuple(_slopes(y, d, s, edge_order) for d, s in zip(dims, steps, strict=True))


def _slopes(y: Tensor, dim: int, spacing: Any, edge_order: int) -> Tensor:
    """Weighted sums of three neighbours (of two or three at an end)."""
    n = y._a.shape[dim]
    if isinstance(spacing, Tensor) and spacing._a.ndim:
        if spacing._a.size != n:
            raise RuntimeError("torch.gradient expected as many coordinates as samples")
        h = np.diff(spacing._a.astype(np.float64))
    else:
        h = np.full(n - 1, float(spacing))
    parts = [_weighted(y, dim, 0, _end_weights(h, edge_order))]
    if n > 2:
        left, right = h[:-1], h[1:]
        weights = (
            -right / (left * (left + right)),
            (right - left) / (left * right),
            left / (right * (left + right)),
        )
        parts.append(_weighted(y, dim, 0, weights))
    last = tuple(-w for w in reversed(_end_weights(h[::-1], edge_order)))
    parts.append(_weighted(y, dim, n - len(last), last))
    return cat(parts, dim)


def _end_weights(h: np.ndarray, edge_order: int) -> tuple[np.ndarray, ...]:
    """The weights of the first samples in the slope at the first."""
    if edge_order == 1:
        return -1 / h[:1], 1 / h[:1]
    a, b = h[:1], h[1:2]
    return -(2 * a + b) / (a * (a + b)), (a + b) / (a * b), -a / (b * (a + b))


def _weighted(y: Tensor, dim: int, start: int, weights: tuple[np.ndarray, ...]) -> Tensor:
    """The sum of as many shifted stretches of ``y`` as there are weights."""
    total: Any = 0
    for k, w in enumerate(weights):
        shape = [-1 if i == dim else 1 for i in range(y._a.ndim)]
        factor = wrap(w.astype(y._a.dtype).reshape(shape))
        total = narrow(y, dim, start + k, w.size) * factor + total
    return total
