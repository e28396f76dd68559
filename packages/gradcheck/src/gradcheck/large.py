"""Inputs too large to try element by element: random projections, and bisection to the culprit.

A gradient is tested along signed random directions, in which no single wrong element can hide, at a
tolerance that follows the error of the measurement and not the size of the input.
"""

from dataclasses import dataclass, replace

import numpy as np

from gradcheck.forward import Array, Direction, Forward, even_exponent
from gradcheck.numeric import COARSE, DENSE, EPS, Ladder, measure
from gradcheck.values import (
    ROUNDINGS,
    SAFETY,
    TELLING,
    Allowance,
    Judged,
    Numeric,
    differentiate,
    joined,
    judge,
    replace_columns,
)

WIDE = 4096  # outputs beyond which only their sums weighted with cotangents are measured
NARROW_LEVELS = 2  # levels a bisection step climbs, at the step that served best


@dataclass
class Projection:
    """One direction that was tried: the weights of every element and what came out."""

    weights: Array
    analytic: Array  # (cotangents,)
    numeric: Array
    bound: Array
    step: Array

    @property
    def wrong(self) -> Array:
        """Cotangents for which the projections differ by more than the bound."""
        off = np.abs(self.analytic - self.numeric)
        return ~(off <= self.bound) & (self.bound < 1e140)


def weighted(forward: Forward, cotangents: Array) -> Forward:
    """The outputs summed up with every cotangent, as differences from the base point."""
    base = forward.base
    floor = np.sqrt((np.square(cotangents) * np.square(base)).sum(axis=1))
    return forward.seen(lambda y: cotangents @ (y - base), np.zeros(len(cotangents)), floor)


def without_kinks(forward: Forward, primal: int, rng: np.random.Generator) -> Array:
    """Which outputs are smooth along random directions through every element of a primal.

    Exact ties and zeros (a relu after a relu) put kinks under many elements at once; their outputs
    are left to the element-wise part of the check. So are those that are but the rounding of what
    cancels (the gradient of an attention key's bias): their moves do not shrink with the step.
    """
    weights = signs(forward.flat[primal].size, rng)
    direction = Direction({primal: (slice(None), weights)})
    steps = np.array([-17, -19, -21, -23])
    up, down, plus, minus = forward.sample([direction], [steps])
    gap = np.abs((up - forward.base) / plus - (forward.base - down) / minus)[:, 0]
    noise = 32 * EPS * np.abs(forward.base) / plus[:, 0]
    flat = (gap[-1] > 0.7 * gap[0]) & (gap[-1] > noise[-1]) & (gap[0] > noise[0])
    moves = np.maximum(np.abs(up - forward.base), np.abs(down - forward.base))[:, 0]
    rounding = moves.max(axis=0) <= 1024 * EPS * np.abs(forward.base).max(initial=0.0)
    late = moves[2:].max(axis=0)  # a sixteenth of the first move, were it smooth
    rounding &= (late > moves[0] / 8) & (late > 4 * EPS * np.abs(forward.base))
    return ~(flat | rounding)


def signs(size: int, rng: np.random.Generator) -> Array:
    """Random weights +1 and -1."""
    return rng.integers(0, 2, size) * 2.0 - 1.0


