"""Some elements are wrong and the others right: which, and what is wrong with them."""

from collections.abc import Callable, Iterator
from math import comb

import numpy as np

from gradcheck.diagnosis.digits import approximate
from gradcheck.diagnosis.evidence import Evidence
from gradcheck.diagnosis.factors import shown_digits
from gradcheck.diagnosis.orders import exchanged
from gradcheck.forward import Array

Rule = Callable[[Evidence], str]


def only_some(e: Evidence, rules: tuple[Rule, ...]) -> str:
    """Where the wrong elements are, and what the first of ``rules`` that fits says of them."""
    wrong = e.wrong
    count = int(wrong.sum())
    if not 0 < count < wrong.size:
        return ""
    idle = (np.abs(e.numeric) <= e.bound).all(axis=0) & ~e.claimed.any(axis=0)
    if (wrong | idle).all() and approximate(e):
        return ""  # the others are zero whatever the rule multiplies
    what = _what(e.part(np.flatnonzero(wrong)), rules)
    tried = "" if e.whole else f" ({wrong.size} of {e.analytic.shape[1]} elements were tried)"
    for words, mask, by_chance in _conditions(e):
        if np.array_equal(mask, wrong) and (not by_chance or comb(wrong.size, count) >= 10):
            return f"only {words}" + (f": {what}" if what else "; the rest is right") + tried
    if what:
        return f"only some elements are wrong ({count} of {wrong.size}): {what}{tried}"
    if count <= wrong.size // 2:
        return f"only some elements are wrong ({count} of {wrong.size}){tried}"
    return ""


def _what(e: Evidence, rules: tuple[Rule, ...]) -> str:
    if not np.isfinite(e.claimed).all():
        large = np.abs(e.values[e.chosen]).min() > 80
        text = "not finite there although the derivative is"
        return text + (": something overflows" if large else "")
    if e.kinks is not None and e.kinks.all():
        return "outside what lies between the slopes on the two sides of the kink"
    if not e.claimed.any():
        return "left at zero"
    if not e.numeric.any():
        return "must be zero there (f is flat)"
    if e.chosen.size == 1:
        return _of_one(e)
    for rule in rules:
        text = rule(e)
        if text:
            return text
    if e.single == e.shape and e.fits(e.cotangents):
        return "must be g there"
    return exchanged(e) or _by_a_constant(e) or _shares(e)


def _of_one(e: Evidence) -> str:
    """One element: every ratio is a factor, which proves little."""
    ratio = float((e.claimed * e.numeric).sum() / np.square(e.numeric).sum())
    if not e.fits(e.analytic / ratio):
        return ""
    if abs(ratio - 1) < 1e-4:
        return f"off by a factor 1 {'+' if ratio > 1 else '-'} {abs(ratio - 1):.3g}"
    return (
        "sign flipped"
        if abs(ratio + 1) < 1e-6
        else f"{ratio:.{shown_digits(e)}g} times the right value"
    )


def _by_a_constant(e: Evidence) -> str:
    """Each is off by the same number times the only output's cotangent, up or down."""
    if e.cotangents.shape[1] != 1:
        return ""
    off = (e.claimed - e.numeric) / e.cotangents
    size = np.abs(off)
    if np.ptp(size) > 1e-6 * size.max(initial=0.0) or not size.any():
        return ""
    both = (
        "up or down" if (off > 0).any() and (off < 0).any() else "down" if off[0, 0] < 0 else "up"
    )
    return f"each is off by {size.max():.{shown_digits(e)}g} g, {both}"


def _shares(e: Evidence) -> str:
    """The elements share the right sum in the wrong way."""
    total = np.abs(e.claimed.sum(axis=1) - e.numeric.sum(axis=1))
    right = (total <= e.bound.sum(axis=1)).all() and e.claimed.shape[1] > 1
    return "their sum is right, their shares are not" if right else ""


Condition = tuple[str, Array, bool]


