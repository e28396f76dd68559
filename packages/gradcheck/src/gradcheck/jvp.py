"""The check of a forward rule: function and rule in, report out."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcheck import asked
from gradcheck.adjoint import forward_against_reverse
from gradcheck.check import Options
from gradcheck.comparison import Comparison
from gradcheck.engines import get_engine
from gradcheck.engines.base import Misuse
from gradcheck.engines.numpy_pairs import Pair
from gradcheck.forward import Array, Direction
from gradcheck.judgeable import judgeable
from gradcheck.jvp_findings import report_entries, report_outputs
from gradcheck.jvp_probes import PROBES, mutation, structure
from gradcheck.jvp_values import (
    Case,
    buckets,
    one_hot,
    outputs_of_case,
    random_signs,
    settled,
    whole,
)
from gradcheck.large import without_kinks
from gradcheck.probes import Trial
from gradcheck.report import Finding, Report
from gradcheck.reproduce import call_line
from gradcheck.settings import defaults
from gradcheck.subject import Subject
from gradcheck.tangents import ForwardRule

EXHAUSTIVE = 400  # elements of all inputs together that are moved one by one
EVALUATED = 2e7  # numbers a function may return over an exhaustive check
WIDE = 4096  # outputs beyond which sums of neighbours are measured first
LOOKED_AT = 8  # sums whose outputs are then measured one by one


def check_jvp(
    f: Callable[..., Any],
    jvp: Callable[..., Any],
    primals: Sequence[Any],
    *,
    vjp: Callable[..., Any] | None = None,
    wrt: Sequence[int] | None = None,
    mode: str = "auto",
    seed: int | None = None,
    domain: Any = None,
    may_alias: bool = False,
    name: str | None = None,
) -> Report:
    """Check a hand-written forward rule ``jvp(t, y, *primals)`` of the NumPy function ``f``.

    ``t`` is the tangent of the one primal, or a tuple with one for each of several, zero for those
    not moved; the rule returns one tangent per output, of its shape and dtype. With ``vjp``, a
    reverse rule as in :func:`check_vjp`, ``<g, J v>`` is also computed both ways. The other
    arguments are those of :func:`check_vjp`. Faults of ``f`` and the rules become findings;
    ValueError and TypeError are for misuse of this function alone.

    >>> print(check_jvp(np.sin, lambda t, y, x: t * np.cos(x), [np.array([0.5, 2.0])]).verdict)
    pass
    """
    asked.function(f, "f")
    asked.function(jvp, "jvp")
    if vjp is not None:
        asked.function(vjp, "vjp")
    label = asked.label(f, name)
    options = Options(
        wrt=asked.wrt_of(wrt),
        mode=defaults.mode if asked.mode_of(mode) == "auto" else mode,
        seed=defaults.seed if seed is None else asked.integer(seed, "seed", 0),
        name=label,
        may_alias=asked.flag(may_alias, "may_alias"),
    )
    # A rule may write into what it is given.
    arrays = [np.array(p, order="K") for p in asked.point(primals, domain)]
    wrt_all = asked.positions(options.wrt, arrays)
    bounds = asked.bounds_of(domain, len(arrays))
    line = call_line(
        "check_jvp",
        *(asked.own_name(f), "jvp", "primals"),
        seed=options.seed,
        vjp=vjp,
        wrt=options.wrt,
        mode=mode,
        domain=domain,
        may_alias=options.may_alias,
    )
    report = Report(label, "numpy", options.seed, reproduce=line)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            pair = Pair(f, vjp or _no_rule, jvp)
            subject = Subject(get_engine("numpy"), pair, arrays, wrt_all, options.seed, bounds)
            _check(subject, jvp, vjp is not None, options, report)
        except Misuse as fault:
            report.checks += 1
            report.findings.append(Finding(fault.probe, fault.message))
    return report


def _no_rule(g: Any, y: Any, *primals: Any) -> Any:
    raise NotImplementedError("there is no reverse rule")


def _check(
    subject: Subject, jvp: Callable[..., Any], both: bool, options: Options, report: Report
) -> None:
    """Structure, values, properties, and forward against reverse."""
    if not judgeable(subject, report, "tangents", "their tangents are not judged"):
        return
    raw = subject.f(*[p.copy() for p in subject.primals])
    rule = ForwardRule(subject, jvp, isinstance(raw, tuple | list))
    direction = rule.drawn(subject.rng)
    report.findings += mutation(rule, direction)
    moved = rule.raw(rule.tangents(direction), rule.point.copy())
    report.checks += 2 * len(subject.floating)
    found = list(structure(rule, moved))
    report.findings += found
    real = all(t is None or t.dtype.kind == "f" for t in moved)
    if not real or any(x.probe in ("shape", "mutation") for x in report.findings):
        return  # the numbers would say nothing more
    if _small(rule, options.mode):
        _every_entry(rule, report)
    else:
        for primal in subject.wrt:
            _random_directions(rule, primal, report)
    for probe in PROBES:
        if probe.__name__ == "aliasing" and options.may_alias:
            continue
        report.checks += 1
        try:
            report.findings += probe(rule, direction)
        except Misuse as fault:
            report.findings.append(Finding(fault.probe, fault.message))
    if both:
        _both_ways(subject, report)
    report.evaluations += subject.forward.evaluations


def _small(rule: ForwardRule, mode: str) -> bool:
    if mode != "auto":
        return mode == "exhaustive"
    total = sum(rule.subject.primals[i].size for i in rule.subject.wrt)
    return total <= EXHAUSTIVE and total * max(rule.subject.width, 1) * 28 <= EVALUATED


def _every_entry(rule: ForwardRule, report: Report) -> None:
    """Judge the whole Jacobian, and then all elements at kinks moved together."""
    case = whole(rule, one_hot(rule))
    judged = settled(case)
    report.checks += judged.analytic.size
    report_entries(case, judged, report)
    together = _tied(case, judged.numeric.kinks)
    if together:
        tied = whole(rule, together)
        judged = settled(tied)
        judged.doubtful[:] = False  # a second look at what was judged already
        report.checks += judged.analytic.size
        report_outputs(tied, judged, None, report, "when elements at kinks move together")


def _tied(case: Case, kinks: dict[int, Array]) -> list[Direction]:
    """All elements at kinks together, and those of every output: ties must stay ties."""
    if len(kinks) < 2:
        return []
    masks = np.array([kinks[d] for d in kinks])  # (kinked directions, outputs)
    groups = [tuple(kinks)]
    for output in np.flatnonzero(masks.sum(axis=0) > 1)[:16]:
        groups.append(tuple(d for d, mask in kinks.items() if mask[output]))
    return [_together([case.directions[d] for d in group]) for group in dict.fromkeys(groups)]


def _together(directions: list[Direction]) -> Direction:
    places: dict[int, list[int]] = {}
    for direction in directions:
        for primal, (where, _) in direction.moves.items():
            places.setdefault(primal, []).append(where)
    return Direction({p: (np.array(w), np.ones(len(w))) for p, w in places.items()})


def _random_directions(rule: ForwardRule, primal: int, report: Report) -> None:
    """Judge a large input along random directions; a wrong output tangent is named."""
    directions, count = random_signs(rule, primal), int(rule.seen.sum())
    where = f"along random directions in input {primal}"
    places: Array = np.arange(count)
    off = 0
    if count > WIDE:
        places, off = _suspects(rule, primal, directions, report)
        if not places.size:
            return
        case = outputs_of_case(rule, directions, places)
    else:
        case = whole(rule, directions)
    judged = settled(case)
    report.checks += judged.analytic.size
    report_outputs(case, judged, places, report, where)
    if off > LOOKED_AT and not judged.wrong.any():
        text = f"tangents along input {primal}: {off} sums of outputs are in doubt"
        text += f", {LOOKED_AT} of them were looked into"
        report.findings.append(Finding("projection", text, verdict="inconclusive", input=primal))


def _suspects(
    rule: ForwardRule, primal: int, directions: list[Direction], report: Report
) -> tuple[Array, int]:
    """Outputs to measure one by one: of sums that are off, and some at kinks; how many are off."""
    rng = rule.subject.rng
    smooth = without_kinks(rule.forward, primal, rng)
    kinked = np.flatnonzero(~smooth)
    if kinked.size:
        report.note(f"input {primal}: {kinked.size} outputs at kinks, tested by sample")
    case, starts = buckets(rule, directions, smooth, WIDE)
    judged = settled(case)
    report.checks += judged.analytic.size
    bad = np.flatnonzero(judged.wrong.any(axis=1) | judged.doubtful.all(axis=1))
    worst = bad[np.argsort(-judged.miss.max(axis=1)[bad], kind="stable")]
    chosen = [np.arange(starts[b], starts[b + 1]) for b in worst[:LOOKED_AT]]
    some = rng.choice(kinked, min(256, kinked.size), replace=False)
    return np.unique(np.concatenate([some.astype(int), *chosen])), len(worst)


def _both_ways(subject: Subject, report: Report) -> None:
    """Forward rule against reverse rule."""
    finite = np.isfinite(subject.forward.base)
    cotangents = subject.rng.standard_normal((1, subject.width)) * finite
    try:
        grads = subject.gradients(cotangents[0])
        rows = subject.jacobian_rows(cotangents, first=grads)
        trial = Trial(Comparison(subject, cotangents, rows), grads)
        report.findings += forward_against_reverse(trial)
        report.checks += trial.count
    except Misuse as fault:
        report.findings.append(Finding(fault.probe, fault.message))
