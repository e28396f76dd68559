"""Poisson and binomial numbers, one by one, each from as many uniforms as it happens to take."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .random import Generator

Uniform = Callable[[], float]


class Stream:
    """float64 uniforms one by one, drawn many at a time and given back if nobody took them.

    >>> from tensor_core.random import Generator
    >>> g = Generator()
    >>> with Stream(g) as uniform:
    ...     first = uniform()
    >>> bool(first == Generator().uniform((), np.float64))
    True
    """

    def __init__(self, generator: Generator, ahead: int = 64) -> None:
        self._generator, self._ahead = generator, ahead
        self._start = generator.get_state()
        self._ready: list[float] = []
        self._taken = 0

    def __enter__(self) -> Uniform:
        return self._next

    def _next(self) -> float:
        if not self._ready:
            self._ready = self._generator.uniform(self._ahead, np.float64)[::-1].tolist()
            self._ahead = min(2 * self._ahead, 1 << 16)
        self._taken += 1
        return self._ready.pop()

    def __exit__(self, *error: object) -> None:
        """Leave the generator where the last number taken left it."""
        self._generator.set_state(self._start)
        for start in range(0, self._taken, 1 << 16):
            self._generator.uniform(min(1 << 16, self._taken - start), np.float64)


def poisson(rate: float, uniform: Uniform) -> int:
    """How many events of a rate happen: by products of uniforms below 10 (Knuth, TAOCP 2, 3.4.1).

    From 10 on by transformed rejection (Hörmann 1993, algorithm PTRS).

    >>> poisson(0.0, lambda: 0.5), poisson(1.0, lambda: 0.5)
    (0, 1)
    """
    if rate == 0:
        return 0
    if rate < 10:
        bound, product, count = math.exp(-rate), 1.0, 0
        while True:
            product *= uniform()
            if product <= bound:
                return count
            count += 1
    root, log_rate = math.sqrt(rate), math.log(rate)
    b = 0.931 + 2.53 * root
    a = -0.059 + 0.02483 * b
    log_inverse_alpha = math.log(1.1239 + 1.1328 / (b - 3.4))
    tight = 0.9277 - 3.6224 / (b - 2)
    while True:
        u = uniform() - 0.5
        v = uniform()
        room = 0.5 - abs(u)
        k = math.floor((2 * a / room + b) * u + rate + 0.43)
        if room >= 0.07 and v <= tight:
            return k
        if k < 0 or (room < 0.013 and v > room):
            continue
        drawn = math.log(v) + log_inverse_alpha - math.log(a / (room * room) + b)
        if drawn <= -rate + k * log_rate - math.lgamma(k + 1):
            return k


def binomial(count: float, probability: float, uniform: Uniform) -> float:
    """How many of ``count`` trials succeed.

    >>> binomial(5, 0.0, lambda: 0.5), binomial(5, 1.0, lambda: 0.5)
    (0.0, 5)
    """
    if count <= 0 or probability <= 0:
        return 0.0
    if probability >= 1:
        return count
    if probability > 0.5:
        return count - _fewer(count, 1 - probability, uniform)
    return _fewer(count, probability, uniform)


def _fewer(count: float, probability: float, uniform: Uniform) -> float:
    """For probabilities up to a half."""
    if count * probability >= 10:
        return _rejected(count, probability, uniform)
    log_failure, total, successes = math.log1p(-probability), 0.0, 0.0
    while True:  # the lengths of the runs of failures (Devroye 1986, X.4.3)
        u = uniform()
        total += math.ceil(math.log(u) / log_failure) if u else math.inf
        if total > count:
            return successes
        successes += 1


def _rejected(count: float, probability: float, uniform: Uniform) -> float:
    """Transformed rejection with squeeze (Hörmann 1993, algorithm BTRS)."""
    spread = math.sqrt(count * probability * (1 - probability))
    b = 1.15 + 2.53 * spread
    a = -0.0873 + 0.0248 * b + 0.01 * probability
    centre = count * probability + 0.5
    tight = 0.92 - 4.2 / b
    odds = probability / (1 - probability)
    alpha = (2.83 + 5.1 / b) * spread
    m = math.floor((count + 1) * probability)
    while True:
        u = uniform() - 0.5
        v = uniform()
        room = 0.5 - abs(u)
        k = math.floor((2 * a / room + b) * u + centre)
        if k < 0 or k > count:
            continue
        if room >= 0.07 and v <= tight:
            return k
        drawn = math.log(v * alpha / (a / (room * room) + b)) if v else -math.inf
        if drawn <= _log_odds(count, odds, m, k):
            return k


def _log_odds(n: float, odds: float, m: float, k: float) -> float:
    """The logarithm of the probability of ``k`` over that of the mode ``m``."""
    return (
        (m + 0.5) * math.log((m + 1) / (odds * (n - m + 1)))
        + (n + 1) * math.log((n - m + 1) / (n - k + 1))
        + (k + 0.5) * math.log(odds * (n - k + 1) / (k + 1))
        + _tail(m) + _tail(n - m) - _tail(k) - _tail(n - k)
    )  # fmt: skip


def _tail(k: float) -> float:
    """What Stirling's formula leaves of the logarithm of ``k`` factorial."""
    if k <= 9:
        known = (k + 0.5) * math.log(k + 1) - (k + 1) + 0.5 * math.log(2 * math.pi)
        return math.lgamma(k + 1) - known
    square = (k + 1) ** 2
    return (1 / 12 - (1 / 360 - 1 / 1260 / square) / square) / (k + 1)
