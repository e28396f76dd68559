"""Arguments that many cards try: shapes that broadcast, values in a domain."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .._card import Case, Cases

Rng = np.random.Generator


def unary(low: float = -2.0, high: float = 2.0, domain: tuple[float, float] | None = None) -> Cases:
    """One array of several ranks, 0-d and empty among them, with values in [low, high]."""

    def cases(rng: Rng) -> Iterator[Case]:
        for shape in ((3,), (2, 3), (), (0, 2)):
            yield Case(rng.uniform(low, high, size=shape)).with_(domain=domain)

    return cases


def away_from_zero(rng: Rng) -> Iterator[Case]:
    """One array whose values keep a distance from a kink at 0."""
    for shape in ((3,), (2, 3), ()):
        sign = rng.choice([-1.0, 1.0], size=shape)
        yield Case(np.asarray(sign * rng.uniform(0.2, 2.0, size=shape)))


def binary(low: float = -2.0, high: float = 2.0) -> Cases:
    """Two arrays that broadcast in every way: equal, size 1, missing axes, a number, empty."""

    def cases(rng: Rng) -> Iterator[Case]:
        pairs = [((2, 3), (2, 3)), ((2, 3), (3,)), ((2, 1), (1, 3)), ((), (2,)), ((1,), (0,))]
        for a, b in pairs:
            yield Case(np.asarray(rng.uniform(low, high, a)), np.asarray(rng.uniform(low, high, b)))
        yield Case(rng.uniform(low, high, (2, 2)), 1.5)

    return cases


def distinct(rng: Rng, shape: tuple[int, ...]) -> np.ndarray:
    """Values at least 0.1 apart, in random order: no ties, also after a small step."""
    n = int(np.prod(shape))
    values = np.linspace(-1, 1, n) * max(n, 1) * 0.1
    return rng.permutation(values + rng.uniform(-0.02, 0.02, n)).reshape(shape)


def shown(doc: str, call: str, result: str) -> str:
    """A docstring with an example."""
    return f"{doc}\n\n>>> import tensor_core as torch\n>>> torch.{call}\n{result}\n"
