"""Judging numbers: analytic gradients against numeric ones, element by element."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradcheck.brief import SHARP, look
from gradcheck.forward import Array, Direction, Forward
from gradcheck.numeric import COARSE, DENSE, EPS, Ladder, Slopes, measure

SAFETY = 4.0  # times the error estimate of the numeric side
ROUNDINGS = 32.0  # roundings granted to a rule, at the size of the terms it adds up
MERE_ROUNDING = 4e-12  # no mistake is this small a part of a gradient
TELLING = 1e-3  # a bound wider than this part of the gradient proves nothing
NOTHING = 1e-10  # an element known to be this small beside the largest needs no closer look
SECOND_OPINIONS = 64
FAR = 1e-7  # of a gradient: beyond what a sharp first look leaves in doubt
ENOUGH = 16  # plainly wrong elements that are measured again before the rule is accused


FIELDS = ("low", "high", "error", "scale", "leak", "hidden")


@dataclass
class Numeric:
    """Numeric gradients of one primal: (cotangents, elements) unless said otherwise.

    ``scale`` is the size of the terms added up; ``leak`` what the error of single-precision outputs
    amounts to; ``jump`` (elements) marks discontinuities; ``kinks`` maps elements to output masks;
    ``hidden`` is the error of outputs that an element does not move while it moves others; ``flat``
    (elements) marks those that move nothing beyond roundings.
    """

    low: Array
    high: Array
    error: Array
    scale: Array
    leak: Array
    jump: Array
    kinks: dict[int, Array] = field(default_factory=dict)
    hidden: Array = field(default_factory=lambda: np.zeros((0, 0)))
    flat: Array = field(default_factory=lambda: np.zeros(0, bool))

    def __post_init__(self) -> None:
        if self.hidden.shape != self.error.shape:
            self.hidden = np.zeros_like(self.error)
        if self.flat.shape != self.jump.shape:
            self.flat = np.zeros(self.jump.shape, bool)

    def columns(self, chosen: Array) -> "Numeric":
        """Some of the elements, renumbered."""
        places = {int(c): k for k, c in enumerate(chosen)}
        kinks = {places[d]: m for d, m in self.kinks.items() if d in places}
        low, high, error, scale, leak, hidden = (getattr(self, n)[:, chosen] for n in FIELDS)
        jump, flat = self.jump[chosen], self.flat[chosen]
        return Numeric(low, high, error, scale, leak, jump, kinks, hidden, flat)


def contract(slopes: Slopes, cotangents: Array, blur: Array | None) -> Numeric:
    """Weigh the slopes of every output with cotangents (cotangents, outputs)."""
    plus, minus = np.maximum(cotangents, 0), np.minimum(cotangents, 0)
    weights = np.abs(cotangents)
    error = np.where(np.isfinite(slopes.error), slopes.error, 1e300)
    size = np.maximum(np.abs(slopes.low), np.abs(slopes.high))
    # An output that no step moves at all, while others move visibly, adds no uncertainty, unless
    # it is so large that a move would be lost in its rounding.
    most = size.max(axis=1, initial=0.0, keepdims=True)
    still = (size == 0) & (most > 0)
    hidden = weights @ np.where(still & (error > 1e-2 * most), error, 0.0).T
    error[still] = 0.0
    leak = np.zeros((len(cotangents), len(size)))
    if blur is not None:
        step = np.where(size > 0, slopes.step, np.inf)
        leak = weights @ (blur / (4 * step)).T
    jumped = np.any(slopes.jump[None] & (weights[:, None, :] > 0), axis=(0, 2))
    kinks = {int(d): slopes.kink[d] for d in np.flatnonzero(slopes.kink.any(axis=1))}
    return Numeric(
        plus @ slopes.low.T + minus @ slopes.high.T,
        plus @ slopes.high.T + minus @ slopes.low.T,
        weights @ error.T,
        weights @ size.T,
        leak,
        np.asarray(jumped),
        kinks,
        hidden,
        np.asarray(slopes.flat.all(axis=1)),
    )


def differentiate(
    forward: Forward,
    directions: list[Direction],
    cotangents: Array,
    blur: Array | None = None,
    ladder: Ladder | None = COARSE,
) -> Numeric:
    """Numeric gradients along directions, in pieces that fit in memory.

    Without a ladder a first look (:mod:`gradcheck.brief`), which settles most of them.
    """
    levels = 2 * (ladder.levels if ladder else 4) * max(forward.base.size, 1)
    piece = int(max(1, 1_500_000 // levels))
    parts = []
    for k in range(0, len(directions), piece):
        some = directions[k : k + piece]
        slopes = measure(forward, some, ladder) if ladder else look(forward, some)
        parts.append(contract(slopes, cotangents, blur))
    if len(parts) == 1:
        return parts[0]
    return joined(parts, len(cotangents))


def joined(parts: list[Numeric], rows: int) -> Numeric:
    """Numeric gradients of consecutive elements as one."""
    kinks, start = {}, 0
    for part in parts:
        kinks.update({start + d: mask for d, mask in part.kinks.items()})
        start += len(part.jump)
    empty = np.zeros((rows, 0))
    low, high, error, scale, leak, hidden = (
        np.concatenate([empty, *(getattr(part, name) for part in parts)], axis=1) for name in FIELDS
    )
    jump = np.concatenate([np.zeros(0, bool), *(part.jump for part in parts)])
    flat = np.concatenate([np.zeros(0, bool), *(part.flat for part in parts)])
    return Numeric(low, high, error, scale, leak, jump, kinks, hidden, flat)


@dataclass
class Judged:
    """Analytic against numeric for the elements of one primal: (cotangents, elements)."""

    analytic: Array
    numeric: Numeric
    bound: Array
    wrong: Array
    doubtful: Array

    @property
    def settled(self) -> Array:
        """Elements whose gradient is right beyond doubt, so that no ladder need be climbed."""
        numeric = self.numeric
        size = numeric.scale + np.where(np.isfinite(self.analytic), np.abs(self.analytic), np.inf)
        silent = (self.analytic == 0) & (numeric.low == 0) & (numeric.high == 0)
        sharp = (numeric.error <= SHARP * size) | (silent & (numeric.error < 1e290))
        return (sharp & ~self.wrong & ~self.doubtful).all(axis=0)

    @property
    def plain(self) -> Array:
        """Elements far from what a sharp first look found, for some cotangent."""
        size = self.numeric.scale + np.where(np.isfinite(self.analytic), np.abs(self.analytic), 0.0)
        sharp = (self.numeric.error <= SHARP * size).all(axis=0)
        far = missed(self.analytic, self.numeric) > np.maximum(FAR * size, self.bound)
        return np.asarray(sharp & (self.wrong & far).any(axis=0))

    @property
    def middle(self) -> Array:
        """The numeric value; at kinks the middle of the subgradients."""
        return (self.numeric.low + self.numeric.high) / 2

    @property
    def miss(self) -> Array:
        """How far the analytic value lies outside what is allowed, in units of the bound."""
        return missed(self.analytic, self.numeric) / np.maximum(self.bound, 1e-300)


def missed(analytic: Array, numeric: Numeric) -> Array:
    """The distance from the analytic value to the interval of subgradients; inf for NaN."""
    miss = np.maximum(np.maximum(numeric.low - analytic, analytic - numeric.high), 0.0)
    return np.where(np.isfinite(analytic), miss, np.inf)


@dataclass
class Allowance:
    """What is granted to a rule beyond the error of the numeric side.

    ``slack`` (cotangents, elements) is what one rounding does to its gradients; ``informed``
    (elements, or for all) says that the rule was already held to the bound of float64 there, so
    that a wide bound hides nothing; ``largest`` is the largest gradient of any input, beside which
    others may count as zero; ``grain`` what a rounding at the size of the cotangent amounts to.
    """

    slack: Array
    eps: float = EPS
    informed: Any = False
    largest: float = 0.0
    grain: float = 0.0


def judge(analytic: Array, numeric: Numeric, grant: Allowance) -> Judged:
    """Compare, with a bound made of the numeric error and the rule's own arithmetic."""
    finite = np.isfinite(analytic)
    claimed = np.where(finite, np.abs(analytic), 0.0)
    rounding = max(ROUNDINGS * grant.eps, MERE_ROUNDING) * (numeric.scale + claimed)
    smooth = np.ones(analytic.shape[1], bool)
    smooth[list(numeric.kinks)] = False
    firm = SAFETY * numeric.error + rounding + numeric.leak
    narrow = firm + 8 * grant.slack * smooth
    miss = missed(analytic, numeric)
    agree = miss <= narrow
    bound = np.where(agree, narrow, narrow + SAFETY * numeric.hidden)
    wrong = (miss > bound) & ~numeric.jump
    own = np.maximum(claimed, numeric.scale)
    size = np.where(numeric.error < 1e290, own, 0.0).max(initial=0.0)
    middle = np.abs(numeric.low + numeric.high) / 2
    still = (numeric.low == 0) & (numeric.high == 0) & (numeric.error < 1e290)
    telling = (bound <= TELLING * own) | (agree & (bound <= NOTHING * size))
    telling |= (analytic == 0) & (still | numeric.flat)
    zero = np.maximum(claimed, middle) <= 2 * bound
    telling |= agree & zero & (bound <= NOTHING * grant.largest)
    settled = np.maximum(1e-2 * numeric.scale, 1e-6 * size)
    known = numeric.error < np.where(finite, 1e290, settled)
    doubtful = ~(telling & (finite | known)) & ~numeric.jump & ~(wrong & known)
    doubtful &= ~np.asarray(grant.informed)
    if grant.eps <= EPS:  # slack excuses roundings, not a formula that loses most of its digits
        least = np.maximum(1e-6 * max(size, grant.largest), 1e3 * grant.grain)
        rough = (miss > 10 * (firm + SAFETY * numeric.hidden)) & (miss > least)
        rough &= smooth & finite & ~numeric.jump & (numeric.error < 1e290)
        doubtful, wrong = doubtful & ~rough, wrong | rough
    return Judged(analytic, numeric, bound, wrong & ~doubtful, doubtful)


