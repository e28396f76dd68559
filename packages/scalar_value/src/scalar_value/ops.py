"""Every operation, one card each: what it computes, its derivative, what to try it on.

In a slope, ``y`` is the result and the other names are the inputs. Slopes are stored when the
result is computed, so they must exist wherever the result does: where the true slope is infinite
they return infinity, they never raise.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from operator import mul as times
from typing import Any

from .op import Cases, Random, op, registry

# --- what to try an op on ------------------------------------------------------------------------


def _some(*ranges: tuple[float, float], also: Sequence[tuple[float, ...]] = ()) -> Cases:
    """Return a ``cases`` that draws each input from its range, and adds the tuples in ``also``."""

    def cases(rng: Random) -> Iterator[tuple[float, ...]]:
        yield from also
        for _ in range(6):
            yield tuple([rng.uniform(low, high) for low, high in ranges])

    return cases


def _both_sides(low: float, high: float) -> Cases:
    """Return a ``cases`` of single numbers between ``low`` and ``high`` in size, of either sign."""

    def cases(rng: Random) -> Iterator[tuple[float, ...]]:
        for _ in range(8):
            yield (rng.choice((-1.0, 1.0)) * rng.uniform(low, high),)

    return cases


def _apart(rng: Random) -> Iterator[tuple[float, ...]]:
    """Yield pairs that differ by at least 0.1, in either order."""
    for _ in range(8):
        x = rng.uniform(-3.0, 3.0)
        yield x, x + rng.choice((-1.0, 1.0)) * rng.uniform(0.1, 2.0)


# --- arithmetic ----------------------------------------------------------------------------------


@op(
    symbol="+",
    slopes=[lambda y, a, b: 1.0, lambda y, a, b: 1.0],
    torch="add",
    cases=_some((-3, 3), (-3, 3)),
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
    cases=_some((-3, 3), (-3, 3)),
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
    cases=_some((-3, 3), (-3, 3), also=[(0.0, 2.0), (0.0, 0.0)]),
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
    cases=_some((-3, 3), (0.5, 3), also=[(0.0, -2.0), (1.0, -0.5)]),
)
def div(a: float, b: float) -> float:
    """Quotient of two numbers; raises ZeroDivisionError where ``b`` is 0.

    >>> div(3.0, 2.0)
    1.5
    """
    return a / b


@op(symbol="-", slopes=[lambda y, x: -1.0], torch="neg", cases=_some((-3, 3)))
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
    cases=_some((0.3, 3), (-2, 3), also=[(2.0, 0.0), (1.5, 1.0), (0.7, 2.0)]),
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


# --- powers of e, and what is made of them -------------------------------------------------------


@op(slopes=[lambda y, x: y], torch="exp", cases=_some((-3, 3), also=[(-700.0,)]))
def exp(x: float) -> float:
    """e to the power ``x``; raises OverflowError past about 709.78.

    >>> exp(0.0)
    1.0
    """
    return math.exp(x)


@op(slopes=[lambda y, x: 1.0 / x], torch="log", needs="x > 0", cases=_some((0.3, 5)))
def log(x: float) -> float:
    """Natural logarithm; raises ValueError where ``x`` is 0 or negative.

    >>> log(1.0)
    0.0
    """
    return math.log(x)


@op(
    slopes=[lambda y, x: 0.5 / y if y != 0.0 else math.inf],
    torch="sqrt",
    needs="x >= 0",
    cases=_some((0.3, 5)),
)
def sqrt(x: float) -> float:
    """Square root; raises ValueError where ``x`` is negative. The slope at 0 is infinite.

    >>> sqrt(9.0)
    3.0
    """
    return math.sqrt(x)


@op(
    slopes=[lambda y, x: y * sigmoid(-x)],  # 1 - y would round to 0 past x = 37
    torch="sigmoid",
    cases=_some((-4, 4), also=[(800.0,), (-800.0,)]),
)
def sigmoid(x: float) -> float:
    """``1 / (1 + exp(-x))``, from 0 to 1.

    >>> sigmoid(0.0)
    0.5
    """
    if x >= 0:
        return 1.0 / (1.0 + math.exp(-x))
    e = math.exp(x)  # small: exp(-x) would overflow for x < -709
    return e / (1.0 + e)


@op(
    slopes=[lambda y, x: 4.0 * sigmoid(2.0 * x) * sigmoid(-2.0 * x)],  # 1 - y*y is 0 past x = 19
    torch="tanh",
    cases=_some((-3, 3), also=[(400.0,), (-400.0,)]),
)
def tanh(x: float) -> float:
    """Hyperbolic tangent, from -1 to 1.

    >>> tanh(0.0)
    0.0
    """
    return math.tanh(x)


@op(
    slopes=[lambda y, x: sigmoid(x)],
    torch="nn.functional.softplus",
    cases=_some((-4, 4), also=[(800.0,), (-800.0,)]),
)
def softplus(x: float) -> float:
    """``log(1 + exp(x))``: a smooth relu.

    >>> softplus(800.0)
    800.0
    """
    return max(x, 0.0) + math.log1p(math.exp(-math.fabs(x)))


# --- waves, and the bell curve -------------------------------------------------------------------


@op(slopes=[lambda y, x: cos(x)], torch="sin", needs="a finite x", cases=_some((-4, 4)))
def sin(x: float) -> float:
    """Sine of ``x`` radians.

    >>> sin(0.0)
    0.0
    """
    return math.sin(x)


@op(slopes=[lambda y, x: -sin(x)], torch="cos", needs="a finite x", cases=_some((-4, 4)))
def cos(x: float) -> float:
    """Cosine of ``x`` radians.

    >>> cos(0.0)
    1.0
    """
    return math.cos(x)


@op(
    slopes=[lambda y, x: -2.0 / math.sqrt(math.pi) * exp(-x * x)],
    torch="erfc",
    cases=_some((-3, 3), also=[(10.0,)]),
)
def erfc(x: float) -> float:
    """``1 - erf(x)``, precise where that is tiny: ``2 / sqrt(pi)`` of the bell's area past ``x``.

    >>> erfc(0.0)
    1.0
    """
    return math.erfc(x)


def _gelu_slope(y: Any, x: Any) -> Any:
    area = 0.5 * erfc(-x / math.sqrt(2.0))
    height = exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)
    return area + x * height


@op(
    slopes=[_gelu_slope],
    torch="nn.functional.gelu",
    cases=_some((-4, 4), also=[(30.0,), (-30.0,)]),
)
def gelu(x: float) -> float:
    """``x`` times the area of the bell curve left of ``x`` (Hendrycks & Gimpel 2016), exactly.

    >>> gelu(0.0)
    0.0
    """
    return x * 0.5 * math.erfc(-x / math.sqrt(2.0))  # 1 + erf(x) would cancel to 0 below x = -8


# --- corners: at the kink itself one slope must be chosen ----------------------------------------


@op(
    symbol="ReLU",
    slopes=[lambda y, x: 1.0 if x > 0.0 else 0.0],
    torch="relu",
    kinks="at x = 0, where the slope is taken to be 0",
    cases=_both_sides(0.1, 3.0),
)
def relu(x: float) -> float:
    """``x`` where positive, else 0.

    >>> relu(-2.0)
    0.0
    """
    return 0.0 if x <= 0.0 else x


@op(
    symbol="LeakyReLU",
    slopes=[
        lambda y, x, slope: 1.0 if x > 0.0 else slope,
        lambda y, x, slope: 0.0 if x > 0.0 else x,
    ],
    torch="nn.functional.leaky_relu",
    kinks="at x = 0, where the slope is taken to be that of the negative side",
    cases=_some((0.1, 3), (0.01, 0.5), also=[(-2.0, 0.01), (-0.3, 0.2)]),
)
def leaky_relu(x: float, slope: float = 0.01) -> float:
    """``x`` where positive, else ``slope * x``.

    >>> leaky_relu(-2.0, 0.25)
    -0.5
    """
    return x if x > 0.0 else slope * x


@op(
    slopes=[lambda y, x: 1.0 if x > 0.0 else -1.0 if x < 0.0 else 0.0],
    torch="abs",
    kinks="at x = 0, where the slope is taken to be 0",
    cases=_both_sides(0.1, 3.0),
)
def abs(x: float) -> float:
    """``x`` without its sign.

    >>> abs(-2.0)
    2.0
    """
    return math.fabs(x)


def _share(wins: bool, ties: bool) -> float:
    return 1.0 if wins else 0.5 if ties else 0.0


@op(
    symbol="max",
    slopes=[lambda y, a, b: _share(a > b, a == b), lambda y, a, b: _share(b > a, a == b)],
    torch="maximum",
    kinks="at a = b, where each input gets half",
    cases=_apart,
)
def maximum(a: float, b: float) -> float:
    """The larger of two numbers; nan if either is.

    >>> maximum(2.0, 3.0)
    3.0
    """
    return a if a > b or a != a else b


@op(
    symbol="min",
    slopes=[lambda y, a, b: _share(a < b, a == b), lambda y, a, b: _share(b < a, a == b)],
    torch="minimum",
    kinks="at a = b, where each input gets half",
    cases=_apart,
)
def minimum(a: float, b: float) -> float:
    """The smaller of two numbers; nan if either is.

    >>> minimum(2.0, 3.0)
    2.0
    """
    return a if a < b or a != a else b


__test__ = {name: card.__doc__ for name, card in registry.items()}  # doctest looks in here
