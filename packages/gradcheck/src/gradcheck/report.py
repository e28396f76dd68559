"""What a check found, as data."""

import json
import math
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from gradcheck.report_text import describe, lines_of, table

__all__ = ["Element", "Finding", "Report", "Verdict", "describe", "table"]

Verdict = Literal["pass", "fail", "inconclusive"]


@dataclass(frozen=True)
class Element:
    """The numbers of one element of a gradient; see :class:`Finding` for what they are."""

    index: tuple[int, ...]
    analytic: float
    numeric: float
    error: float
    torch: float | None = None
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong (or could not be judged), with the numbers that show it.

    ``input`` is the position of the primal, ``index`` the element in it, ``error`` the bound within
    which ``analytic`` had to equal ``numeric``; ``count`` of ``total`` elements are affected, the
    worst of which are ``elements``. ``reproduce`` is the line that shows this finding again.

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
    elements: tuple[Element, ...] = ()
    reproduce: str = ""

    @property
    def rows(self) -> tuple[Element, ...]:
        """The worst elements; what there are of numbers when there is no element."""
        if self.elements or self.analytic is None:
            return self.elements
        numeric, error = (math.nan if n is None else n for n in (self.numeric, self.error))
        index = self.index or ()
        return (Element(index, self.analytic, numeric, error, self.torch, self.interval),)

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
        for finding in data["findings"]:
            finding["reproduce"] = finding["reproduce"] or self.reproduce
        return {"verdict": self.verdict, **_plain(data)}

    def to_json(self) -> str:
        """The report as one JSON object."""
        return json.dumps(self.to_dict(), allow_nan=False)

    def __str__(self) -> str:
        return "\n".join(lines_of(self))


def _plain(value: Any) -> Any:
    """Turn dataclass contents into what strict JSON can hold."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
