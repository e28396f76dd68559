"""Modified Bessel functions of the first kind, of orders 0 and 1, in float64."""

from __future__ import annotations

from math import pi

import numpy as np

Array = np.ndarray

_FAR = 20.0
_NEAR_TERMS, _FAR_TERMS = 60, 30


def scaled(order: int, x: Array) -> Array:
    """``exp(-|x|) * I(x)`` of order 0 or 1, which does not overflow.

    The power series below 20 (Abramowitz and Stegun 1964, 9.6.10), whose terms are all of one
    sign; beyond, the asymptotic series (9.7.1).

    >>> scaled(0, np.array([0.0, 1.0, 100.0])).round(4)
    array([1.    , 0.4658, 0.0399])
    """
    size = np.abs(np.asarray(x, np.float64))
    out = np.full(size.shape, np.nan)
    near, far = size <= _FAR, (size > _FAR) & (size < np.inf)
    out[near] = np.exp(-size[near]) * _near(order, size[near])
    out[far] = _far(order, size[far])
    out[np.isinf(size)] = 0
    return out if order == 0 else np.copysign(out, x)


def unscaled(order: int, x: Array) -> Array:
    """``I(x)`` of order 0 or 1.

    >>> unscaled(1, np.array([0.0, 1.0, -1.0])).round(4)
    array([ 0.    ,  0.5652, -0.5652])
    """
    size = np.abs(np.asarray(x, np.float64))
    out = np.full(size.shape, np.nan)
    near, far = size <= _FAR, (size > _FAR) & (size < np.inf)
    out[near] = _near(order, size[near])
    with np.errstate(over="ignore"):
        half = np.exp(size[far] / 2)
        out[far] = half * _far(order, size[far]) * half
    return out if order == 0 else np.copysign(out, x)


def _near(order: int, x: Array) -> Array:
    quarter = x * x / 4
    term = np.ones_like(x) if order == 0 else x / 2
    total = term.copy()
    for k in range(1, _NEAR_TERMS):
        term = term * (quarter / (k * (k + order)))
        total += term
    return total


def _far(order: int, x: Array) -> Array:
    term = np.ones_like(x)
    total = term.copy()
    for k in range(1, _FAR_TERMS):
        term = term * (-(4 * order**2 - (2 * k - 1) ** 2) / (8 * k * x))
        total += term
    return total / np.sqrt(2 * pi * x)
