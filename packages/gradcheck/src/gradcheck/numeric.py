"""Derivatives from function values alone, with an honest error estimate.

A slope is measured at a ladder of steps and extrapolated to step zero (Ridders, "Accurate
computation of F'(x) and F'(x) F''(x)", Advances in Engineering Software 4, 1982). Two ladders are
climbed, one around the nominal step 1 and one around |x|, because either alone can settle on a
wrong value: steps of 1e3 see nothing of sin near x = 1e4, steps of 0.1 see nothing of a function
whose inputs are 1e-7.
"""

from dataclasses import dataclass

import numpy as np

from gradcheck.forward import Array, Direction, Forward
from gradcheck.smoothness import find_jumps, find_kinks

EPS = float(np.finfo(np.float64).eps)
SWALLOWED = 2.0**-13  # steps this far below the largest may be lost in roundings inside f
UNRULY = 0.02  # noise above this part of all that a function moves hides every slope


@dataclass(frozen=True)
class Ladder:
    """Steps 2**top, 2**(top - shift), ... : ``levels`` of them, ``columns`` extrapolations."""

    levels: int
    shift: int
    columns: int
    top: int

    @property
    def stride(self) -> int:
        """How many levels make a factor of four in the step."""
        return 2 // self.shift


COARSE = Ladder(levels=14, shift=2, columns=6, top=-1)
DENSE_LEVELS = 40
DENSE = Ladder(DENSE_LEVELS, shift=1, columns=8, top=0)  # a second opinion before any accusation


@dataclass
class Slopes:
    """Directional derivatives; every array is (directions, outputs).

    ``low`` and ``high`` differ only at kinks, where they bound the subgradients; ``error`` bounds
    the error of either; ``step`` is the step the value was read at; ``jump`` marks discontinuities;
    ``flat`` what moves by nothing but its own rounding.
    """

    low: Array
    high: Array
    error: Array
    step: Array
    kink: Array
    jump: Array
    flat: Array


@dataclass
class Samples:
    """Function values around one point on one ladder: (levels, directions, outputs)."""

    base: Array  # (outputs,)
    up: Array
    down: Array
    plus: Array  # (levels, directions, 1): the steps really taken upwards, NaN if not usable
    minus: Array
    floor: Array | float = 0.0  # the size of the values where ``base`` does not show it
    own: Array | float = 0.0  # the size of what is moved, (directions, 1)

    def __post_init__(self) -> None:
        self.rise = (self.up - self.base) / self.plus
        self.fall = (self.base - self.down) / self.minus
        self.step = np.fmax(self.plus, self.minus)
        size = np.fmax(np.fmax(np.abs(self.up), np.abs(self.down)), np.abs(self.base) + self.floor)
        # Weighted so that the curvature cancels even when the two steps differ by a rounding.
        weight = self.plus / (self.plus + self.minus)
        self.central = self.rise * (1 - weight) + self.fall * weight
        # What f makes of a rounding of x is a rounding of f, even where f itself is small.
        slope = np.fmin(np.abs(self.rise), np.abs(self.fall))
        self.noise = EPS * (size + self.own * np.nan_to_num(slope)) / self.step
        if len(self.up) >= DENSE_LEVELS:
            self.noise = np.maximum(self.noise, self._grid() / self.step)
        self._widen_where_swallowed()

    def _grid(self) -> Array:
        """The power of two that divides all values, where it is a rounding of the largest.

        (1 + x) - 1 is small and its last bits are all zero: its noise is that of 1 + x.
        """
        values = np.concatenate([self.up, self.down, np.broadcast_to(self.base, self.up[:1].shape)])
        mantissa, exponent = np.frexp(np.where(np.isfinite(values), values, 0.0))
        whole = np.abs(mantissa * 2.0**53).astype(np.int64)
        lowest = np.where(whole > 0, (whole & -whole).astype(float), np.inf)
        grid = np.ldexp(lowest, exponent - 53).min(axis=0)
        most = np.nan_to_num(np.abs(values), posinf=0.0).max(axis=0)
        return np.where(grid <= 4 * EPS * most, grid, 0.0)

    def _widen_where_swallowed(self) -> None:
        """Raise the noise where small steps vanish in the rounding inside the function.

        Known by its moves being whole multiples of one quantum, as those of (1e12 + x) - 1e12 are.
        """
        still = (self.up == self.base) & (self.down == self.base)
        mixed = still.any(axis=0) & ~still.all(axis=0)
        if not mixed.any():
            return
        moves = np.abs(np.concatenate([self.up - self.base, self.down - self.base]))
        moves = np.where(np.isfinite(moves), moves, 0.0)
        quantum = np.where(moves > 0, moves, np.inf).min(axis=0)
        multiple = np.where(moves < 64 * quantum, moves / quantum, 0.0)
        halves = 2 * multiple  # beside a power of two the quanta on one side are half as large
        off = np.abs(halves - np.rint(halves))
        whole = (off <= np.where(multiple < 16, 0.04, 1e-6 * halves)).all(axis=0)
        repeated = (multiple > 0.5).sum(axis=0) > 3
        growing = moves.max(axis=0) > 256 * quantum  # a step function jumps by few amounts
        floor = np.where(mixed & whole & repeated & growing, quantum, 0.0) / self.step
        self.noise = np.maximum(self.noise, floor)


