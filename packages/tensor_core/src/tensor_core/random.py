"""Random numbers: drawn from the Mersenne Twister exactly as PyTorch's CPU generator draws them.

The same seed gives the same numbers, and leaves the generator in the same state, whatever the
sequence of draws. Every draw returns an ndarray.

>>> manual_seed(42).uniform(3).round(4).tolist() == np.float32([0.8823, 0.9150, 0.3829]).tolist()
True
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from math import cos, inf, log1p, pi, prod, sin, sqrt
from typing import Any

import numpy as np

from . import _box_muller, _draw_types, _sampling, kernels
from ._generator_state import State, pack, unpack
from ._mt19937 import WORDS, MersenneTwister

__all__ = ["Generator", "current", "default_generator", "manual_seed", "use_generator"]

Array = np.ndarray
Shape = int | tuple[int, ...]

DEFAULT_SEED = 67280421310721

_MANY = 1 << 18


def _stretch(u: Array, low: float, high: float) -> None:
    """``u * (high - low) + low`` in place, rounded once, as a fused multiply-add does."""
    kind = u.dtype.type
    span, start = kind(high) - kind(low), kind(low)
    if kind is np.float32:  # float64 holds the product of two float32 exactly
        u[...] = u.astype(np.float64) * np.float64(span) + np.float64(start)
        return
    product = u * span
    parts, of_span = _halves(u), _halves(span)
    lost = parts[0] * of_span[0] - product  # what the product's rounding lost (Dekker 1971)
    lost += parts[0] * of_span[1] + parts[1] * of_span[0]
    lost += parts[1] * of_span[1]
    total = product + start
    back = total - product
    lost += (product - (total - back)) + (start - back)  # and the sum's (Knuth, TAOCP 2, 4.2.2)
    np.add(total, lost, out=u)


def _halves(x: Any) -> tuple[Any, Any]:
    """A float64 as the sum of two with half the digits each (Veltkamp's split)."""
    wide = x * 134217729.0  # 2**27 + 1
    high = wide - (wide - x)
    return high, x - high


class Generator:
    """A source of random numbers with a seed and a state of its own.

    >>> Generator().manual_seed(1).initial_seed()
    1
    """

    def __init__(self, device: Any = "cpu") -> None:
        name = str(getattr(device, "type", device)).partition(":")[0]
        if name != "cpu":
            raise RuntimeError(f"Generator: device {name!r} is not available, only 'cpu'")
        self._lock = threading.Lock()  # for the spare number; the twister has its own
        self._twister = MersenneTwister(DEFAULT_SEED)
        self.manual_seed(DEFAULT_SEED)

    @property
    def device(self) -> str:
        """Where the generator lives: always "cpu".

        >>> Generator().device
        'cpu'
        """
        return "cpu"

    def manual_seed(self, seed: int) -> "Generator":
        """Restart from a seed in [-2**63, 2**64), of which the low 32 bits count; return self.

        Raises ValueError for a seed outside that range.

        >>> Generator().manual_seed(-1).initial_seed() == 2**64 - 1
        True
        """
        seed = int(seed)
        if not -(2**63) <= seed < 2**64:
            raise ValueError(f"manual_seed: {seed} is not in [-2**63, 2**64)")
        self._seed = seed % 2**64
        self._spare: float | None = None
        self._twister.seed(seed)
        return self

    def initial_seed(self) -> int:
        """The seed the generator was last started from, in [0, 2**64).

        >>> Generator().initial_seed()
        67280421310721
        """
        return self._seed

    def seed(self) -> int:
        """Restart from a seed of the operating system's randomness, and return it.

        >>> generator = Generator()
        >>> generator.seed() == generator.initial_seed()
        True
        """
        return self.manual_seed(int.from_bytes(os.urandom(8), "little")).initial_seed()

    def get_state(self) -> Array:
        """Everything needed to continue later, in PyTorch's layout. Shape: (5056,), uint8.

        >>> Generator().get_state().shape
        (5056,)
        """
        key, used = self._twister.position()
        # PyTorch tells words that are the seed's, not yet output, from words that are all used up
        if used == WORDS and np.array_equal(key, MersenneTwister(self._seed).position()[0]):
            used = 0
        return pack(State(self._seed, key, used, self._spare))

    def set_state(self, state: Array) -> "Generator":
        """Continue from what `get_state` (here or in PyTorch) returned; return self.

        Raises TypeError unless given bytes, RuntimeError for bytes that are no state.

        >>> one, other = Generator().manual_seed(1), Generator()
        >>> float(other.set_state(one.get_state()).uniform(())) == float(one.uniform(()))
        True
        """
        self._seed, key, used, self._spare = unpack(state)
        self._twister.set_position(key, used or WORDS)
        return self

    def clone_state(self) -> "Generator":
        """A new generator that will draw what this one will.

        >>> generator = Generator()
        >>> generator.clone_state().uniform(2).tolist() == generator.uniform(2).tolist()
        True
        """
        return Generator().set_state(self.get_state())

    def uniform(
        self, shape: Shape, dtype: Any = np.float32, low: float = 0.0, high: float = 1.0
    ) -> Array:
        """Numbers in [low, high): 24 bits each for float32, 53 for float64. Shape: ``shape``.

        Raises RuntimeError if low > high.

        >>> Generator().manual_seed(42).uniform((), np.float64)
        array(0.05815449)
        """
        if not low <= high:
            raise RuntimeError(f"uniform_: low={low} must not be greater than high={high}")
        kind = _floating("uniform_", dtype)
        if _draw_types.is_made_of_others(kind):
            return _draw_types.uniform(self, shape, kind, low, high)
        out = np.empty(shape, kind)
        flat = out.reshape(-1)
        if out.dtype == np.float32:
            self._twister.fill24(flat)
        else:
            self._twister.fill53(flat)
        if low != 0 or high != 1:
            _stretch(flat, low, high)
        return out

    def random_(
        self, shape: Shape, low: int = 0, high: int | None = None, dtype: Any = np.int64
    ) -> Array:
        """Integers in [low, high); without ``high``, in all the non-negative range of the type.

        Shape: ``shape``, of ``dtype``. Raises RuntimeError for an empty range or one that the type
        does not hold.

        >>> Generator().manual_seed(7).random_(5, 0, 10).tolist()
        [5, 2, 1, 6, 3]
        """
        kind = np.dtype(dtype)
        n = _size(shape)
        if high is None and low == 0:
            return _sampling.full_range(self._twister, n, kind).reshape(shape)
        low, high = _sampling.bounds(low, high, kind)
        return _sampling.integers(self._twister, n, low, high).astype(kind).reshape(shape)

    def randperm(self, n: int) -> Array:
        """The integers 0 to n - 1 in random order. Shape: (n,), int64.

        >>> Generator().manual_seed(7).randperm(10).tolist()
        [5, 0, 3, 4, 1, 7, 9, 6, 8, 2]
        """
        return _sampling.permutation(self._twister, n)

    def normal(
        self, shape: Shape, dtype: Any = np.float32, mean: float = 0.0, std: float = 1.0
    ) -> Array:
        """Normal numbers of the given mean and standard deviation. Shape: ``shape``.

        Sixteen or more are drawn in groups of 16 (a shorter tail by redrawing the last 16), fewer
        one by one from pairs of which a second number waits for the next draw.
        Raises RuntimeError if std < 0.

        >>> Generator().manual_seed(7).normal(2).round(4).tolist() == np.float32(
        ...     [-0.1468, 0.7861]).tolist()
        True
        """
        if not std >= 0:
            raise RuntimeError(f"normal_: std={std} must not be negative")
        kind = _floating("normal_", dtype)
        if _draw_types.is_made_of_others(kind):
            return _draw_types.normal(self, shape, kind, mean, std)
        if _size(shape) < 16:
            with self._lock:
                values = [self._one_normal() * std + mean for _ in range(_size(shape))]
            return np.array(values, kind).reshape(shape)
        out = self.uniform(shape, kind)
        flat = out.reshape(-1)
        # the same numbers from all kernels, but Numba takes a while to load
        fill = kernels.active.box_muller if flat.size >= _MANY else _box_muller.fill
        even = flat.size // 16 * 16
        fill(flat[:even], mean, std)
        if even < flat.size:
            flat[-16:] = self.uniform(16, kind)
            _box_muller.fill(flat[-16:], mean, std)
        return out

    def single_normals(self, n: int) -> Array:
        """``n`` standard normal numbers drawn one by one, however many. Shape: (n,), float64.

        >>> Generator().single_normals(2).shape
        (2,)
        """
        with self._lock:
            waiting = [] if self._spare is None or not n else [self._spare]
            self._spare = None if n else self._spare
            pairs = self.uniform(2 * ((n - len(waiting) + 1) // 2), np.float64).reshape(-1, 2)
            radius = np.sqrt(-2.0 * np.log1p(-pairs[:, 1]))
            angle = 2.0 * pi * pairs[:, 0]
            both = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1).reshape(-1)
            values = np.concatenate([waiting, both])
            if values.size > n:
                self._spare = float(values[n])
            return values[:n]

    def _one_normal(self) -> float:
        if self._spare is not None:
            value, self._spare = self._spare, None
            return value
        first, second = self.uniform(2, np.float64).tolist()
        radius = sqrt(-2.0 * log1p(-second))
        self._spare = radius * sin(2.0 * pi * first)
        return radius * cos(2.0 * pi * first)

    def exponential(self, shape: Shape, dtype: Any = np.float32, lambd: float = 1.0) -> Array:
        """Exponential numbers of rate ``lambd``. Shape: ``shape``. Raises RuntimeError if <= 0.

        >>> Generator().manual_seed(42).exponential(2, np.float64)
        array([0.05991402, 0.06497613])
        """
        if not 0 < lambd < inf:
            raise RuntimeError(f"exponential_: lambd={lambd} must be positive and finite")
        kind = _floating("exponential_", dtype)
        if kind.kind == "c":
            raise RuntimeError(f"exponential_: the type must be floating point, not {kind}")
        u = self.uniform(shape, np.float64)
        np.log1p(np.negative(u, out=u), out=u)
        u *= -1 / lambd
        return u.astype(kind, copy=False)

    def bernoulli(self, shape: Shape, p: float | Array) -> Array:
        """True with probability ``p``, which is one number or an array of ``shape``.

        Shape: ``shape``, bool. One ``p`` (and dropout) takes 53 random bits an element, an array
        as many as a uniform of its type. Raises RuntimeError for probabilities outside [0, 1].

        >>> Generator().manual_seed(42).bernoulli(6, 0.3).tolist()
        [True, True, True, True, False, False]
        """
        if isinstance(p, np.ndarray):
            if p.size and not (p.min() >= 0 and p.max() <= 1):
                raise RuntimeError("bernoulli: every p must be in [0, 1]")
            return self.uniform(shape, np.float64 if p.dtype == np.float64 else np.float32) < p
        if not 0 <= p <= 1:
            raise RuntimeError(f"bernoulli_: p={p} must be in [0, 1]")
        return self._twister.below53(_size(shape), p).reshape(shape)

    def multinomial(self, probs: Array, num_samples: int, replacement: bool = False) -> Array:
        """Indices drawn with unnormalised probabilities, row by row.

        Shapes: probs (d,) or (rows, d) -> (num_samples,) or (rows, num_samples), int64.
        Raises RuntimeError for weights that are no distribution or too few to draw from.

        >>> Generator().multinomial(np.array([0.0, 2.0, 0.0]), 1).tolist()
        [1]
        """
        return _sampling.multinomial(self, probs, num_samples, replacement)


def _size(shape: Shape) -> int:
    return shape if isinstance(shape, int) else prod(shape)


def _floating(name: str, dtype: Any) -> np.dtype:
    kind = np.dtype(dtype)
    if kind.kind not in "fVc" or kind.itemsize > 16:
        raise NotImplementedError(f"{name}: draws floating-point and complex numbers, not {kind}")
    return kind


default_generator = Generator()
_of_thread = threading.local()


def manual_seed(seed: int) -> Generator:
    """Restart the default generator (the thread's own inside `use_generator`) and return it.

    >>> manual_seed(3).initial_seed()
    3
    """
    return current().manual_seed(seed)


def current(generator: Generator | None = None) -> Generator:
    """The generator to draw from: the given one, the thread's own, or the default.

    >>> current() is default_generator
    True
    """
    if generator is not None:
        return generator
    return getattr(_of_thread, "generator", None) or default_generator


@contextmanager
def use_generator(generator: Generator) -> Iterator[Generator]:
    """Make ``generator`` the default one of the current thread inside a ``with`` block.

    >>> mine = Generator()
    >>> with use_generator(mine):
    ...     current() is mine
    True
    """
    before = getattr(_of_thread, "generator", None)
    _of_thread.generator = generator
    try:
        yield generator
    finally:
        _of_thread.generator = before
