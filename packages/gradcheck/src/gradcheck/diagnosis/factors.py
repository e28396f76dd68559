"""The rule is right up to a factor or a sign."""

import math
from collections.abc import Iterator
from itertools import permutations

import numpy as np

from gradcheck.diagnosis.evidence import Evidence, axes_words, broadcast_axes
from gradcheck.forward import Array

Named = tuple[str, float, tuple[str, str] | tuple[()]]

CONSTANTS = (
    ("2", 2.0),
    ("3", 3.0),
    ("4", 4.0),
    ("6", 6.0),
    ("10", 10.0),
    ("100", 100.0),
    ("sqrt(2)", math.sqrt(2)),
    ("ln 2", math.log(2)),
    ("ln 10", math.log(10)),
    ("pi", math.pi),
    ("2 pi", 2 * math.pi),
    ("sqrt(pi)", math.sqrt(math.pi)),
    ("sqrt(2 pi)", math.sqrt(2 * math.pi)),
    ("180/pi (degrees and radians)", 180 / math.pi),
)


def sign(e: Evidence) -> str:
    """The negative would pass."""
    return "sign flipped" if e.fits(-e.analytic) else ""


def factor(e: Evidence) -> str:
    """A multiple would pass; the factor is named when it is a familiar one."""
    # At kinks the numbers are an interval, which says little about a factor.
    smooth = np.ones(e.chosen.size, bool) if e.kinks is None or e.kinks.all() else ~e.kinks
    parts = (e.claimed, e.numeric, e.near)
    claimed, numeric, near = (a[:, smooth].reshape(-1) for a in parts)
    sure = 1 / np.maximum(near, np.finfo(float).tiny)  # a poor number says little of a factor
    sure /= sure.max(initial=0.0) or 1.0
    claimed, numeric = sure * claimed, sure * numeric
    square = float(claimed @ claimed)
    if not square or not np.isfinite(square):
        return ""
    ratio = float(claimed @ numeric) / square
    if ratio == 0 or not np.isfinite(ratio) or not e.fits(ratio * e.analytic):
        return ""
    off = 1 / ratio
    if abs(off - 1) < 1e-5 and (np.abs(ratio * e.claimed - e.numeric) > e.bound).any():
        return ""  # scattered like roundings: no factor
    text = name_factor(abs(off), e)
    return f"sign flipped and {text}" if off < 0 else text


def name_factor(off: float, e: Evidence) -> str:
    """In words what a gradient is that is ``off`` times the right one."""
    exact = max(1e-6, e.eps)
    if abs(off - 1) < 1e-5:
        return f"off by a constant factor 1 {'+' if off > 1 else '-'} {abs(off - 1):.3g}"
    for which, size, off_by in ((0, "large", off), (1, "small", 1 / off)):
        found = [n for n in familiar(e) if abs(off_by - n[1]) <= exact * n[1]]
        if found:
            known = any(abs(off_by - n) < 0.5 for n in _summed(e))
            return f"too {size} by a constant factor {_explained(found, which, known)}"
        if round(off_by) > 1 and abs(off_by - round(off_by)) <= exact * off_by < 1e-3:
            return f"too {size} by a constant factor {round(off_by)}"
    return _of_scalars(off, e) or f"off by a constant factor {off:.{shown_digits(e)}g}"


def _number(off: float, digits: int) -> str:
    """A factor in words; one near 1 by its distance from it."""
    if abs(off - 1) < 1e-4:
        return f"1 {'+' if off > 1 else '-'} {abs(off - 1):.2g}"
    return f"{off:.{digits}g}"


def shown_digits(e: Evidence) -> int:
    """How many digits of a factor the numbers show, at most 6."""
    return _digits((e.near / np.abs(e.numeric))[e.numeric != 0], e)


def _digits(relative: Array, e: Evidence) -> int:
    unsure = max(e.eps, float(relative.min(initial=1.0)))
    return int(np.clip(np.floor(-np.log10(unsure)), 2, 6))


def _summed(e: Evidence) -> set[int]:
    """Numbers of elements that the function itself sums, or that its gradient must sum."""
    if e.single is None:
        return set()
    sizes = {int(np.prod(e.shape))} if np.prod(e.single) == 1 else set()
    for axis, length in enumerate(e.shape):
        rest = e.shape[:axis], e.shape[axis + 1 :]
        if e.single in (rest[0] + rest[1], rest[0] + (1,) + rest[1]):
            sizes.add(length)
    spread = broadcast_axes(e.shape, e.single)
    return sizes | {int(np.prod([e.single[a] for a in spread]))} if spread else sizes


def _explained(found: list[Named], which: int, known: bool) -> str:
    """The factor's name, with what may have brought it about."""
    reasons = list(dict.fromkeys(why[which] for _, _, why in found if why))[:2]
    plain = next((name for name, _, why in found if not why), "")
    if known:
        return f"{found[0][0]}: {reasons[0]}"
    if not plain:
        return found[0][0] + (": " + "; or ".join(reasons) if reasons else "")
    # A factor of 2 is forgotten so often that the length of an axis may have nothing to do with it.
    kinds = ("a ",) if plain == "2" else ("a ", "the ")
    likely = [reason.partition(" (")[0] for reason in reasons if reason.startswith(kinds)]
    perhaps = "; or ".join(likely)
    return plain + (f" (perhaps {perhaps})" if perhaps else "")


