"""What was recorded: named spans of time, and their sums."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Span:
    """One run of a named block: when it began and how long it took, in microseconds."""

    name: str
    start: float
    duration: float
    depth: int
    own: float  # without the blocks inside it
    thread: int


@dataclass
class Average:
    """All runs of the blocks of one name, in microseconds."""

    key: str
    count: int = 0
    cpu_time_total: float = 0.0
    self_cpu_time_total: float = 0.0
    device_time_total: float = field(default=0.0)
    self_device_time_total: float = field(default=0.0)

    @property
    def cpu_time(self) -> float:
        """The time of one run."""
        return self.cpu_time_total / self.count if self.count else 0.0


class Averages(list[Average]):
    """The sums by name, as a table or one by one."""

    @property
    def self_cpu_time_total(self) -> float:
        """The time of all blocks together, in microseconds."""
        return sum(a.self_cpu_time_total for a in self)

    def table(
        self,
        sort_by: str | None = None,
        row_limit: int = 100,
        max_src_column_width: int = 75,
        max_name_column_width: int = 55,
        max_shapes_column_width: int = 80,
        header: str | None = None,
        top_level_events_only: bool = False,
        **more: Any,
    ) -> str:
        """A table of the longest ``row_limit`` names, sorted by an attribute if one is named."""
        rows = list(self)
        if sort_by is not None:
            rows.sort(key=lambda a: getattr(a, sort_by, a.cpu_time_total), reverse=True)
        whole = self.self_cpu_time_total or 1.0
        lines = [header] if header else []
        lines.append(_row("Name", "Self CPU %", "Self CPU", "CPU total", "CPU time avg", "Calls"))
        for a in rows if row_limit < 0 else rows[:row_limit]:
            share = f"{100 * a.self_cpu_time_total / whole:.2f}%"
            times = (a.self_cpu_time_total, a.cpu_time_total, a.cpu_time)
            name = a.key[:max_name_column_width]
            lines.append(_row(name, share, *map(shown, times), str(a.count)))
        lines.append(f"Self CPU time total: {shown(self.self_cpu_time_total)}")
        lines.append("Wall times of named blocks; single operations are not recorded.")
        return "\n".join(lines) + "\n"


def _row(name: str, *cells: str) -> str:
    return f"{name:<40}" + "".join(f"{cell:>16}" for cell in cells)


def shown(microseconds: float) -> str:
    """A time in the unit that suits it.

    >>> shown(12.0), shown(1234.0), shown(2.5e6)
    ('12.000us', '1.234ms', '2.500s')
    """
    for unit, size in (("s", 1e6), ("ms", 1e3)):
        if microseconds >= size:
            return f"{microseconds / size:.3f}{unit}"
    return f"{microseconds:.3f}us"


def averages(spans: list[Span]) -> Averages:
    """The sums by name, in the order of first ending."""
    found: dict[str, Average] = {}
    for span in spans:
        a = found.setdefault(span.name, Average(span.name))
        a.count += 1
        a.cpu_time_total += span.duration
        a.self_cpu_time_total += span.own
    return Averages(found.values())


def write_chrome_trace(spans: list[Span], path: str) -> None:
    """Write the spans in the format that chrome://tracing and Perfetto read."""
    events = [
        {"name": s.name, "ph": "X", "ts": s.start, "dur": s.duration, "pid": 0, "tid": s.thread,
         "cat": "user_annotation"}
        for s in spans
    ]  # fmt: skip
    Path(path).write_text(json.dumps({"traceEvents": events, "displayTimeUnit": "ms"}))
