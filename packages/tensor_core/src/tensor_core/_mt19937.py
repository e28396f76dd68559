"""The Mersenne Twister (Matsumoto and Nishimura 1998) and the uniform numbers made of its words."""

import threading
from math import ceil

import numpy as np

Array = np.ndarray

WORDS = 624  # of state
# 16 384 words are 128 KB as NumPy hands them out: conversion happens in the second-level cache
_BLOCK = 16_384
_seeding = threading.Lock()


class MersenneTwister:
    """A stream of 32-bit words, seeded as the original ``init_genrand`` does.

    >>> MersenneTwister(5489).words(2).tolist()
    [3499211612, 581869302]
    """

    _waiting: int | None
    _made: np.random.MT19937

    def __init__(self, seed: int) -> None:
        self.seed(seed)

    @property
    def _bits(self) -> np.random.MT19937:
        """NumPy's twister, seeded at the first draw: one nobody draws from costs nothing."""
        if self._waiting is not None:
            with _seeding:
                if self._waiting is not None:  # no other thread was faster
                    made = np.random.MT19937()
                    made._legacy_seeding(self._waiting)  # type: ignore[attr-defined]
                    self._made, self._waiting = made, None
        return self._made

    def seed(self, seed: int) -> None:
        """Start the stream of ``seed``, of which the low 32 bits count.

        >>> twister = MersenneTwister(1)
        >>> twister.seed(5489); twister.words(1).tolist()
        [3499211612]
        """
        self._waiting = seed & 0xFFFFFFFF

    def words(self, n: int) -> Array:
        """The next ``n`` words. Shape: (n,), uint32.

        >>> MersenneTwister(0).words(3).dtype
        dtype('uint32')
        """
        return self._bits.random_raw(n).astype(np.uint32)

    def long_words(self, n: int) -> Array:
        """The next ``n`` pairs of words as 64-bit integers, high half first. Shape: (n,), uint64.

        >>> first, second = MersenneTwister(0).words(2).tolist()
        >>> MersenneTwister(0).long_words(1).tolist() == [first << 32 | second]
        True
        """
        pairs = self._bits.random_raw(2 * n)
        high = pairs[::2] << np.uint64(32)
        high |= pairs[1::2]
        return high

    def fill24(self, out: Array) -> None:
        """Fill with the low 24 bits of a word each, as fractions in [0, 1). Shape: (n,), float32.

        >>> out = np.empty(2, np.float32)
        >>> MersenneTwister(0).fill24(out); float(out.max()) < 1
        True
        """
        for start in range(0, out.size, _BLOCK):
            part = out[start : start + _BLOCK]
            words = self._bits.random_raw(part.size).astype(np.uint32)
            words &= np.uint32(0xFFFFFF)
            # signed, since processors convert signed integers to floats in whole vectors
            np.multiply(
                words.view(np.int32),
                np.float32(2**-24),
                out=part,
                dtype=np.float32,
                casting="unsafe",
            )

    def fill53(self, out: Array) -> None:
        """Fill with the low 53 bits of two words each, in [0, 1). Shape: (n,), float64.

        >>> out = np.empty(2)
        >>> MersenneTwister(0).fill53(out); float(out.max()) < 1
        True
        """
        for start in range(0, out.size, _BLOCK):
            part = out[start : start + _BLOCK]
            bits = self.long_words(part.size)
            bits &= np.uint64(2**53 - 1)
            np.multiply(bits.view(np.int64), 2.0**-53, out=part, casting="unsafe")

    def below53(self, n: int, p: float) -> Array:
        """Whether ``n`` fractions, as `fill53` makes them, are below ``p``. Shape: (n,), bool.

        >>> MersenneTwister(0).below53(3, 1.0).tolist()
        [True, True, True]
        """
        out = np.empty(n, bool)
        bound = np.uint64(ceil(p * 2.0**53))  # exact: a power of two only moves the exponent
        for start in range(0, n, _BLOCK):
            part = out[start : start + _BLOCK]
            bits = self.long_words(part.size)
            bits &= np.uint64(2**53 - 1)
            np.less(bits, bound, out=part)
        return out

    def position(self) -> tuple[Array, int]:
        """The 624 words of state and how many of them are used up.

        >>> MersenneTwister(0).position()[1]
        624
        """
        state = self._bits.state["state"]
        return state["key"].copy(), int(state["pos"])

    def set_position(self, key: Array, used: int) -> None:
        """Continue from what `position` returned.

        >>> one, other = MersenneTwister(0), MersenneTwister(1)
        >>> other.set_position(*one.position())
        >>> one.words(1) == other.words(1)
        array([ True])
        """
        self._bits.state = {
            "bit_generator": "MT19937",
            "state": {"key": np.asarray(key, np.uint32), "pos": used},
        }
