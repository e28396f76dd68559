"""What depends on what: the pattern of the two Jacobians."""

import numpy as np

from gradcheck.diagnosis.evidence import Evidence, axes_words, broadcast_axes
from gradcheck.forward import Array


def _patterns(e: Evidence) -> tuple[Array, Array, Array] | None:
    """Where the numeric and the rule's Jacobian are not zero, and where they are equal."""
    if e.jacobian is None or e.slopes is None:
        return None
    a, n = e.jacobian[:, e.chosen], e.slopes
    if not np.isfinite(a).all() or not n.size:
        return None
    largest = np.abs(n).max(initial=0.0)
    noise = 4 * e.slope_error + 1e-10 * largest
    there = np.asarray(np.abs(n) > noise)
    claimed = np.asarray(np.abs(a) > 1e-12 * np.abs(a).max(initial=0.0))
    loose = max(e.loose, 64 * e.eps)
    same = np.abs(a - n) <= noise + loose * (np.abs(n) + np.abs(a))
    return there, claimed, same


def lost(e: Evidence) -> str:
    """Entries of the Jacobian are missing, the others are right."""
    found = _patterns(e)
    if found is None:
        return ""
    there, claimed, same = found
    gone = there & ~claimed
    if not gone.any() or not (same | gone).all() or not (there & claimed).any():
        return ""
    gathers = bool((there.sum(axis=1) <= 1).all())  # such as t[ids], not a coupling
    if e.whole and e.single == e.shape and not gathers:
        text = _of_square(gone, there)
        if text:
            return text
    tried = (_first_or_last, _contributions_lost, _outputs_lost)
    return next((text for rule in tried if (text := rule(gone, there, e))), "")


def _of_square(gone: Array, there: Array) -> str:
    diagonal = np.eye(len(gone), dtype=bool)
    if len(gone) < 2 or not (there & ~diagonal).any():
        return ""
    if np.array_equal(gone, there & ~diagonal):
        return (
            "only the diagonal of the Jacobian is there: f's outputs depend on other elements, too"
        )
    if np.array_equal(gone, there & diagonal):
        return (
            "the diagonal of the Jacobian is missing: each output depends on its own element, too"
        )
    for name, keep in (("before", np.tril), ("after", np.triu)):
        outside = ~keep(np.ones_like(gone))
        if np.array_equal(gone, there & outside) and len(gone) > 2:
            return f"of the outputs {name} an element only its own comes back (half is missing)"
    return ""


def _first_or_last(gone: Array, there: Array, e: Evidence) -> str:
    """One index along an output's axis stands for the sum over it."""
    active = np.asarray(there.any(axis=1))
    rows = active & (gone | ~there).all(axis=1)
    if not np.array_equal(gone, there & rows[:, None]) or e.single is None:
        return ""
    index = np.array(np.unravel_index(np.arange(rows.size), e.single))
    for axis, length in enumerate(e.single):
        for k, name in ((0, "first"), (length - 1, "last")):
            if length > 1 and np.array_equal(rows, (index[axis] != k) & active):
                where = f"the output's axis {axis} (length {length})"
                return f"only the {name} index along {where} counts: sum over it"
    return ""


def _outputs_lost(gone: Array, there: Array, e: Evidence) -> str:
    """Whole outputs whose cotangent never arrives."""
    rows = np.asarray((gone | ~there).all(axis=1) & there.any(axis=1))
    if not np.array_equal(gone, there & rows[:, None]) or e.single is None:
        return ""
    if not (there & ~gone)[:, gone.any(axis=0)].any():
        return ""  # a matter of elements, not of outputs
    first = tuple(map(int, np.unravel_index(int(rows.argmax()), e.single)))
    count = int(rows.sum())
    return f"the cotangent of {count} of {rows.size} outputs is ignored, first that of {first}"


def _contributions_lost(gone: Array, there: Array, e: Evidence) -> str:
    """Elements that move several outputs and hear from some of them only."""
    kept = there & ~gone
    short = np.flatnonzero(gone.any(axis=0))
    if not kept[:, short].any(axis=0).all():
        return ""
    moved, back = there[:, short[0]].sum(), kept[:, short[0]].sum()
    name = e.index(int(e.chosen[short[0]]))
    if e.single is not None and broadcast_axes(e.shape, e.single):
        axes = axes_words(broadcast_axes(e.shape, e.single))
        text = f"element {name} was spread over {moved} outputs, {back} of which count: sum over "
        return f"{text}the output's {axes}"
    which = _which(there[:, short], kept[:, short])
    text = f"element {name} moves {moved} outputs, but {which} of these contributions comes back "
    text += f"({back} of {moved})"
    gathers = bool((there.sum(axis=1) <= 1).all())
    if which == "only a part" or (which == "only one" and not gathers):
        return text
    return f"{text}: assigned, not added (grad[i] += g overwrites duplicates; np.add.at adds)"


def _which(there: Array, kept: Array) -> str:
    if (kept.sum(axis=0) > 1).any():
        return "only a part"
    last = there.shape[0] - 1 - np.argmax(there[::-1], axis=0)
    return "only the last" if (kept.argmax(axis=0) == last).all() else "only one"


def unused(e: Evidence) -> str:
    """The function does not depend on this input at all."""
    if e.slopes is None or e.slopes.any() or not e.whole:
        return ""
    if e.constant:
        return "f does not depend on this input: its gradient is zero"
    return "f is constant around this point (rounded, floored or compared): its gradient is zero"


def alignment(e: Evidence) -> str:
    """Axes along which the function keeps indices apart and the rule mixes them, or vice versa."""
    found = _patterns(e)
    if found is None or e.single is None or not e.whole:
        return ""
    there, claimed, _ = found
    if not claimed.any() or not there.any():
        return ""
    numeric, rule = _aligned(there, e.single, e.shape), _aligned(claimed, e.single, e.shape)
    lacking, extra = sorted(numeric - rule), sorted(rule - numeric)
    if lacking and extra:
        (out, axis), (out2, axis2) = lacking[0], extra[0]
        if axis == axis2:
            return (
                f"axis {axis} of the input goes with the output's axis {out}, in the rule with "
                f"axis {out2}: summed, or spread, over the wrong axis"
            )
        return f"the rule mixes indices along axis {axis}, f along axis {axis2}: the wrong axis"
    if lacking:
        axis = lacking[0][1]
        return f"the rule mixes indices along axis {axis} that f keeps apart (a leak between them)"
    if extra:
        out, axis = extra[0]
        where = f"the same index of the output's axis {out}"
        return f"along axis {axis} the rule uses only g at {where}, f moves others, too"
    return ""


def _aligned(
    pattern: Array, outputs: tuple[int, ...], shape: tuple[int, ...]
) -> set[tuple[int, int]]:
    """Pairs (output axis, input axis) such that nothing is there but at equal indices."""
    where_out = np.unravel_index(np.nonzero(pattern)[0], outputs) if outputs else ()
    where_in = np.unravel_index(np.nonzero(pattern)[1], shape) if shape else ()
    return {
        (b, a)
        for b, o in enumerate(where_out)
        for a, i in enumerate(where_in)
        if outputs[b] == shape[a] > 1 and np.array_equal(o, i)
    }
