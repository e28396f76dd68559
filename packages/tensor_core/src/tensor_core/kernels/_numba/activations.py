"""GELU and SiLU in one pass each."""

from collections.abc import Callable
from math import pi, sqrt

import numpy as np
from numba import boolean, float32

from .._numpy import activations as plain
from .compiling import IN1, OUT1, kernel, takes
from .mathematics import exp32, sigmoid32, tail_ratio32

Array = np.ndarray

_ZERO, _HALF, _ONE = float32(0.0), float32(0.5), float32(1.0)
_DENSITY = float32(1 / sqrt(2 * pi))
_C = float32(2 * sqrt(2 / pi))
_C3 = float32(0.044715 * 2 * sqrt(2 / pi))
_3C3 = float32(3 * 0.044715 * 2 * sqrt(2 / pi))


def gelu_forward(x: Array, approximate: str, need_grad: bool) -> tuple[Array, Array | None]:
    """As the NumPy kernel of this name."""
    if not takes(x):
        return plain.gelu_forward(x, approximate, need_grad)
    return _run({"none": _gelu_exact, "tanh": _gelu_tanh}[approximate], x, need_grad)


def silu_forward(x: Array, need_grad: bool) -> tuple[Array, Array | None]:
    """As the NumPy kernel of this name."""
    return _run(_silu, x, need_grad) if takes(x) else plain.silu_forward(x, need_grad)


def _run(loop: Callable[..., None], x: Array, need_grad: bool) -> tuple[Array, Array | None]:
    y = np.empty(x.shape, x.dtype)
    d = np.empty(x.shape, x.dtype) if need_grad else None
    loop(x.reshape(-1), y.reshape(-1), (y if d is None else d).reshape(-1), need_grad)
    return y, d


@kernel(IN1, OUT1, OUT1, boolean)
def _gelu_exact(x, y, d, need_grad):  # type: ignore[no-untyped-def]
    if need_grad:
        for i in range(x.size):
            v = x[i]
            t = abs(v)
            e = exp32(-_HALF * t * t)
            tail = e * tail_ratio32(t)
            y[i] = (v if v > _ZERO else _ZERO * v) - t * tail
            slope = _DENSITY * t * e - tail
            d[i] = _ONE + slope if v > _ZERO else -slope
    else:
        for i in range(x.size):
            v = x[i]
            t = abs(v)
            tail = exp32(-_HALF * t * t) * tail_ratio32(t)
            y[i] = (v if v > _ZERO else _ZERO) - t * tail


@kernel(IN1, OUT1, OUT1, boolean)
def _gelu_tanh(x, y, d, need_grad):  # type: ignore[no-untyped-def]
    if need_grad:
        for i in range(x.size):
            v = x[i]
            square = v * v
            h = sigmoid32((_C3 * square + _C) * v)
            y[i] = v * h
            d[i] = h + v * h * (_ONE - h) * (_3C3 * square + _C)
    else:
        for i in range(x.size):
            v = x[i]
            y[i] = v * sigmoid32((_C3 * v * v + _C) * v)


@kernel(IN1, OUT1, OUT1, boolean)
def _silu(x, y, d, need_grad):  # type: ignore[no-untyped-def]
    if need_grad:
        for i in range(x.size):
            v = x[i]
            s = sigmoid32(v)
            y[i] = v * s
            d[i] = s + v * s * (_ONE - s)
    else:
        for i in range(x.size):
            v = x[i]
            y[i] = v * sigmoid32(v)
