"""The function under test as a map from float64 arrays to one flat float64 vector."""

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Bounds = tuple[float | None, float | None] | None

EXACT = 2.0**-12  # a step may be off by this part of itself through the rounding of x + step
_NOTHING = np.zeros(0)
OUTSIDE = (ArithmeticError, ValueError, IndexError, RuntimeError, TypeError)
"""What a function may raise where it is not defined."""


@dataclass
class Direction:
    """A way to move the primals: ``{primal: (flat indices, weights)}``.

    ``scale_exponent`` is the (even) binary exponent of the size of what is moved; ``single`` says
    that one element moves by the plain step.
    """

    moves: dict[int, tuple[Any, Any]]
    scale_exponent: int = 0
    single: bool = False


class Forward:
    """Evaluates ``call`` at moved primals; counts evaluations; never changes the caller's arrays.

    ``call`` takes a list of arrays and returns a tuple of arrays; the floating outputs are laid end
    to end. ``bounds`` holds the domain (low, high) of every primal, or None;
    ``known`` the outputs at the primals where they are known.

    >>> f = Forward(lambda primals: (primals[0] * 2,), [np.array([1.0, 2.0])])
    >>> f.base.tolist(), f.evaluations
    ([2.0, 4.0], 1)
    """

    def __init__(
        self,
        call: Callable[[list[Array]], tuple[Array, ...]],
        primals: Sequence[Array],
        bounds: Sequence[Bounds] | None = None,
        known: tuple[Array, ...] | None = None,
    ) -> None:
        self.call = call
        self.primals = [_as_float64(p) for p in primals]
        self.flat = [p.reshape(-1) for p in self.primals]
        self.bounds = list(bounds) if bounds is not None else [None] * len(self.primals)
        self.count = [1]  # shared by every view of this function
        outputs = call(self.primals) if known is None else known
        self.floating = [i for i, y in enumerate(outputs) if y.dtype.kind == "f"]
        self.shapes = [outputs[i].shape for i in self.floating]
        self.base = self._join(outputs)
        self.floor: Array | float = 0.0
        self.view: Callable[[Array], Array] | None = None

    def seen(
        self, view: Callable[[Array], Array], base: Array, floor: Array | float = 0.0
    ) -> "Forward":
        """The same function seen through ``view``, a linear map of its flat output.

        ``floor`` is the size of the output values behind each number seen: it sets the noise.
        """
        other = copy(self)
        other.view, other.base, other.floor = view, base, floor
        return other

    def _join(self, outputs: tuple[Array, ...]) -> Array:
        if len(self.floating) == 1:
            return np.array(outputs[self.floating[0]], np.float64).reshape(-1)
        parts = [np.asarray(outputs[i], np.float64).reshape(-1) for i in self.floating]
        return np.concatenate(parts) if parts else _NOTHING

    @property
    def evaluations(self) -> int:
        """How often the function was called."""
        return self.count[0]

    def into(self, row: Array) -> None:
        """Write the value at the current primals into ``row``, NaN where there is none."""
        self.count[0] += 1
        try:
            outputs = self.call(self.primals)
            if len(self.floating) == 1:
                value = outputs[self.floating[0]].reshape(-1)
            else:
                value = self._join(outputs)
            row[:] = value if self.view is None else self.view(value)
        except OUTSIDE:
            row[:] = np.nan  # outside the domain: this step tells nothing

    def moved(self, primal: int, where: slice, by: Array) -> Array | None:
        """The value with part of a primal moved; None outside the domain."""
        return self._at({primal: (where, by)})

    def moved_together(self, by: dict[int, Array]) -> Array | None:
        """The value with several primals moved; None outside the domain."""
        return self._at({primal: (slice(None), steps) for primal, steps in by.items()})

    def _at(self, moves: dict[int, tuple[slice, Array]]) -> Array | None:
        old = {primal: self.flat[primal][where].copy() for primal, (where, _) in moves.items()}
        try:
            for primal, (where, by) in moves.items():
                flat, bounds = self.flat[primal], self.bounds[primal]
                flat[where] += by
                if bounds is not None and not inside(flat[where], bounds).all():
                    return None
            self.count[0] += 1
            outputs = self.call(self.primals)
            if len(self.floating) == 1:
                return outputs[self.floating[0]].reshape(-1)
            return self._join(outputs)
        except OUTSIDE:
            return None
        finally:
            for primal, (where, _) in moves.items():
                self.flat[primal][where] = old[primal]

    def coordinates(self, primal: int, elements: Sequence[int] | None = None) -> list[Direction]:
        """One direction for each element (flat index) of a primal."""
        flat = self.flat[primal]
        chosen = range(flat.size) if elements is None else elements
        exponents = even_exponent(flat)
        return [Direction({primal: (e, 1.0)}, int(exponents[e]), single=True) for e in chosen]

    def size_of(self, direction: Direction) -> float:
        """The size of the one element a direction moves; 0 where it moves several."""
        if not direction.single:
            return 0.0
        ((primal, (where, _)),) = direction.moves.items()
        return abs(float(self.flat[primal][where]))

    def sample(
        self, directions: list[Direction], exponents: Sequence[Array]
    ) -> tuple[Array, Array, Array, Array]:
        """Values up and down every direction at steps 2**exponents, and the steps really taken."""
        shape = (len(exponents[0]) if exponents else 0, len(directions), self.base.size)
        up, down = np.empty(shape), np.empty(shape)
        plus, minus = np.empty((*shape[:2], 1)), np.empty((*shape[:2], 1))
        for d, (direction, powers) in enumerate(zip(directions, exponents, strict=True)):
            steps = np.exp2(np.where(np.abs(powers) < 1020, powers, np.nan).astype(float))
            walk = self._walk_one if direction.single else self._walk
            plus[:, d, 0] = walk(direction, steps, up[:, d])
            minus[:, d, 0] = -walk(direction, -steps, down[:, d])
        return up, down, plus, minus

    def _walk_one(self, direction: Direction, steps: Array, rows: Array) -> Array:
        """Move one element by every step; the steps really taken, NaN for those not usable."""
        ((primal, (where, _)),) = direction.moves.items()
        flat = self.flat[primal]
        old = float(flat[where])
        new = old + steps
        taken = new - old
        usable = np.abs(taken - steps) <= np.abs(steps) * EXACT
        if self.bounds[primal] is not None:
            usable &= inside(new, self.bounds[primal])
        for value, row, good in zip(new.tolist(), rows, usable.tolist(), strict=True):
            if good:
                flat[where] = value
                self.into(row)
            else:
                row[:] = np.nan
        flat[where] = old
        taken[~usable] = np.nan
        return taken

    def _walk(self, direction: Direction, steps: Array, rows: Array) -> Array:
        """Move many elements at once by every step."""
        taken = steps.copy()
        old = {p: np.copy(self.flat[p][where]) for p, (where, _) in direction.moves.items()}
        for k, step in enumerate(steps.tolist()):
            within = step == step
            for primal, (where, weight) in direction.moves.items():
                new = old[primal] + step * weight
                if self.bounds[primal] is not None:
                    within = within and bool(inside(new, self.bounds[primal]).all())
                self.flat[primal][where] = new
            if within:
                self.into(rows[k])
            else:
                rows[k] = taken[k] = np.nan
        for primal, (where, _) in direction.moves.items():
            self.flat[primal][where] = old[primal]
        return taken


def even_exponent(x: Array) -> Array:
    """The binary exponent of |x| rounded to an even number; 0 for zero.

    >>> even_exponent(np.array([0.0, 1.0, 1e4])).tolist()
    [0, 0, 14]
    """
    exponent = np.frexp(np.where(np.isfinite(x), x, 0.0))[1]
    return 2 * (exponent // 2)


def _as_float64(primal: Array) -> Array:
    if primal.dtype.kind == "f":
        return np.array(primal, np.float64, order="C")
    return np.array(primal, order="C")


def inside(x: Array, bounds: Bounds) -> Array:
    low, high = bounds or (None, None)
    return (x >= (-np.inf if low is None else low)) & (x <= (np.inf if high is None else high))
