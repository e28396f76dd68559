"""What judging the primals of one subject has in common."""

from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from gradcheck.forward import Array
from gradcheck.subject import Subject
from gradcheck.values import Numeric, judge


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


class Comparison:
    """Everything that judging the primals of one subject has in common."""

    def __init__(
        self, subject: Subject, cotangents: Array, rows: dict[int, Array], slack: dict[int, Array]
    ) -> None:
        self.subject = subject
        self.cotangents = cotangents
        self.rows = rows
        self.slack = slack
        self.torch: dict[int, Array] = {}
        self.wide = subject.in_float64()
        self.blur: Array | None = None
        self.wide_rows: dict[int, Array] = {}
        self.wide_slack: dict[int, Array] = {}
        if self.wide is not None and self.wide.width == subject.width:
            self._widen(self.wide)

    def _widen(self, wide: Subject) -> None:
        """Run the rule in float64 as well; note how far single precision blurs the outputs."""
        try:
            self.wide_rows = wide.jacobian_rows(self.cotangents)
            self.wide_slack = wide.sensitivity(self.cotangents, self.wide_rows)
        except Exception:
            self.wide_rows = {}
        narrow = np.concatenate(
            [np.ravel(self.subject.outputs[i]).astype(float) for i in self.subject.floating]
        )
        eps = max(float(np.finfo(self.subject.outputs[i].dtype).eps) for i in self.subject.floating)
        base = self.subject.forward.base
        self.blur = np.maximum(np.abs(narrow - base), eps * np.abs(base))

    def verified(self, primal: int, numeric: Numeric) -> bool:
        """Whether the rule, run in float64, was found right there."""
        if primal not in self.wide_rows or self.wide is None:
            return False
        sharp = replace(numeric, leak=0 * numeric.leak)
        judged = judge(self.wide_rows[primal], sharp, self.wide_slack[primal])
        return not (judged.wrong | judged.doubtful).any()