def _conditions(e: Evidence) -> Iterator[Condition]:
    """Conditions in words, with the elements they hold for and whether chance can explain them."""
    values = e.values[e.chosen]
    index = np.array(np.unravel_index(e.chosen, e.shape)).reshape(len(e.shape), -1)
    if e.chosen.size > 1 and e.wrong.sum() == 1:
        place = e.index(int(e.chosen[np.flatnonzero(e.wrong)[0]]))
        if all(i == n - 1 for i, n in zip(place, e.shape, strict=True)):
            yield f"at the last element {place}", e.wrong, False
    yield "where the input is 0", values == 0, False
    if not _mirrored(e):
        yield _ties(values)
    yield "where the input is negative", values < 0, True
    yield "where the input is positive", values > 0, True
    bad, good = np.abs(values[e.wrong]), np.abs(values[~e.wrong])
    if bad.size and bad.min() > max(80, good.max(initial=0.0)) and not np.isfinite(e.claimed).all():
        yield f"where the input is large, from {bad.min():.4g} on", e.wrong, False
    if len(index) >= 2:
        yield from _triangles(index[-2], index[-1])
    yield from _relations(e)
    yield from _positions(e, index)
    yield from _thresholds("the input", values, e.wrong)
    for name, array in e.named.items():
        if array.shape == e.shape and array.size:
            yield from _thresholds(name, array.reshape(-1)[e.chosen].astype(float), e.wrong)
    if e.wrong.sum() == 1:
        yield f"at element {e.index(int(e.chosen[e.wrong][0]))}", e.wrong, False


def _ties(values: Array) -> Condition:
    known, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    tied = known[counts > 1]
    words = "where values of the input are equal (ties)"
    if tied.size == 1:  # it may be the value that matters
        words = f"where the input is {tied[0]:.6g} (equal values, ties)"
    return words, counts[inverse.reshape(-1)] > 1, False


def _mirrored(e: Evidence) -> bool:
    """Whether equal values are only the mirror images in symmetric matrices."""
    if len(e.shape) < 2 or e.shape[-1] != e.shape[-2]:
        return False
    grid = e.values.reshape(e.shape)
    half = grid[..., *np.triu_indices(e.shape[-1])]
    return np.array_equal(grid, grid.swapaxes(-1, -2)) and np.unique(half).size == half.size


def _relations(e: Evidence) -> Iterator[Condition]:
    values = e.values[e.chosen]
    for name, array in e.named.items():
        if array.shape != e.shape or array.size < 2:
            continue
        other = array.reshape(-1)[e.chosen]
        if np.array_equal(other, values):
            continue
        yield f"where the input equals {name}", other == values, False
        yield f"where the input is less than {name}", values < other, True
        yield f"where the input is greater than {name}", values > other, True
        yield f"where {name} is 0", other == 0, False
        yield f"where {name} is negative", other < 0, True
        yield f"where {name} is positive", other > 0, True


def _triangles(row: Array, column: Array) -> Iterator[Condition]:
    axes = "the diagonal of the last two axes"
    yield f"on {axes}", row == column, True
    yield f"off {axes}", row != column, True
    yield f"above {axes}", row < column, True
    yield f"below {axes}", row > column, True
    yield f"on and above {axes}", row <= column, True
    yield f"on and below {axes}", row >= column, True


def _positions(e: Evidence, index: Array) -> Iterator[Condition]:
    for axis, length in enumerate(e.shape):
        if length < 2:
            continue
        at = index[axis]
        yield f"at the last index of axis {axis}", at == length - 1, False
        yield f"at the first index of axis {axis}", at == 0, False
        for k in range(1, length - 1) if length <= 64 else ():
            yield f"at index {k} of axis {axis}", at == k, False
        yield f"behind the first index of axis {axis}", at > 0, len(e.shape) < 2
        yield f"before the last index of axis {axis}", at < length - 1, len(e.shape) < 2
        if length > 3:
            yield f"at odd indices of axis {axis}", at % 2 == 1, True
            yield f"at even indices of axis {axis}", at % 2 == 0, True
    for axis, length in enumerate(e.shape if e.whole else ()):
        at = index[axis]
        bad = np.unique(at[e.wrong])
        if 1 < len(bad) < length - 1:
            text = ", ".join(map(str, bad[:4].tolist())) + (", ..." if len(bad) > 4 else "")
            yield f"at indices {text} of axis {axis}", np.isin(at, bad), len(e.shape) < 2


def _thresholds(name: str, values: Array, wrong: Array) -> Iterator[Condition]:
    """Whether a limit parts the wrong values from the right ones, or their sizes."""
    if not np.isfinite(values).all() or wrong.sum() < 2 or (~wrong).sum() < 2:
        return
    for shown, v in ((name, values), (f"|{name}|", np.abs(values))):
        bad, good = v[wrong], v[~wrong]
        if bad.min() > good.max():
            words = f"where {shown} is large: right up to {good.max():.4g}"
            yield f"{words}, wrong from {bad.min():.4g}", wrong, True
        if bad.max() < good.min():
            words = f"where {shown} is small: right from {good.min():.4g}"
            yield f"{words}, wrong up to {bad.max():.4g}", wrong, True
