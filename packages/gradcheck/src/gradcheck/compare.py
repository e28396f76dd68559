"""Gradients against numeric derivatives and torch, for every primal; findings in words."""

from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from gradcheck.diagnosis import Evidence, diagnose
from gradcheck.forward import Array, Direction
from gradcheck.large import (
    Projection,
    bisect,
    projections,
    sampled,
    telling,
    without_kinks,
)
from gradcheck.numeric import EPS
from gradcheck.oracles import complex_rows, torch_rows
from gradcheck.report import Finding, Report
from gradcheck.subject import Subject
from gradcheck.values import Judged, Numeric, differentiate, judge, second_opinion

EXHAUSTIVE = 400  # elements of all primals together, for NumPy functions
EXHAUSTIVE_ENGINE = 120  # for engines, whose calls cost ten times as much
EXHAUSTIVE_NESTED = 40  # for gradients as functions
EVALUATED = 2e7  # numbers a function may return over an exhaustive check


class Wanted(Protocol):
    """What this file reads of the options of a check."""

    @property
    def mode(self) -> str: ...
    @property
    def oracles(self) -> tuple[str, ...]: ...
    @property
    def torch_f(self) -> Any: ...
    @property
    def nested(self) -> bool: ...


class Comparison:
    """Everything that judging the primals of one subject has in common."""

    def __init__(
        self, subject: Subject, cotangents: Array, rows: dict[int, Array], slack: dict[int, Array]
    ) -> None:
        self.subject = subject
        self.cotangents = cotangents
        self.rows = rows
        self.slack = slack
        self.torch: dict[int, Array] = {}
        self.wide = subject.in_float64()
        self.blur: Array | None = None
        self.wide_rows: dict[int, Array] = {}
        self.wide_slack: dict[int, Array] = {}
        if self.wide is not None and self.wide.width == subject.width:
            self._widen(self.wide)

    def _widen(self, wide: Subject) -> None:
        """Run the rule in float64 as well; note how far single precision blurs the outputs."""
        try:
            self.wide_rows = wide.jacobian_rows(self.cotangents)
            self.wide_slack = wide.sensitivity(self.cotangents, self.wide_rows)
        except Exception:
            self.wide_rows = {}
        narrow = np.concatenate(
            [np.ravel(self.subject.outputs[i]).astype(float) for i in self.subject.floating]
        )
        eps = max(float(np.finfo(self.subject.outputs[i].dtype).eps) for i in self.subject.floating)
        base = self.subject.forward.base
        self.blur = np.maximum(np.abs(narrow - base), eps * np.abs(base))

    def verified(self, primal: int, numeric: Numeric) -> bool:
        """Whether the rule, run in float64, was found right there."""
        if primal not in self.wide_rows or self.wide is None:
            return False
        sharp = replace(numeric, leak=0 * numeric.leak)
        judged = judge(self.wide_rows[primal], sharp, self.wide_slack[primal])
        return not (judged.wrong | judged.doubtful).any()


def compare(
    subject: Subject,
    cotangents: Array,
    rows: dict[int, Array],
    slack: dict[int, Array],
    options: Wanted,
    report: Report,
) -> None:
    """Judge the gradient of every primal in ``rows``; write findings and counts into the report."""
    c = Comparison(subject, cotangents, rows, slack)
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
    if tied:
        _joint(c, tied, report)


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
    near = 1e4 * EPS * (np.abs(base) + np.abs(base).max(initial=0.0))
    off = np.flatnonzero(~(np.abs(outputs - base) <= near))
    if off.size and eps <= 1e-6:
        k = int(off[0])
        text = f"torch computes another function: output {k} is {outputs[k]:.9g}, f's {base[k]:.9g}"
        report.findings.append(Finding("torch", text))


