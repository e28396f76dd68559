"""What to try an operation on: the usual kinds of ``cases``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..op import Cases, Random


def some(*ranges: tuple[float, float], also: Sequence[tuple[float, ...]] = ()) -> Cases:
    """Return a ``cases`` that draws each input from its range, and adds the tuples in ``also``."""

    def cases(rng: Random) -> Iterator[tuple[float, ...]]:
        yield from also
        for _ in range(6):
            yield tuple([rng.uniform(low, high) for low, high in ranges])

    return cases


def both_sides(low: float, high: float) -> Cases:
    """Return a ``cases`` of single numbers between ``low`` and ``high`` in size, of either sign."""

    def cases(rng: Random) -> Iterator[tuple[float, ...]]:
        for _ in range(8):
            yield (rng.choice((-1.0, 1.0)) * rng.uniform(low, high),)

    return cases


def apart(rng: Random) -> Iterator[tuple[float, ...]]:
    """Yield pairs that differ by at least 0.1, in either order."""
    for _ in range(8):
        x = rng.uniform(-3.0, 3.0)
        yield x, x + rng.choice((-1.0, 1.0)) * rng.uniform(0.1, 2.0)
