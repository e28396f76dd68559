"""A factor or a term made of what the rule has at hand is missing."""

from collections.abc import Callable, Iterator
from itertools import permutations

import numpy as np

from gradcheck.diagnosis.evidence import Evidence, blocks
from gradcheck.forward import Array

NICE = {
    1.0: "",
    2.0: "2 * ",
    0.5: "1/2 * ",
    3.0: "3 * ",
    1 / 3: "1/3 * ",
    4.0: "4 * ",
    0.25: "1/4 * ",
}


def simple(e: Evidence) -> Iterator[tuple[str, Array]]:
    """Inputs and output of the shape of the primal, their products and ratios, with their texts."""
    same = [(n, a.reshape(-1).astype(float)) for n, a in e.named.items() if a.shape == e.shape]
    for name, v in same:
        yield from ((name, v), (f"{name}**2", v * v), (f"1 / {name}", 1 / v))
    for k, (name, a) in enumerate(same):
        for other, b in same[:k]:
            yield f"{other} * {name}", a * b
            yield f"{name} / {other}", a / b
            yield f"{other} / {name}", b / a


def functions(e: Evidence) -> Iterator[tuple[str, Array]]:
    """Functions of these that derivatives are often made of."""
    for t, array in e.named.items():
        if array.shape != e.shape:
            continue
        v = array.reshape(-1).astype(float)
        yield from _of_one(t, v)
        yield from ((f"1 / (1 - {t})", 1 / (1 - v)), (f"1 / (1 + {t})", 1 / (1 + v)))
        yield f"1 / (1 + {t}**2)", 1 / (1 + v * v)


def _of_one(t: str, v: Array) -> Iterator[tuple[str, Array]]:
    yield from ((f"(1 - {t})", 1 - v), (f"(1 + {t})", 1 + v), (f"{t}**3", v**3))
    yield from ((f"(1 - {t}**2)", 1 - v * v), (f"(1 + {t}**2)", 1 + v * v))
    yield from ((f"exp({t})", np.exp(v)), (f"exp(-{t})", np.exp(-v)), (f"log({t})", np.log(v)))
    yield from ((f"cos({t})", np.cos(v)), (f"sin({t})", np.sin(v)), (f"sqrt({t})", np.sqrt(v)))
    yield from ((f"sign({t})", np.sign(v)), (f"({t} > 0)", (v > 0) * 1.0))
    yield from ((f"{t} * (1 - {t})", v * (1 - v)), (f"tanh({t})", np.tanh(v)))
    yield f"sigmoid({t})", 1 / (1 + np.exp(-v))


Source = Callable[[Evidence], Iterator[tuple[str, Array]]]


def missing(e: Evidence) -> str:
    """A factor or a term is missing; simple ones are tried before functions."""
    if not e.rich or not np.isfinite(e.claimed).all():
        return _missing_term(e, None) if e.claimed.shape[1] > 1 else ""
    found = _missing_factor(e, simple) or _missing_term(e, None) or _missing_term(e, simple)
    found = found or _missing_factor(e, functions) or _wrong_factor(e)
    return found or _missing_term(e, functions)


def _wrong_factor(e: Evidence) -> str:
    """A function of one array stands where the same function of another belongs."""
    same = [(n, a.reshape(-1).astype(float)) for n, a in e.named.items() if a.shape == e.shape]
    for (name, a), (other, b) in permutations(same, 2):
        for (text, u), (right, v) in zip(_of_one(name, a), _of_one(other, b), strict=True):
            ratio = (v / u)[e.chosen]
            if not _varies(v[e.chosen]) or not _is_factor(e, u[e.chosen]):
                continue
            if np.isfinite(ratio).all() and e.fits(e.claimed * ratio):
                return f"the factor {text} must be {right}"
    return ""


def exchanged_factor(e: Evidence) -> str:
    """One of the quantities stands where another one belongs."""
    if not e.rich:
        return ""
    known = [(t, v[e.chosen]) for t, v in (*simple(e), *functions(e))]
    known = [(t, v) for t, v in known if np.isfinite(v).all() and v.all() and _varies(v)]
    for (text, u), (right, v) in permutations(known, 2):
        ratio = v / u
        if np.ptp(ratio) and _is_factor(e, u) and e.fits(e.claimed * ratio):
            return f"the factor {text} must be {right}"
    return ""


def _varies(values: Array) -> bool:
    """Whether a factor is more than a constant or a sign, which another formula may have, too."""
    return bool(np.ptp(np.abs(values)) > 0)


def _is_factor(e: Evidence, values: Array) -> bool:
    """Whether the rule is g times these values, but for a constant: many formulas may fit else."""
    if e.single != e.shape or not _varies(values):
        return False
    ratio = e.claimed / (e.cotangents[:, e.chosen] * values)
    return bool(np.ptp(ratio) <= max(1e-9, 64 * e.eps) * np.abs(ratio).max())


