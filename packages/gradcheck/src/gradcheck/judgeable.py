"""Whether there is anything at a point that can be differentiated, and if not, why not."""

import numpy as np

from gradcheck.engines.base import Misuse, floating
from gradcheck.report import Finding, Report
from gradcheck.report_text import counted
from gradcheck.subject import Subject


def judgeable(subject: Subject, report: Report, what: str, consequence: str) -> bool:
    """Whether the outputs are numbers; notes and findings about them go into the report.

    ``what`` names what is asked about the outputs (``gradients``) and ``consequence`` says what
    becomes of infinite ones. Raises Misuse when an input or an output is of the wrong kind.
    """
    if not any(map(floating, subject.primals)):
        kinds = ", ".join(f"primal {i} is {p.dtype}" for i, p in enumerate(subject.primals))
        text = f"no floating-point input to differentiate: {kinds}; give floats where numbers vary"
        raise Misuse("input", text)
    if not subject.wrt:
        raise Misuse("input", "no floating-point input to differentiate: wrt leaves none")
    if not subject.outputs:
        raise Misuse("output", "f returns an empty tuple; it must return at least one array")
    if not subject.floating:
        kinds = ", ".join(str(y.dtype) for y in subject.outputs)
        raise Misuse("output", f"f returns {kinds}; only floating-point outputs have {what}")
    base = subject.forward.base
    nans = np.flatnonzero(np.isnan(base))
    infinite = int(np.isinf(base).sum())
    if nans.size:
        text = f"f returns NaN at {nans.size} of {counted(subject.width, 'output')}"
        text += f", first at {place(subject, int(nans[0]))}{_input_nan(subject)}"
        report.findings.append(Finding("output", text, verdict="inconclusive"))
    elif infinite:
        report.note(f"f is infinite at {counted(infinite, 'output')}: {consequence}")
    return not nans.size


def place(subject: Subject, flat: int) -> str:
    """Where a number stands among all floating outputs: its index, and the output of several."""
    for k in subject.floating:
        y = subject.outputs[k]
        if flat < y.size:
            index = tuple(map(int, np.unravel_index(flat, y.shape)))
            return f"{index} of output {k}" if len(subject.outputs) > 1 else f"{index}"
        flat -= y.size
    raise AssertionError("no such output")


def _input_nan(subject: Subject) -> str:
    """The input that holds NaN itself, in words."""
    for i, p in enumerate(subject.primals):
        if floating(p) and np.isnan(p).any():
            index = tuple(map(int, np.argwhere(np.isnan(p))[0]))
            return f"; input {i} is NaN itself, at {index}"
    return ""
