"""The measured rows as a table on the terminal, as JSON, and as a page of the documentation."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmarks.alternate import Times


@dataclass(frozen=True)
class Row:
    """One task done by Gradine and by a peer."""

    group: str
    task: str
    ours: Times
    theirs: Times
    peer: str
    threads: dict[str, list[str]] = field(default_factory=dict)

    @property
    def ratio(self) -> float:
        """The peer's median over ours: above 1 where Gradine is faster."""
        return self.theirs.median / self.ours.median

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """The row as text."""
        trusted = self.ours.steady and self.theirs.steady
        ratio = f"{self.ratio:.2f}" if trusted else "disturbed"
        return self.task, readable(self.ours), readable(self.theirs), ratio


def head(row: Row) -> tuple[str, str, str, str]:
    """Return the titles of the columns of ``row``'s table."""
    return "", "Gradine", row.peer, f"{row.peer} / Gradine"


def readable(times: Times) -> str:
    """Return median and quartiles with a fitting unit.

    >>> readable(Times((0.0071, 0.0070, 0.0072)))
    '7.1 ms (7.05-7.15)'
    """
    unit, scale = next(
        (unit, scale)
        for unit, scale in (("s", 1.0), ("ms", 1e3), ("µs", 1e6), ("ns", 1e9))
        if times.median * scale >= 1 or unit == "ns"
    )
    if len(times.turns) == 1:  # a median that somebody else took
        return f"{times.median * scale:.3g} {unit}"
    low, high = times.spread
    return f"{times.median * scale:.3g} {unit} ({low * scale:.3g}-{high * scale:.3g})"


def print_table(machine: dict[str, Any], rows: list[Row]) -> None:
    """Print the head and one table per group."""
    console = Console(width=None if sys.stdout.isatty() else 110, markup=False, highlight=False)
    console.print(describe(machine))
    for group in groups(rows):
        members = [row for row in rows if row.group == group]
        table = Table(title=group, title_justify="left")
        for column, title in enumerate(head(members[0])):
            table.add_column(title, justify="right" if column else "left")
        for row in members:
            table.add_row(*(Text(cell) for cell in row.cells))
        console.print(table)
        for line in thread_lines(members):
            console.print(line)


def to_json(machine: dict[str, Any], rows: list[Row]) -> dict[str, Any]:
    """Return everything measured: every turn, in seconds per step."""
    return {
        "machine": machine,
        "rows": [
            {
                "group": row.group,
                "task": row.task,
                "peer": row.peer,
                "ratio": row.ratio,
                "seconds": {"gradine": row.ours.turns, row.peer: row.theirs.turns},
                "threads": row.threads,
            }
            for row in rows
        ],
    }


def to_markdown(machine: dict[str, Any], rows: list[Row]) -> str:
    """Return the page docs/benchmarks.md."""
    lines = ["# Benchmarks", "", "Written by `python -m benchmarks --markdown docs/benchmarks.md`."]
    lines += ["", describe(machine), ""]
    lines += [
        "Times are the median (and quartiles) of turns taken in rotation, A B A B, each contestant "
        "in a process of its own that sleeps while the other works. Ratios are what to trust: "
        "above 1, Gradine is faster; where turns differ by more than a quarter, other work "
        "disturbed them and no ratio is given. Where several workers share a batch, each computes "
        "its matrix products on one thread, whatever the library is set to between the steps.",
    ]
    for group in groups(rows):
        members = [row for row in rows if row.group == group]
        table = [head(members[0]), ("---", "--:", "--:", "--:"), *(row.cells for row in members)]
        lines += ["", f"## {group}", "", *("| " + " | ".join(cells) + " |" for cells in table)]
        lines += ["", *(f"- {line}" for line in thread_lines(members))]
    return "\n".join(lines).rstrip() + "\n"


def describe(machine: dict[str, Any]) -> str:
    """Return the machine and its versions as one line."""
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    place = f"{machine['processor']}, {machine['cores']} cores, {machine['system']}"
    load = "" if machine["busy"] is None else f" Load before the first turn: {machine['busy']}."
    return f"{place}; Python {machine['python']}, {versions}.{load}"


def thread_lines(rows: list[Row]) -> list[str]:
    """Return which thread pools each contestant used, said once for rows that agree."""
    said: dict[str, None] = {}
    for row in rows:
        for name, pools in row.threads.items():
            said[f"{name}: {', '.join(pools) or 'no thread pool'}"] = None
    return list(said)


def groups(rows: list[Row]) -> list[str]:
    """Return the groups in their first order."""
    return list(dict.fromkeys(row.group for row in rows))
