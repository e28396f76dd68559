"""Sliding windows over the last dimensions of (N, C, ...): their geometry, padding and parts.

Everything spatial is a loop over the few positions inside a kernel, never over pixels: all the
elements that stand at one kernel position, one a window, are one strided slice of the input.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product
from typing import Any

import numpy as np

Sizes = tuple[int, ...]


def sizes_of(name: str, what: str, value: Any, n: int) -> Sizes:
    """``n`` integers from one, from a sequence of one, or from ``n`` of them.

    Raises:
        RuntimeError: another number of them.

    >>> sizes_of("conv2d", "stride", 2, 2), sizes_of("conv2d", "stride", [1, 2], 2)
    ((2, 2), (1, 2))
    """
    if isinstance(value, int | np.integer):
        return (int(value),) * n
    sizes = tuple(int(v) for v in value)
    if len(sizes) == 1:
        return sizes * n
    if len(sizes) != n:
        raise RuntimeError(
            f"{name}: expected {what} to be a single integer value or a list of {n} values to "
            f"match the spatial dimensions, but got {what}={list(sizes)}"
        )
    return sizes


def positions(kernel: Sizes) -> Iterable[Sizes]:
    """Every place inside a kernel, in row-major order.

    >>> list(positions((1, 2)))
    [(0, 0), (0, 1)]
    """
    return product(*map(range, kernel))


def at(a: Any, position: Sizes, stride: Sizes, dilation: Sizes, out: Sizes) -> Any:
    """The elements that stand at one kernel position, one a window (a view).

    Shapes: (..., *padded) -> (..., *out).

    >>> at(np.arange(5), (1,), (2,), (1,), (2,))
    array([1, 3])
    """
    places = zip(position, stride, dilation, out, strict=True)
    return a[(..., *(slice(p * d, p * d + (n - 1) * s + 1, s) for p, s, d, n in places))]


def windows(a: np.ndarray, kernel: Sizes, stride: Sizes, dilation: Sizes, out: Sizes) -> np.ndarray:
    """All windows as a view. Shapes: (N, C, *padded) -> (N, C, *kernel, *out).

    >>> windows(np.arange(4).reshape(1, 1, 4), (2,), (1,), (1,), (3,))[0, 0].tolist()
    [[0, 1, 2], [1, 2, 3]]
    """
    steps = a.strides[2:]
    inside = tuple(n * d for n, d in zip(steps, dilation, strict=True))
    across = tuple(n * s for n, s in zip(steps, stride, strict=True))
    return np.lib.stride_tricks.as_strided(
        a, (*a.shape[:2], *kernel, *out), (*a.strides[:2], *inside, *across), writeable=False
    )


def padded(a: np.ndarray, before: Sizes, after: Sizes, value: Any = 0) -> np.ndarray:
    """The array with a border along its last dimensions; itself where there is none.

    >>> padded(np.ones(2), (1,), (2,)).tolist()
    [0.0, 1.0, 1.0, 0.0, 0.0]
    """
    if not any(before) and not any(after):
        return a
    k = len(before)
    lead, inner = a.shape[: a.ndim - k], a.shape[a.ndim - k :]
    size = tuple(p + n + q for p, n, q in zip(before, inner, after, strict=True))
    out = np.full((*lead, *size), value, a.dtype) if value else np.zeros((*lead, *size), a.dtype)
    cropped(out, before, inner)[...] = a
    return out


def cropped(a: Any, before: Sizes, sizes: Sizes) -> Any:
    """What ``padded`` had put a border around (a view).

    >>> cropped(np.arange(5), (1,), (2,)).tolist()
    [1, 2]
    """
    return a[(..., *(slice(p, p + n) for p, n in zip(before, sizes, strict=True)))]


def spans(kernel: Sizes, dilation: Sizes) -> Sizes:
    """How far a dilated kernel reaches.

    >>> spans((3, 2), (2, 1))
    (5, 2)
    """
    return tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))


def out_sizes(
    sizes: Sequence[int], kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes
) -> Sizes:
    """The number of windows that fit along each dimension.

    >>> out_sizes((5,), (3,), (2,), (1,), (1,))
    (3,)
    """
    reach = spans(kernel, dilation)
    return tuple(
        (n + 2 * p - r) // s + 1 for n, r, s, p in zip(sizes, reach, stride, padding, strict=True)
    )
