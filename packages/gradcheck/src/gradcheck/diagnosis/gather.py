"""Evidence from a comparison that failed: made afresh, since failing checks may cost a little."""

from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np

from gradcheck.brief import SHARP, look
from gradcheck.comparison import Comparison
from gradcheck.diagnosis.evidence import Evidence
from gradcheck.diagnosis.shapes import fitting_words, shape_words
from gradcheck.forward import Array, Direction, Forward
from gradcheck.large import weighted
from gradcheck.numeric import Slopes, measure
from gradcheck.subject import Subject
from gradcheck.values import ROUNDINGS, SAFETY, Judged

MEASURED = 400  # elements
FEWEST = 16  # a measurement of fewer shows no more than what was judged
ENTRIES = 50_000  # of a Jacobian
OUTPUTS = 512  # pullbacks for the rule's Jacobian
SECONDS = 1.0  # that a measurement may take, and the rule's Jacobian
NUMBERS = 40_000_000  # that a function may return and take over a measurement
COTANGENTS = 3
EVALUATIONS = 30  # of f for one element


def gather(c: Comparison, primal: int, judged: Judged, elements: Array | None) -> Evidence:
    """What is known of one primal's gradient; the whole Jacobian where that is small."""
    subject = c.subject
    size = subject.primals[primal].size
    chosen = np.arange(size) if elements is None else np.asarray(elements)
    evidence = _judged_alone(c, primal, judged, chosen)
    most = _affordable(subject, size)
    if most < min(size, FEWEST):
        return evidence
    if elements is not None or chosen.size > most:
        chosen = _pick(size, most, evidence)
    return _measured(c, primal, chosen, evidence)


