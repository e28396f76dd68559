"""What a check found, as data and as text."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Verdict = Literal["pass", "fail", "inconclusive"]


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong (or could not be judged), with the numbers that show it.

    ``input`` is the position of the primal, ``index`` the element in it, ``error`` the bound within
    which ``analytic`` had to equal ``numeric``; ``count`` of ``total`` elements are affected.

    >>> Finding("shape", "gradient of input 0 has shape (3,), must be (1,)", input=0).verdict
    'fail'
    """

    probe: str
    message: str
    verdict: Verdict = "fail"
    input: int | None = None
    index: tuple[int, ...] | None = None
    analytic: float | None = None
    numeric: float | None = None
    error: float | None = None
    torch: float | None = None
    diagnosis: str = ""
    count: int = 1
    total: int = 1
    order: int = 1
    interval: tuple[float, float] | None = None

    @property
    def agreement(self) -> str:
        """Says which of analytic, numeric and torch agree, or nothing when there is no number."""
        if self.analytic is None or self.numeric is None or self.error is None:
            return ""
        if self.torch is None:
            return ""
        near = max(self.error, 1e-6 * abs(self.numeric)) if math.isfinite(self.error) else math.inf
        with_numeric = abs(self.torch - self.numeric) <= near
        with_analytic = abs(self.torch - self.analytic) <= near
        if with_numeric and with_analytic:
            return "all three agree to six digits"
        if with_numeric:
            return "numeric and torch agree; the rule stands alone"
        if with_analytic:
            return "the rule and torch agree; the numeric derivative stands alone"
        return "no two of the three agree"


@dataclass
class Report:
    """The outcome of a check; ``str(report)`` is meant for a terminal.

    >>> r = Report("sin", "numpy", seed=0, checks=3)
    >>> r.verdict, str(r)
    ('pass', 'PASS  sin [numpy]: 3 comparisons, seed 0')
    """

    name: str
    engine: str
    seed: int
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    checks: int = 0
    evaluations: int = 0
    reproduce: str = ""

    @property
    def verdict(self) -> Verdict:
        """``fail`` when anything is wrong, ``inconclusive`` when anything could not be judged."""
        if any(finding.verdict == "fail" for finding in self.findings):
            return "fail"
        if self.findings or not self.checks:
            return "inconclusive"
        return "pass"

    @property
    def ok(self) -> bool:
        """Whether the verdict is ``pass``."""
        return self.verdict == "pass"

    def note(self, text: str) -> None:
        """Add a remark that does not change the verdict, once."""
        if text not in self.notes:
            self.notes.append(text)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain Python values; numbers that JSON cannot hold become strings."""
        data = asdict(self)
        return {"verdict": self.verdict, **_plain(data)}

    def to_json(self) -> str:
        """The report as one JSON object."""
        return json.dumps(self.to_dict(), allow_nan=False)

    def __str__(self) -> str:
        head = (
            f"{self.verdict.upper()}  {self.name} [{self.engine}]: "
            f"{self.checks} comparisons, seed {self.seed}"
        )
        lines = [head]
        for finding in self.findings:
            lines += [f"  {line}" for line in describe(finding)]
        if not self.findings and not self.checks:
            lines.append("  nothing could be compared")
        lines += [f"  note: {note}" for note in self.notes]
        if self.findings and self.reproduce:
            lines.append(f"  reproduce: {self.reproduce}")
        return "\n".join(lines)


def describe(finding: Finding) -> list[str]:
    """The lines of text for one finding, without indentation."""
    order = f"order {finding.order}, " if finding.order > 1 else ""
    tag = "" if finding.verdict == "fail" else "inconclusive, "
    lines = [f"{tag}{order}{finding.probe}: {finding.message}"]
    if finding.analytic is not None:
        lines += [f"  {line}" for line in _table(finding)]
    if finding.agreement:
        lines.append(f"  {finding.agreement}")
    if finding.diagnosis:
        lines.append(f"  diagnosis: {finding.diagnosis}")
    return lines


def _table(finding: Finding) -> list[str]:
    """One row of numbers under its headings."""
    cells = [("analytic", _number(finding.analytic))]
    if finding.interval is not None:
        low, high = finding.interval
        bound = f"[{_number(low)}, {_number(high)}] ± {_short(finding.error)}"
        cells.append(("subgradients", bound))
    else:
        cells.append(("numeric ± bound", f"{_number(finding.numeric)} ± {_short(finding.error)}"))
    if finding.torch is not None:
        cells.append(("torch", _number(finding.torch)))
    where = "" if finding.index is None else f"{finding.index}"
    rows = [("index", where), *cells]
    widths = [max(len(head), len(cell)) for head, cell in rows]
    head = " | ".join(head.ljust(width) for (head, _), width in zip(rows, widths, strict=True))
    body = " | ".join(cell.ljust(width) for (_, cell), width in zip(rows, widths, strict=True))
    return [head.rstrip(), body.rstrip()]


def _number(value: float | None) -> str:
    return "—" if value is None else f"{value:.12g}"


def _short(value: float | None) -> str:
    return "?" if value is None else f"{value:.1e}"


def _plain(value: Any) -> Any:
    """Turn dataclass contents into what strict JSON can hold."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def table(reports: Sequence[Report]) -> str:
    """The reports as one aligned line each, the findings of those that did not pass below.

    >>> print(table([Report("sin", "numpy", 0, checks=3)]))
    verdict      checks  name
    pass              3  sin [numpy]
    1 pass, 0 fail, 0 inconclusive; 3 comparisons
    """
    lines = [f"{'verdict':<12} {'checks':>6}  name"]
    lines += [f"{r.verdict:<12} {r.checks:>6}  {r.name} [{r.engine}]" for r in reports]
    count = {v: sum(r.verdict == v for r in reports) for v in ("pass", "fail", "inconclusive")}
    total = sum(r.checks for r in reports)
    summary = ", ".join(f"{number} {verdict}" for verdict, number in count.items())
    lines.append(f"{summary}; {total} comparisons")
    lines += [str(r) for r in reports if not r.ok]
    return "\n".join(lines)
