"""Pytest: options for seed and mode, reports as failure texts, and ``inconclusive`` as an outcome.

Pytest loads this module in every run, so it imports neither NumPy nor what checks.
"""

import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from gradcheck.settings import defaults

HINT = "an inconclusive check is no pass: move the point, or --gradcheck-allow-inconclusive"


def pytest_addoption(parser: Any) -> None:
    """Add the options."""
    group = parser.getgroup("gradcheck", "gradcheck: is this gradient right?")
    group.addoption(
        "--gradcheck-seed",
        type=int,
        metavar="N",
        help="seed of every gradient check that names none (default 0)",
    )
    group.addoption(
        "--gradcheck-mode",
        choices=("auto", "exhaustive", "projection"),
        help="mode of every gradient check that names none (default auto)",
    )
    group.addoption(
        "--gradcheck-allow-inconclusive",
        action="store_true",
        help="inconclusive gradient checks do not fail the run; they are still counted",
    )


def pytest_configure(config: Any) -> None:
    """Hand the options to the checks; what stood before returns at the end of the run."""
    seed, mode = config.getoption("gradcheck_seed"), config.getoption("gradcheck_mode")
    if seed is not None and seed < 0:
        raise pytest.UsageError(f"--gradcheck-seed is {seed}; it must not be negative")
    before = defaults.seed, defaults.mode
    config.add_cleanup(lambda: _set(*before))
    _set(defaults.seed if seed is None else seed, mode or defaults.mode)


def _set(seed: int, mode: str) -> None:
    defaults.seed, defaults.mode = seed, mode


def pytest_report_header(config: Any) -> str | None:
    """The seed and mode in the head of the run, where an option sets them."""
    parts = [
        f"{name} {config.getoption(f'gradcheck_{name}')}"
        for name in ("seed", "mode")
        if config.getoption(f"gradcheck_{name}") is not None
    ]
    return f"gradcheck: {', '.join(parts)}" if parts else None


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item: Any, call: Any) -> Iterator[None]:
    """Show a wrong gradient as its report, without a traceback through the checker."""
    report: Any = yield  # type: ignore[misc]
    if report.failed and call.excinfo is not None:
        judged = _judged(call.excinfo.value)
        if judged:
            _tell(report, item, call.excinfo, judged)
    return report


def _judged(error: BaseException) -> list[Any]:
    """The errors of ``assert_grads`` in an exception; none when there is any other in it."""
    outcomes = sys.modules.get("gradcheck.outcomes")
    if outcomes is None:
        return []
    errors = error.exceptions if isinstance(error, BaseExceptionGroup) else (error,)
    ours = (outcomes.WrongGradient, outcomes.Inconclusive)
    return list(errors) if all(isinstance(e, ours) for e in errors) else []


def _tell(report: Any, item: Any, excinfo: Any, judged: list[Any]) -> None:
    """Rewrite pytest's report of one test."""
    place = _place(item, excinfo)
    wrong = [error for error in judged if error.report.verdict == "fail"]
    report.longrepr = Told(place, wrong or judged)
    if wrong:
        return
    report.gradcheck = "inconclusive"
    report.gradcheck_reason = _reason(judged[0].report)
    if item.config.getoption("gradcheck_allow_inconclusive"):
        report.outcome = "skipped"  # for the exit status and JUnit; counted as inconclusive here
        path, line, _ = item.location
        report.longrepr = (path, line or 0, f"inconclusive: {report.gradcheck_reason}")


def _place(item: Any, excinfo: Any) -> tuple[str, int, str]:
    """File, line and statement of the deepest line of the test's own file."""
    for entry in reversed(excinfo.traceback):
        if str(entry.path) == str(item.path):
            path = os.path.relpath(entry.path, item.config.invocation_params.dir)
            return path, entry.lineno + 1, str(entry.statement).strip()
    path, line, name = item.location
    return str(path), (line or 0) + 1, name


def _reason(report: Any) -> str:
    """Why a report is inconclusive, in a line."""
    return report.findings[0].message if report.findings else "nothing could be compared"


class Told:
    """A failure as pytest prints it: one line of the test, then the report."""

    def __init__(self, place: tuple[str, int, str], judged: list[Any]) -> None:
        self.path, self.lineno, self.statement = place
        self.judged = judged
        self.message = str(judged[0].report).partition("\n")[0]
        self.reprcrash = self  # pytest reads path, lineno and message from it

    def lines(self) -> Iterator[tuple[str, dict[str, bool]]]:
        """The text, line by line, with its colours."""
        yield f"{self.path}:{self.lineno}: {self.statement.splitlines()[0]}", {"bold": True}
        for error in self.judged:
            colour = "red" if error.report.verdict == "fail" else "yellow"
            for number, line in enumerate(str(error).splitlines()):
                yield line, {colour: True, "bold": number == 0}
            for note in getattr(error, "__notes__", ()):
                yield from ((line, {}) for line in note.splitlines())

    def toterminal(self, tw: Any) -> None:
        """Print it."""
        for text, markup in self.lines():
            tw.line(text, **markup)

    def __str__(self) -> str:
        return "\n".join(text for text, _ in self.lines())


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: Any) -> tuple[str, str, Any] | None:
    """Give ``inconclusive`` a letter, a word, a count and a colour."""
    if getattr(report, "gradcheck", None) != "inconclusive":
        return None
    return "inconclusive", "?", ("INCONCLUSIVE", {"yellow": True})


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """List the inconclusive tests with their reasons."""
    found = terminalreporter.stats.get("inconclusive", [])
    if not found:
        return
    terminalreporter.section("inconclusive gradients", sep="=", yellow=True)
    for report in found:
        terminalreporter.write_line(f"INCONCLUSIVE {report.nodeid} - {report.gradcheck_reason}")
    if not terminalreporter.config.getoption("gradcheck_allow_inconclusive"):
        terminalreporter.write_line(HINT)