def _missing_factor(e: Evidence, source: Source) -> str:
    """The gradient times a quantity at hand would pass."""
    for text, values in source(e):
        values = values[e.chosen]
        if not np.isfinite(values).all() or not _varies(values):
            continue
        constant = _scale(e.claimed * values, e.numeric)
        if constant and e.fits(constant * e.claimed * values):
            return f"a factor is missing: times {_times(constant)}{text}"
    return ""


def _missing_term(e: Evidence, source: Source | None) -> str:
    """The gradient plus g times a quantity at hand would pass."""
    if e.single != e.shape:
        return ""
    g = e.cotangents[:, e.chosen]
    rest = e.numeric - e.claimed
    for text, values in source(e) if source else [("", np.ones(e.analytic.shape[1]))]:
        values = values[e.chosen]
        if not np.isfinite(values).all():
            continue
        constant = _scale(g * values, rest)
        if constant and e.fits(e.claimed + constant * g * values):
            return _term_words(constant, f"g * {text}" if text else "g")
    return ""


def _term_words(constant: float, text: str) -> str:
    if text == "g" and constant == 1:
        return "g itself is missing: add it (the path that leaves the input as it is)"
    if text == "g" and constant == -1:
        return "g itself is there once too often: subtract it"
    sign = "-" if constant < 0 else "+"
    return f"a term is missing: {sign} {_times(abs(constant))}{text}"


def sums(e: Evidence) -> str:
    """A term with the sum of g (times something) over axes is missing."""
    if e.single != e.shape or e.claimed.shape[1] < 3:
        return ""
    rest = e.numeric - e.claimed
    count = len(e.cotangents)
    grid = e.cotangents.reshape(count, *e.shape)
    pool = _pool(e)
    for axes in blocks(e.shape):
        over = tuple(a + 1 for a in axes)
        for inner, v in pool:
            summed = (grid * v).sum(axis=over, keepdims=True)
            for outer, u in pool:
                text = _fit_sum(e, rest, (summed * u).reshape(count, -1), axes, inner, outer)
                if text:
                    return text
    return ""


def _pool(e: Evidence) -> list[tuple[str, Array]]:
    """What stands inside and before the sums of common rules."""
    pool = [("", np.ones(e.shape))]
    for name, array in e.named.items():
        if array.shape == e.shape and array.size > 1:
            pool.append((name, array.astype(float)))
            if name == "y":
                pool.append(("exp(y)", np.exp(array.astype(float))))
    return [(name, a) for name, a in pool if np.isfinite(a).all()]


def _fit_sum(
    e: Evidence, rest: Array, term: Array, axes: tuple[int, ...], inner: str, outer: str
) -> str:
    length = int(np.prod([e.shape[a] for a in axes]))
    over = axes[0] if len(axes) == 1 else (None if len(axes) == len(e.shape) else axes)
    body = f"(g * {inner})" if inner else "g"
    before = f"{outer} * " if outer else ""
    seen = term[:, e.chosen]
    end = f"({over}, keepdims=True)" if over is not None else "()"
    constant = _scale(seen, rest, (1.0, 1.0 / length))
    if constant and e.fits(e.claimed + constant * seen):
        mean = abs(abs(constant) * length - 1) < 1e-6
        sign = "-" if constant < 0 else "+"
        times, how = ("", "mean") if mean else (_times(abs(constant)), "sum")
        return f"a term is missing: {sign} {times}{before}{body}.{how}{end}"
    each = _per_row(e, seen, rest, axes)
    if each is None or not e.fits(e.claimed + each * seen):
        return ""
    sign = "-" if each.mean() < 0 else "+"
    return f"a term is missing: {sign} s * {before}{body}.mean{end}, with a number s per row"


def _per_row(e: Evidence, seen: Array, rest: Array, axes: tuple[int, ...]) -> Array | None:
    """The best constants, one for each set of indices along the other axes, at each element."""
    index = np.unravel_index(e.chosen, e.shape)
    others = [a for a in range(len(e.shape)) if a not in axes and e.shape[a] > 1]
    if not others:
        return None
    row = np.ravel_multi_index([index[a] for a in others], [e.shape[a] for a in others])
    square = np.bincount(row, np.square(seen).sum(axis=0))
    along = np.bincount(row, (seen * rest).sum(axis=0))
    if np.bincount(row).max() < 2 or not (square[row] > 0).all():
        return None
    each = along[row] / square[row]
    return each if (each != 0).all() else None


def _scale(term: Array, rest: Array, also: tuple[float, ...] = ()) -> float:
    """The constant that makes the term the rest when it is one that rules are made with, or 0."""
    square = float((term * term).sum())
    if not square or not np.isfinite(square):
        return 0.0
    constant = float((term * rest).sum()) / square
    for nice in (*NICE, *also):
        if abs(abs(constant) - nice) <= 1e-6 * nice:
            return float(np.copysign(nice, constant))
    return 0.0


def _times(constant: float) -> str:
    sign = "-" if constant < 0 else ""
    return sign + NICE.get(abs(constant), f"{abs(constant):.6g} * ")
