"""Draws of integers, permutations and categories from a Mersenne Twister's words."""

from typing import Protocol

import numpy as np

from . import kernels
from ._dtypes import HALVES
from ._mt19937 import MersenneTwister
from .kernels import numpy_kernels

Array = np.ndarray

_PERMUTATION_LIMIT = (2**32 - 1) // 20  # from here on PyTorch draws 64 bits each
_MANY = 1 << 16


class _Draws(Protocol):
    def uniform(self, shape: int, dtype: type) -> Array: ...

    def exponential(self, shape: tuple[int, ...], dtype: np.dtype) -> Array: ...


def in_memory_order(like: Array, drawn: Array) -> Array:
    """Numbers drawn one after the other, laid out as PyTorch writes them into ``like``.

    Elements are met in the order of memory: along the largest stride last.

    >>> in_memory_order(np.zeros((3, 2)).T, np.arange(6)).tolist()
    [[0, 2, 4], [1, 3, 5]]
    """
    if like.flags.c_contiguous or like.ndim < 2:
        return drawn.reshape(like.shape)
    order = sorted(range(like.ndim), key=lambda d: -abs(like.strides[d]))
    return drawn.reshape([like.shape[d] for d in order]).transpose(np.argsort(order))


def integers(twister: MersenneTwister, n: int, low: int, high: int) -> Array:
    """``n`` integers in [low, high): a word modulo the range, or two words from 2**28 on.

    Shape: (n,), int64. Raises RuntimeError if the range is empty.

    >>> integers(MersenneTwister(0), 4, 5, 6).tolist()
    [5, 5, 5, 5]
    """
    if low >= high:
        raise RuntimeError(f"random_: low={low} must be less than high={high}")
    span = high - low
    if span < 2**28:
        values = (twister.words(n) % np.uint32(span)).astype(np.uint64)
    elif span < 2**64:
        values = twister.long_words(n) % np.uint64(span)
    else:  # all of them: the words as they are
        return twister.long_words(n).view(np.int64)
    values += np.uint64(low % 2**64)  # wraps around as two's complement does
    return values.view(np.int64)


def full_range(twister: MersenneTwister, n: int, dtype: np.dtype) -> Array:
    """``n`` values over all non-negative integers a type holds exactly. Shape: (n,), of ``dtype``.

    >>> full_range(MersenneTwister(0), 3, np.dtype(np.uint8)).dtype
    dtype('uint8')
    """
    if dtype in (np.int64, np.float64):
        top = 2**63 if dtype == np.int64 else 2**53 + 1
        return (twister.long_words(n) % np.uint64(top)).astype(dtype)
    if dtype.kind in "fVb":  # up to where every whole number has a place
        top = 1 + {"f": 2**24, "e": 2**11, "E": 2**8}.get(dtype.char, 1)
    else:
        top = int(np.iinfo(dtype).max) + 1
    return (twister.words(n).astype(np.uint64) % np.uint64(top)).astype(dtype)


def bounds(low: int, high: int | None, kind: np.dtype) -> tuple[int, int]:
    """What [low, high) means for a type; without ``high`` as far as its whole numbers reach.

    Floats that cannot tell ``high`` from its neighbours get a bound they can.
    Raises RuntimeError if the type does not hold the range.

    >>> bounds(1, None, np.dtype(np.int8)), bounds(0, 2**40, np.dtype(np.float32))
    ((1, 128), (0, 1099511562240))
    """
    if high is None and low == -(2**63):  # whatever 64 bits mean
        if kind.char not in "lqdfE":
            raise RuntimeError(f"random_: {kind} does not hold all of 64 bits")
        return low, 2**63
    if kind.kind in "iub":
        first, last = (0, 1) if kind.kind == "b" else (np.iinfo(kind).min, np.iinfo(kind).max)
        high = int(last) + 1 if high is None else high
        if low < first or high - 1 > last:
            raise RuntimeError(f"random_: low={low}, high={high} leave the range of {kind}")
        return low, high
    digits = {"e": 11, "E": 8, "f": 24, "d": 53}[kind.char]
    if high is None:
        return low, 2**digits + 1
    if kind.char == "e" and not -65504 <= low < high <= 65505:
        raise RuntimeError(f"random_: low={low}, high={high} leave the range of {kind}")
    nearest = int(kind.type(high - 1))
    if nearest >= high:
        high = nearest - (1 << max((high - 1).bit_length() - digits, 0))
    nearest = int(kind.type(low + 1))
    if nearest < low:
        low = nearest + (1 << max(abs(low + 1).bit_length() - digits, 0))
    return low, high


