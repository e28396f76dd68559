"""The probes that can be combined, in as few calls of function and rule as will do.

Each call here differs from the plain one in several harmless ways at once: other memory layouts,
read-only memory, a large or a tiny cotangent. When all agree, nothing is wrong; when one does not,
nothing has been said yet, and the probes of :mod:`gradcheck.probes` find out one by one.
"""

from collections.abc import Callable, Sequence
from functools import partial

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
    widened,
)
from gradcheck.subject import Grads, Subject, same_bytes

COMBINED = (mutation, repeatable, linearity, aliasing, relaid, single_precision, elsewhere)


def sound(trial: Trial) -> bool:
    """Whether all that ``COMBINED`` looks for is absent; False says only that it must be sought."""
    usable = set(trial.rows) == set(trial.subject.wrt)
    if not usable or not all(np.isfinite(rows).all() for rows in trial.rows.values()):
        return False
    if not isinstance(trial.subject.engine, NumpyPairs):
        return False
    checks = (_same_again, _linear, _laid_out_anew, _narrow)
    try:
        return all(check(trial) for check in checks if calls(trial) > 1 or check is not _same_again)
    except Exception:
        return False


def _called(trial: Trial, g: Array) -> Grads | None:
    """The gradients of one more cotangent, everything the rule is handed being read-only.

    None when something was changed all the same, or when they share memory, or when the first
    gradients are no longer what they were.
    """
    subject = trial.subject
    before = [p.copy(order="K") for p in subject.primals]
    cotangents = subject.split(g, subject.handed)
    fixed = [*subject.primals, *subject.handed, *cotangents]
    _writable(fixed, False)
    try:
        grads = subject.listed(subject.raw_pull(cotangents))
    finally:
        _writable(fixed, True)
    trial.count += 2 * len(grads)
    kept = all(map(same_bytes, before, subject.primals))
    kept &= all(map(same_bytes, subject.handed, subject.outputs))
    for i in subject.wrt:
        kept &= _equal(trial.first[i], trial.rows[i][0])
    if not kept or (
        trial.own_grads and any(shared_memory(trial, grads, subject.primals, cotangents))
    ):
        return None
    return grads


def _writable(arrays: Sequence[Array], flag: bool) -> None:
    for array in arrays:
        array.flags.writeable = flag


def _same_again(trial: Trial) -> bool:
    """The same bits again and again."""
    wrt = trial.subject.wrt
    for row in (*[-1] * calls(trial), 0):
        again = _called(trial, trial.cotangents[row])
        if again is None or not all(_equal(again[i], trial.rows[i][row]) for i in wrt):
            return False
    return again is not None and all(_identical(trial.first[i], again[i]) for i in wrt)


def _equal(a: Array | None, row: Array) -> bool:
    return not row.any() if a is None else np.array_equal(a.reshape(-1), row)


def _identical(a: Array | None, b: Array | None) -> bool:
    return a is b if a is None or b is None else same_bytes(a, b)


def _linear(trial: Trial) -> bool:
    """A sum of multiples, and zero where it costs little: else it follows from the sum."""
    a, b = trial.cotangents[0], trial.cotangents[-1]
    mixed = _called(trial, b - LARGE * a)
    if mixed is None:
        return False
    for i in trial.subject.wrt:
        row = trial.subject.flat(mixed[i], i)
        first, last = trial.rows[i][0], trial.rows[i][-1]
        terms = LARGE * np.abs(first) + np.abs(last)
        if row is None or not trial.near(i, row, last - LARGE * first, terms):
            return False
    if calls(trial) == 1:
        return True
    zero = _called(trial, 0 * a)
    return zero is not None and not any(g is not None and g.any() for g in zero)


def _laid_out_anew(trial: Trial) -> bool:
    """Inputs and cotangent in other layouts, also at a point a little beside."""
    subject = trial.subject
    if _flat(subject) or calls(trial) == 1:
        return _right_beside(trial)
    moved = [layouts.apply("fortran", p) if floating(p) else p for p in subject.primals]
    rows = _rows(subject, moved, trial.cotangents[0], np.asfortranarray)[1]
    if not all(i in rows and trial.near(i, rows[i], trial.rows[i][0]) for i in subject.wrt):
        return False
    return _right_beside(trial)


def _flat(subject: Subject) -> bool:
    """Whether no array has more than one axis."""
    return all(a.ndim < 2 for a in (*subject.primals, *subject.outputs))


def _right_beside(trial: Trial) -> bool:
    """The gradient a little beside the point, where a rule that keeps what it saw is wrong.

    The cotangent is tiny, and the inputs lie in memory otherwise than they did.
    """
    subject, points, g = trial.subject, trial.comparison.beside, trial.cotangents[0]
    scale = TINY if subject.precision(subject.wrt[0]) < 1e-4 else 1.0
    flat = _flat(subject)
    # Of several axes the cotangent of a few stays plain, so that it lies otherwise than the inputs.
    name = "scattered" if flat or calls(trial) > 1 else "fortran"
    lay = partial(layouts.apply, name) if flat or calls(trial) == 1 else np.asarray
    laid = [layouts.apply(name, p) if floating(p) else p for p in points]
    outputs, rows = _rows(subject, laid, scale * g, lay)
    if set(rows) != set(subject.wrt):
        return False
    forward = Forward(subject.forward.call, points, subject.bounds, outputs)
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
        a, b = expected[1][i], found[1][i]
        if a is None or b is None or a.dtype != b.dtype or not np.isfinite(a).all():
            return False
        if kind is not None and a.dtype != kind:
            if trial.float32:
                return False
            trial.notes.append(widened(i, a))
        eps = float(np.finfo(plain[i].dtype).eps)
        size = np.abs(a) + np.abs(b)
        near = 64 * eps * (size + size.max(initial=0.0))
        trial.count += a.size
        if a.shape != b.shape or not (np.abs(a - b) <= near).all():
            return False
    return True


def _double(subject: Subject) -> bool:
    return all(p.dtype == np.float64 for p in subject.primals if floating(p))


def _gradients(
    subject: Subject, primals: list[Array], g: Array, lay: Callable[[Array], Array]
) -> tuple[tuple[Array, ...], Grads] | None:
    """Outputs and raw gradients at other primals; None where the function is not finite there."""
    outputs, pull = subject.engine.vjp(subject.f, primals)
    live = [y for y in outputs if floating(y)]
    if not all(np.isfinite(y).all() for y in live):
        return None
    return outputs, subject.listed(pull([lay(part) for part in subject.split(g, outputs)]))


def _rows(
    subject: Subject, primals: list[Array], g: Array, lay: Callable[[Array], Array]
) -> tuple[tuple[Array, ...], dict[int, Array]]:
    """Outputs and flat gradients at other primals; no gradients where they cannot be had."""
    found = _gradients(subject, primals, g, lay)
    if found is None:
        return (), {}
    flat = {i: subject.flat(found[1][i], i) for i in subject.wrt}
    return found[0], {i: row for i, row in flat.items() if row is not None}
