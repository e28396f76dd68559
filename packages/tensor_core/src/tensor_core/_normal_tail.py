"""The tails of the normal distribution, and its quantiles, in float64."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

Array = np.ndarray

_SQRT2 = math.sqrt(2.0)
_erfc = np.frompyfunc(math.erfc, 1, 1)

# Wichura's rational approximations (1988, algorithm AS 241, PPND16): lowest power first
_CENTRE = (
    (3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3,
     1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
     3.3430575583588128105e4, 2.5090809287301226727e3),
    (1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
     2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4,
     5.2264952788528545610e3),
)  # fmt: skip
_TAIL = (
    (1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
     3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1,
     2.27238449892691845833e-2, 7.74545014278341407640e-4),
    (1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
     1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
     1.05075007164441684324e-9),
)  # fmt: skip
_FAR_TAIL = (
    (6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0,
     2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
     2.71155556874348757815e-5, 2.01033439929228813265e-7),
    (1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
     7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
     2.04426310338993978564e-15),
)  # fmt: skip


def _ratio(coefficients: Any, r: Array) -> Array:
    over, under = (np.polynomial.polynomial.polyval(r, c) for c in coefficients)
    return over / under


def _quantile(centred: Array, tail: Array) -> Array:
    """The normal quantile of p, given ``p - 1/2`` and ``min(p, 1 - p)``, both exact."""
    with np.errstate(all="ignore"):
        middle = centred * _ratio(_CENTRE, 0.180625 - centred * centred)
        r = np.sqrt(-np.log(tail))
        outer = np.where(r <= 5, _ratio(_TAIL, r - 1.6), _ratio(_FAR_TAIL, r - 5))
        outer = np.where(tail == 0, np.inf, np.where(tail < 0, np.nan, outer))
        return np.where(np.abs(centred) <= 0.425, middle, np.copysign(outer, centred))


def ndtri(p: Array) -> Array:
    """Where the normal distribution function is ``p``; NaN outside [0, 1].

    >>> ndtri(np.array([0.5, 0.975])).round(4)
    array([0.  , 1.96])
    """
    return _quantile(p - 0.5, np.minimum(p, 1 - p))


def erfinv(x: Array) -> Array:
    """Where the error function is ``x``; NaN outside [-1, 1].

    >>> erfinv(np.array([0.0, 0.5])).round(4)
    array([0.    , 0.4769])
    """
    return _quantile(x / 2, (1 - np.abs(x)) / 2) / _SQRT2


def erfc(x: Array) -> Array:
    """``1 - erf(x)``, accurate where that is small.

    >>> erfc(np.array([0.0, 10.0]))
    array([1.00000000e+00, 2.08848758e-45])
    """
    return np.asarray(_erfc(x), np.float64)


def erfcx(x: Array) -> Array:
    """``exp(x * x) * erfc(x)``, which neither overflows nor vanishes for large ``x``.

    >>> erfcx(np.array([0.0, 100.0])).round(6)
    array([1.      , 0.005642])
    """
    with np.errstate(all="ignore"):
        head = x.astype(np.float32).astype(np.float64)  # its square is exact
        near = np.exp(head * head) * np.exp((x - head) * (x + head)) * erfc(x)
        inverse = 1 / (2 * x * x)
        series = 1 + inverse * (-1 + inverse * (3 + inverse * (-15 + inverse * 105)))
        near = np.where(np.isneginf(x), np.inf, near)
        return np.where(x > 25, series / (x * math.sqrt(math.pi)), near)


def log_ndtr(x: Array) -> Array:
    """The logarithm of the normal distribution function, also where that is 0 in float64.

    >>> log_ndtr(np.array([0.0, -100.0])).round(3)
    array([-6.930000e-01, -5.005524e+03])
    """
    with np.errstate(all="ignore"):
        lower = np.log(erfcx(-x / _SQRT2) / 2) - x * x / 2
        upper = np.log1p(-erfc(x / _SQRT2) / 2)
        return np.where(x < -1, np.where(np.isneginf(x), -np.inf, lower), upper)