def projections(
    forward: Forward,
    primal: int,
    gradient: Array,
    slack: Array,
    cotangents: Array,
    rng: np.random.Generator,
    eps: float,
    ladder: Ladder = COARSE,
) -> list[Projection]:
    """Try signed random directions: nominal steps, and steps relative to every element."""
    seen = weighted(forward, cotangents) if forward.base.size > WIDE else forward
    contraction = np.eye(len(cotangents)) if seen is not forward else cotangents
    flat = forward.flat[primal]
    exponents = even_exponent(flat)
    count = 2 if flat.size > 100_000 else 4
    choices = [signs(flat.size, rng) for _ in range(count)]
    if (np.abs(exponents) > 2).any():
        relative = np.ldexp(1.0, np.clip(exponents, -200, 200))
        choices += [signs(flat.size, rng) * relative for _ in range(count // 2)]
    tried = []
    for weights in choices:
        value, error, step, size = _along(seen, contraction, primal, weights, ladder)
        spread = np.sqrt(np.square(gradient * weights).sum(axis=1))
        shaken = np.abs((slack * signs(flat.size, rng)) @ weights)
        bound = SAFETY * error + ROUNDINGS * eps * (spread + size) + 8 * shaken
        tried.append(Projection(weights, gradient @ weights, value, bound, step))
    return tried


def _along(
    seen: Forward, contraction: Array, primal: int, weights: Array, ladder: Ladder
) -> tuple[Array, Array, Array, Array]:
    """Slope, error, step and size along one direction, for every cotangent."""
    direction = Direction({primal: (slice(None), weights)})
    slopes = measure(seen, [direction], ladder)
    error = np.where(np.isfinite(slopes.error), slopes.error, 1e150)
    width = np.abs(slopes.high - slopes.low)
    middle = (slopes.high + slopes.low) / 2
    weight = np.abs(contraction)
    size = weight @ np.abs(middle[0])
    return (
        contraction @ middle[0],
        np.sqrt(np.square(weight) @ np.square(error[0] + width[0])),
        slopes.step.min(axis=1).repeat(len(contraction)),
        size,
    )


def telling(tried: list[Projection], gradient: Array) -> bool:
    """Whether the projections would have shown one element wrong by a thousandth."""
    best = np.inf
    for p in tried:
        typical = np.sqrt(np.mean(np.square(gradient * p.weights), axis=1))
        # A cotangent whose gradient vanishes (ones under softmax) is measured against the others.
        visible = p.bound <= np.maximum(TELLING * typical, 1e-6 * typical.max(initial=0.0))
        silent = (p.numeric == 0) & (p.analytic == 0)
        best = min(best, 0.0 if (visible | silent).all() else 1.0)
    return best == 0.0


def bisect(
    forward: Forward, primal: int, gradient: Array, cotangent: Array, culprit: Projection
) -> int:
    """The flat index of an element with a wrong gradient, in O(log n) evaluations.

    Halves the support of a direction that failed and keeps the half that is further off.
    """
    row = cotangent[None]
    seen = weighted(forward, row) if forward.base.size > WIDE else forward
    contraction = np.eye(1) if seen is not forward else row
    weights = culprit.weights
    step = float(culprit.step.min())
    top = int(np.ceil(np.log2(step))) + 2 * (NARROW_LEVELS - 1) if np.isfinite(step) else -8
    ladder = Ladder(NARROW_LEVELS, 2, 2, top)
    low, high = 0, weights.size
    off = float(gradient @ weights) - _quick(seen, contraction, primal, weights, ladder)
    while high - low > 1:
        middle = (low + high) // 2
        half = np.zeros_like(weights)
        half[low:middle] = weights[low:middle]
        left = float(gradient @ half) - _quick(seen, contraction, primal, half, ladder)
        if abs(left) >= abs(off - left):
            high, off = middle, left
        else:
            low, off = middle, off - left
    return low


def _quick(seen: Forward, contraction: Array, primal: int, weights: Array, ladder: Ladder) -> float:
    """A slope from a few levels, good enough to tell which half is further off."""
    where = np.flatnonzero(weights)
    direction = Direction({primal: (_span(where), weights[_span(where)])})
    up, down, plus, minus = seen.sample([direction], [ladder.top - 2 * np.arange(ladder.levels)])
    slopes = ((up - down) / (plus + minus))[:, 0] @ contraction[0]
    finer, coarser = slopes[1:], slopes[:-1]
    better = finer + (finer - coarser) / 15
    return float(better[-1] if np.isfinite(better[-1]) else np.nan_to_num(slopes[-1]))


def _span(where: Array) -> slice:
    return slice(int(where[0]), int(where[-1]) + 1) if where.size else slice(0, 0)


def sampled(
    forward: Forward,
    primal: int,
    elements: Array,
    gradient: Array,
    cotangents: Array,
    grant: Allowance,
    blur: Array | None,
) -> Judged:
    """Judge chosen elements one by one, looking only at the outputs each of them moves.

    What is accused or in doubt is measured again on a denser ladder.
    """

    def measured(chosen: list[int], ladder: Ladder) -> Numeric:
        parts = []
        for element in chosen:
            seen, rows = _affected(forward, primal, element, cotangents)
            known = blur if seen is forward else None
            directions = seen.coordinates(primal, [element])
            parts.append(differentiate(seen, directions, rows, known, ladder))
        return joined(parts, len(cotangents))

    def judged() -> Judged:
        return judge(gradient[:, elements], numeric, some)

    some = replace(grant, slack=grant.slack[:, elements])
    numeric = measured(elements.tolist(), COARSE)
    first = judged()
    suspect = np.flatnonzero((first.wrong | first.doubtful).any(axis=0))
    if not suspect.size:
        return first
    replace_columns(numeric, suspect, measured(elements[suspect].tolist(), DENSE))
    return judged()


def moved_by(forward: Forward, primal: int, element: int) -> Array:
    """Which outputs change with an element at all, tried with four large and small steps."""
    direction = forward.coordinates(primal, [element])
    up, down, _, _ = forward.sample(direction, [np.array([-1, -12]) + direction[0].scale_exponent])
    return np.asarray(~((up == forward.base) & (down == forward.base)).all(axis=(0, 1)))


def _affected(
    forward: Forward, primal: int, element: int, cotangents: Array
) -> tuple[Forward, Array]:
    """The function restricted to the outputs one element moves, and their cotangents."""
    if forward.base.size <= WIDE:
        return forward, cotangents
    places = np.flatnonzero(moved_by(forward, primal, element))
    if places.size > WIDE:
        return weighted(forward, cotangents), np.eye(len(cotangents))
    return forward.seen(lambda y: y[places], forward.base[places]), cotangents[:, places]