def _of_scalars(off: float, e: Evidence) -> str:
    """A factor that is made of the only output, or of an input of one element."""
    for name, array in e.named.items():
        value = float(array.reshape(-1)[0]) if array.size == 1 else 0.0
        if array.shape == e.shape or value == 0:
            continue
        made = ((name, abs(value)), (f"{name}**2", value**2), (f"exp({name})", np.exp(value)))
        for text, number in made:
            for times, constant in (("", 1.0), ("2 * ", 2.0)):
                known = constant * number
                if abs(off - known) <= 1e-6 * known:
                    return f"too large by the factor {times}{text}: divide by it"
                if abs(off * known - 1) <= 1e-6:
                    return f"too small by the factor {times}{text}: multiply by it"
    return ""


def familiar(e: Evidence) -> Iterator[Named]:
    """Factors that mistakes are made of, with what to do when too large and when too small."""
    sizes = _sizes(e)
    for size, (what, over) in sizes.items():
        divide = f"a sum where a mean belongs {over} (divide by {size})"
        multiply = f"a mean where a sum belongs {over} (multiply by {size})"
        yield f"{size} = {what}", float(size), (divide, multiply)
    for name, value in CONSTANTS:
        yield name, value, ()
    for (a, (first, _)), (b, (second, _)) in permutations(sizes.items(), 2):
        if a > b and first.startswith("the length") and second.startswith("the length"):
            larger = f"{b} ({second}) stands where {a} ({first}) belongs in a divisor"
            smaller = f"{a} ({first}) stands where {b} ({second}) belongs in a divisor"
            yield f"{a}/{b}", a / b, (larger, smaller)
    for size, (what, _) in sizes.items():
        if size > 2:
            why = f"it divides by n - 1 where n belongs, n = {size} = {what}"
            other = f"it divides by n where n - 1 belongs, n = {size} = {what}"
            yield f"{size}/{size - 1}", size / (size - 1), (why, other)
        yield f"sqrt({size})", math.sqrt(size), (f"the root of {size}, {what}",) * 2
        yield f"{size}²", float(size) ** 2, (f"the square of {size}, {what}",) * 2


def _sizes(e: Evidence) -> dict[int, tuple[str, str]]:
    """Lengths and counts greater than 1: what each is, and 'over' what it would be summed."""
    axes: dict[int, list[int]] = {}
    for axis, length in enumerate(e.shape):
        axes.setdefault(length, []).append(axis)
    sizes = {}
    for length, known in axes.items():
        where = axes_words(tuple(known))
        sizes[length] = (f"the length of {where}", f"over {where.replace(' and ', ' or ')}")
    if len(e.shape) > 1:
        sizes.setdefault(int(np.prod(e.shape)), ("the number of elements", "over all axes"))
    for shape in e.output_shapes:
        spread = broadcast_axes(e.shape, shape)
        for axis in spread:
            where = f"the output's axis {axis}"
            sizes.setdefault(shape[axis], (f"the length of {where}", f"over {where}"))
        if len(spread) > 1:
            count = int(np.prod([shape[a] for a in spread]))
            where = f"the output's {axes_words(spread)}"
            sizes.setdefault(count, (f"the size of {where}", f"over {where}"))
    return {size: words for size, words in sizes.items() if size > 1}


def per_index(e: Evidence) -> str:
    """A factor of its own for each index of one axis."""
    if not e.whole or len(e.shape) < 1 or e.claimed.size < 4:
        return ""
    claimed = e.claimed.reshape(-1, *e.shape)
    numeric = e.numeric.reshape(-1, *e.shape)
    for axis in range(len(e.shape)):
        others = tuple(a for a in range(claimed.ndim) if a != axis + 1)
        if e.shape[axis] < 2 or np.prod([claimed.shape[a] for a in others]) < 3:
            continue
        if len(e.shape) == 1 and e.shape[0] > 4:
            continue  # nothing but one factor per element
        square = np.square(claimed).sum(axis=others, keepdims=True)
        ratio = (claimed * numeric).sum(axis=others, keepdims=True) / np.where(square, square, 1.0)
        if e.fits((ratio * claimed).reshape(len(claimed), -1)) and (ratio != 0).all():
            near = (e.near / np.abs(e.numeric)).reshape(numeric.shape)
            known = np.nan_to_num(near, nan=1.0).min(axis=others)
            return _factors_text(1 / ratio.reshape(-1), known, axis, e)
    return ""


def _factors_text(off: Array, known: Array, axis: int, e: Evidence) -> str:
    plain = np.abs(off - 1) < 1e-7
    if plain.any():
        return ""  # a matter of where
    if np.allclose(np.abs(off), abs(off[0]), rtol=1e-7, atol=0) and (off < 0).any():
        flipped = ", ".join(map(str, np.flatnonzero(off < 0)[:4].tolist()))
        return f"{name_factor(abs(float(off[0])), e)}, and the sign flipped at {flipped}"
    values = [_number(float(v), _digits(k, e)) for v, k in zip(off, known, strict=True)]
    if len(set(values)) == 1:
        return f"off by a factor of about {values[0]} at all indices of axis {axis}"
    shown = ", ".join(values[:4]) + (", ..." if off.size > 4 else "")
    return f"off by a factor of its own for each index of axis {axis}: {shown}"