@dataclass
class Estimate:
    """A value with its error and the step it was read at, each (directions, outputs)."""

    value: Array
    error: Array
    step: Array


def measure(forward: Forward, directions: list[Direction], ladder: Ladder = COARSE) -> Slopes:
    """Differentiate ``forward`` along each direction.

    >>> f = Forward(lambda primals: (np.sin(primals[0]),), [np.array([1.0])])
    >>> s = measure(f, f.coordinates(0))
    >>> bool(abs(s.low[0, 0] - np.cos(1.0)) <= s.error[0, 0] < 1e-11)
    True
    """
    climbs = _climb(forward, directions, ladder)
    central = _settle(climbs, [s.central for s in climbs], ladder, 4**ladder.shift)
    kink = np.ones(central.value.shape, bool)
    for samples in climbs:
        kink &= find_kinks(samples, ladder.stride)
    sided = kink | ~np.isfinite(central.error)
    low, high = central.value.copy(), central.value.copy()
    if sided.any():
        low, high = _one_sided(climbs, central, sided, ladder)
    lost = ~np.isfinite(central.error)
    central.error[lost], low[lost], high[lost] = np.inf, 0.0, 0.0
    poor = central.error > 1e-2 * np.fmax(np.abs(low), np.abs(high))
    jump = np.zeros(kink.shape, bool)
    if poor.any():
        jump = poor & find_jumps(climbs[-1], ladder.stride)
    flat = np.ones(kink.shape, bool)
    for samples in climbs:
        moves = np.abs(np.concatenate([samples.up, samples.down]) - forward.base)
        flat &= np.nan_to_num(moves).max(axis=0) <= 4 * EPS * np.abs(forward.base)
    return Slopes(low, high, central.error, central.step, kink & ~jump, jump, flat)


def _climb(forward: Forward, directions: list[Direction], ladder: Ladder) -> list[Samples]:
    """Evaluate ``forward`` up and down both ladders; one ladder when they would coincide."""
    exponents = np.array([d.scale_exponent for d in directions])  # even numbers
    far = bool((np.abs(exponents) > 2).any())
    steps = ladder.top - ladder.shift * np.arange(ladder.levels)
    values = [forward.sample(directions, [steps] * len(directions))]
    if far:
        shifted = [steps + (e if abs(e) > 2 else 0) for e in exponents]
        values.append(forward.sample(directions, shifted))
    own = np.array([[forward.size_of(d)] for d in directions])
    return [Samples(forward.base, *v, forward.floor, own) for v in values]


def extrapolate(
    slopes: Array,
    samples: Samples,
    columns: int,
    growth: int,
    below: Array | None = None,
    seen: Array | float = 0.0,
) -> Estimate:
    """Ridders' table over the levels; the entry with the least error estimate wins.

    ``growth`` is the factor by which the leading error falls from one level to the next; ``below``
    (directions, outputs) forbids the use of coarser steps; ``seen`` is noise of the values that
    their roundings do not explain.
    """
    values, errors, steps = [slopes], [np.full_like(slopes, np.inf)], [samples.step]
    column = slopes
    for k in range(1, columns + 1):
        fine, coarse = column[1:], column[:-1]
        column = fine + (fine - coarse) / (float(growth) ** k - 1)
        spread = np.maximum(np.abs(column - fine), np.abs(column - coarse))
        bound = spread + 2 * samples.noise[k:] + 2 * seen / samples.step[k:]
        if below is not None:
            bound = np.where(samples.step[:-k] <= below, bound, np.inf)
        values.append(column)
        errors.append(bound)
        steps.append(samples.step[k:])
    error = np.concatenate(errors)
    error[~np.isfinite(error)] = np.inf
    best = error.argmin(axis=0)[None]
    step = np.broadcast_to(np.concatenate(steps), error.shape)
    value = np.concatenate(values)
    picked = [np.take_along_axis(a, best, 0)[0] for a in (value, error, step)]
    return Estimate(*picked)


