"""Gradients against numeric derivatives and torch, for every primal; findings in words."""

from functools import partial

import numpy as np

from gradcheck.comparison import Comparison, Side, Wanted
from gradcheck.findings import not_finite, report_spread, report_values
from gradcheck.forward import Array
from gradcheck.glance import ELEMENTS, agrees
from gradcheck.hull import widen
from gradcheck.large import (
    Projection,
    bisect,
    moved_by,
    projections,
    sampled,
    telling,
    without_kinks,
)
from gradcheck.numeric import COARSE, DENSE, EPS, Ladder
from gradcheck.oracles import complex_rows, torch_rows
from gradcheck.report import Finding, Report
from gradcheck.subject import Subject
from gradcheck.ties import joint
from gradcheck.values import (
    SECOND_OPINIONS,
    Judged,
    Numeric,
    differentiate,
    missed,
    replace_columns,
    second_opinion,
)

EXHAUSTIVE = 400  # elements of all primals together, for NumPy functions
EXHAUSTIVE_ENGINE = 120  # for engines, whose calls cost ten times as much
EXHAUSTIVE_NESTED = 40  # for gradients as functions
EVALUATED = 2e7  # numbers a function may return over an exhaustive check


def compare(c: Comparison, options: Wanted, report: Report) -> None:
    """Judge the gradient of every primal; write findings and counts into the report."""
    subject, rows = c.subject, c.rows
    if "torch" in options.oracles:
        _ask_torch(c, options, report)
    total = sum(subject.primals[i].size for i in rows)
    most = EXHAUSTIVE if subject.engine.name == "numpy" else EXHAUSTIVE_ENGINE
    most = EXHAUSTIVE_NESTED if options.nested else most
    small = total <= most and total * max(subject.width, 1) * 28 <= EVALUATED
    exhaustive = options.mode == "exhaustive" or (options.mode == "auto" and small)
    tied: list[tuple[int, int, Array]] = []
    for primal in rows:
        if exhaustive:
            tied += _every_element(c, primal, options, report)
        else:
            _random_directions(c, primal, report)
    if tied and not any(finding.verdict == "fail" for finding in report.findings):
        joint(c, tied, report)


def _ask_torch(c: Comparison, options: Wanted, report: Report) -> None:
    """Torch's gradients, for the report and to settle doubts; its outputs must be f's."""
    answer = torch_rows(c.subject, options.torch_f, c.cotangents)
    report.checks += c.subject.width
    if isinstance(answer, str):
        report.findings.append(Finding("torch", answer, verdict="inconclusive"))
        return
    outputs, c.torch = answer
    base = c.subject.forward.base
    eps = max(float(np.finfo(c.subject.outputs[i].dtype).eps) for i in c.subject.floating)
    largest = np.abs(base[np.isfinite(base)]).max(initial=0.0)
    near = 1e4 * EPS * (np.abs(base) + largest)
    off = np.flatnonzero(~((np.abs(outputs - base) <= near) | (outputs == base)))
    if off.size and eps <= 1e-6:
        k = int(off[0])
        text = f"torch computes another function: output {k} is {outputs[k]:.9g}, f's {base[k]:.9g}"
        report.findings.append(Finding("torch", text))


def _every_element(
    c: Comparison, primal: int, options: Wanted, report: Report
) -> list[tuple[int, int, Array]]:
    """Judge every element of one primal; returns the kinks met, for joint directions."""
    forward = c.subject.forward
    numeric = differentiate(forward, forward.coordinates(primal), c.cotangents, c.blur, None)
    judged = c.judged(primal, numeric, strict=True)
    if not judged.settled.all():
        # What is plainly wrong needs no ladder for all of it: the worst are measured again later.
        unsettled = np.flatnonzero(~judged.settled & ~judged.plain)
        judged = _climbed(c, primal, numeric, unsettled, options)
    _settle_by_torch(c, primal, judged, report)
    report.checks += int((~judged.numeric.jump).sum()) * len(c.cotangents)
    _remark(judged, primal, report)
    report_values(c, primal, judged, None, report)
    return [(primal, e, mask) for e, mask in numeric.kinks.items()]


