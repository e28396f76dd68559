"""The rule is right when it is given something else: one array mistaken for another."""

from collections.abc import Iterator

import numpy as np

from gradcheck.diagnosis.evidence import Evidence
from gradcheck.forward import Array

Changes = Iterator[tuple[str, dict[str, Array]]]


def mistaken(e: Evidence) -> str:
    """The rule, called with its arguments exchanged, would pass."""
    return _try(e, _exchanges(e.named)) if e.claimed.shape[1] > 1 else ""


def transformed(e: Evidence) -> str:
    """The rule, called with a function of one of its arguments in its place, would pass."""
    return _try(e, _changes(e.named)) if e.rich else ""


def _try(e: Evidence, changes: Changes) -> str:
    if e.called is None:
        return ""
    for words, changed in changes:
        rows = e.called(changed)
        if rows is not None and rows.shape == e.analytic.shape and e.fits(rows):
            return words
    return ""


def _exchanges(named: dict[str, Array]) -> Changes:
    names = [n for n, a in named.items() if a.dtype.kind == "f"]
    for name in names:
        for other in names:
            alike = name != other and named[name].shape == named[other].shape
            if alike and not np.array_equal(named[name], named[other]):
                yield f"right with {other} where it uses {name}", {name: named[other]}
    for k, name in enumerate(names):
        for other in names[:k]:
            if named[name].shape == named[other].shape:
                text = f"right with {other} and {name} exchanged"
                yield text, {name: named[other], other: named[name]}


def _changes(named: dict[str, Array]) -> Changes:
    for name, array in named.items():
        if array.dtype.kind != "f":
            continue
        if array.ndim >= 2 and array.shape[-1] == array.shape[-2] > 1:
            turned = np.ascontiguousarray(array.swapaxes(-1, -2))
            yield f"right with {name} transposed inside", {name: turned}
        for words, made in _functions(name, array):
            if np.isfinite(made).all() and not np.array_equal(made, array):
                yield words, {name: made.astype(array.dtype)}


def _functions(name: str, a: Array) -> Iterator[tuple[str, Array]]:
    yield f"right with -{name} where it uses {name}", -a
    yield f"right with abs({name}) where it uses {name}", np.abs(a)
    yield f"right with exp({name}) where it uses {name}", np.exp(a)
    yield f"right with log({name}) where it uses {name}", np.log(a)
    yield f"right with 1 - {name} where it uses {name}", 1 - a
    yield f"right with 1 / {name} where it uses {name}", 1 / a
    yield f"right with {name}**2 where it uses {name}", a * a
    yield f"right with sqrt({name}) where it uses {name}", np.sqrt(a)
    yield f"right with {name} in radians: it takes degrees", a * (np.pi / 180)
    yield f"right with {name} in degrees: it takes radians", a * (180 / np.pi)
    yield f"right with {name} + 1 where it uses {name}", a + 1
    yield f"right with {name} - 1 where it uses {name}", a - 1
    for axis, length in enumerate(a.shape):
        if length > 1:
            yield f"right with {name} reversed along axis {axis} inside", np.flip(a, axis)
            less = a - a.mean(axis=axis, keepdims=True)
            yield f"right with the mean of {name} over axis {axis} subtracted inside", less