def replace_columns(numeric: Numeric, columns: Array, by: Numeric) -> None:
    """Write what a second measurement of some elements found over the first."""
    for name in FIELDS:
        getattr(numeric, name)[:, columns] = getattr(by, name)
    numeric.jump[columns] = by.jump
    numeric.flat[columns] = by.flat
    for place, element in enumerate(columns.tolist()):
        numeric.kinks.pop(element, None)
        if place in by.kinks:
            numeric.kinks[element] = by.kinks[place]


def second_opinion(
    forward: Forward,
    primal: int,
    judged: Judged,
    cotangents: Array,
    blur: Array | None = None,
    elements: Array | None = None,
) -> Array:
    """Measure accused and doubtful elements again on denser ladders, in place.

    Returns the columns measured again: the worst ones when there are many.
    """
    suspect = np.flatnonzero((judged.wrong | judged.doubtful).any(axis=0))
    most = ENOUGH if np.count_nonzero(judged.plain) >= ENOUGH else SECOND_OPINIONS
    if len(suspect) > most:
        badness = np.where(judged.wrong, judged.miss, -1.0).max(axis=0)[suspect]
        suspect = suspect[np.argsort(-badness, kind="stable")[:most]]
    places = suspect if elements is None else elements[suspect]
    if len(suspect):
        directions = forward.coordinates(primal, places.tolist())
        again = differentiate(forward, directions, cotangents, blur, DENSE)
        better = judged.numeric
        worse = (again.error > better.error[:, suspect]).all(axis=0)
        agree = worse & ~(judged.wrong[:, suspect]).any(axis=0)
        keep = ~agree
        if keep.any():
            replace_columns(better, suspect[keep], again.columns(np.flatnonzero(keep)))
    return suspect
