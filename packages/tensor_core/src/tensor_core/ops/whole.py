"""Remainders, fractions, common divisors, and numbers taken apart into mantissa and exponent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .. import return_types
from .._card import Case, composed
from .._define import op
from .._tensor import Tensor
from ._errstate import quiet
from ._refuse import numbers, only, tensors_alone
from .arithmetic import sub
from .rounding import trunc


def _whole_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case(np.array([1.3, -2.2, 5.7]), np.array([0.8, 0.9, -2.5]))
    yield Case(np.array([1.3, -2.2]), 1.7)
    yield Case(np.array([[1.3], [-2.2]]), np.array([0.7, -0.9]))


@op(torch="fmod", promote="same", cases=_whole_cases, kinks="jumps at whole quotients")
@quiet
def fmod(x: Any, other: Any, /) -> Any:
    """``x - other * trunc(x / other)``: the sign is that of ``x``. Shapes broadcast.

    Raises:
        RuntimeError: an integer divisor is zero.

    >>> import tensor_core as torch
    >>> torch.fmod(torch.tensor([7, -7]), 3)
    tensor([ 1, -1])
    """
    only("iufV", "fmod_cpu", x)
    kind = next(a.dtype for a in (x, other) if isinstance(a, np.ndarray))
    if kind.kind in "iu" and np.size(other) and not np.all(other):
        raise RuntimeError("fmod: ZeroDivisionError: an integer divisor is zero")
    return np.fmod(x, other)


@fmod.vjp("x")
def _(g: Any) -> Any:
    return g


@fmod.vjp("other")
@quiet
def _(g: Any, x: Any, other: Any) -> Any:
    return -g * np.trunc(x / other)


def _between(rng: np.random.Generator) -> Iterator[Case]:
    yield Case(rng.integers(-4, 4, (2, 3)) + rng.uniform(0.1, 0.9, (2, 3)))


@composed(torch="frac", cases=_between, kinks="jumps at whole numbers")
def frac(input: Tensor) -> Tensor:
    """The part after the point: ``input - trunc(input)``.

    >>> import tensor_core as torch
    >>> torch.frac(torch.tensor([1.25, -2.5]))
    tensor([ 0.2500, -0.5000])
    """
    only("fV", "frac_cpu", input)
    return sub(input, trunc(input))


def _integers(rng: np.random.Generator) -> Iterator[Case]:
    yield Case(np.array([12, -9, 0]), np.array([8, 6, 5]))


@op(torch="gcd", promote="same", cases=_integers)
def gcd(x: Any, other: Any, /) -> Any:
    """The greatest common divisor of integers, never negative.

    >>> import tensor_core as torch
    >>> torch.gcd(torch.tensor([12, 9]), torch.tensor([8, 6]))
    tensor([4, 3])
    """
    numbers("gcd", x, other)
    only("iu", "gcd_cpu", x, other)
    return np.gcd(x, other)


tensors_alone(gcd)


@op(torch="lcm", promote="same", cases=_integers)
def lcm(x: Any, other: Any, /) -> Any:
    """The least common multiple of integers, never negative.

    >>> import tensor_core as torch
    >>> torch.lcm(torch.tensor([12, 9]), torch.tensor([8, 6]))
    tensor([24, 18])
    """
    numbers("lcm", x, other)
    only("iu", "lcm_cpu", x, other)
    return np.lcm(x, other)


tensors_alone(lcm)


def _mantissas(rng: np.random.Generator) -> Iterator[Case]:
    sign, size = rng.choice([-1.0, 1.0], (2, 3)), rng.uniform(0.55, 0.95, (2, 3))
    yield Case(sign * size * 2.0 ** rng.integers(-3, 4, (2, 3)))


@op(name="frexp_parts", cases=_mantissas, kinks="jumps at powers of two")
def frexp_parts(x: Any, /) -> Any:
    """The mantissa in [0.5, 1) and the exponent of two of each element.

    >>> import tensor_core as torch
    >>> torch.frexp(torch.tensor([6.0])).mantissa
    tensor([0.7500])
    """
    if x.dtype.kind not in "fV":
        raise RuntimeError("torch.frexp() only supports floating-point dtypes")
    mantissa, exponent = np.frexp(x)
    return mantissa, exponent.astype(np.int32)


@frexp_parts.vjp
def _(g: Any, y: Any) -> Any:
    exponent = getattr(y[1], "_a", y[1])
    kind = getattr(g[0], "_a", g[0]).dtype
    return g[0] * np.ldexp(np.ones((), kind), -exponent)


def frexp(input: Tensor) -> Any:
    """Each element as ``mantissa * 2 ** exponent`` with the mantissa in [0.5, 1).

    >>> import tensor_core as torch
    >>> torch.frexp(torch.tensor([6.0]))
    torch.return_types.frexp(
    mantissa=tensor([0.7500]),
    exponent=tensor([3], dtype=torch.int32))
    """
    return return_types.frexp(frexp_parts(input))
