"""Wrong and doubtful numbers as findings."""

from dataclasses import dataclass

import numpy as np

from gradcheck.comparison import Comparison
from gradcheck.diagnosis import diagnose
from gradcheck.diagnosis.gather import gather
from gradcheck.forward import Array
from gradcheck.large import Projection
from gradcheck.report import Element, Finding, Report, Verdict
from gradcheck.report_text import ROWS
from gradcheck.reproduce import look_at, narrowed
from gradcheck.subject import Subject
from gradcheck.values import Judged


def not_finite(primal: int, rows: Array, subject: Subject, report: Report) -> None:
    where = int(np.flatnonzero(~np.isfinite(rows).all(axis=0))[0])
    index = tuple(map(int, np.unravel_index(where, subject.primals[primal].shape)))
    text = f"gradient of input {primal} is not finite at {index}, where f is"
    report.checks += 1
    report.findings.append(Finding("finite", text, input=primal, index=index))


def report_spread(primal: int, p: Projection, report: Report) -> None:
    """A finding for a gradient that is wrong along a direction, at no element enough to tell."""
    k = int(np.argmax(np.abs(p.analytic - p.numeric) / p.bound))
    report.findings.append(
        Finding(
            "projection",
            f"gradient of input {primal} is wrong along a random direction",
            input=primal,
            analytic=float(p.analytic[k]),
            numeric=float(p.numeric[k]),
            error=float(p.bound[k]),
            diagnosis="spread over many elements, each too little wrong to be told alone",
        )
    )


def report_values(
    c: Comparison, primal: int, judged: Judged, elements: Array | None, report: Report
) -> None:
    """One finding for the wrong elements and one for the doubtful ones."""
    case = _Case(c, primal, judged, elements, report.reproduce)
    against = _torch_against_numbers(case)
    if any(f.probe == "torch" and f.verdict == "fail" for f in report.findings):
        against[:] = False  # torch computes something else
    wrong = judged.wrong & ~against
    doubtful = judged.doubtful
    if wrong.any():
        if c.subject.gradients(c.cotangents[0])[primal] is None:
            text = f"vjp returns None for input {primal}, but f depends on it"
        else:
            text = f"{case.title} is wrong{case.how_many(wrong)}"
        diagnosis = diagnose(gather(c, primal, judged, elements))
        report.findings.append(case.finding(text, "fail", wrong, judged.miss, diagnosis))
    elif (judged.wrong & against).any():
        text = f"{case.title} differs from the numeric derivative{case.how_many(against)}"
        worst = np.where(against, judged.miss, -1.0)
        doubt = f"torch agrees with the rule: {_doubt(judged, *_argmax(worst))}"
        report.findings.append(case.finding(text, "inconclusive", against, worst, doubt))
    elif doubtful.any():
        worst = np.where(doubtful, judged.bound, -1.0)
        text = f"{case.title} cannot be judged{case.how_many(doubtful)}"
        text += f": {_reason(judged, *_argmax(worst))}"
        report.findings.append(case.finding(text, "inconclusive", doubtful, judged.bound, ""))


@dataclass
class _Case:
    """What a finding about the values of one primal is made from."""

    c: Comparison
    primal: int
    judged: Judged
    chosen: Array | None
    reproduce: str

    @property
    def title(self) -> str:
        """The gradient by the position, shape and dtype of its primal."""
        array = self.c.subject.primals[self.primal]
        return f"gradient of input {self.primal} (shape {array.shape}, {array.dtype})"

    def how_many(self, mask: Array) -> str:
        """How many of the elements judged are affected."""
        affected = mask.any(axis=0)
        kind = "elements" if self.chosen is None else "sampled elements"
        return f" at {int(affected.sum())} of {affected.size} {kind}"

    def finding(
        self, text: str, verdict: Verdict, mask: Array, badness: Array, diagnosis: str
    ) -> Finding:
        """The worst elements in the row of the cotangent that shows most of them."""
        row = int(mask.sum(axis=1).argmax())
        order = np.argsort(np.where(mask[row], -badness[row], np.inf), kind="stable")
        columns = order[: min(ROWS, int(mask[row].sum()))]
        rows = tuple(self._element(row, int(column)) for column in columns)
        worst = rows[0]
        line = self.reproduce
        if self.chosen is None:  # else the elements judged hang on the order of the inputs
            line = narrowed(line, self.primal, several=len(self.c.subject.wrt) > 1)
        affected = mask.any(axis=0)
        return Finding(
            "value",
            text,
            verdict,
            self.primal,
            worst.index,
            worst.analytic,
            worst.numeric,
            worst.error,
            worst.torch,
            diagnosis,
            count=int(affected.sum()),
            total=int(affected.size),
            interval=worst.interval,
            elements=rows,
            reproduce=look_at(line, self.primal, worst.index),
        )

    def _element(self, row: int, column: int) -> Element:
        numeric = self.judged.numeric
        flat = column if self.chosen is None else int(self.chosen[column])
        low, high = numeric.low[row, column], numeric.high[row, column]
        torch, bound = self.c.torch.get(self.primal), self.judged.bound[row, column]
        return Element(
            tuple(map(int, np.unravel_index(flat, self.c.subject.primals[self.primal].shape))),
            float(self.judged.analytic[row, column]),
            float((low + high) / 2),
            float(bound) if bound < 1e290 else np.inf,
            None if torch is None else float(torch[row, flat]),
            (float(low), float(high)) if high > low else None,
        )


def _argmax(values: Array) -> tuple[int, int]:
    row, column = np.unravel_index(int(np.argmax(values)), values.shape)
    return int(row), int(column)


def _torch_against_numbers(case: _Case) -> Array:
    """Where the numbers accuse a rule that torch agrees with, to rounding, for every cotangent."""
    judged, torch = case.judged, case.c.torch.get(case.primal)
    if torch is None:
        return np.zeros_like(judged.wrong)
    torch = torch if case.chosen is None else torch[:, case.chosen]
    eps = case.c.subject.precision(case.primal)
    size = np.maximum(np.abs(torch), judged.numeric.scale)
    agree = np.abs(judged.analytic - torch) <= 1e3 * eps * size
    return judged.wrong & agree.all(axis=0)


def _doubt(judged: Judged, row: int, column: int) -> str:
    """Why the numeric derivative may be the one that is wrong."""
    if column in judged.numeric.kinks:
        return "f seems to have a kink here, where each may choose another slope"
    error, middle = judged.numeric.error[row, column], judged.middle[row, column]
    if error > 1e-6 * abs(middle):
        return "the numeric derivative is doubted, whose differences settle poorly here"
    return "the numeric derivative is doubted (f may be rounded, cut off or iterated inside)"


def _reason(judged: Judged, row: int, column: int) -> str:
    """Why the numeric derivative is too poor here."""
    error = judged.numeric.error[row, column]
    if error >= 1e290:
        return "no finite differences exist there (the edge of the domain, or an infinite slope)"
    if error > 0.1 * abs(judged.middle[row, column]):
        return "the differences do not settle, or the slope drowns in the rounding of f"
    return "the bound is wider than a thousandth of the gradient"
