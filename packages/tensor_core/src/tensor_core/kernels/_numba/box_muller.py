"""Box and Muller's normals, rounding for rounding as in ``tensor_core._box_muller``."""

from math import pi
from typing import Any

import numpy as np
from numba import float32, int32, njit, types
from numba.extending import intrinsic

from ..._box_muller import COS, LN2_HIGH, LN2_LOW, LOG, QUARTER_PI, SIN, fill
from .compiling import EXACT, OUT1, kernel, takes
from .mathematics import bits_of, float_of

_L0, _L1, _L2, _L3, _L4, _L5, _L6, _L7, _L8 = LOG
_C0, _C1, _C2 = COS
_S0, _S1, _S2 = SIN
_A, _B, _C = QUARTER_PI
_MANY = 1024  # pairs at a time
_ONE, _HALF, _TWO = float32(1.0), float32(0.5), float32(2.0)
_ROOT_HALF, _TWO_PI, _PER_OCTANT = float32(0.5**0.5), float32(2 * pi), float32(4 / pi)


@intrinsic
def _fma(typing_context: Any, a: Any, b: Any, c: Any) -> Any:
    """a * b + c, rounded once: never two operations, whatever the compiler would prefer."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fma(*args)

    f = types.float32
    return f(f, f, f), generate


@njit(fastmath=EXACT, error_model="numpy", nogil=True)
def _log(x):  # type: ignore[no-untyped-def]
    bits = bits_of(x)
    exponent = float32((bits >> int32(23)) - int32(126))
    m = float_of((bits & int32(0x007FFFFF)) | int32(0x3F000000))
    low = m < _ROOT_HALF
    exponent = exponent - _ONE if low else exponent
    m = (m - _ONE) + m if low else m - _ONE
    square = m * m
    y = _fma(_fma(_fma(_fma(_L0, m, _L1), m, _L2), m, _L3), m, _L4)
    y = _fma(_fma(_fma(_fma(y, m, _L5), m, _L6), m, _L7), m, _L8)
    y = _fma(y * m, square, exponent * LN2_LOW)
    y = _fma(-_HALF, square, y)
    return _fma(exponent, LN2_HIGH, m + y)


@njit(fastmath=EXACT, error_model="numpy", nogil=True)
def _octant(x):  # type: ignore[no-untyped-def]
    return (int32(x * _PER_OCTANT) + int32(1)) & int32(-2)


@njit(fastmath=EXACT, error_model="numpy", nogil=True)
def _wave(x, octant, phase):  # type: ignore[no-untyped-def]
    """The sine at phase 0, the cosine at phase 2."""
    turns = float32(octant)
    x = _fma(turns, -_C, _fma(turns, -_B, _fma(turns, -_A, x)))
    square = x * x
    c = _fma(_fma(_C0, square, _C1), square, _C2) * square
    c = _fma(c, square, -(square * _HALF)) + _ONE
    s = _fma(_fma(_S0, square, _S1), square, _S2) * square
    s = _fma(s, x, x)
    octant = octant + int32(phase)
    y = c if octant & int32(2) else s
    return -y if octant & int32(4) else y


def box_muller(u: np.ndarray, mean: float, std: float) -> None:
    """As the NumPy kernel of this name."""
    _fill(u, mean, std) if takes(u) else fill(u, mean, std)


@kernel(OUT1, float32, float32, fastmath=EXACT)
def _fill(u, mean, std):  # type: ignore[no-untyped-def]
    # radii and angles apart, as loops over groups of eight alone would not become vectors
    radii, angles = np.empty(_MANY, np.float32), np.empty(_MANY, np.float32)
    for start in range(0, u.size, 2 * _MANY):
        n = min(_MANY, (u.size - start) // 2)
        for i in range(n):
            at = start + (i & ~7) + i
            radii[i] = _ONE - u[at]
            angles[i] = u[at + 8]
        for i in range(n):
            radius = np.sqrt(-_TWO * _log(radii[i]))
            angle = _TWO_PI * angles[i]
            octant = _octant(angle)
            radii[i] = _fma(radius * _wave(angle, octant, 2), std, mean)
            angles[i] = _fma(radius * _wave(angle, octant, 0), std, mean)
        for i in range(n):
            at = start + (i & ~7) + i
            u[at] = radii[i]
            u[at + 8] = angles[i]