def _every_element(
    c: Comparison, primal: int, options: Wanted, report: Report
) -> list[tuple[int, int, Array]]:
    """Judge every element of one primal; returns the kinks met, for joint directions."""
    subject, rows = c.subject, c.rows[primal]
    forward = subject.forward
    numeric = differentiate(forward, forward.coordinates(primal), c.cotangents, c.blur)
    if "complex" in options.oracles:
        _refine(numeric, subject, primal, c.cotangents)
    eps = subject.precision(primal)

    def verdict() -> Judged:
        return judge(rows, numeric, c.slack[primal], eps, c.verified(primal, numeric))

    judged = verdict()
    unsure: Array = np.zeros(0, int)
    if (judged.wrong | judged.doubtful).any():
        seen = second_opinion(forward, primal, judged, c.cotangents, c.blur)
        again = verdict()
        unseen = np.setdiff1d(np.flatnonzero(judged.wrong.any(axis=0)), seen)
        if unseen.size and not again.wrong[:, seen].any():
            unsure = unseen  # every accusation looked into was withdrawn
        judged = again
    judged.doubtful[:, unsure] |= judged.wrong[:, unsure]
    judged.wrong[:, unsure] = False
    _settle_by_torch(c, primal, judged, report)
    report.checks += int((~judged.numeric.jump).sum()) * len(c.cotangents)
    _remark(judged, primal, report)
    _report_values(c, primal, judged, None, report)
    return [(primal, e, mask) for e, mask in numeric.kinks.items()]


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
    """Judge a large primal by projections and by some of its elements."""
    subject, rng = c.subject, c.subject.rng
    forward, rows = subject.forward, c.rows[primal]
    if not np.isfinite(rows).all():
        _not_finite(primal, rows, subject, report)
        return
    smooth = without_kinks(forward, primal, rng)
    if not smooth.all():
        report.note(f"input {primal}: {int((~smooth).sum())} outputs at kinks, tested by sample")
    tried, gradient, cotangent = _project(c, primal, smooth)
    report.checks += 2 * len(tried)
    size = forward.flat[primal].size
    chosen = rng.choice(size, min(8 if size < 100_000 else 3, size), replace=False)
    bad = [p for p in tried if p.wrong.any()]
    if bad:
        worst = int(np.argmax(np.abs(bad[0].analytic - bad[0].numeric) / bad[0].bound))
        element = bisect(forward, primal, gradient[worst], cotangent[worst], bad[0])
        chosen = np.append(chosen[chosen != element], element)
    judged = _sample(c, primal, chosen)
    if bad and not judged.wrong.any():
        _report_spread(primal, bad[0], report)
    elif not bad and not telling(tried, gradient):
        text = f"gradient of input {primal}: random directions cannot be measured well enough"
        report.findings.append(Finding("projection", text, verdict="inconclusive", input=primal))
    report.checks += judged.analytic.size
    _report_values(c, primal, judged, chosen, report)


def _project(c: Comparison, primal: int, smooth: Array) -> tuple[list[Projection], Array, Array]:
    """Projections, with the gradient and the cotangents they were made from.

    A rule in single precision is projected in double, where nothing is lost in the sum, and then
    held to its double elementwise; one that has no precision to gain there is projected as it is.
    """
    forward, cotangents = c.subject.forward, c.cotangents * smooth
    choices = []
    if c.wide is not None and primal in c.wide_rows:
        choices.append((c.wide, c.wide_rows, c.wide_slack, EPS))
    choices.append((c.subject, c.rows, c.slack, c.subject.precision(primal)))
    for subject, all_rows, slack, eps in choices:
        rows = all_rows[primal] if smooth.all() else subject.jacobian_rows(cotangents)[primal]
        rng = c.subject.rng
        tried = projections(forward, primal, rows, slack[primal], cotangents, rng, eps)
        if any(p.wrong.any() for p in tried) or not telling(tried, rows):
            continue
        if subject is c.subject or _equals_double(c, primal):
            break
    return tried, rows, cotangents


def _equals_double(c: Comparison, primal: int) -> bool:
    """Whether every element of a gradient is that of double precision but for rounding."""
    narrow, wide = c.rows[primal], c.wide_rows[primal]
    typical = np.sqrt(np.mean(np.square(wide), axis=1, keepdims=True))
    near = 64 * c.subject.precision(primal) * (np.abs(wide) + typical) + 16 * c.slack[primal]
    return bool((np.abs(narrow - wide) <= near).all())