def _settle(climbs: list[Samples], slopes: list[Array], ladder: Ladder, growth: int) -> Estimate:
    """Extrapolate on every ladder, distrust what finer steps contradict, keep the best."""
    best: Estimate | None = None
    for samples, slope in zip(climbs, slopes, strict=True):
        first = extrapolate(slope, samples, ladder.columns, growth)
        found, denied = _weighed(first, climbs, slopes, samples, slope, ladder)
        noise = _seen_noise(first, slope, samples, ladder)
        if (2 * noise / first.step > first.error).any():  # it may owe its place to good luck
            sober = extrapolate(slope, samples, ladder.columns, growth, None, noise)
            found = _better(found, _weighed(sober, climbs, slopes, samples, slope, ladder)[0])
        if np.isfinite(denied).any():  # begin again below the steps that proved too coarse
            finer = extrapolate(slope, samples, ladder.columns, growth, denied)
            found = _better(found, _weighed(finer, climbs, slopes, samples, slope, ladder)[0])
        best = found if best is None else _better(best, found)
    assert best is not None
    return best


def _better(a: Estimate, b: Estimate) -> Estimate:
    """Of each two values the one with the smaller error."""
    better = b.error < a.error
    fields = ((b.value, a.value), (b.error, a.error), (b.step, a.step))
    return Estimate(*(np.where(better, x, y) for x, y in fields))


def _weighed(
    found: Estimate,
    climbs: list[Samples],
    slopes: list[Array],
    samples: Samples,
    slope: Array,
    ladder: Ladder,
) -> tuple[Estimate, Array]:
    """Add to the error what noise was seen and what finer steps say otherwise.

    Also the coarsest steps (directions, outputs) of those that agree on another value; inf where
    there are none.
    """
    noise = _seen_noise(found, slope, samples, ladder)
    error = found.error + 2 * noise / found.step
    error[np.isnan(error)] = np.inf  # no step of this ladder could be taken
    error = np.maximum(error, _overshoot(found, slope, samples, ladder))
    denied = np.full(error.shape, np.inf)
    for other, other_slope in zip(climbs, slopes, strict=True):
        excess, where = _contradiction(found, other_slope, other, ladder)
        denied = np.minimum(denied, np.where(excess > error, where, np.inf))
        error = np.fmax(error, excess)
    moves = np.where(np.isfinite(slope), np.abs(slope) * samples.step, 0.0)
    noisy = noise > UNRULY * moves.max(axis=0)  # it moves as much at the smallest step as ever,
    noisy &= noise > 64 * EPS * (np.abs(samples.base) + samples.floor)  # and by more than roundings
    error = np.where(noisy, np.inf, error)
    return Estimate(found.value, error, found.step), denied


def _seen_noise(found: Estimate, slope: Array, samples: Samples, ladder: Ladder) -> Array:
    """The noise of the function's values as the smallest steps show it."""
    last = slice(-3 * ladder.stride, None)
    seen = np.abs(slope[last] - found.value) * samples.step[last]
    seen[~np.isfinite(seen)] = 0.0
    return seen.max(axis=0)


def _overshoot(found: Estimate, slope: Array, samples: Samples, ladder: Ladder) -> Array:
    """How far three agreeing coarser slopes lie from the value found, unless a kink explains it.

    1 + tanh(x) is constant at small steps where it is rounded to 2**-53: there slopes settle on the
    derivative of something else. Near a kink they change, too, but on one side of the point alone.
    """
    s = ladder.stride
    a, b, c = slope[: -2 * s], slope[s:-s], slope[2 * s :]
    high, low = np.maximum(np.maximum(a, b), c), np.minimum(np.minimum(a, b), c)
    apart = np.minimum(np.abs(low - found.value), np.abs(high - found.value))
    agree = (samples.step[2 * s :] > found.step) & (high - low < 0.1 * apart)
    agree &= found.step < SWALLOWED * np.nanmax(samples.step, axis=0, initial=0.0)
    agree &= apart > 0.05 * np.maximum(np.abs(b), np.abs(found.value))
    near = 0.1 * apart + 16 * samples.noise[s:-s]
    for side in (samples.rise, samples.fall):
        agree &= ~(np.abs(side[s:-s] - found.value) <= near)
    return np.where(agree & np.isfinite(apart), apart, 0.0).max(axis=0)


