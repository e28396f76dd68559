"""Right to as many digits as a narrower type holds."""

import numpy as np

from gradcheck.diagnosis.evidence import Evidence

NARROW = (
    ("float32", np.float32, 2e-11, 1e-6, 2.0**-28, "about 7 digits are right: float32 inside"),
    ("float16", np.float16, 1e-6, 4e-3, 2.0**-15, "about 3 digits are right: float16 inside"),
)


def narrow(e: Evidence) -> str:
    """The errors are roundings of float32 or float16, and small changes of g are not seen."""
    size = np.abs(e.numeric).max(initial=0.0)
    off = np.abs(e.claimed - e.numeric).max(initial=0.0)
    if e.eps > 1e-10 or not 0 < off <= 4e-3 * size:
        return ""
    for _, kind, least, most, step, words in NARROW:
        if least * size < off <= most * size and _coarse(e, kind, step):
            return words
    return ""


def whole_numbers(e: Evidence) -> str:
    """Nothing but whole numbers, where the derivative has others."""
    finite = np.isfinite(e.claimed).all()
    if not finite or not e.claimed.any() or (e.claimed != np.rint(e.claimed)).any():
        return ""
    if np.abs(e.numeric - np.rint(e.numeric)).max(initial=0.0) < 1e-3 or e.claimed.size < 6:
        return ""
    return "whole numbers are returned: an integer array inside cuts off the rest"


def _coarse(e: Evidence, kind: type, step: float) -> bool:
    """Whether the gradients are numbers of the type, or do not see steps below its precision."""
    claimed = e.claimed
    if np.array_equal(claimed.astype(kind).astype(float), claimed):
        return True
    if e.pull is not None:
        moved = e.pull(e.cotangents * (1 + step))[:, e.chosen]
        if np.mean(moved == claimed) > 0.2 and claimed.any():
            return True
    if e.called is None:
        return False
    for name, array in e.named.items():
        if array.dtype == np.float64:
            rows = e.called({name: array * (1 + step)})
            if rows is not None and rows.shape == e.analytic.shape:
                still = rows[:, e.chosen] == claimed
                # An input the rule does not use leaves every bit alone, which shows nothing.
                if 0.2 < np.mean(still) < 1:
                    return True
    return False


def approximate(e: Evidence) -> str:
    """Nearly right everywhere, and nothing else explains it."""
    size = np.abs(e.numeric).max(initial=0.0)
    off = np.abs(e.claimed - e.numeric).max(initial=0.0)
    if not 0 < off <= 1e-4 * size:
        return ""
    digits = int(np.floor(-np.log10(off / size)))
    return f"right to about {digits} digits: a rounded constant, an epsilon, or an approximation"
