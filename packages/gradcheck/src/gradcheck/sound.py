"""The probes that can be combined, in as few calls of function and rule as will do.

Each call here differs from the plain one in several harmless ways at once: other memory layouts,
read-only memory, a large or a tiny cotangent. When all agree, nothing is wrong; when one does not,
nothing has been said yet, and the probes of :mod:`gradcheck.probes` find out one by one.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcheck import layouts
from gradcheck.engines.base import floating
from gradcheck.engines.numpy_pairs import NumpyPairs
from gradcheck.forward import Array
from gradcheck.probes import (
    LARGE,
    TINY,
    Trial,
    aliasing,
    linearity,
    mutation,
    relaid,
    repeatable,
    shared_memory,
    single_precision,
)
from gradcheck.subject import Subject, same_bytes

COMBINED = (mutation, repeatable, linearity, aliasing, relaid, single_precision)


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
    before = [p.copy(order="K") for p in subject.primals]
    cotangents = subject.split(trial.cotangents[0], subject.handed)
    fixed = [*subject.primals, *subject.handed, *cotangents]
    _writable(fixed, False)
    try:
        again = subject.listed(subject.raw_pull(cotangents))
    finally:
        _writable(fixed)
    if trial.own_grads and any(shared_memory(trial, again, subject.primals, cotangents)):
        return False
    trial.count += 2 * len(again)
    same = all(map(same_bytes, before, subject.primals))
    same &= all(map(same_bytes, subject.handed, subject.outputs))
    for i in subject.wrt:
        a, b = trial.first[i], again[i]
        if a is None or b is None:
            same &= a is b
            continue
        same &= np.array_equal(a.reshape(-1), trial.rows[i][0]) and same_bytes(a, b)
    return same


def _linear(trial: Trial) -> bool:
    """A sum of multiples, and zero."""
    subject = trial.subject
    a, b = trial.cotangents[0], trial.cotangents[-1]
    for i, rows in subject.jacobian_rows(np.array([LARGE * a - b, 0 * a])).items():
        first, last = trial.rows[i][0], trial.rows[i][-1]
        terms = LARGE * np.abs(first) + np.abs(last)
        trial.count += 1
        if rows[1].any() or not trial.near(i, rows[0], LARGE * first - last, terms):
            return False
    return True


def _laid_out_anew(trial: Trial) -> bool:
    """Inputs and cotangents in other layouts, the cotangent tiny."""
    subject = trial.subject
    flat = all(p.ndim < 2 for p in subject.primals)
    return all(_agrees_in(trial, name) for name in ("scattered", "fortran")[: 1 if flat else 2])


def _agrees_in(trial: Trial, name: str) -> bool:
    subject = trial.subject
    moved = [layouts.apply(name, p) if floating(p) else p for p in subject.primals]
    scale = TINY if trial.subject.precision(subject.wrt[0]) < 1e-4 else 1.0
    rows = _rows(subject, moved, scale * trial.cotangents[0], lambda g: layouts.apply(name, g))
    return all(i in rows and trial.near(i, rows[i] / scale, trial.rows[i][0]) for i in subject.wrt)


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
