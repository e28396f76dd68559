"""What occurs, how often, and where it belongs in an order: no derivatives here."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import return_types
from .._geometry import check_dim
from .._op import write_out
from .._tensor import Tensor, wrap
from ._refuse import only


def unique(
    input: Tensor, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False,
    dim: int | None = None,
) -> Any:  # fmt: skip
    """The distinct elements (or slices along ``dim``) in order.

    Optionally also where each element went, and how often each one occurs.

    >>> import tensor_core as torch
    >>> torch.unique(torch.tensor([3, 1, 3]), return_counts=True)
    (tensor([1, 3]), tensor([1, 2]))
    """
    axis = None if dim is None else check_dim(dim, input._a.ndim)
    values, inverse, counts = np.unique(
        input._a, return_inverse=True, return_counts=True, axis=axis, equal_nan=False
    )
    shape = input._a.shape if axis is None else (-1,)
    return _asked(values, inverse.reshape(shape), counts, return_inverse, return_counts)


def _asked(values: Any, inverse: Any, counts: Any, with_inverse: bool, with_counts: bool) -> Any:
    parts = [wrap(np.ascontiguousarray(values))]
    if with_inverse:
        parts.append(wrap(np.asarray(inverse, np.int64)))
    if with_counts:
        parts.append(wrap(np.asarray(counts, np.int64)))
    return parts[0] if len(parts) == 1 else tuple(parts)


def unique_consecutive(
    input: Tensor, return_inverse: bool = False, return_counts: bool = False,
    dim: int | None = None,
) -> Any:  # fmt: skip
    """The elements (or slices along ``dim``) that differ from the one before.

    >>> import tensor_core as torch
    >>> torch.unique_consecutive(torch.tensor([1, 1, 2, 2, 1]), return_counts=True)
    (tensor([1, 2, 1]), tensor([2, 2, 1]))
    """
    a = input._a.reshape(-1) if dim is None else input._a
    axis = 0 if dim is None else check_dim(dim, a.ndim)
    rows = np.moveaxis(a, axis, 0)
    n = rows.shape[0]
    new = np.ones(n, np.bool_)
    if n:
        differs = rows[1:] != rows[:-1]
        new[1:] = differs.any(axis=tuple(range(1, rows.ndim)))
    starts = np.flatnonzero(new)
    values = np.moveaxis(rows[starts], 0, axis)
    inverse = np.cumsum(new) - 1
    if dim is None:
        inverse = inverse.reshape(input._a.shape)
    counts = np.diff(np.append(starts, n))
    return _asked(values, inverse, counts, return_inverse, return_counts)


def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each non-negative integer occurs, or the sum of its weights.

    Raises:
        RuntimeError: not one dimension of non-negative integers, or weights of another length.

    >>> import tensor_core as torch
    >>> torch.bincount(torch.tensor([0, 2, 2]))
    tensor([1, 0, 2])
    """
    a = input._a
    only("iu", "bincount_cpu", input)
    if minlength < 0:
        raise RuntimeError("minlength should be >= 0")
    if a.ndim != 1 or (a.size and a.min() < 0):
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    if weights is None:
        return wrap(np.bincount(a, minlength=minlength).astype(np.int64, copy=False))
    if weights._a.shape != a.shape:
        raise RuntimeError("weights should be 1-d and have the same length as input")
    kind = np.float32 if weights._a.dtype == np.float32 else np.float64
    return wrap(np.bincount(a, weights._a, minlength).astype(kind, copy=False))


def isin(
    elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False
) -> Tensor:
    """Whether each element is among the test elements.

    >>> import tensor_core as torch
    >>> torch.isin(torch.tensor([1, 2, 3]), torch.tensor([3, 1]))
    tensor([ True, False,  True])
    """
    a, b = (x._a if isinstance(x, Tensor) else x for x in (elements, test_elements))
    if np.asarray(a).dtype.kind in "bc":
        raise RuntimeError(f"isin does not support elements of {np.asarray(a).dtype}")
    return wrap(np.asarray(np.isin(a, b, assume_unique=assume_unique, invert=invert)))


def histc(
    input: Tensor, bins: int = 100, min: float = 0, max: float = 0, *, out: Any = None
) -> Tensor:
    """How many elements lie in each of equal bins over [min, max] (their own range if equal).

    Raises:
        RuntimeError: no bins, or no finite range.

    >>> import tensor_core as torch
    >>> torch.histc(torch.tensor([1.0, 2.0, 1.0]), bins=4, min=0, max=3)
    tensor([0., 2., 1., 0.])
    """
    a = input._a
    only("f", "histogram_cpu", input)
    if bins <= 0:
        raise RuntimeError("torch.histc: bins must be > 0")
    low, high = _range(a, float(min), float(max), "torch.histc")
    inside = a[(a >= low) & (a <= high)].astype(np.float64)
    place = ((inside - low) * (bins / (high - low))).astype(np.int64)
    counts = np.bincount(np.minimum(place, bins - 1), minlength=bins).astype(a.dtype)
    return wrap(counts) if out is None else write_out(wrap(counts), out)


