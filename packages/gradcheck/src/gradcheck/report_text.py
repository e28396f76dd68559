"""A report as text for a terminal of 80 to 100 columns."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from textwrap import wrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gradcheck.report import Element, Finding, Report

WIDTH = 98
ROWS = 5  # of the table of numbers


def lines_of(report: "Report") -> list[str]:
    """The head line, the findings grouped by input, the notes, how to see it again."""
    head = f"{report.verdict.upper()}  {report.name} [{report.engine}]: "
    lines = [head + f"{counted(report.checks, 'comparison')}, seed {report.seed}"]
    findings = grouped(report.findings)
    again = [f.reproduce or report.reproduce for f in findings]
    alike = len({line.partition("  #")[0] for line in again}) == 1
    for finding, line in zip(findings, again, strict=True):
        lines += [f"  {text}" for text in describe(finding)]
        if not alike and line:
            lines.append(f"    reproduce: {line}")
    if not findings and not report.checks:
        lines.append("  nothing could be compared")
    for note in report.notes:
        lines += _wrapped(f"note: {note}", "  ")
    if findings and alike and again[0]:
        lines.append(f"  reproduce: {again[0] if len(findings) == 1 else _bare(again[0])}")
    return lines


def counted(count: int, noun: str) -> str:
    """A number with its noun.

    >>> counted(1, "output"), counted(2, "output")
    ('1 output', '2 outputs')
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _bare(line: str) -> str:
    return line.partition("  #")[0]


def grouped(findings: Sequence["Finding"]) -> list["Finding"]:
    """Findings of the same input one after the other, those that say the same of it as one."""
    places = list(dict.fromkeys((f.order, f.input) for f in findings))
    ordered = sorted(findings, key=lambda f: places.index((f.order, f.input)))
    merged: list[Finding] = []
    for finding in ordered:
        for k, other in enumerate(merged):
            text = joined(other.message, finding.message) if _same(other, finding) else None
            if text is not None:
                merged[k] = replace(other, message=text)
                break
        else:
            merged.append(finding)
    return merged


def _same(a: "Finding", b: "Finding") -> bool:
    """Whether two findings without numbers differ in their messages alone."""
    bare = a.analytic is None and b.analytic is None
    return bare and replace(a, message="", index=None) == replace(b, message="", index=None)


def joined(a: str, b: str) -> str | None:
    """Two messages that differ in one place as one, or None.

    >>> joined("wrong for fortran inputs", "wrong for strided inputs")
    'wrong for fortran, strided inputs'
    """
    one, two = a.split(" "), b.split(" ")
    (_, raises, fault), again = a.partition(" raises "), b.partition(" raises ")[2]
    if a == b or (raises and fault == again):  # the function, its rule or the pullback: one fault
        return a
    start = 0
    while start < min(len(one), len(two)) and one[start] == two[start]:
        start += 1
    end = 0
    while end < min(len(one), len(two)) - start and one[-1 - end] == two[-1 - end]:
        end += 1
    middle = [w[start : len(w) - end] for w in (one, two)]
    if start == 0 or end == 0 or not middle[0] or len(middle[1]) != 1 or len(middle[0]) > 8:
        return None
    return " ".join([*one[:start], *middle[0][:-1], middle[0][-1] + ",", *two[start:]])


def describe(finding: "Finding") -> list[str]:
    """The lines of text for one finding, without indentation."""
    order = f"order {finding.order}, " if finding.order > 1 else ""
    tag = "" if finding.verdict == "fail" else "inconclusive, "
    lines = _wrapped(f"{tag}{order}{finding.probe}: {finding.message}")
    if finding.analytic is not None:
        lines += [f"  {line}" for line in _table(finding)]
    if finding.agreement:
        lines.append(f"  {finding.agreement}")
    if finding.diagnosis:
        lines += _wrapped(f"diagnosis: {finding.diagnosis}", "  ")
    return lines


def _wrapped(text: str, indent: str = "") -> list[str]:
    return wrap(
        text,
        WIDTH - 2,
        initial_indent=indent,
        subsequent_indent=indent + "    ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _table(finding: "Finding") -> list[str]:
    """Rows of numbers under their headings, the worst elements first."""
    rows = finding.rows[:ROWS]
    kinks = all(_subgradients(row) for row in rows)
    heads = ["index", "analytic", "subgradients" if kinks else "numeric ± bound"]
    with_torch = any(row.torch is not None for row in rows)
    heads += ["torch"] if with_torch else []
    cells = [list(_cells(row, with_torch)) for row in rows]
    if finding.index is None:
        cells[0][0] = ""
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    return [_row(line, widths) for line in (heads, *cells)]


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    return " | ".join(c.ljust(w) for c, w in zip(cells, widths, strict=True)).rstrip()


def _cells(row: "Element", with_torch: bool) -> Iterator[str]:
    yield f"{row.index}"
    yield _number(row.analytic)
    if row.interval is not None and _subgradients(row):
        low, high = row.interval
        yield f"[{_number(low)}, {_number(high)}] ± {row.error:.1e}"
    else:
        yield f"{_number(row.numeric)} ± {row.error:.1e}"
    if with_torch:
        yield "—" if row.torch is None else _number(row.torch)


def _subgradients(row: "Element") -> bool:
    """Whether the slopes on the two sides differ by more than they are known to."""
    return row.interval is not None and row.interval[1] - row.interval[0] > row.error


def _number(value: float) -> str:
    return f"{value:.12g}"


def table(reports: Sequence["Report"]) -> str:
    """The reports as one aligned line each, the findings of those that did not pass below.

    >>> from gradcheck import Report
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
    lines.append(f"{summary}; {counted(total, 'comparison')}")
    lines += [str(r) for r in reports if not r.ok]
    return "\n".join(lines)