def _climbed(
    c: Comparison, primal: int, numeric: Numeric, unsettled: Array, options: Wanted
) -> Judged:
    """Measure on ladders what a first look did not settle."""
    forward = c.subject.forward
    if unsettled.size:
        directions = forward.coordinates(primal, unsettled.tolist())
        closer = differentiate(forward, directions, c.cotangents, c.blur)
        replace_columns(numeric, unsettled, closer)
    kinked = np.array(sorted(numeric.kinks), int)[:SECOND_OPINIONS]
    if kinked.size:  # a curve much sharper than the steps looks like a kink, and excuses much
        sharper = forward.coordinates(primal, kinked.tolist())
        numeric_there = differentiate(forward, sharper, c.cotangents, c.blur, DENSE)
        replace_columns(numeric, kinked, numeric_there)
    if "complex" in options.oracles:
        _refine(numeric, c.subject, primal, c.cotangents)
    judged = c.judged(primal, numeric)
    if not (judged.wrong | judged.doubtful).any():
        return judged
    return _reconsidered(c, primal, judged, options)


def _reconsidered(c: Comparison, primal: int, judged: Judged, options: Wanted) -> Judged:
    """Measure the accused and the doubtful again; hear the complex step where doubt remains."""
    subject, forward, numeric = c.subject, c.subject.forward, judged.numeric
    seen = second_opinion(forward, primal, judged, c.cotangents, c.blur)
    if "complex" in options.oracles:
        _refine(numeric, subject, primal, c.cotangents)
    again = c.judged(primal, numeric)
    unseen = np.setdiff1d(np.flatnonzero(judged.wrong.any(axis=0)), seen)
    if unseen.size and not again.wrong[:, seen].any():  # every accusation looked into was withdrawn
        again.doubtful[:, unseen] |= again.wrong[:, unseen]
        again.wrong[:, unseen] = False
    if again.wrong.any():
        again = widen(c, primal, again)
    if again.doubtful.any():
        again = _without_still_outputs(c, primal, again)
    # Last, since a judgement made afresh would bring back what was withdrawn here.
    _allow_for_blindness(c, primal, again, np.arange(again.wrong.shape[1]))
    if (again.doubtful | again.wrong).any() and subject.engine.name == "numpy":
        _settle_by_complex_step(c, primal, again)
    return again


def _without_still_outputs(c: Comparison, primal: int, judged: Judged) -> Judged:
    """Measure doubtful elements again with the outputs alone that they move.

    The rounding of a huge output drowns all else, though an element may have no part in it: no step
    moves it, and the rule says the same.
    """
    forward = c.subject.forward
    for element in np.flatnonzero(judged.doubtful.any(axis=0))[:STILL].tolist():
        moved = moved_by(forward, primal, element)
        rest = c.cotangents * ~moved
        if moved.all() or not moved.any():
            continue
        unmoved = c.subject.jacobian_rows(rest).get(primal)
        if unmoved is None or unmoved[:, element].any():
            continue
        seen = forward.seen(partial(np.compress, moved), forward.base[moved])
        directions = seen.coordinates(primal, [element])
        alone = differentiate(seen, directions, c.cotangents[:, moved], None, DENSE)
        replace_columns(judged.numeric, np.array([element]), alone)
    return c.judged(primal, judged.numeric)


STILL = 8  # elements looked at in this way
SLIGHTLY = 1e-6  # of a gradient: accusations below are held against what the function can see