def _range(a: np.ndarray, low: float, high: float, name: str) -> tuple[float, float]:
    if low == high and a.size:
        low, high = float(a.min()), float(a.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise RuntimeError(f"{name}: range of [{low}, {high}] is not finite")
    if low > high:
        raise RuntimeError(f"{name}: max must be larger than min")
    return (low - 1, high + 1) if low == high else (low, high)


def histogram(
    input: Tensor, bins: Any, *, range: Any = None, weight: Tensor | None = None,
    density: bool = False, out: Any = None,
) -> Any:  # fmt: skip
    """The counts (or sums of weights, or densities) of elements in bins, and the bins' edges.

    ``bins`` is a number of equal bins over ``range`` or the edges themselves.

    Raises:
        RuntimeError: the bins, the range or the weights do not fit.

    >>> import tensor_core as torch
    >>> torch.histogram(torch.tensor([1.0, 2.0, 1.0]), bins=2, range=(0.0, 4.0))
    torch.return_types.histogram(
    hist=tensor([2., 1.]),
    bin_edges=tensor([0., 2., 4.]))
    """
    a = input._a
    only("f", "histogram_cpu", input)
    if isinstance(bins, Tensor):
        if bins._a.dtype != a.dtype:
            raise RuntimeError(
                f"torch.histogram(): input and bins should have the same type, but they have "
                f"{input.dtype} and {bins.dtype}"
            )
        edges = bins._a
    else:
        if bins <= 0:
            raise RuntimeError(f"torch.histogram(): bins must be > 0, but got {bins}")
        first, last = range or (0.0, 0.0)
        low, high = _range(a, first, last, "torch.histogram")
        edges = np.linspace(low, high, bins + 1).astype(a.dtype)
    if weight is not None and weight._a.shape != a.shape:
        raise RuntimeError(
            "torch.histogram(): if weight tensor is provided it should have the same shape as the "
            f"input tensor, but {tuple(weight._a.shape)} is not {tuple(a.shape)}"
        )
    counts = _counted(a.reshape(-1), edges, None if weight is None else weight._a.reshape(-1))
    if density:
        counts = counts / (counts.sum() * np.diff(edges))
    parts: Any = (wrap(counts.astype(a.dtype)), wrap(np.array(edges)))
    if out is not None:
        parts = tuple(write_out(p, o) for p, o in zip(parts, out, strict=True))
    return return_types.histogram(parts)


def _counted(values: np.ndarray, edges: np.ndarray, weights: Any) -> np.ndarray:
    """A bin holds its lower edge; the last one its upper edge too."""
    n = edges.size - 1
    inside = (values >= edges[0]) & (values <= edges[-1])
    place = np.minimum(np.searchsorted(edges, values[inside], "right") - 1, n - 1)
    return np.bincount(place, None if weights is None else weights[inside], n)


def searchsorted(
    sorted_sequence: Tensor, input: Any, *, out_int32: bool = False, right: bool = False,
    side: str | None = None, sorter: Tensor | None = None, out: Any = None,
) -> Tensor:  # fmt: skip
    """Where each value belongs in a sequence in order, before its equals (after, if ``right``).

    Shapes: sequence (..., n) and values (..., m), or (n) and any -> that of the values, int64.

    Raises:
        RuntimeError: the leading dimensions differ, or ``side`` contradicts ``right``.

    >>> import tensor_core as torch
    >>> torch.searchsorted(torch.tensor([1, 3, 5]), torch.tensor([3, 6]), right=True)
    tensor([2, 3])
    """
    if side not in (None, "left", "right"):
        raise RuntimeError(f"side can only be 'left' or 'right' but got {side}")
    if right and side == "left":
        raise RuntimeError("side='left' and right=True contradict each other: give one of them")
    where: Any = "right" if right or side == "right" else "left"
    rows = sorted_sequence._a
    if isinstance(input, Tensor) and input._a.dtype != rows.dtype:
        raise RuntimeError(
            "torch.searchsorted(): boundary tensor and input value tensor should have same dtype, "
            f"but got boundary tensor type {sorted_sequence.dtype.name} and input value tensor "
            f"type {input.dtype.name}"
        )
    values = input._a if isinstance(input, Tensor) else np.asarray(input, rows.dtype)
    if sorter is not None:
        rows = np.take_along_axis(rows, sorter._a, -1)
    if rows.ndim == 1:
        found = np.searchsorted(rows, values, where)
    else:
        if rows.shape[:-1] != values.shape[:-1]:
            raise RuntimeError(
                "torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 "
                f"dimensions of boundaries tensor and input value tensor must match, but we got "
                f"boundaries tensor {list(rows.shape)} and input value tensor {list(values.shape)}"
            )
        flat, wanted = rows.reshape(-1, rows.shape[-1]), values.reshape(-1, values.shape[-1])
        pairs = zip(flat, wanted, strict=True)
        found = np.array([np.searchsorted(r, v, where) for r, v in pairs]).reshape(values.shape)
    result = wrap(np.asarray(found, np.int32 if out_int32 else np.int64))
    return result if out is None else write_out(result, out)


def bucketize(
    input: Any, boundaries: Tensor, *, out_int32: bool = False, right: bool = False, out: Any = None
) -> Tensor:
    """The bucket of each value between boundaries in order; see :func:`searchsorted`.

    >>> import tensor_core as torch
    >>> torch.bucketize(torch.tensor([0, 3, 9]), torch.tensor([1, 3, 5]))
    tensor([0, 1, 3])
    """
    if boundaries._a.ndim != 1:
        raise RuntimeError(
            f"bucketize(): boundaries tensor must be 1 dimension, but got dim({boundaries._a.ndim})"
        )
    return searchsorted(boundaries, input, out_int32=out_int32, right=right, out=out)
