"""Gamma and Dirichlet numbers, with the derivative of a draw by its parameters.

Draws by Marsaglia and Tsang's rejection (2000). The derivative is implicit (Figurnov, Mohamed
and Mnih 2018): a draw x moves so that its rank, the distribution function at x, stays.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._gamma import digamma
from .._rng import default_generator
from .._tensor import Tensor, wrap
from ..autograd import Function

Array = np.ndarray

_THIRD = np.float32(1) / np.float32(3)  # these two only ever have float32's precision
_SQUEEZE = float(np.float32(0.0331))

# nodes and weights of exp-sinh quadrature over (0, inf): Takahasi and Mori 1974
_STEP = 1 / 32
_GRID = np.arange(-4.5, 4.5, _STEP)
_NODES = np.exp(np.pi / 2 * np.sinh(_GRID))
_WEIGHTS = _STEP * np.pi / 2 * np.cosh(_GRID) * _NODES


def _one_gamma(alpha: Any, generator: Any) -> float:
    """One standard gamma number; ``alpha`` is a scalar of the type that torch computes in."""
    one = type(alpha)(1)
    scale = 1.0
    if alpha < 1:
        if alpha == 0:
            return 0.0
        u = 1 - float(generator.uniform((), np.float64))
        scale = u ** float(one / alpha)
        alpha = alpha + one
    d = float(alpha - _THIRD)
    c = 1 / np.sqrt(9 * d)
    while True:
        x = _one_normal(generator)
        y = 1 + c * x
        if y <= 0:
            continue
        v = y * y * y
        u = 1 - float(generator.uniform((), np.float64))
        xx = x * x
        if u < 1 - _SQUEEZE * xx * xx or np.log(u) < 0.5 * xx + d * (1 - v + np.log(v)):
            return scale * d * v


def _one_normal(generator: Any) -> float:
    return float(generator.single_normals(1)[0])


def _gammas(alpha: Array) -> Array:
    """Gamma numbers in float64, drawn one after the other. Shapes: any -> same."""
    flat = np.ascontiguousarray(alpha).reshape(-1)
    drawn = [_one_gamma(a, default_generator) for a in flat]
    return np.array(drawn, np.float64).reshape(alpha.shape)


def _gamma_slope(x: Array, a: Array) -> Array:
    """dx/da of a gamma number, from the tail of the distribution function that is the smaller."""
    x, a = x.astype(np.float64)[..., None], a.astype(np.float64)[..., None]
    centre = digamma(a) - np.log(x)
    with np.errstate(all="ignore"):
        below = (_NODES + centre) * np.exp(-a * _NODES - x * np.expm1(-_NODES))
        above = (_NODES - centre) * np.exp(a * _NODES - x * np.expm1(_NODES))
    terms = np.where(x < a, below, above) * _WEIGHTS
    slope: Array = x[..., 0] * np.where(np.isfinite(terms), terms, 0).sum(-1)
    return slope


def _beta_slope(x: Array, a: Array, b: Array) -> Array:
    """dx/da of a beta number, over ``1 - x``, from the smaller tail."""
    x, a, b = (v.astype(np.float64)[..., None] for v in (x, a, b))
    centre = digamma(a) - digamma(a + b)
    decay = np.exp(-_NODES)
    with np.errstate(all="ignore"):
        ratio = (1 - x * decay) / (1 - x)
        below = -x * (np.log(x) - _NODES - centre) * np.exp(-a * _NODES) * ratio ** (b - 1)
        rest = 1 - (1 - x) * decay
        lift = (rest / x) ** (a - 1) * np.exp(-b * _NODES)
        above = (1 - x) * (np.log(rest) - centre) * lift
    terms = np.where(x * (a + b) < a, below, above) * _WEIGHTS
    slope: Array = np.where(np.isfinite(terms), terms, 0).sum(-1) / (1 - x[..., 0])
    return slope


class StandardGamma(Function):
    """Gamma numbers of rate 1. Shapes: concentration (...) -> same."""

    @staticmethod
    def forward(ctx: Any, concentration: Tensor) -> Tensor:
        """Draw, element by element."""
        a = concentration._a
        least = np.finfo(a.dtype).tiny
        x = wrap(np.maximum(_gammas(a).astype(a.dtype), least))
        ctx.save_for_backward(x, concentration)
        return x

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        """The derivative at constant rank."""
        x, a = ctx.saved_tensors
        return grad * wrap(_gamma_slope(x._a, a._a).astype(a._a.dtype))


class DirichletDraw(Function):
    """Shares that sum to 1. Shapes: concentration (..., k) -> same."""

    @staticmethod
    def forward(ctx: Any, concentration: Tensor) -> Tensor:
        """Draw gamma numbers in float64 and divide them by their sum."""
        a = concentration._a
        drawn = np.maximum(_gammas(a.astype(np.float64)), np.finfo(np.float64).tiny)
        kind = a.dtype.type
        shares = (drawn / drawn.sum(-1, keepdims=True)).astype(kind)
        shares = np.clip(shares, np.finfo(kind).tiny, np.nextafter(kind(1), kind(0)))
        ctx.save_for_backward(x := wrap(shares), concentration)
        return x

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        """Each share at constant rank in its marginal, a beta distribution."""
        x, a = ctx.saved_tensors
        rest = a._a.sum(-1, keepdims=True) - a._a
        slope = wrap(_beta_slope(x._a, a._a, rest).astype(a._a.dtype))
        return slope * (grad - (x * grad).sum(-1, keepdim=True))
