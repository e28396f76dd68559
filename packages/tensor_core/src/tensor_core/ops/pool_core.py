"""Pooling on arrays: sums and maxima of windows, one kernel position at a time."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from .windows import Sizes, at, cropped, padded, positions, spans


class Windows(NamedTuple):
    """Where the windows lie, one number a spatial dimension; ``out`` says how many there are."""

    kernel: Sizes
    stride: Sizes
    padding: Sizes
    dilation: Sizes
    out: Sizes

    def after(self, sizes: Sizes) -> Sizes:
        """The border at the far end that the last window needs."""
        reach = spans(self.kernel, self.dilation)
        return tuple(
            max((o - 1) * s + r - p - n, 0)
            for o, s, r, p, n in zip(self.out, self.stride, reach, self.padding, sizes, strict=True)
        )

    def part(self, a: Any, place: Sizes) -> Any:
        """What stands at one kernel position, of an array with its border (a view)."""
        return at(a, place, self.stride, self.dilation, self.out)

    def apart(self) -> bool:
        """Whether no element stands in two windows."""
        reach = spans(self.kernel, self.dilation)
        return all(s >= r for s, r in zip(self.stride, reach, strict=True))


def sums(x: np.ndarray, how: Windows) -> np.ndarray:
    """The sum of each window; the border counts as 0. Shapes: (..., *sizes) -> (..., *out).

    >>> sums(np.arange(4), Windows((2,), (2,), (0,), (1,), (2,))).tolist()
    [1, 5]
    """
    full = padded(x, how.padding, how.after(x.shape[x.ndim - len(how.out) :]))
    first, *others = positions(how.kernel)
    total = how.part(full, first).copy()
    for place in others:
        total += how.part(full, place)
    return total


def spread(g: np.ndarray, sizes: Sizes, how: Windows) -> np.ndarray:
    """Each window's number added to all its elements. Shapes: (..., *out) -> (..., *sizes).

    >>> spread(np.array([1, 5]), (3,), Windows((2,), (1,), (0,), (1,), (2,))).tolist()
    [1, 6, 5]
    """
    out = _room(g, sizes, how)
    for place in positions(how.kernel):
        part = how.part(out, place)
        part += g
    return np.ascontiguousarray(cropped(out, how.padding, sizes))


def _room(g: np.ndarray, sizes: Sizes, how: Windows) -> np.ndarray:
    """Zeros for the input and its border."""
    borders = zip(how.padding, sizes, how.after(sizes), strict=True)
    lead = g.shape[: g.ndim - len(sizes)]
    return np.zeros((*lead, *(p + n + q for p, n, q in borders)), g.dtype)


def largest(x: np.ndarray, how: Windows) -> np.ndarray:
    """The largest element of each window; NaN where there is one.

    Shapes: (..., *sizes) -> (..., *out).

    >>> largest(np.array([1, 3, 2, 0]), Windows((2,), (2,), (0,), (1,), (2,))).tolist()
    [3, 2]
    """
    full = _bordered(x, how)
    first, *others = positions(how.kernel)
    best = how.part(full, first).copy()
    for place in others:
        np.maximum(best, how.part(full, place), out=best)
    return best


def _bordered(x: np.ndarray, how: Windows) -> np.ndarray:
    """The input with a border lower than every number."""
    lowest = np.iinfo(x.dtype).min if x.dtype.kind in "iu" else -math.inf
    return padded(x, how.padding, how.after(x.shape[x.ndim - len(how.out) :]), lowest)


def numbers(x: np.ndarray, y: np.ndarray, how: Windows) -> np.ndarray:
    """The number of the kernel position at which each window's largest element ``y`` stands.

    The first of equals. Shapes: (..., *sizes), (..., *out) -> (..., *out).

    >>> how = Windows((2,), (2,), (0,), (1,), (2,))
    >>> numbers(np.array([1, 3, 2, 0]), np.array([3, 2]), how).tolist()
    [1, 0]
    """
    if not np.isfinite(y).all():
        return maxima(x, how)[1]
    full = _bordered(x, how)
    count = math.prod(how.kernel)
    left = np.zeros(y.shape, np.uint8 if count < 256 else np.int32)  # positions behind it
    for k, place in enumerate(positions(how.kernel)):
        here = how.part(full, place) == y  # products and maxima of bytes, where masks would branch
        np.maximum(left, here.astype(left.dtype) * left.dtype.type(count - 1 - k), out=left)
    return left.dtype.type(count - 1) - left


def maxima(x: np.ndarray, how: Windows) -> tuple[np.ndarray, np.ndarray]:
    """The largest element of each window, and the number of the kernel position it stands at.

    The first of equals, and the last NaN before any number; slower than :func:`largest` and
    :func:`numbers`, and right for what is not finite. Shapes: (..., *sizes) -> 2 of (..., *out).

    >>> maxima(np.array([1, 3, 2, 0]), Windows((2,), (2,), (0,), (1,), (2,)))[0].tolist()
    [3, 2]
    """
    full = _bordered(x, how)
    best = how.part(full, (0,) * len(how.kernel)).copy()
    number = np.empty(best.shape, np.uint8 if math.prod(how.kernel) < 256 else np.int32)
    number[...] = _first_inside(how)
    nan = x.dtype.kind == "f" and bool(np.isnan(x.sum()))
    for k, place in enumerate(positions(how.kernel)):
        candidate = how.part(full, place)
        better = candidate > best
        if nan:
            better |= np.isnan(candidate)
        if k or nan:
            np.copyto(best, candidate, where=better)
            np.copyto(number, k, where=better, casting="unsafe")
    return best, number


def _first_inside(how: Windows) -> np.ndarray:
    """The number of each window's first position inside the input, for windows of -inf alone."""
    number = np.zeros(how.out, np.int32)
    for d, (k, s, p, r, o) in enumerate(zip(*how, strict=True)):
        outside = np.maximum(p - np.arange(o) * s, 0)
        line = -(-outside // r)
        shape = [1] * len(how.out)
        shape[d] = o
        number = number * k + line.reshape(shape)
    return number


def pick(x: np.ndarray, number: np.ndarray, how: Windows) -> np.ndarray:
    """The element of each window at its own kernel position.

    Shapes: (..., *sizes), (..., *out) -> (..., *out).

    >>> how = Windows((2,), (2,), (0,), (1,), (2,))
    >>> pick(np.array([1, 3, 2, 0]), np.array([0, 1]), how).tolist()
    [1, 0]
    """
    full = padded(x, how.padding, how.after(x.shape[x.ndim - len(how.out) :]))
    y = np.zeros(number.shape, x.dtype)
    finite = np.isfinite(full).all()
    for k, place in enumerate(positions(how.kernel)):
        part, here = how.part(full, place), number == k
        if finite:  # a product is many times faster than a masked copy
            y += part * here
        else:
            np.copyto(y, part, where=here)
    return y


def put(g: np.ndarray, number: np.ndarray, sizes: Sizes, how: Windows) -> np.ndarray:
    """Each window's number added to one of its elements: the transpose of :func:`pick`.

    Shapes: (..., *out), (..., *out) -> (..., *sizes).

    >>> how = Windows((2,), (1,), (0,), (1,), (2,))
    >>> put(np.array([1, 5]), np.array([1, 0]), (3,), how).tolist()
    [0, 6, 0]
    """
    out = _room(g, sizes, how)
    apart, finite = how.apart(), np.isfinite(g).all()
    for k, place in enumerate(positions(how.kernel)):
        part, here = how.part(out, place), number == k
        if not finite:  # 0 times infinity would be no number
            part += np.where(here, g, 0)
        elif apart:
            np.multiply(g, here, out=part)
        else:
            part += g * here
    return np.ascontiguousarray(cropped(out, how.padding, sizes))


def flat_indices(number: np.ndarray, sizes: Sizes, how: Windows) -> np.ndarray:
    """Kernel positions as indices into the flattened spatial dimensions, int64.

    >>> how = Windows((2,), (2,), (0,), (1,), (2,))
    >>> flat_indices(np.array([1, 0]), (4,), how).tolist()
    [1, 2]
    """
    index = np.zeros(number.shape, np.int64)
    inside = np.unravel_index(number, how.kernel)
    for d, (n, s, p, r, o) in enumerate(
        zip(sizes, how.stride, how.padding, how.dilation, how.out, strict=True)
    ):
        start = np.arange(o).reshape([-1 if k == d else 1 for k in range(len(sizes))]) * s - p
        index = index * n + start + inside[d] * r
    return index
