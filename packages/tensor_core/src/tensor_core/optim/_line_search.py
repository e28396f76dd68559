"""How far to go along a direction: a search for a step that meets the strong Wolfe conditions.

Source: Nocedal and Wright 2006, algorithms 3.5 and 3.6, with cubic interpolation (3.59).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from .._tensor import Tensor

_SUFFICIENT = 1e-4  # c1: this share of the promised decrease must come true
_FLATTER = 0.9  # c2: the slope must fall to this share of the first one


class Point(NamedTuple):
    """Where a search has been: the step, the loss there, its gradient and its slope."""

    t: Any
    loss: float
    grad: Tensor
    slope: Tensor


Evaluate = Callable[[Any], Point]


def cubic_minimum(a: Point, b: Point, low: Any, high: Any) -> Any:
    """The minimum of the cubic through two points and their slopes, held between two bounds.

    Where the cubic has none, the middle between the bounds.
    """
    if a.t > b.t:
        a, b = b, a
    d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = d1**2 - a.slope * b.slope
    if not square >= 0:
        return (low + high) / 2.0
    d2 = square.sqrt()
    lowest = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2))
    return min(max(lowest, low), high)


class StrongWolfe:
    """One search from ``start``, along a direction whose largest part is ``reach``.

    ``evaluate(t)`` gives the point at step ``t``; at most ``limit`` of them after the first.
    """

    def __init__(
        self, evaluate: Evaluate, start: Point, reach: Any, tolerance: float, limit: int
    ) -> None:
        self._evaluate = evaluate
        self.start = start
        self.reach = reach
        self.tolerance = tolerance
        self.limit = limit
        self.evaluations = 0

    def run(self, t: Any) -> Point:
        """The step found, beginning with ``t``; the lowest point met if none is good enough."""
        ends = self._bracket(t)
        if len(ends) == 1:
            return ends[0]
        return self._zoom(ends)

    def evaluate(self, t: Any) -> Point:
        self.evaluations += 1
        return self._evaluate(t)

    def _too_high(self, point: Point) -> bool:
        start = self.start
        return bool(point.loss > (start.loss + _SUFFICIENT * point.t * start.slope))

    def _flat(self, point: Point) -> bool:
        return bool(abs(point.slope) <= -_FLATTER * self.start.slope)

    def _bracket(self, t: Any) -> list[Point]:
        """Go further and further until a good step, or one beyond it, is met."""
        before, point = self.start, self.evaluate(t)
        for n in range(self.limit):
            if self._too_high(point) or (n > 1 and point.loss >= before.loss):
                return [before, point]
            if self._flat(point):
                return [point]
            if point.slope >= 0:
                return [before, point]
            low, high = point.t + 0.01 * (point.t - before.t), point.t * 10
            t = cubic_minimum(before, point, low, high)
            before, point = point, self.evaluate(t)
        return [self.start, point]

    def _zoom(self, ends: list[Point]) -> Point:
        """Narrow a bracket down to a good step."""
        low, high = (0, 1) if ends[0].loss <= ends[1].loss else (1, 0)
        stuck = False
        while self.evaluations <= self.limit:
            if abs(ends[1].t - ends[0].t) * self.reach < self.tolerance:
                break
            t, stuck = self._between(ends, stuck)
            point = self.evaluate(t)
            if self._too_high(point) or point.loss >= ends[low].loss:
                ends[high] = point
                low, high = (0, 1) if ends[0].loss <= ends[1].loss else (1, 0)
                continue
            good = self._flat(point)
            if not good and point.slope * (ends[high].t - ends[low].t) >= 0:
                ends[high] = ends[low]
            ends[low] = point
            if good:
                break
        return ends[low]

    def _between(self, ends: list[Point], stuck: bool) -> tuple[Any, bool]:
        """The next step to try, and whether it is close to an end for the first time running.

        The second time it moves a tenth of the bracket away from that end.
        """
        first, last = min(ends[0].t, ends[1].t), max(ends[0].t, ends[1].t)
        t = cubic_minimum(ends[0], ends[1], first, last)
        margin = 0.1 * (last - first)
        if not min(last - t, t - first) < margin:
            return t, False
        if not (stuck or t >= last or t <= first):
            return t, True
        nearer_last = abs(t - last) < abs(t - first)
        return (last - margin if nearer_last else first + margin), False
