"""Drawing points to try a derivative at, with NumPy alone: shapes, values, axes.

Readable numbers come from grids of dyadic fractions, which binary arithmetic holds exactly;
noise is added where a check wants a point like no other.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcheck.forward import Array

Shape = tuple[int, ...]
Domain = tuple[float | None, float | None] | None

GAP = 0.1
"""How far values stay from kinks and from each other when nothing else is said."""


def edges(domain: Domain) -> tuple[float | None, float | None]:
    """The two sides of a domain; None where it is open, or infinite.

    >>> edges((0.0, float("inf"))), edges(None)
    ((0.0, None), (None, None))
    """
    low, high = domain or (None, None)
    return None if low == -np.inf else low, None if high == np.inf else high


def grid(domain: Domain = None, kinks: Sequence[float] = (), gap: float = GAP) -> list[float]:
    """Readable numbers inside an open domain, at least ``gap / 2`` from its kinks, simplest first.

    Raises ValueError when nothing of the domain is left.

    >>> grid()[:6], grid((0.0, 1.0))[:3], grid((2.0, None))[:3]
    ([1.0, 2.0, 3.0, -1.0, -2.0, -3.0], [0.5, 0.25, 0.75], [3.0, 4.0, 5.0])
    """
    low, high = edges(domain)
    if low is not None and high is not None:
        if not low < high:
            raise ValueError(f"domain ({low}, {high}) is empty: low must be below high")
        numbers = [low + (high - low) * k / 16 for k in range(1, 16)]
        order = sorted(range(15), key=lambda k: (16 // np.gcd(k + 1, 16), k))
        numbers = [float(numbers[k]) for k in order]
    elif low is not None:
        numbers = [float(low + k) for k in _STEPS]
    elif high is not None:
        numbers = [float(high - k) for k in _STEPS]
    else:
        numbers = _LINE
    kept = [x for x in numbers if all(abs(x - kink) >= gap / 2 for kink in kinks)]
    if not kept:
        raise ValueError(f"no number of domain {domain} is {gap / 2:g} away from kinks {kinks}")
    return kept


def _dyadic(numbers: Sequence[float]) -> list[float]:
    """Whole numbers before halves before quarters, positive before negative, small before large."""

    def denominator(x: float) -> int:
        return x.as_integer_ratio()[1]

    return sorted(numbers, key=lambda x: (denominator(x), x < 0, abs(x)))


_STEPS = _dyadic([k / 4 for k in range(1, 13)])
_LINE = _dyadic([k / 4 for k in range(-12, 13) if k])


def jitter(
    rng: np.random.Generator, values: Array, domain: Domain, kinks: Sequence[float]
) -> Array:
    """The values moved by up to 1/16 of the room around them, without coming near an edge or kink.

    >>> x = jitter(np.random.default_rng(0), np.full(3, 0.5), (0.0, 1.0), ())
    >>> bool((np.abs(x - 0.5) < 0.05).all() and x.std() > 0)
    True
    """
    room = np.full(values.shape, 2.0)
    for border in (*kinks, *(edge for edge in domain or () if edge is not None)):
        room = np.minimum(room, np.abs(values - border))
    return np.asarray(values + room / 16 * rng.uniform(-1, 1, values.shape))


def spread(count: int, domain: Domain, kinks: Sequence[float], gap: float) -> Array:
    """``count`` increasing numbers in the domain, ``gap`` from each other, half that from kinks.

    Neighbours stand 5/4 of the gap apart and may be moved by an eighth of it. Raises ValueError
    when the domain has no room for them.

    >>> spread(3, (0.0, None), (), 0.8)
    array([1., 2., 3.])
    """
    step = 1.25 * gap
    low, high = edges(domain)
    if low is not None:
        line = low + step * np.arange(1, count + 4 * len(kinks) + 1)
    elif high is not None:
        line = high - step * np.arange(count + 4 * len(kinks), 0, -1)
    else:
        total = count + 4 * len(kinks)
        line = step * np.arange(total) - step * (total // 2)
    for kink in kinks:
        line = line[np.abs(line - kink) >= 0.625 * gap]
    if high is not None:
        line = line[line <= high - gap / 4]
    if line.size < count:
        text = f"domain {domain} has no room for {count} numbers {gap:g} apart; give a smaller gap"
        raise ValueError(text)
    start = (line.size - count) // 2 if low is None and high is None else 0
    return np.asarray(line[start : start + count], np.float64)


class Chance:
    """Draws with a NumPy generator what ``gradcheck.strategies`` draws with Hypothesis."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def pick(self, options: Sequence[Any]) -> Any:
        """One of the options."""
        return options[int(self.rng.integers(len(options)))]

    def side(self, low: int, high: int) -> int:
        """One side length; 0 and 1 are more frequent than chance."""
        side = self.pick([0, 1, *range(2, high + 1), *range(2, high + 1)])
        return max(low, int(side))

    def shape(self, dims: tuple[int, int], sides: tuple[int, int]) -> Shape:
        """A shape; square ones, which hide transpositions, are more frequent than chance."""
        rank = int(self.rng.integers(dims[0], dims[1] + 1))
        if rank >= 2 and sides[1] and self.rng.random() < 0.4:
            return (int(self.rng.integers(max(1, sides[0]), sides[1] + 1)),) * rank
        return tuple(self.side(*sides) for _ in range(rank))

    def broadcastable(
        self, count: int, dims: tuple[int, int], sides: tuple[int, int]
    ) -> tuple[Shape, ...]:
        """``count`` shapes that broadcast together."""
        full = self.shape(dims, sides)
        shapes = []
        for _ in range(count):
            kept = int(self.rng.integers(dims[0], len(full) + 1))
            tail = full[len(full) - kept :]
            shapes.append(tuple(1 if self.rng.random() < 0.3 else side for side in tail))
        return tuple(shapes)

    def values(self, shape: Shape, domain: Domain, kinks: Sequence[float], gap: float) -> Array:
        """Numbers inside the domain and away from the kinks, no two alike."""
        chosen = np.asarray(self.rng.choice(grid(domain, kinks, gap), size=shape), np.float64)
        return jitter(self.rng, chosen, domain, kinks)

    def normal(self, shape: Shape, domain: Domain) -> Array:
        """Numbers inside the domain that are no round ones: normal ones on an unbounded side."""
        low, high = edges(domain)
        numbers = self.rng.standard_normal(shape)
        if low is not None and high is not None:
            return np.asarray(low + (high - low) * self.rng.uniform(0.02, 0.98, shape))
        if low is not None:
            return np.asarray(low + 0.02 + np.abs(numbers))
        return np.asarray(numbers if high is None else high - 0.02 - np.abs(numbers))

    def distinct(self, shape: Shape, domain: Domain, kinks: Sequence[float], gap: float) -> Array:
        """Numbers ``gap`` apart from each other, in random order."""
        line = spread(int(np.prod(shape)), domain, kinks, gap)
        line = line + gap / 8 * self.rng.uniform(-1, 1, line.shape)
        return np.asarray(self.rng.permutation(line).reshape(shape), np.float64)

    def integers(self, shape: Shape, below: int) -> Array:
        """Integers from 0 up to, not including, ``below``."""
        return np.asarray(self.rng.integers(0, below, size=shape))

    def axis(self, ndim: int, several: bool, none: bool) -> Any:
        """An axis of an array, counted from either end; a tuple of them, or None, where allowed."""
        if ndim == 0 or (none and self.rng.random() < 0.3):
            return None
        count = int(self.rng.integers(1, ndim + 1)) if several else 1
        chosen = self.rng.permutation(ndim)[:count] - ndim * self.rng.integers(0, 2, count)
        axes = tuple(int(axis) for axis in chosen)
        return axes if several and self.rng.random() < 0.7 else axes[0]
