"""Activation functions: the frequent ones fused, the rest composed."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._card import Case, composed
from .._op import op
from .._tensor import Tensor
from ..kernels import active as kernels
from ._cases import away_from_zero, unary
from .elementwise import erf, exp, log1p, sigmoid, tanh, where_op

_SQRT_HALF = 0.7071067811865476
_SQRT_2_OVER_PI = 0.7978845608028654


@op(torch="relu", cases=away_from_zero, kinks="x = 0: slopes 0 and 1, the rule gives 0")
def relu(x: Any, /) -> Any:
    """``x`` where it is positive, else 0; NaN stays."""
    return np.maximum(x, 0)


@relu.vjp
def _(g: Any, y: Any) -> Any:
    return g * (y > 0)


@op(torch="nn.functional.leaky_relu", cases=away_from_zero, kinks="x = 0")
def leaky_relu(x: Any, /, negative_slope: float = 0.01) -> Any:
    """``x`` where it is positive, else ``negative_slope * x``."""
    return np.where(x > 0, x, x * negative_slope)


@leaky_relu.vjp
def _(g: Any, x: Any, negative_slope: Any) -> Any:
    return np.where(x > 0, g, g * negative_slope)


def _gelu_cases(rng: np.random.Generator) -> Any:
    yield from unary(-3, 3)(rng)
    yield Case(rng.normal(size=(2, 3)), approximate="tanh")


def _gelu_composed(x: Tensor, approximate: str) -> Tensor:
    if approximate == "tanh":
        return 0.5 * x * (1 + tanh(_SQRT_2_OVER_PI * (x + 0.044715 * (x * x * x))))
    return 0.5 * x * (1 + erf(x * _SQRT_HALF))


@op(
    torch="nn.functional.gelu",
    promote="float",
    keeps=("slope",),
    fuses=_gelu_composed,
    cases=_gelu_cases,
)
def gelu(x: Any, /, approximate: str = "none") -> Any:
    """``x`` times the normal distribution function of ``x`` (Hendrycks and Gimpel 2016).

    Raises:
        RuntimeError: ``approximate`` is neither "none" nor "tanh".
    """
    if approximate not in ("none", "tanh"):
        raise RuntimeError(f"approximate argument must be either none or tanh, not {approximate!r}")
    return kernels.gelu_forward(x, approximate, True)


@gelu.vjp
def _(g: Any, slope: Any) -> Any:
    return g * slope


def _silu_composed(x: Tensor) -> Tensor:
    return x * sigmoid(x)


@op(
    torch="nn.functional.silu",
    promote="float",
    keeps=("slope",),
    fuses=_silu_composed,
    cases=unary(-3, 3),
)
def silu(x: Any, /) -> Any:
    """``x * sigmoid(x)`` (Elfwing et al. 2017)."""
    return kernels.silu_forward(x, True)


@silu.vjp
def _(g: Any, slope: Any) -> Any:
    return g * slope


@composed(torch="nn.functional.softplus", cases=unary(-3, 3))
def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """``log(1 + exp(beta * x)) / beta``, and ``x`` itself above ``threshold``."""
    scaled = input * beta if beta != 1 else input
    soft = log1p(exp(-scaled.abs())) + relu(scaled)
    return where_op(scaled > threshold, input, soft if beta == 1 else soft / beta)


@composed(torch="nn.functional.logsigmoid", cases=unary(-3, 3))
def logsigmoid(input: Tensor) -> Tensor:
    """``log(sigmoid(x))`` without overflow."""
    return -softplus(-input, threshold=float("inf"))


@composed(torch="nn.functional.elu", cases=away_from_zero, kinks="x = 0 unless alpha = 1")
def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """``x`` where positive, else ``alpha * (exp(x) - 1)`` (Clevert et al. 2015)."""
    negative = alpha * (input.clamp(max=0.0)).expm1()
    return where_op(input > 0, input, negative)


def _softmax_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(2, 5)), -1)
    yield Case(rng.normal(size=(2, 5, 3)) + 1e3, dim=1)  # must not overflow
    yield Case(rng.normal(size=(3, 1)), 0)
    yield Case(np.zeros((0, 3)), 1)


def rows(x: np.ndarray, dim: int) -> np.ndarray:
    """``dim`` moved last and the rest flattened: contiguous rows for the kernels."""
    moved = x if dim in (-1, x.ndim - 1) else np.moveaxis(x, dim, -1)
    return np.ascontiguousarray(moved).reshape(-1, x.shape[dim] if x.ndim else 1)


def unrows(y: np.ndarray, like: tuple[int, ...], dim: int) -> np.ndarray:
    """The inverse of :func:`rows`."""
    if not like:
        return y.reshape(())
    axis = dim % len(like)
    moved = y.reshape((*like[:axis], *like[axis + 1 :], like[axis]))
    return moved if axis == len(like) - 1 else np.moveaxis(moved, -1, axis)


@op(name="softmax", torch="softmax", promote="float", cases=_softmax_cases)
def softmax_op(x: Any, /, dim: int) -> Any:
    """Normalised exponentials along ``dim``. Shapes: (..., d, ...) -> same."""
    return unrows(kernels.softmax_forward(rows(x, dim)), x.shape, dim)


@softmax_op.vjp
def _(g: Any, y: Any, dim: Any) -> Any:
    if isinstance(g, Tensor) or not y.ndim:
        return y * (g - (g * y).sum(dim, keepdims=True)) if y.ndim else g * 0
    return unrows(kernels.softmax_backward(rows(g, dim), rows(y, dim)), y.shape, dim)


@op(name="log_softmax", torch="log_softmax", promote="float", cases=_softmax_cases)
def log_softmax_op(x: Any, /, dim: int) -> Any:
    """The logarithm of :func:`softmax` along ``dim``, without overflow."""
    return unrows(kernels.log_softmax_forward(rows(x, dim)), x.shape, dim)


@log_softmax_op.vjp
def _(g: Any, y: Any, dim: Any) -> Any:
    if isinstance(g, Tensor) or not y.ndim:
        return g - np.exp(y) * g.sum(dim, keepdims=True) if y.ndim else g * 0
    return unrows(kernels.log_softmax_backward(rows(g, dim), rows(y, dim)), y.shape, dim)


def _implicit(name: str, ndim: int) -> int:
    """The dimension torch chooses when none is given."""
    return 0 if ndim in (0, 1, 3) else 1


def softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    """Normalised exponentials along ``dim``; ``dtype`` converts first."""
    input = input if dtype is None else input.to(dtype)
    return softmax_op(input, _implicit("softmax", input._a.ndim) if dim is None else dim)


def log_softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    """The logarithm of softmax along ``dim``; ``dtype`` converts first."""
    input = input if dtype is None else input.to(dtype)
    return log_softmax_op(input, _implicit("log_softmax", input._a.ndim) if dim is None else dim)
