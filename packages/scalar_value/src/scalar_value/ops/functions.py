"""The cards of smooth functions: powers of e and what is made of them, waves, the bell curve."""

from __future__ import annotations

import math
from typing import Any

from ..op import Op, op
from ._cases import some


@op(slopes=[lambda y, x: y], torch="exp", cases=some((-3, 3), also=[(-700.0,)]))
def exp(x: float) -> float:
    """e to the power ``x``; raises OverflowError past about 709.78.

    >>> exp(0.0)
    1.0
    """
    return math.exp(x)


@op(slopes=[lambda y, x: 1.0 / x], torch="log", needs="x > 0", cases=some((0.3, 5)))
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
    cases=some((0.3, 5)),
)
def sqrt(x: float) -> float:
    """Square root; raises ValueError where ``x`` is negative. The slope at 0 is infinite.

    >>> sqrt(9.0)
    3.0
    """
    return math.sqrt(x)


def _sigmoid_slope(y: Any, x: Any) -> Any:
    return y * sigmoid(-x)  # the usual y * (1 - y) would round to 0 past x = 37


@op(
    slopes=[_sigmoid_slope],
    torch="sigmoid",
    cases=some((-4, 4), also=[(800.0,), (-800.0,)]),
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


def _tanh_slope(y: Any, x: Any) -> Any:
    return 4.0 * sigmoid(2.0 * x) * sigmoid(-2.0 * x)  # the usual 1 - y * y is 0 past x = 19


@op(
    slopes=[_tanh_slope],
    torch="tanh",
    cases=some((-3, 3), also=[(400.0,), (-400.0,)]),
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
    cases=some((-4, 4), also=[(800.0,), (-800.0,)]),
)
def softplus(x: float) -> float:
    """``log(1 + exp(x))``: a smooth relu.

    >>> softplus(800.0)
    800.0
    """
    return max(x, 0.0) + math.log1p(math.exp(-math.fabs(x)))


def _sin_slope(y: Any, x: Any) -> Any:
    return cos(x)


@op(slopes=[_sin_slope], torch="sin", needs="a finite x", cases=some((-4, 4)))
def sin(x: float) -> float:
    """Sine of ``x`` radians.

    >>> sin(0.0)
    0.0
    """
    return math.sin(x)


@op(slopes=[lambda y, x: -sin(x)], torch="cos", needs="a finite x", cases=some((-4, 4)))
def cos(x: float) -> float:
    """Cosine of ``x`` radians.

    >>> cos(0.0)
    1.0
    """
    return math.cos(x)


@op(
    slopes=[lambda y, x: -2.0 / math.sqrt(math.pi) * exp(-x * x)],
    torch="erfc",
    cases=some((-3, 3), also=[(10.0,)]),
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
    cases=some((-4, 4), also=[(30.0,), (-30.0,)]),
)
def gelu(x: float) -> float:
    """``x`` times the area of the bell curve left of ``x`` (Hendrycks & Gimpel 2016), exactly.

    >>> gelu(0.0)
    0.0
    """
    return x * 0.5 * math.erfc(-x / math.sqrt(2.0))  # 1 + erf(x) would cancel to 0 below x = -8


__test__ = {k: v.__doc__ for k, v in list(globals().items()) if isinstance(v, Op)}  # for doctest
