"""Where each output element of a resized dimension takes its values from, and how much of each.

``scale`` is the factor asked for, ``None`` where sizes were; ``align`` keeps the corner pixels'
centres in place; ``kind`` is the type to compute in.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._card import Case
from .._define import op


@dataclass(frozen=True, eq=False)
class Taps:
    """A table by which a dimension is resized: each output is a weighted sum of some inputs."""

    index: np.ndarray  # (out, taps), never falling along the outputs
    weight: np.ndarray  # (out, taps)


def _grid(size: int, out: int, scale: float | None, align: bool, kind: Any) -> np.ndarray:
    """The place of each output's centre in the input, in pixels, computed in the type ``kind``."""
    if align:
        step = kind(size - 1) / kind(out - 1) if out > 1 else kind(0)
        return np.arange(out, dtype=kind) * step
    step = kind(size / out) if scale is None else kind(1.0 / scale)
    return step * (np.arange(out, dtype=kind) + kind(0.5)) - kind(0.5)


def nearest(size: int, out: int, scale: float | None, exact: bool) -> np.ndarray:
    """The input element of each output; float32 throughout, as torch does it. Shape: (out,).

    >>> nearest(2, 4, None, False).tolist()
    [0, 0, 1, 1]
    """
    if not exact and out in (size, 2 * size):
        return np.arange(out) // (out // size)  # whatever the factor was
    f = np.float32
    step = f(size) / f(out) if scale is None else f(1.0 / scale)
    places = (np.arange(out, dtype=f) + f(0.5 if exact else 0)) * step
    return np.minimum(np.floor(places).astype(np.int64), size - 1)


def linear(size: int, out: int, scale: float | None, align: bool, kind: Any) -> Taps:
    """Two neighbours by their distance.

    >>> linear(2, 3, None, True, np.float64).weight.tolist()
    [[1.0, 0.0], [0.5, 0.5], [1.0, 0.0]]
    """
    place = np.maximum(_grid(size, out, scale, align, kind), 0)
    if out == size:
        place = np.arange(out, dtype=kind)  # whatever the factor was
    low = np.minimum(place.astype(np.int64), size - 1)
    high = np.minimum(low + 1, size - 1)
    part = np.clip(place - low, 0, 1).astype(kind)
    return Taps(np.stack([low, high], 1), np.stack([1 - part, part], 1))


def cubic(size: int, out: int, scale: float | None, align: bool, kind: Any) -> Taps:
    """Four neighbours by Keys' kernel with a = -0.75 (Keys 1981).

    >>> cubic(4, 4, None, True, np.float64).weight[1].tolist()
    [0.0, 1.0, 0.0, 0.0]
    """
    place = _grid(size, out, scale, align, kind)
    low = np.floor(place)
    part = (place - low).astype(kind)
    weights = [_keys(d, -0.75) for d in (part + 1, part, 1 - part, 2 - part)]
    index = low.astype(np.int64)[:, None] + np.arange(-1, 3)
    return Taps(np.clip(index, 0, size - 1), np.stack(weights, 1).astype(kind))


def _keys(x: Any, a: float) -> Any:
    """Keys' cubic of a distance in [0, 2]."""
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return np.where(x <= 1, near, np.where(x < 2, far, 0))


def _triangle(x: Any) -> Any:
    return np.maximum(1 - x, 0)


def antialiased(
    size: int, out: int, scale: float | None, align: bool, kind: Any, mode: str
) -> Taps:
    """A filter as wide as an output pixel is in the input, normalised: no aliasing on the way down.

    >>> antialiased(4, 2, None, False, np.float64, "bilinear").weight.round(3).tolist()
    [[0.429, 0.429, 0.143], [0.143, 0.429, 0.429]]
    """
    if align:
        step = (size - 1) / (out - 1) if out > 1 else 0.0
    else:
        step = size / out if scale is None else 1.0 / scale
    wide = max(step, 1.0)
    kernel: Callable[[Any], Any] = _triangle
    reach = wide
    if mode == "bicubic":
        kernel, reach = (lambda x: _keys(x, -0.5)), 2 * wide
    centre = step * (np.arange(out) + 0.5)
    first = np.maximum((centre - reach + 0.5).astype(np.int64), 0)
    last = np.minimum((centre + reach + 0.5).astype(np.int64), size)
    index = (
        first[:, None] + np.arange(math.ceil(reach) * 2 + 1)[: max(int((last - first).max()), 1)]
    )
    weight = kernel(np.abs(index - centre[:, None] + 0.5) / wide)
    weight = np.where(index < last[:, None], weight, 0)
    weight = weight / weight.sum(1, keepdims=True)
    return Taps(np.minimum(index, size - 1), weight.astype(kind))


