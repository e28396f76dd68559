"""Error functions, the normal distribution, log-odds and entropy, of each element."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from .. import _normal_tail
from .._card import Case, composed
from .._define import op
from .._tensor import Tensor
from ._cases import unary
from ._errstate import quiet
from .gamma import wide

_SLOPE = 2 / math.sqrt(math.pi)


@op(torch="erfc", promote="float", cases=unary(-3, 3))
@quiet
def erfc(x: Any, /) -> Any:
    """``1 - erf(x)``, accurate where that is small.

    >>> import tensor_core as torch
    >>> torch.erfc(torch.tensor([0.0, 3.0]))
    tensor([1.0000e+00, 2.2090e-05])
    """
    return wide(_normal_tail.erfc, x)


@erfc.vjp
@quiet
def _(g: Any, x: Any) -> Any:
    return g * (-_SLOPE * np.exp(-(x * x)))


@op(torch="special.erfcx", promote="float", cases=unary(-2, 3))
def erfcx(x: Any, /) -> Any:
    """``exp(x * x) * erfc(x)``, which neither overflows nor vanishes for large ``x``.

    >>> import tensor_core as torch
    >>> torch.special.erfcx(torch.tensor([0.0, 100.0]))
    tensor([1.0000, 0.0056])
    """
    return wide(_normal_tail.erfcx, x)


@erfcx.vjp
@quiet
def _(g: Any, x: Any, y: Any) -> Any:
    return g * (2 * x * y - _SLOPE)


@op(torch="erfinv", promote="float", cases=unary(-0.9, 0.9, domain=(-1.0, 1.0)))
def erfinv(x: Any, /) -> Any:
    """Where the error function is ``x``; NaN outside [-1, 1].

    >>> import tensor_core as torch
    >>> torch.erfinv(torch.tensor([0.0, 0.5, -1.0]))
    tensor([0.0000, 0.4769,   -inf])
    """
    return wide(_normal_tail.erfinv, x)


@erfinv.vjp
@quiet
def _(g: Any, y: Any) -> Any:
    return g * (np.exp(y * y) / _SLOPE)


@composed(torch="special.ndtr", cases=unary(-3, 3))
def ndtr(input: Tensor) -> Tensor:
    """The distribution function of the standard normal.

    >>> import tensor_core as torch
    >>> torch.special.ndtr(torch.tensor([0.0, 1.96]))
    tensor([0.5000, 0.9750])
    """
    return erfc(input * -math.sqrt(0.5)) * 0.5


@op(torch="special.ndtri", promote="float", cases=unary(0.05, 0.95, domain=(0.0, 1.0)))
def ndtri(x: Any, /) -> Any:
    """The quantile of the standard normal: where its distribution function is ``x``.

    >>> import tensor_core as torch
    >>> torch.special.ndtri(torch.tensor([0.5, 0.975]))
    tensor([0.0000, 1.9600])
    """
    return wide(_normal_tail.ndtri, x)


@ndtri.vjp
@quiet
def _(g: Any, y: Any) -> Any:
    return g * (np.exp(y * y / 2) * math.sqrt(2 * math.pi))


@op(torch="special.log_ndtr", promote="float", cases=unary(-5, 3))
def log_ndtr(x: Any, /) -> Any:
    """The logarithm of :func:`ndtr`, also far in the lower tail.

    >>> import tensor_core as torch
    >>> torch.special.log_ndtr(torch.tensor([0.0, -100.0]))
    tensor([-6.9315e-01, -5.0055e+03])
    """
    return wide(_normal_tail.log_ndtr, x)


@log_ndtr.vjp
@quiet
def _(g: Any, x: Any) -> Any:
    return g * (math.sqrt(2 / math.pi) / erfcx.plain(x * -math.sqrt(0.5)))


def _logit_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield from unary(0.1, 0.9, domain=(0.0, 1.0))(rng)
    yield Case(np.array([0.05, 0.4, 0.97]), 0.1)
    yield Case(np.array([0.3, 0.6]), eps=0.2)


@op(torch="logit", promote="float", cases=_logit_cases, kinks="at eps and 1 - eps")
@quiet
def logit(x: Any, /, eps: float | None = None) -> Any:
    """The log-odds ``log(x / (1 - x))`` of ``x`` limited to [eps, 1 - eps]; NaN outside [0, 1].

    >>> import tensor_core as torch
    >>> torch.logit(torch.tensor([0.5, 0.9, 1.0]), eps=1e-6)
    tensor([ 0.0000,  2.1972, 13.8023])
    """
    z = x if eps is None else np.minimum(np.maximum(x, x.dtype.type(eps)), x.dtype.type(1 - eps))
    return np.log(z / (1 - z))


@logit.vjp
@quiet
def _(g: Any, x: Any, eps: Any) -> Any:
    low, high = (0.0, 1.0) if eps is None else (eps, 1 - eps)
    inside = (x >= low) & (x <= high)
    slope = 1 / (x * (1 - x))
    return g * np.where(inside, slope, np.full((), np.nan if eps is None else 0.0, _kind(x)))


def _kind(x: Any) -> Any:
    return getattr(x, "_a", x).dtype


def _with_zeros(rng: np.random.Generator) -> Iterator[Case]:
    x = rng.uniform(-2, 2, (2, 3))
    yield Case(x, rng.uniform(0.3, 3, (2, 3)))
    yield Case(x[:1], rng.uniform(0.3, 3, (2, 1)))
    yield Case(x, 2.5)
    yield Case(1.5, rng.uniform(0.3, 3, (3,)))
    yield Case(np.zeros(2), np.array([0.5, 2.0]))


@op(torch="xlogy", promote="float", cases=_with_zeros)
@quiet
def xlogy(x: Any, other: Any, /) -> Any:
    """``x * log(other)``, and 0 where ``x`` is 0 (unless ``other`` is NaN). Shapes broadcast.

    >>> import tensor_core as torch
    >>> torch.xlogy(torch.tensor([0.0, 2.0]), torch.tensor([0.0, 3.0]))
    tensor([0.0000, 2.1972])
    """
    return _times(x, np.log(other), other)


def _times(x: Any, factor: Any, other: Any) -> Any:
    kind = next(a.dtype for a in (x, other) if isinstance(a, np.ndarray))
    product = np.asarray(x * factor).astype(kind, copy=False)
    silent = (np.asarray(x) == 0) & ~np.isnan(other)
    return np.where(silent, np.zeros((), kind), product)


@xlogy.vjp("x")
@quiet
def _(g: Any, x: Any, other: Any) -> Any:
    outside = (x == 0) & (other <= 0)
    return g * np.where(outside, np.zeros((), _kind(g)), np.log(_array(other, g)))


@xlogy.vjp("other")
@quiet
def _(g: Any, x: Any, other: Any) -> Any:
    return g * x / other


def _array(value: Any, g: Any) -> Any:
    return np.asarray(value, _kind(g)) if isinstance(value, int | float) else value


@op(torch="special.xlog1py", promote="float", cases=_with_zeros)
@quiet
def xlog1py(x: Any, other: Any, /) -> Any:
    """``x * log1p(other)``, and 0 where ``x`` is 0 (unless ``other`` is NaN). Shapes broadcast.

    >>> import tensor_core as torch
    >>> torch.special.xlog1py(torch.tensor([0.0, 2.0]), torch.tensor([-1.0, 3.0]))
    tensor([0.0000, 2.7726])
    """
    return _times(x, np.log1p(other), other)


@xlog1py.vjp("x")
@quiet
def _(g: Any, x: Any, other: Any) -> Any:
    outside = (x == 0) & (other <= -1)
    return g * np.where(outside, np.zeros((), _kind(g)), np.log1p(_array(other, g)))


@xlog1py.vjp("other")
@quiet
def _(g: Any, x: Any, other: Any) -> Any:
    return g * x / (other + 1)


@op(torch="special.entr", promote="float", cases=unary(0.2, 2, domain=(0.0, np.inf)))
@quiet
def entr(x: Any, /) -> Any:
    """``-x * log(x)``; 0 at 0 and -inf below.

    >>> import tensor_core as torch
    >>> torch.special.entr(torch.tensor([0.0, 0.5, -1.0]))
    tensor([0.0000, 0.3466,   -inf])
    """
    inside = np.where(x == 0, np.zeros((), x.dtype), -x * np.log(x))
    return np.where(x < 0, np.full((), -np.inf, x.dtype), inside)


@entr.vjp
@quiet
def _(g: Any, x: Any) -> Any:
    return g * (-np.log(x) - 1)
