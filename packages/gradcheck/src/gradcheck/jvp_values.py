"""Output tangents against numeric directional derivatives."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from gradcheck.brief import look
from gradcheck.engines.base import Misuse
from gradcheck.forward import Array, Direction, Forward, even_exponent
from gradcheck.numeric import COARSE, DENSE, EPS, Ladder, Slopes, measure
from gradcheck.tangents import ForwardRule
from gradcheck.values import ROUNDINGS, Allowance, Judged, Numeric, joined, judge, replace_columns

PIECE = 1_500_000  # numbers held while directions are measured


def per_output(slopes: Slopes, blur: Array | None) -> Numeric:
    """Slopes as a numeric Jacobian (outputs, directions); a jump allows every value."""
    error = np.where(np.isfinite(slopes.error), slopes.error, 1e300)
    size = np.maximum(np.abs(slopes.low), np.abs(slopes.high))
    # An output that no step moves at all, while others move visibly, adds no uncertainty.
    still = (size == 0) & (error <= 1e-2 * size.max(axis=1, initial=0.0, keepdims=True))
    error[still | slopes.jump] = 0.0
    leak = np.zeros_like(error)
    if blur is not None:
        leak = blur / (4 * np.where(size > 0, slopes.step, np.inf))
    return Numeric(
        np.where(slopes.jump, -np.inf, slopes.low).T,
        np.where(slopes.jump, np.inf, slopes.high).T,
        error.T,
        np.where(slopes.jump, 0.0, size).T,
        leak.T,
        np.zeros(len(error), bool),
        {int(d): slopes.kink[d] for d in np.flatnonzero(slopes.kink.any(axis=1))},
    )


def measured(
    forward: Forward, directions: Sequence[Direction], blur: Array | None, ladder: Ladder | None
) -> Numeric:
    """The numeric Jacobian along directions, in pieces that fit in memory."""
    levels = 2 * (ladder.levels if ladder else 4) * max(forward.base.size, 1)
    piece = max(1, PIECE // levels)
    parts = []
    for k in range(0, len(directions), piece):
        some = list(directions[k : k + piece])
        slopes = measure(forward, some, ladder) if ladder else look(forward, some)
        parts.append(per_output(slopes, blur))
    return parts[0] if len(parts) == 1 else joined(parts, forward.base.size)


@dataclass
class Case:
    """Some directions with what the rule makes of them, for some of the outputs or sums of them.

    ``terms`` is the size of the terms in each sum, whose roundings the rule is granted.
    """

    rule: ForwardRule
    directions: list[Direction]
    forward: Forward
    analytic: Array  # (outputs, directions)
    pick: Callable[[Array], Array]  # from all finite outputs to those of this case
    blur: Array | None
    wide: ForwardRule | None
    sizes: Callable[[Array], Array] | None = None  # as pick, for what has no sign
    terms: Array | float = 0.0

    def _slack(self, rule: ForwardRule, eps: float) -> Array:
        exact = rule.columns(self.directions)
        shaken = (self.sizes or self.pick)(rule.sensitivity(self.directions, exact))
        return np.asarray(shaken + self._granted(eps))

    def _granted(self, eps: float) -> Array:
        return np.broadcast_to(ROUNDINGS / 8 * eps * self.terms, self.analytic.shape)

    @cached_property
    def slack(self) -> Array:
        """What one rounding does to every entry."""
        return self._slack(self.rule, self.rule.precision)

    @cached_property
    def wide_analytic(self) -> Array | None:
        """The entries of the rule run in float64."""
        if self.wide is None:
            return None
        try:
            return self.pick(self.wide.columns(self.directions))
        except Misuse:
            return None

    @cached_property
    def wide_slack(self) -> Array:
        """The slack of the rule in float64."""
        assert self.wide is not None
        return self._slack(self.wide, EPS)

    def judged(self, numeric: Numeric, strict: bool) -> Judged:
        """Analytic against numeric; ``strict`` grants no slack."""
        slack = self._granted(self.rule.precision) if strict else self.slack
        informative = False
        if self.wide_analytic is not None:
            sharp = replace(numeric, leak=0 * numeric.leak)
            wide_slack = self._granted(EPS) if strict else self.wide_slack
            found = judge(self.wide_analytic, sharp, Allowance(wide_slack))
            informative = not (found.wrong | found.doubtful).any()
        return judge(self.analytic, numeric, Allowance(slack, self.rule.precision, informative))


def settled(case: Case) -> Judged:
    """Look at all directions, climb ladders for the open ones, twice for the suspects."""
    numeric = measured(case.forward, case.directions, case.blur, None)
    judged = case.judged(numeric, strict=True)
    _again(case, numeric, np.flatnonzero(~judged.settled), COARSE)
    judged = case.judged(numeric, strict=True)
    if (judged.wrong | judged.doubtful).any():
        judged = case.judged(numeric, strict=False)
    suspects = np.flatnonzero((judged.wrong | judged.doubtful).any(axis=0))
    if suspects.size:
        worst = np.where(judged.wrong, judged.miss, 0.0).max(axis=0)[suspects]
        suspects = np.sort(suspects[np.argsort(-worst, kind="stable")[:64]])
        _again(case, numeric, suspects, DENSE, judged)
        judged = _withdrawn(case.judged(numeric, strict=False), suspects)
    return judged


def _again(
    case: Case, numeric: Numeric, columns: Array, ladder: Ladder, judged: Judged | None = None
) -> None:
    """Measure some directions again, in place; a worse second measurement is not taken."""
    if not columns.size:
        return
    again = measured(case.forward, [case.directions[k] for k in columns], case.blur, ladder)
    keep: Array = np.ones(len(columns), bool)
    if judged is not None:
        worse = (again.error > numeric.error[:, columns]).all(axis=0)
        keep = np.asarray(~worse | judged.wrong[:, columns].any(axis=0))
    if keep.any():
        replace_columns(numeric, columns[keep], again.columns(np.flatnonzero(keep)))


def _withdrawn(judged: Judged, seen: Array) -> Judged:
    """When every accusation looked at twice was withdrawn, the others are doubts."""
    unseen = np.setdiff1d(np.flatnonzero(judged.wrong.any(axis=0)), seen)
    if unseen.size and not judged.wrong[:, seen].any():
        judged.doubtful[:, unseen] |= judged.wrong[:, unseen]
        judged.wrong[:, unseen] = False
    return judged


def blurred(rule: ForwardRule) -> Array | None:
    """How far single precision moves every finite output; None in double."""
    subject = rule.subject
    if all(subject.outputs[i].dtype == np.float64 for i in subject.floating):
        return None
    narrow = np.concatenate([np.ravel(subject.outputs[i]).astype(float) for i in subject.floating])
    eps = max(float(np.finfo(subject.outputs[i].dtype).eps) for i in subject.floating)
    base = subject.forward.base
    with np.errstate(invalid="ignore"):
        return np.maximum(np.abs(narrow - base), eps * np.abs(base))[rule.seen]


def whole(rule: ForwardRule, directions: list[Direction]) -> Case:
    """A case over all finite outputs."""
    wide = rule.in_float64()
    analytic = rule.columns(directions)
    return Case(rule, directions, rule.forward, analytic, lambda a: a, blurred(rule), wide)


def outputs_of_case(rule: ForwardRule, directions: list[Direction], places: Array) -> Case:
    """A case over some of the finite outputs."""
    case = whole(rule, directions)
    chosen = np.flatnonzero(rule.seen)[places]
    forward = rule.subject.forward
    seen = forward.seen(lambda y: y[chosen], forward.base[chosen])
    blur = None if case.blur is None else case.blur[places]
    return replace(
        case, forward=seen, analytic=case.analytic[places], pick=lambda a: a[places], blur=blur
    )


def buckets(
    rule: ForwardRule, directions: list[Direction], smooth: Array, most: int
) -> tuple[Case, Array]:
    """A case over sums of neighbouring outputs with random signs, and where each sum starts.

    ``smooth`` are the outputs that take part: at a kink a sum has no slopes to be held between.
    """
    case = whole(rule, directions)
    count = int(rule.seen.sum())
    starts = np.unique(np.linspace(0, count, min(most, count), endpoint=False).astype(int))
    sign = (rule.subject.rng.integers(0, 2, count) * 2.0 - 1.0) * smooth
    base, seen = rule.forward.base, rule.seen
    everything = bool(seen.all())

    def sums(y: Array) -> Array:
        finite = y if everything else y[seen]
        return np.add.reduceat(sign * (finite - base), starts)

    def pick(a: Array) -> Array:
        return np.add.reduceat(sign[:, None] * a, starts, axis=0)

    floor = np.sqrt(np.add.reduceat(np.square(base), starts))
    forward = rule.subject.forward.seen(sums, np.zeros(len(starts)), floor)
    blur = None if case.blur is None else np.add.reduceat(case.blur, starts)
    bucketed = replace(
        case,
        forward=forward,
        analytic=pick(case.analytic),
        pick=pick,
        blur=blur,
        sizes=lambda a: np.add.reduceat(a, starts, axis=0),
        terms=np.sqrt(np.add.reduceat(np.square(sign[:, None] * case.analytic), starts, axis=0)),
    )
    return bucketed, np.append(starts, count)


def one_hot(rule: ForwardRule) -> list[Direction]:
    """Every element of every checked input by itself."""
    return [d for i in rule.subject.wrt for d in rule.forward.coordinates(i)]


def random_signs(rule: ForwardRule, primal: int) -> list[Direction]:
    """Signed random directions in one input: nominal steps, and steps relative to every element."""
    flat, rng = rule.forward.flat[primal], rule.subject.rng
    exponents = even_exponent(flat)
    count = 2 if flat.size > 100_000 else 3
    choices = [rng.integers(0, 2, flat.size) * 2.0 - 1.0 for _ in range(count)]
    if (np.abs(exponents) > 2).any():
        kind = rule.subject.primals[primal].dtype
        reach = np.finfo(kind).maxexp // 4
        relative = np.ldexp(1.0, np.clip(exponents, -reach, reach))
        choices += [(rng.integers(0, 2, flat.size) * 2.0 - 1.0) * relative for _ in range(2)]
    return [Direction({primal: (slice(None), weights)}) for weights in choices]