def _sample(c: Comparison, primal: int, chosen: Array) -> Judged:
    """Judge chosen elements, the suspect ones twice."""
    forward, rows = c.subject.forward, c.rows[primal]
    options: dict[str, Any] = {"blur": c.blur, "informative": primal in c.wide_rows}
    eps = c.subject.precision(primal)
    judged = sampled(forward, primal, chosen, rows, c.slack[primal], c.cotangents, eps, options)
    return judged


def _not_finite(primal: int, rows: Array, subject: Subject, report: Report) -> None:
    where = int(np.flatnonzero(~np.isfinite(rows).all(axis=0))[0])
    index = tuple(map(int, np.unravel_index(where, subject.primals[primal].shape)))
    text = f"gradient of input {primal} is not finite at {index}, where f is"
    report.checks += 1
    report.findings.append(Finding("finite", text, input=primal, index=index))


def _report_spread(primal: int, p: Projection, report: Report) -> None:
    k = int(np.argmax(np.abs(p.analytic - p.numeric) / p.bound))
    report.findings.append(
        Finding(
            "projection",
            f"gradient of input {primal} is wrong along a random direction",
            input=primal,
            analytic=float(p.analytic[k]),
            numeric=float(p.numeric[k]),
            error=float(p.bound[k]),
            diagnosis="spread over many elements, each too little wrong to be told alone",
        )
    )


def _report_values(
    c: Comparison, primal: int, judged: Judged, elements: Array | None, report: Report
) -> None:
    """One finding for the wrong elements and one for the doubtful ones."""
    wrong = judged.wrong.any(axis=0)
    if wrong.any():
        row = int(judged.wrong.sum(axis=1).argmax())
        column = int(np.where(judged.wrong[row], judged.miss[row], -1.0).argmax())
        text = f"gradient of input {primal} {_shape_text(c, primal)} is wrong"
        text += _how_many(wrong, elements)
        if c.subject.gradients(c.cotangents[0])[primal] is None:
            text = f"vjp returns None for input {primal}, but f depends on it"
        diagnosis = _diagnose(c, primal, judged, elements)
        finding = _numbers("value", text, "fail", c, primal, judged, row, column, elements)
        count, total = int(wrong.sum()), int(wrong.size)
        report.findings.append(replace(finding, diagnosis=diagnosis, count=count, total=total))
    doubtful = judged.doubtful.any(axis=0)
    if doubtful.any() and not wrong.any():
        row = int(judged.doubtful.sum(axis=1).argmax())
        column = int(np.where(judged.doubtful[row], judged.bound[row], -1.0).argmax())
        text = f"gradient of input {primal} {_shape_text(c, primal)} cannot be judged"
        text += _how_many(doubtful, elements) + f": {_reason(judged, row, column)}"
        finding = _numbers("value", text, "inconclusive", c, primal, judged, row, column, elements)
        count, total = int(doubtful.sum()), int(doubtful.size)
        report.findings.append(replace(finding, count=count, total=total))


def _shape_text(c: Comparison, primal: int) -> str:
    array = c.subject.primals[primal]
    return f"(shape {array.shape}, {array.dtype})"


def _how_many(mask: Any, elements: Array | None) -> str:
    kind = "elements" if elements is None else "sampled elements"
    return f" at {int(mask.sum())} of {mask.size} {kind}"


def _reason(judged: Judged, row: int, column: int) -> str:
    """Why the numeric derivative is too poor here."""
    error = judged.numeric.error[row, column]
    if error >= 1e290:
        return "no finite differences exist there (the edge of the domain, or an infinite slope)"
    if error > 0.1 * abs(judged.middle[row, column]):
        return "the differences do not settle, or the slope drowns in the rounding of f"
    return "the bound is wider than a thousandth of the gradient"


def _numbers(
    probe: str,
    text: str,
    verdict: Any,
    c: Comparison,
    primal: int,
    judged: Judged,
    row: int,
    column: int,
    elements: Array | None,
) -> Finding:
    """A finding with the numbers of one element for one cotangent."""
    flat = column if elements is None else int(elements[column])
    shape = c.subject.primals[primal].shape
    low, high = judged.numeric.low[row, column], judged.numeric.high[row, column]
    torch = c.torch.get(primal)
    return Finding(
        probe,
        text,
        verdict=verdict,
        input=primal,
        index=tuple(map(int, np.unravel_index(flat, shape))),
        analytic=float(judged.analytic[row, column]),
        numeric=float((low + high) / 2),
        error=float(judged.bound[row, column]) if judged.bound[row, column] < 1e290 else np.inf,
        torch=None if torch is None else float(torch[row, flat]),
        interval=(float(low), float(high)) if high > low else None,
    )


