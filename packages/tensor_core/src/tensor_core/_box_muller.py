"""Normal numbers from uniform ones (Box and Muller 1958), rounding for rounding as PyTorch does.

On x86 with AVX2, PyTorch's float32 loop evaluates Cephes' single-precision logarithm, sine and
cosine (Moshier) with fused multiply-adds. NumPy has none, but float64 holds the product of two
float32 numbers exactly, so a product and sum in float64 rounded once to float32 is the same
number. Hence all is computed in float64 here, in place, and rounded to float32 wherever the
original rounds.
"""

from math import pi
from typing import Any

import numpy as np

Array = np.ndarray

_F = np.float32
_BLOCK = 16_384  # float64 temporaries of 64 KB: several fit the second-level cache

LOG = [
    _F(c)
    for c in (
        7.0376836292e-2,
        -1.1514610310e-1,
        1.1676998740e-1,
        -1.2420140846e-1,
        1.4249322787e-1,
        -1.6668057665e-1,
        2.0000714765e-1,
        -2.4999993993e-1,
        3.3333331174e-1,
    )
]
LN2_LOW, LN2_HIGH = _F(-2.12194440e-4), _F(0.693359375)
COS = [_F(c) for c in (2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)]
SIN = [_F(c) for c in (-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)]
# pi/4 in three parts, each with room for an exact product with a small integer
QUARTER_PI = [_F(c) for c in (0.78515625, 2.4187564849853515625e-4, 3.77489497744594108e-8)]


def fill(u: Array, mean: float, std: float) -> None:
    """Turn uniforms in [0, 1) into normals, in place, in groups of 16.

    The first eight of a group give the radii, the last eight the angles; cosines go to the first
    eight. Shape: (16 * n,), float32 or float64.

    >>> u = np.zeros(16); fill(u, 1.0, 2.0); u.tolist() == [1.0] * 16
    True
    """
    block = _fill32 if u.dtype == np.float32 else _fill64
    for start in range(0, u.size, _BLOCK):
        block(u[start : start + _BLOCK].reshape(-1, 2, 8), mean, std)


def _fill64(u: Array, mean: float, std: float) -> None:
    radius = np.sqrt(-2 * np.log(1 - u[:, 0]))
    angle = 2 * pi * u[:, 1]
    u[:, 0] = radius * np.cos(angle) * std + mean
    u[:, 1] = radius * np.sin(angle) * std + mean


def _fill32(u: Array, mean: float, std: float) -> None:
    log = _log32(_F(1) - u[:, 0])
    log *= -2
    radius = np.sqrt(log.astype(np.float32))
    sine, cosine = _sincos32(_F(2 * pi) * u[:, 1])
    for half, normal in ((0, cosine), (1, sine)):
        normal *= radius
        if mean == 0 and std == 1:
            normal += 0  # -0 becomes 0
            u[:, half] = normal
        else:
            scaled = normal * np.float64(_F(std))
            scaled += _F(mean)
            u[:, half] = scaled


def _rounded(x: Array) -> Array:
    """Round float64 numbers to float32, in place."""
    x[...] = x.astype(np.float32)
    return x


def _log32(x: Array) -> Array:
    """Natural logarithm of positive, normal float32 numbers, as float64."""
    bits = x.view(np.int32)
    exponent = ((bits >> 23) - 126).astype(np.float64)
    head = ((bits & 0x007FFFFF) | 0x3F000000).view(np.float32)  # in [0.5, 1)
    low = head < _F(0.5**0.5)
    exponent -= low
    m = head.astype(np.float64)
    m *= 1 + low
    m -= 1  # in [sqrt(1/2), sqrt(2)) - 1
    square = _rounded(m * m)
    y = _horner(LOG, m)
    y *= m
    _rounded(y)
    y *= square
    y += _rounded(exponent * LN2_LOW)
    _rounded(y)
    square *= -0.5
    y += square
    m += _rounded(y)
    exponent *= LN2_HIGH
    exponent += _rounded(m)
    return _rounded(exponent)


def _sincos32(angle: Array) -> tuple[Array, Array]:
    """Sine and cosine of float32 numbers in [0, 2 pi], as float32."""
    octant = ((angle * _F(4 / pi)).astype(np.int32) + 1) & ~1
    turns = octant.astype(np.float64)
    x = angle.astype(np.float64)
    for part in QUARTER_PI:
        x -= turns * part
        _rounded(x)
    square = _rounded(x * x)
    c = _horner(COS, square)
    c *= square
    _rounded(c)
    c -= 0.5
    c *= square  # exact but for one rounding: c * square - square / 2
    _rounded(c)
    c += 1
    s = _horner(SIN, square)
    s *= square
    _rounded(s)
    s *= x
    s += x
    sine, cosine = s.astype(np.float32), c.astype(np.float32)
    _swap(sine, cosine, octant)
    _flip_signs(sine, octant)
    octant += 2
    _flip_signs(cosine, octant)
    return sine, cosine


def _swap(a: Array, b: Array, octant: Array) -> None:
    """Exchange two arrays where the octant lies about a vertical axis; np.where is slow."""
    different = a.view(np.int32) ^ b.view(np.int32)
    different &= (octant << 30) >> 31  # all ones, or none
    for x in (a, b):
        bits: Any = x.view(np.int32)
        bits ^= different


def _flip_signs(x: Array, octant: Array) -> None:
    """Negate ``x`` where the octant is in the lower half of the circle."""
    octant = (octant & 4) << 29  # the sign bit
    bits: Any = x.view(np.int32)
    bits ^= octant


def _horner(coefficients: list[np.float32], x: Array) -> Array:
    """Highest power first, rounded at each step."""
    y = np.full(x.shape, coefficients[0], np.float64)
    for c in coefficients[1:]:
        y *= x
        y += c
        _rounded(y)
    return y
