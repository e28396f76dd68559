"""GELU (Hendrycks and Gimpel 2016), SiLU and the error function, with their derivatives."""

from math import pi, sqrt

import numpy as np

from .blocks import flat_blocks
from .erf import erf, normal_cdf_pdf

__all__ = ["erf", "gelu_forward", "silu_forward"]

Array = np.ndarray


def gelu_forward(x: Array, approximate: str, need_grad: bool) -> tuple[Array, Array | None]:
    """``x`` times the normal distribution function of ``x``, and the derivative if wanted.

    ``approximate`` is "none" or "tanh" (section 2 of the paper). Any shape, contiguous.

    >>> y, d = gelu_forward(np.array([0.0, 50.0]), "none", True)
    >>> y.tolist(), d.tolist()
    ([0.0, 50.0], [0.5, 1.0])
    """
    block = {"none": _gelu_exact, "tanh": _gelu_tanh}[approximate]
    y = np.empty(x.shape, x.dtype)
    d = np.empty(x.shape, x.dtype) if need_grad else None
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        for xb, yb, db in flat_blocks(x, y, y if d is None else d):
            block(xb, yb, None if d is None else db)
    return y, d


def silu_forward(x: Array, need_grad: bool) -> tuple[Array, Array | None]:
    """``x`` times its sigmoid, and the derivative if wanted. Any shape, contiguous.

    >>> y, d = silu_forward(np.array([0.0]), True)
    >>> y.tolist(), d.tolist()
    ([0.0], [0.5])
    """
    y = np.empty(x.shape, x.dtype)
    d = np.empty(x.shape, x.dtype) if need_grad else None
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        for xb, yb, db in flat_blocks(x, y, y if d is None else d):
            s = _sigmoid(xb)
            np.multiply(xb, s, out=yb)
            if d is not None:
                np.subtract(1, s, out=db)
                db *= yb
                db += s
    return y, d


def _sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)): exp may overflow to inf, whose reciprocal is the right limit, 0."""
    s = np.negative(x)
    np.exp(s, out=s)
    s += 1
    return np.reciprocal(s, out=s)


def _gelu_exact(x: Array, y: Array, d: Array | None) -> None:
    cdf, pdf = normal_cdf_pdf(x)
    np.multiply(x, cdf, out=y)
    if d is not None:
        np.multiply(x, pdf, out=d)
        d += cdf


def _gelu_tanh(x: Array, y: Array, d: Array | None) -> None:
    """With h = (1 + tanh u) / 2 = sigmoid(2u): no cancellation where u is very negative."""
    square = x * x
    twice = square * (2 * 0.044715 * sqrt(2 / pi))
    twice += 2 * sqrt(2 / pi)
    twice *= x
    h = _sigmoid(twice)
    np.multiply(x, h, out=y)
    if d is not None:
        square *= 6 * 0.044715 * sqrt(2 / pi)
        square += 2 * sqrt(2 / pi)  # the derivative of 2u
        np.subtract(1, h, out=d)
        d *= square
        d *= y
        d += h
