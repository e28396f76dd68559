"""What judging the primals of one subject has in common."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from gradcheck.engines.base import floating
from gradcheck.engines.numpy_pairs import NumpyPairs
from gradcheck.forward import Array, inside
from gradcheck.glance import spread_signs
from gradcheck.numeric import EPS
from gradcheck.subject import Subject
from gradcheck.values import Allowance, Judged, Numeric, judge


class Wanted(Protocol):
    """What this file reads of the options of a check."""

    @property
    def mode(self) -> str: ...
    @property
    def oracles(self) -> tuple[str, ...]: ...
    @property
    def torch_f(self) -> Any: ...
    @property
    def nested(self) -> bool: ...


@dataclass
class Side:
    """The rule in one precision: where it runs, its gradients, and how to ask for their slack."""

    subject: Subject
    rows: dict[int, Array]
    slack: Callable[[], dict[int, Array]]


class Comparison:
    """Everything that judging the primals of one subject has in common.

    ``rows`` maps primals to gradients, one row for every cotangent; the ``wide`` ones are those of
    the same rule run in float64, where the primals are of lower precision. ``slack`` is what one
    rounding error does to a gradient: asked for only where a first comparison fails.
    """

    def __init__(self, subject: Subject, cotangents: Array, rows: dict[int, Array]) -> None:
        self.subject = subject
        self.cotangents = cotangents
        self.rows = rows
        self.torch: dict[int, Array] = {}
        self.hasty = True  # whether a glance may settle a large input,
        self.glanced = False  # and whether it did, for a rule whose probes can be combined
        self.wide = subject.in_float64()
        self.blur: Array | None = None
        self.wide_rows: dict[int, Array] = {}
        if self.wide is not None and self.wide.width == subject.width:
            self._widen(self.wide)

    @cached_property
    def slack(self) -> dict[int, Array]:
        """For every primal the change of its gradients by one rounding, (cotangents, elements)."""
        slack = self.subject.sensitivity(self.cotangents, self.rows)
        for i, change in self._by_outputs().items():
            slack[i] = np.maximum(slack[i], change / 2)
        return slack

    def _by_outputs(self) -> dict[int, Array]:
        """How the gradients of a rule in low precision change when it is handed the true outputs.

        A sum over many elements is off by many roundings, and so is what a rule makes of it.
        """
        if self.wide is None or not isinstance(self.subject.engine, NumpyPairs):
            return {}
        pairs = zip(self.wide.outputs, self.subject.outputs, strict=True)
        true = tuple(a.astype(b.dtype) for a, b in pairs)
        try:
            pull = self.subject.pullback_with(self.subject.primals, true)
            rows = self.subject.jacobian_rows(self.cotangents, pull)
        except Exception:
            return {}
        return {i: np.abs(rows[i] - self.rows[i]) for i in rows if i in self.rows}

    @cached_property
    def wide_slack(self) -> dict[int, Array]:
        """The slack of the rule in float64."""
        if self.wide is None:
            return {}
        return self.wide.sensitivity(self.cotangents, self.wide_rows)

    def _widen(self, wide: Subject) -> None:
        """Run the rule in float64 as well; note how far single precision blurs the outputs.

        What that means for gradients is estimated where it cannot be tried (:meth:`_by_outputs`).
        """
        try:
            self.wide_rows = wide.jacobian_rows(self.cotangents)
        except Exception:
            self.wide_rows = {}
        if isinstance(self.subject.engine, NumpyPairs):
            return
        narrow = np.concatenate(
            [np.ravel(self.subject.outputs[i]).astype(float) for i in self.subject.floating]
        )
        eps = max(float(np.finfo(self.subject.outputs[i].dtype).eps) for i in self.subject.floating)
        base = self.subject.forward.base
        self.blur = np.maximum(np.abs(narrow - base), eps * np.abs(base))

    @cached_property
    def beside(self) -> list[Array]:
        """A point close by, inside the declared domain, half of its elements where they were."""
        points = []
        for p, bounds in zip(self.subject.primals, self.subject.bounds, strict=True):
            if floating(p):
                weights = 1 + spread_signs(p.size, self.subject.rng).reshape(p.shape) / 128
                if p.size > 1:
                    weights[self._half(p.shape)] = 1.0
                moved = (p * weights).astype(p.dtype)
                p = moved if bounds is None else np.where(inside(moved, bounds), moved, p)
            points.append(p)
        return points

    def _half(self, shape: tuple[int, ...]) -> Array:
        """A random half of the places of an array."""
        size = int(np.prod(shape))
        return np.frombuffer(self.subject.rng.bytes(size), np.int8).reshape(shape) < 0

    def sides(self, primal: int) -> list[Side]:
        """The rule as it is, and before that the rule in float64 where that is another one."""
        own = Side(self.subject, self.rows, lambda: self.slack)
        if self.wide is None or primal not in self.wide_rows:
            return [own]
        return [Side(self.wide, self.wide_rows, lambda: self.wide_slack), own]

    def judged(self, primal: int, numeric: Numeric, strict: bool = False) -> Judged:
        """The gradient of one primal against its numeric counterpart.

        ``strict`` grants no slack: what passes even so needs no closer look.
        """
        return judge(self.rows[primal], numeric, self.allowance(primal, numeric, strict))

    def allowance(self, primal: int, numeric: Numeric | None, strict: bool = False) -> Allowance:
        """What is granted to the rule for one primal; ``numeric`` lets the float64 rule inform."""
        rows = self.rows[primal]
        slack = np.zeros_like(rows) if strict else self.slack[primal]
        informed: Any = primal in self.wide_rows
        if numeric is not None:
            informed = self._verified(primal, numeric, strict)
        slack = slack + self.narrow_floor(primal, slack)
        eps = self.subject.precision(primal)
        return Allowance(slack, eps, informed, self.largest, self.grain)

    @cached_property
    def grain(self) -> float:
        """A rounding at the size of the largest cotangent."""
        return EPS * float(np.abs(self.cotangents).max(initial=0.0))

    @cached_property
    def largest(self) -> float:
        """The size of the largest element of any gradient."""
        finite = [np.abs(r[np.isfinite(r)]).max(initial=0.0) for r in self.rows.values()]
        return float(max(finite, default=0.0))

    def narrow_floor(self, primal: int, slack: Array) -> Array:
        """What a rule that is right in float64 may lose of its elements in low precision.

        Small elements come of larger terms, and what a few random roundings did to most elements
        they may by chance not have done to one. Nothing hides: the formula is known to be right.
        """
        rows = np.abs(self.rows[primal])
        if primal not in self.wide_rows or not rows.size:
            return np.zeros((len(self.cotangents), 1))
        square = np.mean(np.square(self.wide_rows[primal]), axis=1, keepdims=True)
        part = np.divide(slack, rows, out=np.zeros_like(rows), where=rows > 0)
        usual = rows * np.quantile(part, 0.75, axis=1, keepdims=True)
        return np.asarray(4 * self.subject.precision(primal) * np.sqrt(square) + usual)

    def _verified(self, primal: int, numeric: Numeric, strict: bool) -> Array:
        """The elements where the rule, run in float64, is right; none if it errs anywhere."""
        if primal not in self.wide_rows or self.wide is None:
            return np.zeros(len(numeric.jump), bool)
        sharp = replace(numeric, leak=0 * numeric.leak)
        rows = self.wide_rows[primal]
        slack = np.zeros_like(rows) if strict else self.wide_slack[primal]
        judged = judge(rows, sharp, Allowance(slack, largest=self.largest, grain=self.grain))
        if judged.wrong.any():
            return np.zeros(len(numeric.jump), bool)
        return np.asarray(~judged.doubtful.any(axis=0))
