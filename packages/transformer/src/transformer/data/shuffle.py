"""A shuffled order that is computed, never stored: any place in it, at once, from a seed."""

import math
from functools import lru_cache

import numpy as np

_ROUNDS = 8  # four make a strong permutation of large halves (Luby, Rackoff); ours may be tiny
_STEP = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio: splitmix64's increment


def hashed(*values: "int | np.ndarray") -> np.ndarray:
    """A 64-bit number that looks random, made of whole numbers; arrays give one for each element.

    Source: the output function of splitmix64 (Steele, Lea and Flood, "Fast splittable
    pseudorandom number generators", 2014), applied to one value after another.

    >>> hashed(0, 1) == hashed(0, 1), hashed(0, 1) == hashed(1, 0)
    (array([ True]), array([False]))
    """
    state = np.zeros(1, np.uint64)
    for value in values:
        if isinstance(value, int):
            value = np.array([value % 2**64], np.uint64)
        state = _mixed(state + value.astype(np.uint64) * _STEP + _STEP)
    return state


def shuffled(places: np.ndarray, size: int, key: int) -> np.ndarray:
    """What stands at ``places`` in the shuffled row of ``range(size)`` that ``key`` names.

    Over all places this is a permutation, and needs no memory but for the places asked about.
    Shapes: (N,) int64 -> (N,) int64. Source: Black and Rogaway, "Ciphers with arbitrary finite
    domains", 2002: a Feistel network over pairs of digits, walked until inside ``range(size)``.

    >>> sorted(shuffled(np.arange(10), 10, key=7).tolist())
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    """
    low = math.isqrt(size - 1) + 1
    sizes = np.uint64(-(-size // low)), np.uint64(low)  # whose product is just above size
    keys = _round_keys(key)
    found = _feistel(places.astype(np.uint64), sizes, keys)
    while (outside := found >= np.uint64(size)).any():  # once in about sqrt(size) times
        found[outside] = _feistel(found[outside], sizes, keys)
    return found.astype(np.int64)


@lru_cache(maxsize=16)
def _round_keys(key: int) -> np.ndarray:
    return hashed(key, np.arange(_ROUNDS))


def _feistel(
    values: np.ndarray, sizes: tuple[np.uint64, np.uint64], keys: np.ndarray
) -> np.ndarray:
    """One permutation of ``range(high * low)``: each round is undone by subtracting the same."""
    high, low = sizes
    left: np.ndarray = values // low
    right: np.ndarray = values % low
    for even, odd in zip(keys[::2], keys[1::2], strict=True):
        left = (left + _mixed(right + even) % high) % high
        right = (right + _mixed(left + odd) % low) % low
    return left * low + right


def _mixed(value: np.ndarray) -> np.ndarray:
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))