def _affordable(subject: Subject, size: int) -> int:
    """How many elements to measure: by the sizes alone, so that equal checks give equal reports.

    Only where that would take long does the clock decide.
    """
    most = min(MEASURED, NUMBERS // (EVALUATIONS * (subject.width + size + 1000)))
    each = EVALUATIONS * _seconds_of_f(subject)
    if each * min(most, size) <= SECONDS:
        return most
    return min(most, FEWEST) if each * FEWEST <= SECONDS else 0


def _judged_alone(c: Comparison, primal: int, judged: Judged, chosen: Array) -> Evidence:
    """Evidence from the numbers of the comparison, with nothing measured again."""
    subject = c.subject
    usable = (judged.bound < 1e290).all(axis=0) & ~judged.numeric.jump
    if not usable.any():
        usable = np.ones_like(usable)
    rows = c.rows[primal]
    count = min(len(rows), len(judged.analytic))
    half = np.abs(judged.numeric.high - judged.numeric.low) / 2
    return Evidence(
        shape=subject.primals[primal].shape,
        output_shapes=[subject.outputs[i].shape for i in subject.floating],
        cotangents=c.cotangents[:count],
        analytic=rows[:count],
        numeric=judged.middle[:count, usable],
        bound=(judged.bound + half)[:count, usable],
        chosen=chosen[usable],
        values=np.asarray(subject.primals[primal], np.float64).reshape(-1),
        named=_named(subject),
        others={i: row[:count] for i, row in c.rows.items() if i != primal},
        eps=subject.precision(primal),
    )


def _pick(size: int, most: int, evidence: Evidence) -> Array:
    """Elements to measure when not all can be: the wrong ones known, and a regular sample."""
    bad = evidence.chosen[evidence.wrong][: most // 2]
    rest = np.unique(np.linspace(0, size - 1, most - len(bad)).astype(int))
    return np.unique(np.concatenate([bad, rest]))


def _seconds_of_f(subject: Subject) -> float:
    forward, start = subject.forward, perf_counter()
    forward.into(np.empty_like(forward.base))
    return perf_counter() - start


def _named(subject: Subject) -> dict[str, Array]:
    many = len(subject.primals) > 1
    named = {f"input {i}" if many else "x": p for i, p in enumerate(subject.primals)}
    return named | ({"y": subject.outputs[0]} if len(subject.outputs) == 1 else {})


def _measured(c: Comparison, primal: int, chosen: Array, known: Evidence) -> Evidence:
    """Evidence from chosen elements, measured again, and fresh cotangents."""
    subject = c.subject
    g = _cotangents(subject, known)
    small = subject.width * chosen.size <= ENTRIES
    forward = subject.forward if small else weighted(subject.forward, g)
    slopes, half, error, usable = _slopes(forward, primal, chosen)
    pull = _puller(subject, primal)
    try:
        analytic = pull(g)
    except Exception:
        return known
    if not usable.any():
        return known
    chosen = chosen[usable]
    error = SAFETY * error + half
    if small:
        numeric, bound, scale = g @ slopes, np.abs(g) @ error, np.abs(g) @ np.abs(slopes)
    else:
        numeric, bound, scale = slopes, error, np.abs(slopes)
    slack = c.slack[primal].max(axis=0)[chosen] if primal in c.slack else 0.0
    scale = scale + np.abs(np.nan_to_num(analytic[:, chosen]))
    made = replace(
        known,
        cotangents=g,
        analytic=analytic,
        numeric=numeric,
        bound=bound + ROUNDINGS * known.eps * scale + 16 * slack,
        chosen=chosen,
        others=_others(subject, g, primal),
        slopes=slopes if small else None,
        slope_error=error if small else 0.0,
        pull=pull,
        called=_caller(subject, primal, g),
        kinks=np.asarray(half.any(axis=0)),
        before=known.analytic[:1],
        constant=_constant(subject, primal) if not slopes.any() else False,
    )
    if made.fits(made.analytic):
        return known  # nothing is wrong as measured here: a closer look was needed to see it
    made.jacobian = _jacobian(made, subject) if small else None
    return made


def _cotangents(subject: Subject, known: Evidence) -> Array:
    """The first cotangent of the comparison and fresh ones, as the rule gets them."""
    rng = np.random.default_rng(0)  # its own, so that no later draw depends on a failure
    fresh = rng.standard_normal((COTANGENTS, subject.width))
    finite = np.isfinite(subject.forward.base)
    return _as_given(subject, np.concatenate([known.cotangents[:1], fresh]) * finite)


def _slopes(forward: Forward, primal: int, chosen: Array) -> tuple[Array, Array, Array, Array]:
    """Slopes, half the gap at kinks and errors (outputs, usable elements); which are usable."""
    seen = _measure(forward, forward.coordinates(primal, chosen.tolist()))
    usable = np.asarray(np.isfinite(seen.error).all(axis=1) & ~seen.jump.any(axis=1))
    low, high, error = seen.low[usable].T, seen.high[usable].T, seen.error[usable].T
    # An output that no step moves at all, while others move visibly, adds no uncertainty.
    size = np.abs(low + high) / 2
    error[(size == 0) & (error <= 1e-2 * size.max(axis=0, initial=0.0, keepdims=True))] = 0.0
    return (low + high) / 2, (high - low) / 2, error, usable


def _measure(forward: Forward, directions: list[Direction]) -> Slopes:
    """Slopes by a first look, and on ladders those that it does not settle."""
    seen = look(forward, directions)
    size = np.abs(seen.low).max(axis=1, initial=0.0)
    size = np.maximum(size, 1e-3 * size.max(initial=0.0))  # others are as good as zero
    rough = np.flatnonzero(~(seen.error.max(axis=1, initial=0.0) <= SHARP * size))
    if not rough.size:
        return seen
    closer = measure(forward, [directions[d] for d in rough.tolist()])
    parts = {name: np.array(part) for name, part in vars(seen).items()}
    for name, part in parts.items():
        part[rough] = getattr(closer, name)
    return Slopes(**parts)


def _constant(subject: Subject, primal: int) -> bool:
    """Whether the function keeps its value when a primal is moved far."""
    forward = subject.forward
    weights = np.random.default_rng(0).standard_normal(forward.flat[primal].size)
    direction = Direction({primal: (slice(None), weights)})
    up, down, _, _ = forward.sample([direction], [np.array([1, 0, -1])])
    still = (np.isnan(up) | (up == forward.base)) & (np.isnan(down) | (down == forward.base))
    return bool(still.all())


def shape_diagnosis(subject: Subject, primal: int, got: tuple[int, ...]) -> str:
    """What a gradient of the wrong shape lacks, confirmed by the numbers where they are cheap."""
    wanted = subject.primals[primal].shape
    words = shape_words(got, wanted)
    size = subject.primals[primal].size
    if not words or size > MEASURED or size * subject.width > ENTRIES:
        return words
    rng = np.random.default_rng(0)
    g = _as_given(subject, rng.standard_normal((2, subject.width)))
    grads = [subject.gradients(row)[primal] for row in g]
    slopes, half, error, usable = _slopes(subject.forward, primal, np.arange(size))
    if not usable.all() or any(grad is None or grad.shape != got for grad in grads):
        return words
    eps = subject.precision(primal)
    near = np.abs(g) @ (SAFETY * error + half) + 1e-6 * np.abs(g) @ np.abs(slopes)
    near = near + ROUNDINGS * eps * (np.abs(g) @ np.abs(slopes))
    found = fitting_words(
        [np.asarray(grad, float) for grad in grads],
        [row.reshape(wanted) for row in g @ slopes],
        [row.reshape(wanted) for row in near],
    )
    return found or f"{words}; the numbers are wrong as well"


def _as_given(subject: Subject, g: Array) -> Array:
    """Cotangents as the rule gets them: rounded to the outputs' precision."""
    rows = [[part.reshape(-1) for part in subject.split(row)] for row in g]
    kept = [[row[i] for i in subject.floating] for row in rows]
    return np.array([np.concatenate(row) for row in kept], np.float64)


def _puller(subject: Subject, primal: int) -> Any:
    return lambda g: subject.jacobian_rows(g)[primal]


def _others(subject: Subject, g: Array, primal: int) -> dict[int, Array]:
    rows = subject.jacobian_rows(g)
    return {i: row for i, row in rows.items() if i != primal}


def _jacobian(e: Evidence, subject: Subject) -> Array | None:
    """The rule's Jacobian, if it is affordable and if the rule is linear."""
    width = subject.width
    if e.pull is None or width > OUTPUTS or width * e.analytic.shape[1] > ENTRIES:
        return None
    start = perf_counter()
    e.pull(e.cotangents[:1])
    if (perf_counter() - start) * width > SECONDS / 2:
        return None
    jacobian = e.pull(np.eye(width))
    made = e.cotangents @ jacobian
    size = np.abs(e.cotangents) @ np.abs(jacobian)
    linear = np.abs(made - e.analytic) <= 1e3 * e.eps * (size + size.max(initial=0.0))
    return np.asarray(jacobian) if linear.all() else None


def _caller(subject: Subject, primal: int, cotangents: Array) -> Any:
    """The rule of a NumPy pair with other arrays in place of its own."""
    rule = getattr(subject.f, "vjp", None)
    if subject.engine.name != "numpy" or not callable(rule) or len(subject.outputs) != 1:
        return None
    many = len(subject.primals) > 1
    names = [f"input {i}" if many else "x" for i in range(len(subject.primals))]

    def called(changed: dict[str, Array]) -> Array | None:
        primals = [changed.get(n, p).copy() for n, p in zip(names, subject.primals, strict=True)]
        y = changed.get("y", subject.outputs[0])
        rows = []
        try:
            for g in cotangents:
                grads = subject.listed(rule(subject.split(g)[0], y.copy(), *primals))
                row = subject.flat(grads[primal], primal)
                if row is None:
                    return None
                rows.append(row.copy())
        except Exception:
            return None  # the rule cannot take these
        return np.array(rows)

    return called
