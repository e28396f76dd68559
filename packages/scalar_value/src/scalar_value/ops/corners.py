"""The cards of functions with corners. At the corner itself one slope is chosen: see `kinks`."""

from __future__ import annotations

import math

from ..op import Op, op
from ._cases import apart, both_sides, some


@op(
    symbol="ReLU",
    slopes=[lambda y, x: 1.0 if x > 0.0 else 0.0],
    torch="relu",
    kinks="at x = 0, where the slope is taken to be 0",
    cases=both_sides(0.1, 3.0),
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
    cases=some((0.1, 3), (0.01, 0.5), also=[(-2.0, 0.01), (-0.3, 0.2)]),
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
    cases=both_sides(0.1, 3.0),
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
    cases=apart,
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
    cases=apart,
)
def minimum(a: float, b: float) -> float:
    """The smaller of two numbers; nan if either is.

    >>> minimum(2.0, 3.0)
    2.0
    """
    return a if a < b or a != a else b


__test__ = {k: v.__doc__ for k, v in list(globals().items()) if isinstance(v, Op)}  # for doctest