def _allow_for_blindness(c: Comparison, primal: int, judged: Judged, elements: Array) -> None:
    """Withdraw slight accusations where the function computes with a rounded input."""
    accused = np.flatnonzero(judged.wrong.any(axis=0))
    if not accused.size:
        return
    miss = missed(judged.analytic, judged.numeric)[:, accused].max()
    if not miss <= SLIGHTLY * max(np.abs(judged.analytic).max(), judged.numeric.scale.max()):
        return
    quantum = c.subject.quantum(primal, int(elements[accused[0]]))
    if quantum:
        slack = c.subject.sensitivity(c.cotangents, c.rows, {primal: quantum})[primal]
        judged.bound += 8 * slack[:, elements]
        judged.wrong &= missed(judged.analytic, judged.numeric) > judged.bound


def _settle_by_complex_step(c: Comparison, primal: int, judged: Judged) -> None:
    """Believe a rule that the complex step confirms to nine digits where differences drown.

    Two ways to compute a number that have nothing in common do not agree on a wrong one. Where the
    differences contradict both, f is not what its formula says, and the verdict is left open. The
    complex step never accuses: f may not be analytic.
    """
    elements = np.flatnonzero((judged.doubtful | judged.wrong).any(axis=0))
    f = getattr(c.subject.f, "f", c.subject.f)
    rows = complex_rows(f, c.subject.forward.primals, primal, c.cotangents, elements.tolist())
    if rows is None:
        return
    analytic, numeric = judged.analytic[:, elements], judged.numeric
    accused = judged.wrong[:, elements]
    eps = np.maximum(np.where(accused, 1e-11, 1e-9), 64 * c.subject.precision(primal))
    near = np.abs(analytic - rows) <= eps * np.abs(rows) + 16 * c.slack[primal][:, elements]
    near &= rows != 0
    judged.doubtful[:, elements] |= near & accused
    judged.wrong[:, elements] &= ~near
    middle = (numeric.low + numeric.high)[:, elements] / 2
    near &= ~accused & (np.abs(rows - middle) <= 4 * numeric.error[:, elements])
    judged.doubtful[:, elements] &= ~near


def _refine(numeric: Numeric, subject: Subject, primal: int, cotangents: Array) -> None:
    """Where the complex step agrees with the differences, take its digits."""
    rows = complex_rows(
        getattr(subject.f, "f", subject.f), subject.forward.primals, primal, cotangents
    )
    if rows is None:
        return
    middle = (numeric.low + numeric.high) / 2
    agree = (np.abs(rows - middle) <= 4 * numeric.error) & (numeric.low == numeric.high)
    for side in (numeric.low, numeric.high):
        side[agree] = rows[agree]
    numeric.error[agree] = np.minimum(numeric.error, 16 * EPS * numeric.scale)[agree]


def _settle_by_torch(c: Comparison, primal: int, judged: Judged, report: Report) -> None:
    """Where the numbers prove nothing, torch's word is taken; other choices at kinks are noted."""
    if primal not in c.torch:
        return
    torch = c.torch[primal]
    eps = c.subject.precision(primal)
    size = np.maximum(np.abs(torch), judged.numeric.scale)
    near = 1e3 * eps * size + 16 * c.slack[primal] + judged.bound * (judged.bound < 1e290)
    agree = np.abs(judged.analytic - torch) <= near
    judged.doubtful &= ~agree
    other = int((~agree & ~judged.wrong).any(axis=0).sum())
    if other:
        report.note(f"input {primal}: torch's gradient differs at {other} elements")


def _remark(judged: Judged, primal: int, report: Report) -> None:
    jumps = int(judged.numeric.jump.sum())
    if jumps:
        report.note(f"input {primal}: f jumps at {jumps} elements, which have no derivative")


