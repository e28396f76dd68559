"""The marks as text for a terminal, as a page of the documentation, and as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from gradcheck.exam import timing
from gradcheck.exam.judges import Judge
from gradcheck.exam.machine import described
from gradcheck.exam.score import Mark, faults, summary, table

TITLES = {
    "tuning": "The half gradcheck was tuned on",
    "held-out": "The half held back until the checker stood",
    "both": "Both halves",
}


@dataclass(frozen=True)
class Result:
    """Everything an exam brought: marks, who was asked, who is missing, times."""

    machine: dict[str, Any]
    seed: int
    judges: Sequence[Judge]
    missing: Sequence[str]
    marks: Sequence[Mark]
    times: dict[str, Any] | None = None
    names: list[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", [judge.name for judge in self.judges])

    def tables(self) -> list[tuple[str, list[tuple[str, ...]]]]:
        """Title and rows for every half, and for both together where there are two."""
        halves = list(dict.fromkeys(mark.half for mark in self.marks))
        found = [
            (TITLES.get(half, half), table([m for m in self.marks if m.half == half], self.names))
            for half in halves
        ]
        if len(halves) > 1:
            found.append((TITLES["both"], table(self.marks, self.names)))
        return found

    def said(self) -> list[str]:
        """Who could not be asked, and what gradcheck got wrong, by name."""
        lines = [f"{name}: not installed" for name in self.missing]
        if "gradcheck" in self.names:
            wrong = faults(self.marks)
            lines.append("gradcheck: " + ("no fault" if not wrong else f"{len(wrong)} faults"))
            lines += [f"gradcheck {line}" for line in wrong]
        return lines


def aligned(rows: Sequence[tuple[str, ...]]) -> str:
    """Rows as columns, the first to the left and the others to the right.

    >>> print(aligned([("a", "of"), ("bb", "10")]))
    a   of
    bb  10
    """
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = []
    for first, *others in rows:
        cells = [first.ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def as_text(result: Result) -> str:
    """The exam for a terminal."""
    parts = [f"{described(result.machine)} Seed {result.seed}."]
    parts += [f"{title}\n{aligned(rows)}" for title, rows in result.tables()]
    parts.append("\n".join(result.said()))
    if result.times is not None:
        parts.append(f"{_how_timed(result.times)}\n{aligned(timing.table(result.times))}")
    return "\n\n".join(part for part in parts if part)


def as_markdown(result: Result) -> str:
    """The page docs/exam.md."""
    lines = ["# The exam", "", "Written by `python -m gradcheck exam --markdown docs/exam.md`.", ""]
    lines += [f"{described(result.machine)} Seed {result.seed}.", ""]
    lines += [
        "Bugs are planted in derivative rules, and correct rules of functions that are hard on "
        "finite differences stand beside them. A judge catches a bug when it rejects the rule, and "
        "raises a false alarm when it rejects a correct one. What a checker raises counts as "
        "rejection; what it cannot be asked counts as not caught.",
        "",
        *(f"- **{judge.name}**: {judge.how}." for judge in result.judges),
    ]
    for title, rows in result.tables():
        lines += ["", f"## {title}", "", *_grid(rows)]
    lines += ["", *(f"- {line}" for line in result.said())]
    if result.times is not None:
        lines += ["", "## Time", "", _how_timed(result.times), ""]
        lines += _grid(timing.table(result.times))
    return "\n".join(lines).rstrip() + "\n"


def _grid(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Rows as a table of Markdown."""
    rule = ("---", *("--:" for _ in rows[0][1:]))
    cells = [rows[0], rule, *rows[1:]]
    return ["| " + " | ".join(cell.strip() for cell in row) + " |" for row in cells]


def _how_timed(times: dict[str, Any]) -> str:
    threads = times["torch threads"]
    beside = "torch is not installed" if threads is None else f"torch has {threads} thread"
    return (
        f"Median of {times['turns']} turns taken in rotation within one process; BLAS has 1 "
        f"thread, {beside}. Above 1, gradcheck is faster."
    )


def as_json(result: Result) -> str:
    """Every mark and every time as one JSON object."""
    data = {
        "machine": result.machine,
        "seed": result.seed,
        "judges": {judge.name: judge.how for judge in result.judges},
        "not installed": list(result.missing),
        "summary": summary(result.marks, result.names),
        "faults": faults(result.marks),
        "marks": [asdict(mark) for mark in result.marks],
        "times": result.times,
    }
    return json.dumps(data, allow_nan=False)