# -- a dimension resized -------------------------------------------------------------------------

_SMALL = 256  # sizes up to which a matrix product is faster than adding up by the table


def _line(a: np.ndarray, dim: int) -> list[int]:
    return [-1 if k == dim else 1 for k in range(a.ndim)]


def _cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(2, 3)), 1, cubic(3, 4, None, False, np.float64))
    yield Case(rng.normal(size=(2, 1, 1)), 0, linear(2, 5, None, True, np.float64))


@op(name="resample", cases=_cases)
def resample(x: Any, /, dim: int, taps: Taps) -> Any:
    """Weighted sums of elements along one dimension, by a table of taps.

    >>> import tensor_core as torch
    >>> x = torch.tensor([[[0.0, 4.0]]])
    >>> torch.nn.functional.interpolate(x, 3, mode="linear", align_corners=True)
    tensor([[[0., 2., 4.]]])
    """
    line = _line(x, dim)
    index, weight = taps.index, taps.weight
    y = x.take(index[:, 0], axis=dim) * weight[:, 0].reshape(line)
    for k in range(1, index.shape[1]):
        y += x.take(index[:, k], axis=dim) * weight[:, k].reshape(line)
    return y.astype(x.dtype, copy=False)


@resample.vjp
def _(g: Any, x_shape: Any, dim: Any, taps: Any) -> Any:
    return resample_back.plain(g, x_shape[dim], dim, taps)


def _back_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(2, 4)), 3, 1, linear(3, 4, None, False, np.float64))


@op(name="resample_back", cases=_back_cases)
def resample_back(u: Any, /, size: int, dim: int, taps: Taps) -> Any:
    """Each element given back to those it was a sum of.

    >>> import tensor_core as torch
    >>> x = torch.zeros(1, 1, 2, requires_grad=True)
    >>> torch.nn.functional.interpolate(x, 4).sum().backward(); x.grad
    tensor([[[2., 2.]]])
    """
    if size <= _SMALL and np.isfinite(u).all():
        return _by_matrix(u, size, dim, taps)
    shape = list(u.shape)
    shape[dim] = size
    y = np.zeros(shape, u.dtype)
    line = _line(u, dim)
    for index, weight in zip(taps.index.T, taps.weight.T, strict=True):
        starts = np.flatnonzero(np.diff(index, prepend=-1))  # equal ones stand together
        total = np.add.reduceat(u * weight.reshape(line), starts, axis=dim)
        key: list[Any] = [slice(None)] * u.ndim
        key[dim] = index[starts]
        y[tuple(key)] += total.astype(u.dtype, copy=False)
    return y


def _by_matrix(u: np.ndarray, size: int, dim: int, taps: Taps) -> np.ndarray:
    """The table as a matrix: more arithmetic, but BLAS does it faster for short dimensions."""
    out = len(taps.index)
    matrix = np.zeros((size, out), u.dtype)
    np.add.at(matrix, (taps.index, np.arange(out)[:, None]), taps.weight)
    y = np.matmul(matrix, u.reshape(math.prod(u.shape[:dim]), out, math.prod(u.shape[dim + 1 :])))
    return y.reshape(*u.shape[:dim], size, *u.shape[dim + 1 :])


@resample_back.vjp
def _(g: Any, dim: Any, taps: Any) -> Any:
    return resample.plain(g, dim, taps)
