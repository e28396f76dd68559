"""exp, sigmoid and the normal tail in float32, written so that loops over them become vectors.

Numba's own exp calls the C library once per element. These are polynomials and bit patterns.
"""

from typing import Any

from llvmlite import ir
from numba import float32, int32, njit, types
from numba.extending import intrinsic

from .._numpy.erf import TAIL32
from .compiling import FUSED

# constants as float32, or Numba would compute in float64
_MAGIC = float32(
    12582912.0 + 127.0
)  # 1.5 * 2**23, where integers are one apart, plus exponent bias
_PER_LN2 = float32(1.4426950408889634)
_LN2_HIGH, _LN2_LOW = float32(0.693145751953125), float32(1.4286068203094172e-6)
_E2, _E3, _E4 = float32(0.5), float32(1.6666464e-1), float32(4.1666519e-2)
_E5, _E6 = float32(8.3632213e-3), float32(1.3930436e-3)
_TOP, _BOTTOM = float32(89.0), float32(-88.0)
_ONE = float32(1.0)
_P3, _P2, _P1, _P0 = (float32(c) for c in TAIL32[0])
_Q3, _Q2, _Q1, _Q0 = (float32(c) for c in TAIL32[1])
_FAR = float32(15.0)


@intrinsic
def bits_of(typing_context: Any, x: Any) -> Any:
    """The bits of a float32 as an int32."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.IntType(32))

    return types.int32(types.float32), generate


@intrinsic
def float_of(typing_context: Any, x: Any) -> Any:
    """The float32 of the bits in an int32."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.FloatType())

    return types.float32(types.int32), generate


def _formula(function: Any) -> Any:
    return njit(fastmath=FUSED, error_model="numpy", nogil=True)(function)


@_formula
def exp32(x):  # type: ignore[no-untyped-def]
    """e ** x, within two units in the last place; 0 below -88 and inf above 88.4; nan stays."""
    x = _TOP if x > _TOP else x  # a nan fails both tests
    x = _BOTTOM if x < _BOTTOM else x
    shifted = x * _PER_LN2 + _MAGIC  # rounds to an integer, found in the lowest bits
    n = shifted - _MAGIC
    r = x - n * _LN2_HIGH  # ln 2 in two parts, of which the first gives an exact product
    r = r - n * _LN2_LOW
    p = _E6 * r + _E5
    p = p * r + _E4
    p = p * r + _E3
    p = p * r + _E2
    p = p * r * r + r + _ONE
    return p * float_of(bits_of(shifted) << int32(23))


@_formula
def sigmoid32(x):  # type: ignore[no-untyped-def]
    """1 / (1 + exp(-x))."""
    return _ONE / (_ONE + exp32(-x))


@_formula
def tail_ratio32(t):  # type: ignore[no-untyped-def]
    """R(t) of the tail exp(-t*t/2) * R(t), for t >= 0."""
    t = _FAR if t > _FAR else t  # or the polynomials overflow
    p = ((_P3 * t + _P2) * t + _P1) * t + _P0
    q = (((t + _Q3) * t + _Q2) * t + _Q1) * t + _Q0
    return p / q


@_formula
def rank32(x):  # type: ignore[no-untyped-def]
    """An int32 that orders as the float does: integer maxima become vectors, float ones do not.

    A positive nan ranks above inf, a negative one below -inf.
    """
    bits = bits_of(x)
    return bits ^ ((bits >> int32(31)) & int32(0x7FFFFFFF))


@_formula
def unrank32(rank):  # type: ignore[no-untyped-def]
    """The float of a rank: the same exchange undoes itself."""
    return float_of(rank ^ ((rank >> int32(31)) & int32(0x7FFFFFFF)))