def _random_directions(c: Comparison, primal: int, report: Report) -> None:
    """Judge a large primal by projections and by some of its elements.

    A rule in single precision is projected in double, where nothing is lost in the sum, and then
    held to its double elementwise; one that has no precision to gain there is projected as it is.
    """
    forward, rng = c.subject.forward, c.subject.rng
    if not np.isfinite(c.rows[primal]).all():
        not_finite(primal, c.rows[primal], c.subject, report)
        return
    if c.hasty and _at_a_glance(c, primal, report):
        c.glanced |= c.subject.engine.name == "numpy"
        return
    smooth = without_kinks(forward, primal, rng)
    if not smooth.all():
        report.note(f"input {primal}: {int((~smooth).sum())} outputs at kinks, tested by sample")
    size = forward.flat[primal].size
    chosen = rng.choice(size, min(8 if size < 100_000 else 3, size), replace=False)
    for side in c.sides(primal):
        tried, rows = _project(c, side, primal, smooth)
        report.checks += 2 * len(tried)
        bad = [p for p in tried if p.wrong.any()]
        if bad:
            worst = int(np.argmax(np.abs(bad[0].analytic - bad[0].numeric) / bad[0].bound))
            culprit = bisect(forward, primal, rows[worst], (c.cotangents * smooth)[worst], bad[0])
            judged = _sample(c, primal, np.union1d(chosen, [culprit]), report)
            if judged.wrong.any():
                return
            tried = _project(c, side, primal, smooth, DENSE)[0]
            bad = [p for p in tried if p.wrong.any()]
            if bad and side.subject is c.subject:
                report_spread(primal, bad[0], report)
                return
        if not bad and telling(tried, rows):
            _sample(c, primal, np.union1d(chosen, _departing(c, primal)), report)
            return
    text = f"gradient of input {primal}: random directions cannot be measured well enough"
    report.findings.append(Finding("projection", text, verdict="inconclusive", input=primal))


def _at_a_glance(c: Comparison, primal: int, report: Report) -> bool:
    """Whether few evaluations leave no doubt; a rule in single precision is held to its double."""
    if _departing(c, primal).size:
        return False
    rows = c.sides(primal)[0].rows[primal]
    report.checks += (1 + ELEMENTS) * len(rows)
    return agrees(c.subject.forward, primal, rows, c.cotangents, c.subject.rng)


def _project(
    c: Comparison, side: Side, primal: int, smooth: Array, ladder: Ladder = COARSE
) -> tuple[list[Projection], Array]:
    """Projections, with the gradient they were made from."""
    cotangents = c.cotangents * smooth
    rows = side.rows[primal] if smooth.all() else side.subject.jacobian_rows(cotangents)[primal]
    eps = side.subject.precision(primal)
    forward, rng = c.subject.forward, c.subject.rng
    slack = side.slack()[primal]
    tried = projections(forward, primal, rows, slack, cotangents, rng, eps, ladder)
    return tried, rows


def _departing(c: Comparison, primal: int) -> Array:
    """The elements whose gradient is furthest from that of the rule in float64, if far at all."""
    if primal not in c.wide_rows:
        return np.zeros(0, int)
    narrow, wide = c.rows[primal], c.wide_rows[primal]
    typical = np.sqrt(np.mean(np.square(wide), axis=1, keepdims=True))
    size = np.maximum(typical, 0.3 * typical.max(initial=0.0))
    excess = np.abs(narrow - wide) / (64 * c.subject.precision(primal) * (np.abs(wide) + size))
    worst = np.where(np.isfinite(excess), excess, 0.0).max(axis=0)
    return np.flatnonzero(worst > 1)[np.argsort(-worst[worst > 1], kind="stable")[:8]]


def _sample(c: Comparison, primal: int, chosen: Array, report: Report) -> Judged:
    """Judge chosen elements one by one."""
    forward, rows = c.subject.forward, c.rows[primal]
    grant = c.allowance(primal, None)
    judged = sampled(forward, primal, chosen, rows, c.cotangents, grant, c.blur)
    _allow_for_blindness(c, primal, judged, chosen)
    report.checks += judged.analytic.size
    report_values(c, primal, judged, chosen, report)
    return judged
