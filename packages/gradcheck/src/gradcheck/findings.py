"""Wrong and doubtful numbers as findings."""

from dataclasses import replace
from typing import Any

import numpy as np

from gradcheck.comparison import Comparison
from gradcheck.diagnosis import diagnose
from gradcheck.diagnosis.gather import gather
from gradcheck.forward import Array
from gradcheck.large import Projection
from gradcheck.report import Finding, Report
from gradcheck.subject import Subject
from gradcheck.values import Judged


def not_finite(primal: int, rows: Array, subject: Subject, report: Report) -> None:
    where = int(np.flatnonzero(~np.isfinite(rows).all(axis=0))[0])
    index = tuple(map(int, np.unravel_index(where, subject.primals[primal].shape)))
    text = f"gradient of input {primal} is not finite at {index}, where f is"
    report.checks += 1
    report.findings.append(Finding("finite", text, input=primal, index=index))


def report_spread(primal: int, p: Projection, report: Report) -> None:
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
    wrong = judged.wrong.any(axis=0)
    if wrong.any():
        row = int(judged.wrong.sum(axis=1).argmax())
        column = int(np.where(judged.wrong[row], judged.miss[row], -1.0).argmax())
        text = f"gradient of input {primal} {_shape_text(c, primal)} is wrong"
        text += _how_many(wrong, elements)
        if c.subject.gradients(c.cotangents[0])[primal] is None:
            text = f"vjp returns None for input {primal}, but f depends on it"
        diagnosis = diagnose(gather(c, primal, judged, elements))
        finding = _numbers("value", text, "fail", c, primal, judged, row, column, elements)
        count, total = int(wrong.sum()), int(wrong.size)
        report.findings.append(replace(finding, diagnosis=diagnosis, count=count, total=total))
    doubtful = judged.doubtful.any(axis=0)
    if doubtful.any() and not wrong.any():
        row = int(judged.doubtful.sum(axis=1).argmax())
        column = int(np.where(judged.doubtful[row], judged.bound[row], -1.0).argmax())
        text = f"gradient of input {primal} {_shape_text(c, primal)} cannot be judged"
        text += _how_many(doubtful, elements) + f": {_reason(judged, row, column)}"
        finding = _numbers("value", text, "inconclusive", c, primal, judged, row, column, elements)
        count, total = int(doubtful.sum()), int(doubtful.size)
        report.findings.append(replace(finding, count=count, total=total))


def _shape_text(c: Comparison, primal: int) -> str:
    array = c.subject.primals[primal]
    return f"(shape {array.shape}, {array.dtype})"


def _how_many(mask: Any, elements: Array | None) -> str:
    kind = "elements" if elements is None else "sampled elements"
    return f" at {int(mask.sum())} of {mask.size} {kind}"


def _reason(judged: Judged, row: int, column: int) -> str:
    """Why the numeric derivative is too poor here."""
    error = judged.numeric.error[row, column]
    if error >= 1e290:
        return "no finite differences exist there (the edge of the domain, or an infinite slope)"
    if error > 0.1 * abs(judged.middle[row, column]):
        return "the differences do not settle, or the slope drowns in the rounding of f"
    return "the bound is wider than a thousandth of the gradient"


def _numbers(
    probe: str,
    text: str,
    verdict: Any,
    c: Comparison,
    primal: int,
    judged: Judged,
    row: int,
    column: int,
    elements: Array | None,
) -> Finding:
    """A finding with the numbers of one element for one cotangent."""
    flat = column if elements is None else int(elements[column])
    shape = c.subject.primals[primal].shape
    low, high = judged.numeric.low[row, column], judged.numeric.high[row, column]
    torch = c.torch.get(primal)
    return Finding(
        probe,
        text,
        verdict=verdict,
        input=primal,
        index=tuple(map(int, np.unravel_index(flat, shape))),
        analytic=float(judged.analytic[row, column]),
        numeric=float((low + high) / 2),
        error=float(judged.bound[row, column]) if judged.bound[row, column] < 1e290 else np.inf,
        torch=None if torch is None else float(torch[row, flat]),
        interval=(float(low), float(high)) if high > low else None,
    )
