"""Fair timing of two contestants: A B A B ..., so that a slow minute of the machine hits both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median, quantiles

Timer = Callable[[int], float]  # steps -> seconds

BLOCK = 0.5  # seconds: the length of one turn, several steps of what is trained for hours


@dataclass(frozen=True)
class Times:
    """Seconds per step of one contestant, one value per turn."""

    turns: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle turn, in seconds per step."""
        return median(self.turns)

    @property
    def spread(self) -> tuple[float, float]:
        """The lower and the upper quartile, in seconds per step; needs two turns or more."""
        low, _, high = quantiles(self.turns, n=4, method="inclusive")
        return low, high

    @property
    def steady(self) -> bool:
        """Whether the middle half of the turns lies within a quarter of its lower end."""
        return len(self.turns) == 1 or self.spread[1] <= 1.25 * self.spread[0]


def steps_per_turn(timer: Timer, block: float = BLOCK) -> int:
    """Return how many steps fill a turn of ``block`` seconds, at least one; this also warms up."""
    steps = 1
    while True:
        seconds = timer(steps)
        if seconds >= block / 2:
            return max(1, round(steps * block / seconds))
        steps *= 4


def alternate(timers: list[Timer], turns: int, block: float = BLOCK) -> list[Times]:
    """Give each timer ``turns`` turns, in rotation, and return the times in the same order."""
    counts = [steps_per_turn(timer, block) for timer in timers]
    rows = [
        [timer(steps) / steps for timer, steps in zip(timers, counts, strict=True)]
        for _ in range(turns)
    ]
    return [Times(tuple(column)) for column in zip(*rows, strict=True)]