def permutation(twister: MersenneTwister, n: int) -> Array:
    """The integers 0 to n - 1 shuffled (Durstenfeld 1964). Shape: (n,), int64.

    Raises RuntimeError for a negative or unreasonably large ``n``.

    >>> sorted(permutation(MersenneTwister(0), 4).tolist())
    [0, 1, 2, 3]
    """
    if n < 0:
        raise RuntimeError(f"randperm: n={n} must not be negative")
    if n >= _PERMUTATION_LIMIT:
        raise RuntimeError(f"randperm: n={n} must be less than {_PERMUTATION_LIMIT}")
    left = max(n - 1, 0)
    ahead = twister.words(left) % np.arange(n, n - left, -1, dtype=np.uint32)
    order = np.arange(n)
    picks = ahead + np.arange(left)
    # Numba's loop is fifty times as fast, but takes a while to load
    exchange = kernels.active.shuffle if n >= _MANY else numpy_kernels.shuffle
    exchange(order, picks)
    return order


def multinomial(draws: _Draws, probs: Array, num_samples: int, replacement: bool) -> Array:
    """Indices drawn with the given unnormalised probabilities, row by row.

    Shapes: probs (d,) or (rows, d), floating -> (num_samples,) or (rows, num_samples), int64.
    Raises RuntimeError for weights that are no distribution or too few to draw from.
    One draw, or draws without replacement, are the largest of p / e with exponential e
    (Efraimidis and Spirakis 2006); others invert the cumulative distribution.

    >>> from tensor_core.random import Generator
    >>> multinomial(Generator(), np.array([0.0, 1.0]), 3, True).tolist()
    [1, 1, 1]
    """
    _check_multinomial(probs, num_samples, replacement)
    if probs.size == 0:
        return np.empty((*probs.shape[:-1], num_samples), np.int64)
    if replacement and num_samples > 1:
        rows = np.atleast_2d(probs)
        picks = np.stack([_invert(draws, row, num_samples) for row in rows])
        return picks.reshape(*probs.shape[:-1], num_samples)
    with np.errstate(divide="ignore", invalid="ignore"):
        drawn = draws.exponential(probs.shape, probs.dtype)
        race = probs / in_memory_order(probs, drawn)
    if num_samples == 1:
        return race.argmax(axis=-1, keepdims=True)
    return np.argsort(-race, axis=-1, kind="stable")[..., :num_samples]


def _check_multinomial(probs: Array, num_samples: int, replacement: bool) -> None:
    if probs.dtype in HALVES:
        probs = probs.astype(np.float32)
    if probs.dtype.kind != "f":
        raise RuntimeError(f"multinomial: input must be floating point, got {probs.dtype}")
    if probs.ndim not in (1, 2) or probs.shape[-1] == 0:
        raise RuntimeError(f"multinomial: input must be (d,) or (rows, d), got {probs.shape}")
    if num_samples <= 0:
        raise RuntimeError(f"multinomial: num_samples={num_samples} must be positive")
    if not replacement and num_samples > probs.shape[-1]:
        raise RuntimeError(
            f"multinomial: cannot draw {num_samples} of {probs.shape[-1]} categories "
            "without replacement"
        )
    if probs.size and not (probs.min() >= 0 and probs.max() < np.inf):
        raise RuntimeError("multinomial: input contains inf, nan or a negative probability")
    if probs.size and (probs.sum(axis=-1) == 0).any():
        raise RuntimeError("multinomial: the probabilities of a row sum to 0")


def _invert(draws: _Draws, weights: Array, n: int) -> Array:
    """Where each of ``n`` uniforms falls in the cumulative distribution. Shape: (n,)."""
    cumulative = np.cumsum(weights)
    cumulative /= cumulative[-1]
    cumulative[-1] = 1
    return np.searchsorted(cumulative.astype(np.float64), draws.uniform(n, np.float64))
