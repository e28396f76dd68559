"""A run's history: one JSON object a line, one line a step."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

METRICS = "metrics.jsonl"

Record = dict[str, Any]


class MetricsFile:
    """Appends records to ``path``; what stood there after ``resumed_step`` is dropped first.

    A run killed some steps after its last checkpoint repeats those steps when resumed, and must
    not list them twice. Each line reaches the system at once, so the file can be followed.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / METRICS
    >>> metrics = MetricsFile(path, resumed_step=0)
    >>> metrics({"step": 1, "loss": 2.5})
    >>> metrics.close()
    >>> read_metrics(path)
    [{'step': 1, 'loss': 2.5}]
    """

    def __init__(self, path: Path, resumed_step: int) -> None:
        kept = [r for r in read_metrics(path) if r["step"] <= resumed_step] if resumed_step else []
        beside = path.with_name(path.name + ".part")
        beside.write_text("".join(_line(record) for record in kept), encoding="utf-8")
        os.replace(beside, path)
        self._file = open(path, "a", encoding="utf-8")  # noqa: SIM115 - closed by close()

    def __call__(self, record: Mapping[str, Any]) -> None:
        """Append one record."""
        self._file.write(_line(record))
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read_metrics(path: str | Path) -> list[Record]:
    """Return a run's records, given its metrics file; a last line cut by a crash is left out.

    Raises ``ValueError`` naming the file and the line when another line is damaged. A missing
    file is an empty history.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / METRICS
    >>> _ = path.write_text('{"step": 1, "loss": 2.5}\\n{"step": 2, "lo')
    >>> read_metrics(path)
    [{'step': 1, 'loss': 2.5}]
    """
    path = Path(path)
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    records = []
    for number, line in enumerate(lines, 1):
        try:
            records.append(json.loads(line))
        except ValueError:
            if number == len(lines):
                break
            raise ValueError(f"{path}: line {number} is not a JSON object") from None
    return records


def _line(record: Mapping[str, Any]) -> str:
    rounded = {
        key: float(f"{value:.6g}") if isinstance(value, float) else value
        for key, value in record.items()
    }
    return json.dumps(rounded) + "\n"
