"""GELU (Hendrycks and Gimpel 2016) and SiLU (Elfwing et al. 2018), with their derivatives."""

from collections.abc import Callable
from math import pi, sqrt
from typing import Any

import numpy as np

from .blocks import BLOCK, flat_blocks, quiet
from .erf import upper_tail

Array = np.ndarray


@quiet
def gelu_forward(x: Array, approximate: str, need_grad: bool) -> tuple[Array, Array | None]:
    """``x`` times the normal distribution function of ``x``, and the derivative if wanted.

    ``approximate`` is "none" or "tanh" (section 2 of the paper). Any shape, contiguous.

    >>> y, d = gelu_forward(np.array([0.0, 50.0]), "none", True)
    >>> y.tolist(), d.tolist()
    ([0.0, 50.0], [0.5, 1.0])
    """
    return _in_blocks({"none": _gelu_exact, "tanh": _gelu_tanh}[approximate], x, need_grad)


@quiet
def silu_forward(x: Array, need_grad: bool) -> tuple[Array, Array | None]:
    """``x`` times its sigmoid, and the derivative if wanted. Any shape, contiguous.

    >>> y, d = silu_forward(np.array([0.0]), True)
    >>> y.tolist(), d.tolist()
    ([0.0], [0.5])
    """
    return _in_blocks(_silu, x, need_grad)


def _in_blocks(block: Callable[..., None], x: Array, need_grad: bool) -> tuple[Array, Array | None]:
    y = np.empty(x.shape, x.dtype)
    d = np.empty(x.shape, x.dtype) if need_grad else None
    work = np.empty((3, min(x.size, BLOCK)), x.dtype)
    for xb, yb, db in flat_blocks(x, y, y if d is None else d):
        block(xb, yb, None if d is None else db, *(w[: xb.size] for w in work))
    return y, d


def _gelu_exact(x: Array, y: Array, d: Array | None, t: Array, e: Array, tail: Array) -> None:
    """y = max(x, 0) - |x| * tail(|x|): no cancellation on either side."""
    np.abs(x, out=t)
    np.add(x, t, out=y)
    y *= 0.5
    upper_tail(t, e, tail)
    e *= t
    t *= tail
    y -= t
    if d is not None:
        e *= 1 / sqrt(2 * pi)
        np.subtract(e, tail, out=d)  # the derivative is minus this where x < 0 ...
        d += 0.5
        _give_sign(d, x, t)
        d += 0.5  # ... and this plus 1 where x > 0


def _give_sign(a: Array, x: Array, spare: Array) -> None:
    """Negate ``a`` where ``x`` is negative: as bits, since np.copysign goes one by one."""
    kind = np.int32 if a.dtype == np.float32 else np.int64
    bits: Any = a.view(kind)
    sign = spare.view(kind)
    np.bitwise_and(x.view(kind), np.iinfo(kind).min, out=sign)
    bits ^= sign


def _gelu_tanh(x: Array, y: Array, d: Array | None, square: Array, h: Array, u: Array) -> None:
    """With (1 + tanh u) / 2 = sigmoid(2u) = h: no cancellation where u is very negative."""
    c = 2 * sqrt(2 / pi)
    np.multiply(x, x, out=square)
    np.multiply(square, 0.044715 * c, out=u)
    u += c
    u *= x
    _sigmoid(u, h)
    np.multiply(x, h, out=y)
    if d is not None:
        square *= 3 * 0.044715 * c
        square += c  # the derivative of 2u
        np.subtract(1, h, out=d)
        d *= square
        d *= y
        d += h


def _silu(x: Array, y: Array, d: Array | None, s: Array, _a: Array, _b: Array) -> None:
    _sigmoid(x, s)
    np.multiply(x, s, out=y)
    if d is not None:
        np.subtract(1, s, out=d)
        d *= y
        d += s


def _sigmoid(x: Array, out: Array) -> None:
    """1 / (1 + exp(-x)): exp may overflow to inf, whose reciprocal is the right limit, 0."""
    np.negative(x, out=out)
    np.exp(out, out=out)
    out += 1
    np.reciprocal(out, out=out)
