"""The probes that can be combined, in as few calls of function and rule as will do.

Each call here differs from the plain one in several harmless ways at once: other memory layouts,
read-only memory, a large or a tiny cotangent. When all agree, nothing is wrong; when one does not,
nothing has been said yet, and the probes of :mod:`gradcheck.probes` find out one by one.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from gradcheck import layouts
from gradcheck.engines.base import floating
from gradcheck.engines.numpy_pairs import NumpyPairs
from gradcheck.forward import Array, Forward
from gradcheck.glance import agree_together
from gradcheck.probes import (
    LARGE,
    TINY,
    Trial,
    aliasing,
    calls,
    elsewhere,
    linearity,
    mutation,
    relaid,
    repeatable,
    shared_memory,
    single_precision,
)
from gradcheck.subject import Subject, same_bytes

COMBINED = (mutation, repeatable, linearity, aliasing, relaid, single_precision, elsewhere)


def sound(trial: Trial) -> bool:
    """Whether all that ``COMBINED`` looks for is absent; False says only that it must be sought."""
    usable = set(trial.rows) == set(trial.subject.wrt)
    if not usable or not all(np.isfinite(rows).all() for rows in trial.rows.values()):
        return False
    checks = (_same_again, _linear, _laid_out_anew, _narrow)
    if not isinstance(trial.subject.engine, NumpyPairs):
        return False
    try:
        return all(check(trial) for check in checks)
    except Exception:
        return False


def _writable(arrays: Sequence[Array], flag: bool = True) -> None:
    for array in arrays:
        array.flags.writeable = flag


def _same_again(trial: Trial) -> bool:
    """The same bits a second time, from read-only memory and in memory of their own.

    The first result must still be what it was.
    """
    subject = trial.subject
    first = [trial.first[i] for i in subject.wrt]
    kept = all(
        a is None or np.array_equal(a.reshape(-1), trial.rows[i][0])
        for i, a in zip(subject.wrt, first, strict=True)
    )
    before = [p.copy(order="K") for p in subject.primals]
    cotangents = subject.split(trial.cotangents[0], subject.handed)
    fixed = [*subject.primals, *subject.handed, *cotangents]
    _writable(fixed, False)
    for ones in (*[True] * (calls(trial) - 1), False):
        given = subject.split(trial.cotangents[-1], subject.handed) if ones else cotangents
        _writable(fixed, False)
        try:
            again = subject.listed(subject.raw_pull(given))
        finally:
            _writable(fixed)
        if trial.own_grads and any(shared_memory(trial, again, subject.primals, given)):
            return False
        trial.count += 2 * len(again)
        for i, a in zip(subject.wrt, first, strict=True):
            kept &= a is None or np.array_equal(a.reshape(-1), trial.rows[i][0])
            kept &= (ones and _equal(again[i], trial.rows[i][-1])) or _identical(a, again[i])
    kept &= all(map(same_bytes, before, subject.primals))
    return kept and all(map(same_bytes, subject.handed, subject.outputs))


def _equal(a: Array | None, row: Array) -> bool:
    return not row.any() if a is None else np.array_equal(a.reshape(-1), row)


def _identical(a: Array | None, b: Array | None) -> bool:
    return a is b if a is None or b is None else same_bytes(a, b)


def _linear(trial: Trial) -> bool:
    """A sum of multiples, and zero."""
    subject = trial.subject
    a, b = trial.cotangents[0], trial.cotangents[-1]
    for i, rows in subject.jacobian_rows(np.array([b - LARGE * a, 0 * a])).items():
        first, last = trial.rows[i][0], trial.rows[i][-1]
        terms = LARGE * np.abs(first) + np.abs(last)
        trial.count += 1
        if rows[1].any() or not trial.near(i, rows[0], last - LARGE * first, terms):
            return False
    return True


def _laid_out_anew(trial: Trial) -> bool:
    """Inputs in another order, then inputs and cotangent scattered at a point of their own."""
    subject = trial.subject
    if not _flat(subject):
        moved = [layouts.apply("fortran", p) if floating(p) else p for p in subject.primals]
        rows = _rows(subject, moved, trial.cotangents[0], np.asfortranarray)
        if not all(i in rows and trial.near(i, rows[i], trial.rows[i][0]) for i in subject.wrt):
            return False
    return _right_beside(trial)


def _flat(subject: Subject) -> bool:
    """Whether no array has more than one axis."""
    return all(a.ndim < 2 for a in (*subject.primals, *subject.outputs))


def _right_beside(trial: Trial) -> bool:
    """The gradient a little beside the point, where a rule that keeps what it saw is wrong.

    The cotangent is tiny, and the inputs scattered in memory.
    """
    subject, points, g = trial.subject, trial.comparison.beside, trial.cotangents[0]
    scale = TINY if subject.precision(subject.wrt[0]) < 1e-4 else 1.0
    # The outputs at the point itself will do for the size of the noise.
    forward = Forward(subject.forward.call, points, subject.bounds, subject.outputs)
    scattered = [layouts.apply("scattered", p) if floating(p) else p for p in points]
    # Of several axes the cotangent stays plain, so that it lies otherwise than the inputs.
    lay = partial(layouts.apply, "scattered") if _flat(subject) else np.asarray
    rows = _rows(subject, scattered, scale * g, lay)
    if set(rows) != set(subject.wrt):
        return False
    precision = max(map(subject.precision, subject.wrt))
    return agree_together(
        forward, {i: r / scale for i, r in rows.items()}, g, subject.rng, precision
    )


def _narrow(trial: Trial) -> bool:
    """Single precision stays single and finite; inputs that repeat one row in one memory."""
    subject = trial.subject
    kind = np.float32 if _double(subject) else None
    values = layouts.values_for("broadcast", subject.primals)
    plain = [p.astype(kind) if kind and floating(p) else p for p in values]
    moved = [layouts.apply("broadcast", p) if floating(p) else p for p in plain]
    expected = _gradients(subject, plain, trial.cotangents[0], np.array)
    found = _gradients(subject, moved, trial.cotangents[0], np.array)
    if expected is None or found is None:
        return False
    for i in subject.wrt:
        a, b = expected[i], found[i]
        if a is None or b is None or a.dtype != b.dtype or not np.isfinite(a).all():
            return False
        wrong = kind is not None and a.dtype != kind
        eps = float(np.finfo(plain[i].dtype).eps)
        size = np.abs(a) + np.abs(b)
        near = 64 * eps * (size + size.max(initial=0.0))
        trial.count += a.size
        if wrong or a.shape != b.shape or not (np.abs(a - b) <= near).all():
            return False
    return True


def _double(subject: Subject) -> bool:
    return all(p.dtype == np.float64 for p in subject.primals if floating(p))


def _gradients(
    subject: Subject, primals: list[Array], g: Array, lay: Callable[[Array], Array]
) -> list[Array | None] | None:
    """Raw gradients at other primals; None where the function is not finite there."""
    outputs, pull = subject.engine.vjp(subject.f, primals)
    live = [y for y in outputs if floating(y)]
    if not all(np.isfinite(y).all() for y in live):
        return None
    return subject.listed(pull([lay(part) for part in subject.split(g, outputs)]))


def _rows(
    subject: Subject, primals: list[Array], g: Array, lay: Callable[[Array], Array]
) -> dict[int, Any]:
    """Gradients at other primals, flat."""
    raw = _gradients(subject, primals, g, lay) or []
    flat = {i: subject.flat(raw[i], i) for i in subject.wrt if raw}
    return {i: row for i, row in flat.items() if row is not None}
