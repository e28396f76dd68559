"""From the pattern of wrong numbers to the mistake, in words.

Every diagnosis is a hypothesis about the rule that makes a corrected gradient (or the cotangent the
rule must have used); it is given only when that fits the numbers for every cotangent.
"""

from collections.abc import Callable

import numpy as np

from gradcheck.diagnosis import arguments, cotangents, digits, factors, orders, structure, terms
from gradcheck.diagnosis.evidence import Evidence
from gradcheck.diagnosis.where import only_some

Hypothesis = Callable[[Evidence], str]


def zero(e: Evidence) -> str:
    """The rule returns nothing but zeros."""
    return "always zero: the dependence on this input is missing" if not e.analytic.any() else ""


def not_finite(e: Evidence) -> str:
    """NaN or infinity everywhere."""
    return "" if np.isfinite(e.claimed).any() else "not finite although the derivative is"


def some(e: Evidence) -> str:
    """Some elements are wrong: those may be wrong in one of the simple ways."""
    simple = (factors.sign, factors.factor, cotangents.replaced, structure.lost, terms.missing)
    return only_some(e, simple)


HYPOTHESES: tuple[Hypothesis, ...] = (
    cotangents.state,
    not_finite,
    zero,
    structure.unused,
    cotangents.replaced,
    digits.whole_numbers,
    cotangents.affine,
    factors.sign,
    factors.factor,
    orders.swapped,
    orders.gradient_moved,
    cotangents.output_ignored,
    orders.cotangent_moved,
    orders.jacobian_transposed,
    orders.exchanged,
    orders.outputs_exchanged,
    cotangents.one_sided,
    structure.lost,
    digits.narrow,
    arguments.mistaken,
    terms.missing,
    terms.sums,
    arguments.transformed,
    terms.exchanged_factor,
    some,
    factors.per_index,
    cotangents.summed,
    structure.alignment,
    cotangents.nonlinear,
    cotangents.only_ones,
    orders.spread,
    digits.approximate,
)
"""Tried in this order, the more specific before the more general; the first that fits speaks."""


def diagnose(e: Evidence) -> str:
    """The first hypothesis that the numbers confirm, or an empty string.

    >>> n = np.array([[1.0, -2.0, 3.0], [2.0, 0.5, -1.0]])
    >>> bound = np.full((2, 3), 1e-9)
    >>> diagnose(Evidence((3,), [(3,)], n, -n, n, bound, np.arange(3), np.arange(3)))
    'sign flipped'
    """
    with np.errstate(all="ignore"):
        if e.fits(e.analytic):
            return ""
        for hypothesis in HYPOTHESES:
            try:
                text = hypothesis(e)
            except Exception:
                continue  # the rule under test raises on what it is tried with: no diagnosis
            if text:
                return text
    return ""
