"""Normal numbers from uniform ones (Box and Muller 1958), rounding for rounding as PyTorch does.

PyTorch's float32 loop evaluates Cephes' single-precision logarithm, sine and cosine (Moshier) with
fused multiply-adds. NumPy has none, but float64 holds the product of two float32 numbers exactly,
so a product and sum in float64 rounded once to float32 is the same number.
"""

from math import pi

import numpy as np

Array = np.ndarray

_F = np.float32
_BLOCK = 8192  # float64 temporaries of 64 KB: several fit the second-level cache

_LOG = [
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
_LN2_LOW, _LN2_HIGH = _F(-2.12194440e-4), _F(0.693359375)
_COS = [_F(c) for c in (2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)]
_SIN = [_F(c) for c in (-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)]
# pi/4 in three parts, each with room for an exact product with a small integer
_QUARTER_PI = [_F(c) for c in (0.78515625, 2.4187564849853515625e-4, 3.77489497744594108e-8)]


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
    radius = np.sqrt(_F(-2) * _log32(_F(1) - u[:, 0]))
    sine, cosine = _sincos32(_F(2 * pi) * u[:, 1])
    u[:, 0] = _fma(radius * cosine, _F(std), _F(mean))
    u[:, 1] = _fma(radius * sine, _F(std), _F(mean))


def _fma(a: Array, b: Array | np.floating, c: Array | np.floating) -> Array:
    """a * b + c of float32 numbers, rounded once."""
    t = np.multiply(a, b, dtype=np.float64)
    t += c
    return t.astype(np.float32)


def _log32(x: Array) -> Array:
    """Natural logarithm of positive, normal float32 numbers."""
    bits = x.view(np.int32)
    exponent = ((bits >> 23) - 126).astype(np.float32)
    m = ((bits & 0x007FFFFF) | 0x3F000000).view(np.float32)  # in [0.5, 1)
    low = m < _F(0.5**0.5)
    exponent -= low
    m = (m - _F(1)) + np.where(low, m, _F(0))  # in [sqrt(1/2), sqrt(2)) - 1
    square = m * m
    y = _horner(_LOG, m) * m
    y = _fma(y, square, exponent * _LN2_LOW)
    y = _fma(square, _F(-0.5), y)
    return _fma(exponent, _LN2_HIGH, m + y)


def _sincos32(x: Array) -> tuple[Array, Array]:
    """Sine and cosine of float32 numbers in [0, 2 pi]."""
    octant = ((x * _F(4 / pi)).astype(np.int32) + 1) & ~1
    turns = octant.astype(np.float32)
    for part in _QUARTER_PI:
        x = _fma(turns, -part, x)
    square = x * x
    c = _fma(_horner(_COS, square) * square, square, square * _F(-0.5)) + _F(1)
    s = _fma(_horner(_SIN, square) * square, x, x)
    swap = (octant & 2) != 0
    sine, cosine = np.where(swap, c, s), np.where(swap, s, c)
    np.negative(sine, out=sine, where=(octant & 4) != 0)
    np.negative(cosine, out=cosine, where=((octant + 2) & 4) != 0)
    return sine, cosine


def _horner(coefficients: list[np.float32], x: Array) -> Array:
    """Highest power first, one fused multiply-add a step."""
    y: Array | np.float32 = coefficients[0]
    for c in coefficients[1:]:
        y = _fma(x, y, c)
    return np.asarray(y)
