"""Angles of points, degrees and radians, lengths, and the cardinal sine."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from .._card import Case, composed
from .._define import op
from .._tensor import Tensor
from ._cases import away_from_zero, unary
from ._errstate import quiet
from ._refuse import numbers, tensors_alone


def _off_the_origin(rng: np.random.Generator) -> Iterator[Case]:
    """Pairs that broadcast, at a distance from the origin, in all four quadrants."""
    for a, b in (((2, 3), (2, 3)), ((2, 1), (1, 3)), ((), (2,)), ((1,), (0,))):
        x, y = (np.asarray(rng.uniform(0.3, 2, s) * rng.choice([-1.0, 1.0], s)) for s in (a, b))
        yield Case(x, y)


@op(torch="atan2", promote="float", cases=_off_the_origin)
def atan2(x: Any, other: Any, /) -> Any:
    """The angle of the point (``other``, ``x``), in radians in (-pi, pi]. Shapes broadcast.

    >>> import tensor_core as torch
    >>> torch.atan2(torch.tensor([1.0, -1.0]), torch.tensor([0.0, -1.0]))
    tensor([ 1.5708, -2.3562])
    """
    numbers("atan2", x, other)
    return np.arctan2(x, other)


tensors_alone(atan2)


def _over_square(a: Any, x: Any, other: Any) -> Any:
    """``a / (x * x + other * other)``, and 0 at the origin, as torch has it."""
    square = x * x + other * other
    at_origin = square == 0
    return a / (square + at_origin) * ~at_origin


@atan2.vjp("x")
@quiet
def _(g: Any, x: Any, other: Any) -> Any:
    return g * _over_square(other, x, other)


@atan2.vjp("other")
@quiet
def _(g: Any, x: Any, other: Any) -> Any:
    return g * _over_square(-x, x, other)


@op(torch="hypot", promote="same", cases=_off_the_origin)
def hypot(x: Any, other: Any, /) -> Any:
    """``sqrt(x * x + other * other)`` without overflow. Shapes broadcast.

    >>> import tensor_core as torch
    >>> torch.hypot(torch.tensor([3.0]), torch.tensor([4.0]))
    tensor([5.])
    """
    numbers("hypot", x, other)
    return np.hypot(x, other)


tensors_alone(hypot)


@hypot.vjp("x")
@quiet
def _(g: Any, y: Any, x: Any) -> Any:
    return g * (x / y)


@hypot.vjp("other")
@quiet
def _(g: Any, y: Any, other: Any) -> Any:
    return g * (other / y)


@composed(torch="deg2rad", cases=unary(-360, 360))
def deg2rad(input: Tensor) -> Tensor:
    """Degrees as radians.

    >>> import tensor_core as torch
    >>> torch.deg2rad(torch.tensor([180.0, -90.0]))
    tensor([ 3.1416, -1.5708])
    """
    return input * (math.pi / 180)


@composed(torch="rad2deg", cases=unary())
def rad2deg(input: Tensor) -> Tensor:
    """Radians as degrees.

    >>> import tensor_core as torch
    >>> torch.rad2deg(torch.tensor([torch.pi, -torch.pi / 2]))
    tensor([180., -90.])
    """
    return input * (180 / math.pi)


@op(torch="sinc", promote="float", cases=away_from_zero)
def sinc(x: Any, /) -> Any:
    """``sin(pi * x) / (pi * x)``, and 1 at 0.

    >>> import tensor_core as torch
    >>> torch.sinc(torch.tensor([0.0, 0.5, 1.5]))
    tensor([ 1.0000,  0.6366, -0.2122])
    """
    return np.sinc(x)


@sinc.vjp
@quiet
def _(g: Any, x: Any) -> Any:
    at_zero = x == 0
    safe = x + at_zero
    slope = (np.cos(math.pi * safe) - np.sin(math.pi * safe) / (math.pi * safe)) / safe
    return g * (slope * ~at_zero)
