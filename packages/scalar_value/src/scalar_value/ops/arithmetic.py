"""The cards of ``+ - * / **``, and of a whole weighted sum at once."""

from __future__ import annotations

import math
from collections.abc import Iterator
from operator import mul as times
from typing import Any

from ..op import Op, Random, op
from ._cases import some
from .functions import log


@op(
    symbol="+",
    slopes=[lambda y, a, b: 1.0, lambda y, a, b: 1.0],
    torch="add",
    cases=some((-3, 3), (-3, 3)),
)
def add(a: float, b: float) -> float:
    """Sum of two numbers.

    >>> add(2.0, 3.0)
    5.0
    """
    return a + b


@op(
    symbol="-",
    slopes=[lambda y, a, b: 1.0, lambda y, a, b: -1.0],
    torch="sub",
    cases=some((-3, 3), (-3, 3)),
)
def sub(a: float, b: float) -> float:
    """Difference of two numbers.

    >>> sub(2.0, 3.0)
    -1.0
    """
    return a - b


@op(
    symbol="*",
    slopes=[lambda y, a, b: b, lambda y, a, b: a],
    torch="mul",
    cases=some((-3, 3), (-3, 3), also=[(0.0, 2.0), (0.0, 0.0)]),
)
def mul(a: float, b: float) -> float:
    """Product of two numbers.

    >>> mul(2.0, 3.0)
    6.0
    """
    return a * b


@op(
    symbol="/",
    slopes=[lambda y, a, b: 1.0 / b, lambda y, a, b: -y / b],
    torch="div",
    cases=some((-3, 3), (0.5, 3), also=[(0.0, -2.0), (1.0, -0.5)]),
)
def div(a: float, b: float) -> float:
    """Quotient of two numbers; raises ZeroDivisionError where ``b`` is 0.

    >>> div(3.0, 2.0)
    1.5
    """
    return a / b


@op(symbol="-", slopes=[lambda y, x: -1.0], torch="neg", cases=some((-3, 3)))
def neg(x: float) -> float:
    """The number with its sign turned.

    >>> neg(2.0)
    -2.0
    """
    return -x


def _power_by_base(y: Any, x: Any, n: Any) -> Any:
    if x == 0.0 and n < 1.0:
        return 0.0 if n == 0.0 else math.inf  # x**0 is flat; a root leaves 0 straight upwards
    if n < 1.0:
        return n * y / x  # for a tiny x, x**(n - 1) overflows where y / x only becomes inf
    return n * x ** (n - 1.0)


def _power_by_exponent(y: Any, x: Any, n: Any) -> Any:
    if x > 0.0:
        return y * log(x)
    return 0.0 if x == 0.0 else math.nan  # a negative x has powers only at whole n: no slope


@op(
    symbol="**",
    slopes=[_power_by_base, _power_by_exponent],
    torch="pow",
    cases=some((0.3, 3), (-2, 3), also=[(2.0, 0.0), (1.5, 1.0), (0.7, 2.0)]),
    needs="x >= 0, or a whole number as the exponent",
)
def pow(x: float, n: float) -> float:
    """``x`` to the power ``n``; 0**0 is 1. Raises ValueError for a root of a negative number.

    >>> pow(2.0, 10.0)
    1024.0
    """
    y = x**n
    if isinstance(y, complex):  # Python leaves the real line for (-8) ** (1 / 3); we stay on it
        raise ValueError("complex result")
    return y


def _affine_slopes(y: Any, b: Any, *wx: Any) -> list[Any]:
    n = len(wx) // 2
    return [1.0, *wx[n:], *wx[:n]]


def _affine_cases(rng: Random) -> Iterator[tuple[float, ...]]:
    for n in (0, 1, 3, 4):
        yield tuple([rng.uniform(-2.0, 2.0) for _ in range(1 + 2 * n)])


@op(symbol="w·x+b", all_slopes=_affine_slopes, cases=_affine_cases)
def affine(b: float, *wx: float) -> float:
    """``b + w1*x1 + ... + wn*xn`` as one operation, called ``affine(b, w1..wn, x1..xn)``.

    A neuron of n inputs is one node of the graph instead of 2n: that is where the speed of a
    network comes from. `dot` is the convenient way to call it.

    >>> affine(1.0, 2.0, 3.0, 10.0, 100.0)      # 1 + 2*10 + 3*100
    321.0
    """
    n = len(wx) // 2
    if len(wx) != 2 * n:
        raise ValueError(f"needs as many w as x, and got {len(wx)} numbers in all")
    return sum(map(times, wx[:n], wx[n:]), b)


__test__ = {k: v.__doc__ for k, v in list(globals().items()) if isinstance(v, Op)}  # for doctest
