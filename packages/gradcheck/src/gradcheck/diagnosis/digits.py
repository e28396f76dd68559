"""Right to as many digits as a narrower type holds."""

import numpy as np

from gradcheck.diagnosis.evidence import Evidence
from gradcheck.forward import Array

SEEN = 2.0**10  # times a step that the narrower type does not see is one that it sees

NARROW = (
    ("float32", np.float32, 2e-11, 1e-6, 2.0**-28),
    ("float16", np.float16, 1e-6, 4e-3, 2.0**-15),
)


def narrow(e: Evidence) -> str:
    """The errors are roundings of float32 or float16, and small changes of g are not seen."""
    size = np.abs(e.numeric).max(initial=0.0)
    off = np.abs(e.claimed - e.numeric).max(initial=0.0)
    if e.eps > 1e-10 or not 0 < off <= 4e-3 * size:
        return ""
    for name, kind, least, most, step in NARROW:
        if least * size < off <= most * size and _coarse(e, kind, step):
            return f"right to about {_right(off, size)} digits: {name} inside"
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
        near, far = (e.pull(e.cotangents * (1 + s))[:, e.chosen] for s in (step, SEEN * step))
        if _unseen(near, far, claimed):
            return True
    if e.called is None:
        return False
    for name, array in e.named.items():
        if array.dtype == np.float64:
            rows = [e.called({name: array * (1 + s)}) for s in (step, SEEN * step)]
            made = [r[:, e.chosen] for r in rows if r is not None and r.shape == e.analytic.shape]
            if len(made) == 2 and _unseen(made[0], made[1], claimed):
                return True
    return False


def _unseen(near: Array, far: Array, claimed: Array) -> bool:
    """Whether elements that the larger step moves often keep every bit at the smaller one."""
    moved = far != claimed
    return bool(moved.any() and np.mean((near == claimed)[moved]) > 0.2)


def _right(off: float, size: float) -> int:
    return int(np.floor(-np.log10(off / size)))


def approximate(e: Evidence) -> str:
    """Nearly right everywhere, and nothing else explains it."""
    size = np.abs(e.numeric).max(initial=0.0)
    off = np.abs(e.claimed - e.numeric).max(initial=0.0)
    if not 0 < off <= 1e-4 * size:
        return ""
    text = "a rounded constant, an epsilon, or an approximation"
    return f"right to about {_right(off, size)} digits: {text}"
