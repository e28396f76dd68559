"""A hand-written forward rule at one point, as columns of a Jacobian."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradcheck.engines.base import Misuse, floating, number_array, what_is
from gradcheck.engines.numpy_pairs import jitter
from gradcheck.forward import Array, Direction
from gradcheck.subject import Subject, blame

Moved = list[Array | None]


@dataclass
class Point:
    """What a forward rule is called with besides the tangents: inputs and outputs."""

    primals: list[Array]
    outputs: tuple[Array, ...]

    def copy(self) -> "Point":
        """The same numbers in memory of their own."""
        return Point([p.copy() for p in self.primals], tuple(y.copy() for y in self.outputs))

    def jittered(self, rng: np.random.Generator) -> "Point":
        """Inputs and outputs moved by one rounding error each."""
        primals = [jitter(p, rng) if floating(p) else p for p in self.primals]
        return Point(primals, tuple(jitter(y, rng) if floating(y) else y for y in self.outputs))


class ForwardRule:
    """``jvp(t, y, *primals)`` beside its function; ``seen`` marks the finite outputs.

    ``t`` is one array for one primal and a tuple for several, with zeros for what is not moved.
    """

    def __init__(self, subject: Subject, jvp: Callable[..., Any], several: bool) -> None:
        self.subject = subject
        self.jvp = jvp
        self.several = several  # whether f returns a tuple
        self.point = Point(subject.primals, subject.outputs)
        kinds = [p.dtype for p in subject.primals if floating(p)]
        self.kind = min(kinds, key=lambda kind: kind.itemsize)
        narrow = np.concatenate([np.ravel(subject.outputs[k]) for k in subject.floating])
        self.seen = np.isfinite(subject.forward.base) & np.isfinite(narrow)
        forward, seen = subject.forward, self.seen
        whole = bool(seen.all())
        self.forward = forward if whole else forward.seen(lambda y: y[seen], forward.base[seen])

    def tangents(self, direction: Direction) -> list[Array]:
        """One tangent for every primal, of its shape; floating and zero for integers."""
        arrays = []
        for i, p in enumerate(self.subject.primals):
            t = np.zeros(p.shape, p.dtype if floating(p) else self.kind)
            if i in direction.moves:
                where, weights = direction.moves[i]
                t.reshape(-1)[where] = weights
            arrays.append(t)
        return arrays

    def drawn(self, rng: np.random.Generator, gaussian: bool = True) -> Direction:
        """A random direction in all inputs that are checked."""
        moves = {}
        for i in self.subject.wrt:
            p = self.subject.primals[i]
            draw = rng.standard_normal(p.size) if gaussian else rng.integers(0, 2, p.size) * 2 - 1
            moves[i] = (slice(None), draw.astype(p.dtype).astype(np.float64))
        return Direction(moves)

    def raw(self, tangents: Sequence[Array], point: Point | None = None) -> Moved:
        """What the rule returns, one entry for every output; raises Misuse."""
        at = point or self.point
        t: Any = tangents[0] if len(tangents) == 1 else tuple(tangents)
        y: Any = at.outputs if self.several else at.outputs[0]
        with blame("jvp"):
            return self._listed(self.jvp(t, y, *at.primals))

    def _listed(self, raw: Any) -> Moved:
        count = len(self.subject.outputs)
        parts = raw if isinstance(raw, tuple | list) else (raw,)
        if len(parts) != count:
            text = f"jvp returns {len(parts)} tangents for {count} outputs"
            raise Misuse("count", f"{text}; it must return one for each")
        moved: Moved = []
        for k, part in enumerate(parts):
            if not floating(self.subject.outputs[k]):
                moved.append(None)
                continue
            try:
                moved.append(number_array(part))
            except TypeError as error:
                text = f"jvp returns {what_is(part)} for output {k}; it must return an ndarray"
                raise Misuse("type", text) from error
        return moved

    def flat(self, moved: Moved) -> Array:
        """Output tangents end to end in float64, those of the finite outputs."""
        parts = [np.ravel(t).astype(np.float64) for t in moved if t is not None]
        return np.concatenate(parts)[self.seen]

    def columns(self, directions: Sequence[Direction], point: Point | None = None) -> Array:
        """The output tangents of every direction: (outputs, directions)."""
        out = np.empty((int(self.seen.sum()), len(directions)))
        for d, direction in enumerate(directions):
            out[:, d] = self.flat(self.raw(self.tangents(direction), point))
        return out

    def sensitivity(self, directions: Sequence[Direction], exact: Array) -> Array:
        """How much one rounding error in inputs, outputs and tangents moves every entry."""
        worst = np.zeros_like(exact)
        rng = self.subject.rng
        limit = max(1e-3, 1e6 * self.precision) * np.abs(exact).max(initial=0.0)
        for _ in range(3):
            try:
                change = np.abs(self.columns(directions, self.point.jittered(rng)) - exact)
            except Misuse:
                continue  # the neighbour lies outside the domain
            # More than the limit is a branch taken otherwise, not a rounding.
            worst = np.fmax(worst, np.where(change < limit, change, 0.0))
        return worst

    @property
    def precision(self) -> float:
        """The rounding error of the arithmetic the rule works in."""
        return max(self.subject.precision(i) for i in self.subject.wrt)

    def in_float64(self) -> "ForwardRule | None":
        """The same rule at the same point in float64; None when it is there or cannot be."""
        wide = self.subject.in_float64()
        if wide is None or wide.width != self.subject.width:
            return None
        rule = ForwardRule(wide, self.jvp, self.several)
        rule.seen = self.seen  # what overflows here need not there
        return rule
