"""From the pattern of wrong numbers to a guess at the mistake."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gradcheck.forward import Array


@dataclass
class Evidence:
    """One primal's gradient for one cotangent, as the rule and as the numbers have it (flat).

    ``outputs`` is the number of outputs; ``right_for_ones`` says that all-ones passed;
    ``whole`` that every element of the primal was measured.
    """

    analytic: Array
    numeric: Array
    bound: Array
    shape: tuple[int, ...]
    outputs: int
    right_for_ones: bool
    whole: bool = True
    output_shape: tuple[int, ...] = ()

    def fits(self, candidate: Array) -> bool:
        """Whether a corrected gradient would have passed."""
        near = np.maximum(self.bound, 1e-7 * np.abs(self.numeric))
        return bool((np.abs(candidate - self.numeric) <= near).all())


def zero(e: Evidence) -> str:
    """The rule returns nothing but zeros."""
    return "always zero: the dependence on this input is missing" if not e.analytic.any() else ""


def not_finite(e: Evidence) -> str:
    """NaN or infinity where the derivative is finite."""
    return "" if np.isfinite(e.analytic).all() else "not finite although the derivative is"


def sign(e: Evidence) -> str:
    """The negative would pass."""
    return "sign flipped" if e.fits(-e.analytic) else ""


def factor(e: Evidence) -> str:
    """A multiple would pass; the factor is named when it is a familiar one."""
    square = float(e.analytic @ e.analytic)
    if not square or not np.isfinite(square):
        return ""
    ratio = float(e.analytic @ e.numeric) / square
    if ratio == 0 or not e.fits(ratio * e.analytic):
        return ""
    off = 1 / ratio
    if abs(off - 1) < 1e-5 and (np.abs(ratio * e.analytic - e.numeric) > e.bound).any():
        return ""  # scattered like roundings: no factor
    for name, value in familiar(e):
        if abs(off - value) <= 1e-6 * abs(value):
            return f"too large by a constant factor {name}"
        if abs(off + value) <= 1e-6 * abs(value):
            return f"sign flipped and too large by a constant factor {name}"
    return f"off by a constant factor {off:.6g}"


def familiar(e: Evidence) -> list[tuple[str, float]]:
    """Factors that mistakes are made of, each with its reciprocal."""
    sizes = {"n (elements)": float(e.analytic.size), "m (outputs)": float(e.outputs)}
    for axis, length in enumerate(e.shape):
        sizes.setdefault(f"the length of axis {axis}", float(length))
    pairs = [("2", 2.0), ("1/2", 0.5), ("3", 3.0), ("1/3", 1 / 3)]
    for name, size in sizes.items():
        if size > 1:
            pairs += [(f"{size:g} = {name}", size), (f"1/{size:g}, {name} inverted", 1 / size)]
    return pairs


def transposed(e: Evidence) -> str:
    """The transposed gradient would pass."""
    if len(e.shape) < 2 or not e.whole:
        return ""
    *_, rows, columns = e.shape
    turned = e.analytic.reshape(*e.shape[:-2], columns, rows).swapaxes(-1, -2).reshape(-1)
    return "transposed" if e.fits(turned) else ""


def reversed_axis(e: Evidence) -> str:
    """The gradient flipped along one axis would pass."""
    if not e.whole:
        return ""
    grid = e.analytic.reshape(e.shape)
    for axis in range(len(e.shape)):
        if e.shape[axis] > 1 and e.fits(np.flip(grid, axis).reshape(-1)):
            return f"reversed along axis {axis}"
    return ""


def only_ones(e: Evidence) -> str:
    """The cotangent is ignored, or used only through its sum."""
    return "right only for g = 1: the cotangent is not (fully) used" if e.right_for_ones else ""


def single_precision(e: Evidence) -> str:
    """Wrong everywhere by about the rounding error of float32."""
    size = np.abs(e.numeric).max(initial=0.0)
    off = np.abs(e.analytic - e.numeric).max(initial=0.0)
    if 0 < off <= 1e-6 * size and off > 1e-11 * size:
        return "about 7 digits are right: float32 inside"
    return ""


def spread(e: Evidence) -> str:
    """The same number for all elements, with the right sum."""
    if not e.whole or e.analytic.size < 2 or np.ptp(e.analytic) > 0:
        return ""
    total = np.abs(e.analytic.sum() - e.numeric.sum())
    near = np.maximum(e.bound.sum(), 1e-7 * np.abs(e.numeric).sum())
    return "spread evenly over the elements: the sum is right" if total <= near else ""


def few(e: Evidence) -> str:
    """Almost all elements are right."""
    wrong = np.flatnonzero(~(np.abs(e.analytic - e.numeric) <= e.bound))
    if not 0 < wrong.size <= max(1, e.analytic.size // (8 if e.whole else 2)):
        return ""
    if e.analytic.size < 2:
        return ""
    if not e.analytic[wrong].any():
        return "some elements are left at zero"
    return "only some elements are wrong"


RULES: tuple[Callable[[Evidence], str], ...] = (
    not_finite,
    zero,
    only_ones,
    sign,
    factor,
    single_precision,
    transposed,
    reversed_axis,
    few,
    spread,
)
"""Tried in this order; the first that fits speaks."""


def diagnose(e: Evidence) -> str:
    """The first diagnosis that explains the evidence, or an empty string.

    >>> n = np.array([1.0, -2.0, 3.0])
    >>> diagnose(Evidence(-n, n, np.full(3, 1e-9), (3,), 3, right_for_ones=False))
    'sign flipped'
    """
    with np.errstate(all="ignore"):
        for rule in RULES:
            text = rule(e)
            if text:
                return text
    return ""
