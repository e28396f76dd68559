"""Wrong and doubtful output tangents as findings."""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from gradcheck.forward import Array
from gradcheck.jvp_values import Case
from gradcheck.report import Finding, Report
from gradcheck.values import Judged

Marked = tuple[tuple[Array, Literal["fail", "inconclusive"]], ...]


def report_entries(case: Case, judged: Judged, report: Report) -> None:
    """Findings for the Jacobian of every input; the columns are its elements."""
    subject, start = case.rule.subject, 0
    for i in subject.wrt:
        shape = subject.primals[i].shape
        block = slice(start, start + subject.primals[i].size)
        start = block.stop
        marked: Marked = ((judged.wrong, "fail"), (judged.doubtful, "inconclusive"))
        for mask, verdict in marked:
            if not mask[:, block].any():
                continue
            row, column = _worst(judged, mask, block)
            words = "is wrong" if verdict == "fail" else "cannot be judged"
            text = f"tangent of {_output(case, row)} along input {i} (shape {shape}, "
            text += f"{subject.primals[i].dtype}) {words}"
            count, total = int(mask[:, block].sum()), int(mask[:, block].size)
            text += f" at {count} of {total} entries of the Jacobian"
            said = _diagnosis(judged, block, shape) if verdict == "fail" else ""
            index = tuple(map(int, np.unravel_index(column - block.start, shape)))
            numbers = _numbers(judged, row, column)
            finding = Finding(
                "value",
                text,
                verdict=verdict,
                input=i,
                index=index,
                diagnosis=said,
                count=count,
                total=total,
                **numbers,
            )
            report.findings.append(finding)
            break


def report_outputs(
    case: Case, judged: Judged, places: Array | None, report: Report, where: str
) -> None:
    """One finding for output tangents that are wrong, or unknown in all directions."""
    unknown = judged.doubtful & np.asarray(judged.doubtful.all(axis=1))[:, None]
    marked: Marked = ((judged.wrong, "fail"), (unknown, "inconclusive"))
    for mask, verdict in marked:
        if not mask.any():
            continue
        row, column = _worst(judged, mask, slice(0, mask.shape[1]))
        words = "is wrong" if verdict == "fail" else "cannot be judged"
        output = _output(case, row if places is None else int(places[row]))
        count = int(mask.any(axis=1).sum())
        text = f"tangent of {output} {words} {where}, at {count} of {len(mask)} outputs"
        whole = slice(0, mask.shape[1])
        said = _diagnosis(judged, whole, None) if verdict == "fail" else ""
        numbers = _numbers(judged, row, column)
        report.findings.append(
            Finding(
                "value",
                text,
                verdict=verdict,
                input=next(iter(case.directions[column].moves)),
                diagnosis=said,
                count=count,
                total=len(mask),
                **numbers,
            )
        )
        return


def _worst(judged: Judged, mask: Array, block: slice) -> tuple[int, int]:
    """The row and column of the entry that is furthest off among those marked."""
    badness = np.where(mask, np.nan_to_num(judged.miss, nan=np.inf), -1.0)[:, block]
    row, column = np.unravel_index(int(badness.argmax()), badness.shape)
    return int(row), block.start + int(column)


def _numbers(judged: Judged, row: int, column: int) -> dict[str, Any]:
    low, high = float(judged.numeric.low[row, column]), float(judged.numeric.high[row, column])
    bound = float(judged.bound[row, column])
    return {
        "analytic": float(judged.analytic[row, column]),
        "numeric": (low + high) / 2,
        "error": bound if bound < 1e290 else np.inf,
        "interval": (low, high) if high > low else None,
    }


def _output(case: Case, row: int) -> str:
    """Which output element a row is: ``output 0 at (1, 2)``."""
    rule = case.rule
    place = int(np.flatnonzero(rule.seen)[row])
    for k in rule.subject.floating:
        y = rule.subject.outputs[k]
        if place < y.size:
            index = tuple(map(int, np.unravel_index(place, y.shape)))
            return f"output {k} at {index}"
        place -= y.size
    raise AssertionError("no such output")


def _diagnosis(judged: Judged, block: slice, shape: tuple[int, ...] | None) -> str:
    """The first simple mistake that would make the block pass."""
    a, bound = judged.analytic[:, block], judged.bound[:, block]
    n = judged.middle[:, block]
    low, high = judged.numeric.low[:, block], judged.numeric.high[:, block]

    def fits(candidate: Array) -> bool:
        near = np.maximum(bound, 1e-7 * np.abs(n))
        return bool(((candidate >= low - near) & (candidate <= high + near)).all())

    if not np.isfinite(a).all():
        return "not finite although the derivative is" if np.isfinite(n).all() else ""
    if not a.any():
        return "always zero: the tangent of this input is ignored"
    if fits(-a):
        return "sign flipped"
    said = _factor(a, n, fits)
    if said or shape is None:
        return said
    if a.shape[0] == a.shape[1] and fits(a.T):
        return "transposed: this is the vector-Jacobian product"
    ignored = ~a.any(axis=0) & n.any(axis=0)
    if ignored.any() and fits(np.where(ignored, n, a)):
        return "the tangents of some elements are ignored"
    if (a == a[:, :1]).all():
        return "the tangent is summed: every element moves every output alike"
    return ""


def _factor(a: Array, n: Array, fits: Callable[[Array], bool]) -> str:
    finite = np.isfinite(n)
    square = float((a * a)[finite].sum())
    ratio = float((a * n)[finite].sum()) / square if square else 0.0
    if not ratio or not np.isfinite(ratio) or not fits(ratio * a):
        return ""
    off = 1 / ratio
    if abs(off - 1) < 1e-4:
        digits = round(-float(np.log10(abs(off - 1) or 1e-16)))
        return f"right to about {digits} digits: a narrower type inside, or an approximation"
    way, size = ("large", off) if abs(off) > 1 else ("small", ratio)
    known = {"2": 2.0, "3": 3.0}
    known |= {f"{k} = outputs": float(k) for k in (a.shape[0],) if k > 3}
    known |= {f"{k} = elements": float(k) for k in (a.shape[1],) if k > 3}
    for name, value in known.items():
        if abs(size - value) <= 1e-6 * value:
            return f"too {way} by a constant factor {name}"
    return f"off by a constant factor {off:.6g}"
