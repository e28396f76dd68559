"""Elements at kinks moved together."""

from typing import Any

import numpy as np

from gradcheck.comparison import Comparison
from gradcheck.forward import Array, Direction
from gradcheck.report import Finding, Report
from gradcheck.values import Allowance, differentiate, judge


def joint(c: Comparison, tied: list[tuple[int, int, Array]], report: Report) -> None:
    """Move all elements at kinks together: ties stay ties, and their shares must add up.

    A rule that gives every tied element the full gradient passes element by element.
    """
    forward = c.subject.forward
    groups = [tied] + [[t for t in tied if t[0] == primal] for primal in c.rows]
    by_output = [[t for t in tied if t[2][k]] for k in _outputs(tied)]
    unique: dict[tuple[tuple[int, int], ...], Direction] = {}
    for group in [*groups, *by_output]:
        places = tuple((primal, element) for primal, element, _ in group)
        if len(places) > 1:
            unique.setdefault(places, _together(places))
    if not unique:
        return
    numeric = differentiate(forward, list(unique.values()), c.cotangents, c.blur)
    sums = [sum(c.rows[p][:, e] for p, e in places) for places in unique]
    slack = [sum(c.slack[p][:, e] for p, e in places) * 0 for places in unique]
    eps = max(c.subject.precision(primal) for primal in c.rows)
    judged = judge(np.array(sums).T, numeric, Allowance(np.array(slack).T, eps))
    report.checks += judged.analytic.size
    wrong = judged.wrong.any(axis=0)
    if not wrong.any():
        return
    row = int(judged.wrong.sum(axis=1).argmax())
    column = int(np.where(judged.wrong[row], judged.miss[row], -1.0).argmax())
    places = list(unique)[column]
    named = ", ".join(_place(c, p, e) for p, e in places[:4])
    more = "" if len(places) <= 4 else f" and {len(places) - 4} more"
    low, high = float(numeric.low[row, column]), float(numeric.high[row, column])
    report.findings.append(
        Finding(
            "ties",
            f"gradients at a kink do not add up when these move together: {named}{more}",
            input=places[0][0],
            analytic=float(judged.analytic[row, column]),
            numeric=(low + high) / 2,
            error=float(judged.bound[row, column]),
            interval=(low, high) if high > low else None,
            diagnosis="tied elements must share the gradient, not each get all of it",
        )
    )


def _outputs(tied: list[tuple[int, int, Array]]) -> list[int]:
    """Up to sixteen outputs that have kinks."""
    mask = np.any([m for _, _, m in tied], axis=0)
    return np.flatnonzero(mask)[:16].tolist()


def _together(places: tuple[tuple[int, int], ...]) -> Direction:
    moves: dict[int, tuple[Any, Any]] = {}
    for primal in {p for p, _ in places}:
        where = np.array([e for p, e in places if p == primal])
        moves[primal] = (where, np.ones(len(where)))
    return Direction(moves)


def _place(c: Comparison, primal: int, element: int) -> str:
    index = tuple(map(int, np.unravel_index(element, c.subject.primals[primal].shape)))
    return f"input {primal} at {index}"