def _diagnose(c: Comparison, primal: int, judged: Judged, elements: Array | None) -> str:
    subject = c.subject
    shape = subject.primals[primal].shape
    shapes = [subject.outputs[i].shape for i in subject.floating]
    return diagnose(
        Evidence(
            judged.analytic[0],
            judged.middle[0],
            judged.bound[0],
            shape if elements is None else (len(elements),),
            subject.width,
            right_for_ones=_right_for_ones(judged),
            whole=elements is None,
            output_shape=shapes[0] if shapes else (),
        )
    )


def _right_for_ones(judged: Judged) -> bool:
    """Whether the last cotangent, all ones, passed, and not just because nothing was left of it."""
    last, first = np.abs(judged.middle[-1]), np.abs(judged.middle[0])
    telling = last.max(initial=0.0) > 1e-6 * first.max(initial=0.0)
    return bool(telling and not judged.wrong[-1].any() and judged.wrong[0].any())


def _joint(c: Comparison, tied: list[tuple[int, int, Array]], report: Report) -> None:
    """Move all elements at kinks together: ties stay ties, and their shares must add up.

    A rule that gives every tied element the full gradient passes element by element.
    """
    forward = c.subject.forward
    groups = [tied] + [[t for t in tied if t[0] == primal] for primal in c.rows]
    by_output = [[t for t in tied if t[2][k]] for k in _outputs(tied)]
    unique: dict[tuple[tuple[int, int], ...], Direction] = {}
    for group in [*groups, *by_output]:
        places = tuple((primal, element) for primal, element, _ in group)
        if len(places) > 1:
            unique.setdefault(places, _together(places))
    if not unique:
        return
    numeric = differentiate(forward, list(unique.values()), c.cotangents, c.blur)
    sums = [sum(c.rows[p][:, e] for p, e in places) for places in unique]
    slack = [sum(c.slack[p][:, e] for p, e in places) * 0 for places in unique]
    eps = max(c.subject.precision(primal) for primal in c.rows)
    judged = judge(np.array(sums).T, numeric, np.array(slack).T, eps)
    report.checks += judged.analytic.size
    wrong = judged.wrong.any(axis=0)
    if not wrong.any():
        return
    row = int(judged.wrong.sum(axis=1).argmax())
    column = int(np.where(judged.wrong[row], judged.miss[row], -1.0).argmax())
    places = list(unique)[column]
    named = ", ".join(_place(c, p, e) for p, e in places[:4])
    more = "" if len(places) <= 4 else f" and {len(places) - 4} more"
    low, high = float(numeric.low[row, column]), float(numeric.high[row, column])
    report.findings.append(
        Finding(
            "ties",
            f"gradients at a kink do not add up when these move together: {named}{more}",
            input=places[0][0],
            analytic=float(judged.analytic[row, column]),
            numeric=(low + high) / 2,
            error=float(judged.bound[row, column]),
            interval=(low, high) if high > low else None,
            diagnosis="tied elements must share the gradient, not each get all of it",
        )
    )


def _outputs(tied: list[tuple[int, int, Array]]) -> list[int]:
    """Up to sixteen outputs that have kinks."""
    mask = np.any([m for _, _, m in tied], axis=0)
    return np.flatnonzero(mask)[:16].tolist()


def _together(places: tuple[tuple[int, int], ...]) -> Direction:
    moves: dict[int, tuple[Any, Any]] = {}
    for primal in {p for p, _ in places}:
        where = np.array([e for p, e in places if p == primal])
        moves[primal] = (where, np.ones(len(where)))
    return Direction(moves)


def _place(c: Comparison, primal: int, element: int) -> str:
    index = tuple(map(int, np.unravel_index(element, c.subject.primals[primal].shape)))
    return f"input {primal} at {index}"
