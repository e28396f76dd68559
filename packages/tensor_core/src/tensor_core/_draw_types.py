"""Random draws of halves and of complex numbers, made of float32 and float64 draws."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _box_muller
from ._dtypes import HALVES
from ._half import to_half

if TYPE_CHECKING:
    from .random import Generator

Array = np.ndarray
F32 = np.dtype(np.float32)
_PARTS = {"F": np.dtype(np.float32), "D": np.dtype(np.float64)}


def is_made_of_others(kind: np.dtype[Any]) -> bool:
    """Whether a type is drawn by this module."""
    return kind in HALVES or kind.char in _PARTS


def uniform(rng: Generator, shape: Any, kind: np.dtype[Any], low: float, high: float) -> Array:
    """Uniform numbers of a half or complex type; of a complex one, each part is uniform.

    A half that rounding would bring to ``high`` becomes ``low``.

    >>> from tensor_core.random import Generator
    >>> uniform(Generator(), (3,), np.dtype(np.complex64), 0.0, 1.0).shape
    (3,)
    """
    if kind.char in _PARTS:
        return _paired(rng.uniform(_pairs(shape), _PARTS[kind.char], low, high), kind)
    drawn = rng.uniform(shape, F32, low, high).astype(kind)
    drawn[drawn == np.asarray(high, kind)] = low
    return drawn


def normal(rng: Generator, shape: Any, kind: np.dtype[Any], mean: float, std: float) -> Array:
    """Normal numbers of a half or complex type; the parts of a complex one share the variance.

    Halves are drawn in groups of 16 like float32, the last group by itself when it is short.

    >>> from tensor_core.random import Generator
    >>> normal(Generator(), (3,), np.dtype(np.float16), 0.0, 1.0).dtype
    dtype('float16')
    """
    if kind.char in _PARTS:
        return _paired(rng.normal(_pairs(shape), _PARTS[kind.char], mean, std / sqrt(2)), kind)
    n = int(np.prod(shape))
    if n < 16:
        return to_half(rng.normal(shape, np.float64, mean, std), kind)
    even = n // 16 * 16
    wide = np.empty(n, F32)
    wide[:even] = rng.uniform(even)
    _box_muller.fill(wide[:even], mean, std)
    if even < n:
        last = rng.uniform(16)
        _box_muller.fill(last, mean, std)
        wide[-16:] = last
    return wide.astype(kind).reshape(shape)


def _pairs(shape: Any) -> tuple[int, ...]:
    return (*((shape,) if isinstance(shape, int) else shape), 2)


def _paired(parts: Array, kind: np.dtype[Any]) -> Array:
    return parts.view(kind)[..., 0]