def _contradiction(
    found: Estimate, slope: Array, samples: Samples, ladder: Ladder
) -> tuple[Array, Array]:
    """How far three agreeing finer slopes lie from the value found, beyond their own spread.

    Noise grows as the step falls, so three levels agree by chance only rarely. Also the coarsest
    step of those furthest off.
    """
    s = ladder.stride
    a, b, c = slope[: -2 * s], slope[s:-s], slope[2 * s :]
    spread = np.maximum(np.maximum(np.abs(a - b), np.abs(b - c)), np.abs(a - c))
    excess = np.abs(found.value - a) - 2 * spread - 8 * samples.noise[2 * s :]
    finer = samples.step[: -2 * s] < found.step
    excess = np.where(finer & np.isfinite(excess), excess, 0.0)
    worst = excess.argmax(axis=0)[None]
    steps = np.broadcast_to(samples.step[: -2 * s], excess.shape)
    at = np.take_along_axis(steps, worst, 0)[0]
    return np.maximum(excess.max(axis=0), 0.0), at


def _one_sided(
    climbs: list[Samples], central: Estimate, sided: Array, ladder: Ladder
) -> tuple[Array, Array]:
    """Slopes from either side where central ones mislead (kinks) or do not exist (edges).

    Writes the error and step of ``central`` where ``sided``; a missing side takes the other's.
    """
    growth = 2**ladder.shift
    right = _settle(climbs, [s.rise for s in climbs], ladder, growth)
    left = _settle(climbs, [s.fall for s in climbs], ladder, growth)
    ends = [~np.isfinite(s.fall).any(axis=0) | ~np.isfinite(s.rise).any(axis=0) for s in climbs]
    edge = np.logical_and.reduce(ends)
    if edge.any():  # where slopes may approach their limit like any power of the step
        right = _better(right, _accelerated([s.rise for s in climbs], climbs, edge))
        left = _better(left, _accelerated([s.fall for s in climbs], climbs, edge))
    for side, other in ((right, left), (left, right)):
        gone = ~np.isfinite(side.error)
        side.value = np.where(gone, other.value, side.value)
        side.error = np.where(gone, other.error, side.error)
        side.step = np.where(gone, other.step, side.step)
    low = np.where(sided, np.minimum(right.value, left.value), central.value)
    high = np.where(sided, np.maximum(right.value, left.value), central.value)
    central.error = np.where(sided, np.maximum(right.error, left.error), central.error)
    central.step = np.where(sided, np.minimum(right.step, left.step), central.step)
    return low, high


def _accelerated(slopes: list[Array], climbs: list[Samples], edge: Array) -> Estimate:
    """Aitken's delta-squared process on every ladder, at edges of the domain.

    As of x ** 1.5 at 0, whose slopes fall with the square root of the step. (Aitken, "On
    Bernoulli's numerical solution of algebraic equations", Proc. R. Soc. Edinburgh 46, 1926.)
    """
    best: Estimate | None = None
    for slope, samples in zip(slopes, climbs, strict=True):
        first, second = slope[1:-1] - slope[:-2], slope[2:] - slope[1:-1]
        with np.errstate(all="ignore"):
            ratio = second / first
        value = slope[2:] + second * ratio / (1 - ratio)
        spread = np.abs(np.diff(value, axis=0))
        error = np.maximum(spread[1:], spread[:-1]) + 8 * samples.noise[4:] / (1 - ratio[2:]) ** 2
        error[~(np.abs(ratio[2:]) < 0.8) | ~np.isfinite(error) | ~edge] = np.inf
        pick = error.argmin(axis=0)[None]
        steps = np.broadcast_to(samples.step[4:], error.shape)
        fields = [np.take_along_axis(a, pick, 0)[0] for a in (value[2:], error, steps)]
        found = Estimate(*fields)
        best = found if best is None else _better(best, found)
    assert best is not None
    return best
