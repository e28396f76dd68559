"""Activation functions: the frequent ones fused, the rest composed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._card import Case, composed
from .._define import op
from .._geometry import check_dim
from .._tensor import Tensor
from ..kernels import active as kernels
from ._cases import away_from_zero, unary
from .choosing import where_op
from .exponential import erf, sigmoid
from .trigonometry import tanh

_SQRT_HALF = 0.7071067811865476
_SQRT_2_OVER_PI = 0.7978845608028654


@op(torch="relu", cases=away_from_zero, kinks="x = 0: slopes 0 and 1, the rule gives 0")
def relu(x: Any, /) -> Any:
    """``x`` where it is positive, else 0; NaN stays.

    >>> import tensor_core as torch
    >>> torch.relu(torch.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    if x.dtype.kind == "b":
        raise RuntimeError("relu: Boolean inputs not supported for relu; convert with .int()")
    return np.maximum(x, 0)


@relu.vjp
def _(g: Any, y: Any) -> Any:
    return g * (y > 0)


@op(torch="nn.functional.leaky_relu", cases=away_from_zero, kinks="x = 0")
def leaky_relu(x: Any, /, negative_slope: float = 0.01) -> Any:
    """``x`` where it is positive, else ``negative_slope * x``.

    >>> import tensor_core as torch
    >>> torch.nn.functional.leaky_relu(torch.tensor([-1.0, 2.0]), 0.1)
    tensor([-0.1000,  2.0000])
    """
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

    >>> import tensor_core as torch
    >>> torch.nn.functional.gelu(torch.tensor([-1.0, 1.0]))
    tensor([-0.1587,  0.8413])
    >>> torch.nn.functional.gelu(torch.tensor([-1.0, 1.0]), approximate="tanh")
    tensor([-0.1588,  0.8412])
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
    """``x * sigmoid(x)`` (Elfwing et al. 2017).

    >>> import tensor_core as torch
    >>> torch.nn.functional.silu(torch.tensor([-1.0, 1.0]))
    tensor([-0.2689,  0.7311])
    """
    return kernels.silu_forward(x, True)


@silu.vjp
def _(g: Any, slope: Any) -> Any:
    return g * slope


def _softplus_cases(rng: np.random.Generator) -> Any:
    yield from unary(-3, 3)(rng)
    yield Case(np.zeros(2))  # the slope at 0 is a half
    yield Case(rng.normal(size=(2, 3)) * 4, 2.0, 1.0)


@op(
    torch="nn.functional.softplus",
    promote="float",
    cases=_softplus_cases,
    kinks="beta * x = threshold",
)
def softplus(x: Any, /, beta: float = 1.0, threshold: float = 20.0) -> Any:
    """``log(1 + exp(beta * x)) / beta``, and ``x`` itself above ``threshold``.

    >>> import tensor_core as torch
    >>> torch.nn.functional.softplus(torch.tensor([0.0, 50.0]))
    tensor([ 0.6931, 50.0000])
    """
    scaled = x * beta
    soft = (np.maximum(scaled, 0) + np.log1p(np.exp(-np.abs(scaled)))) / beta
    return np.where(scaled > threshold, x, soft)


@softplus.vjp
def _(g: Any, x: Any, beta: Any, threshold: Any) -> Any:
    scaled = x * beta
    return np.where(scaled > threshold, g, g * sigmoid.plain(scaled))


@composed(torch="nn.functional.logsigmoid", cases=unary(-3, 3))
def logsigmoid(input: Tensor) -> Tensor:
    """``log(sigmoid(x))`` without overflow.

    >>> import tensor_core as torch
    >>> torch.nn.functional.logsigmoid(torch.tensor([0.0, -1000.0]))
    tensor([-6.9315e-01, -1.0000e+03])
    """
    return -softplus(-input, threshold=float("inf"))


@composed(torch="nn.functional.elu", cases=away_from_zero, kinks="x = 0 unless alpha = 1")
def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """``x`` where positive, else ``alpha * (exp(x) - 1)`` (Clevert et al. 2015).

    >>> import tensor_core as torch
    >>> torch.nn.functional.elu(torch.tensor([-1.0, 2.0]))
    tensor([-0.6321,  2.0000])
    """
    negative = alpha * (input.clamp(max=0.0)).expm1()
    return where_op(input > 0, input, negative)


def _softmax_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(2, 5)), -1)
    yield Case(rng.normal(size=(2, 5, 3)) + 1e3, dim=1)  # must not overflow
    yield Case(rng.normal(size=(3, 1)), 0)
    yield Case(np.zeros((0, 3)), 1)
    yield Case(np.zeros((2, 0)), -1)
    yield Case(np.asarray(rng.normal()), 0)


def rows(x: np.ndarray, dim: int) -> np.ndarray:
    """``dim`` moved last and the rest flattened: contiguous rows for the kernels."""
    axis = check_dim(dim, x.ndim)
    if not x.ndim:
        return x.reshape(1, 1)
    moved = x if axis == x.ndim - 1 else np.moveaxis(x, axis, -1)
    return np.ascontiguousarray(moved).reshape(math.prod(moved.shape[:-1]), x.shape[axis])


def unrows(y: np.ndarray, like: tuple[int, ...], dim: int) -> np.ndarray:
    """The inverse of :func:`rows`."""
    if not like:
        return y.reshape(())
    axis = dim % len(like)
    moved = y.reshape((*like[:axis], *like[axis + 1 :], like[axis]))
    return moved if axis == len(like) - 1 else np.moveaxis(moved, -1, axis)


@op(name="softmax", torch="softmax", promote="float", cases=_softmax_cases)
def softmax_op(x: Any, /, dim: int) -> Any:
    """Normalised exponentials along ``dim``. Shapes: (..., d, ...) -> same.

    >>> import tensor_core as torch
    >>> torch.tensor([[0.0, 0.0], [1000.0, 0.0]]).softmax(-1)
    tensor([[0.5000, 0.5000],
            [1.0000, 0.0000]])
    """
    return unrows(kernels.softmax_forward(rows(x, dim)), x.shape, dim)


@softmax_op.vjp
def _(g: Any, y: Any, dim: Any) -> Any:
    if isinstance(g, Tensor) or not y.ndim:
        return y * (g - (g * y).sum(dim, keepdims=True)) if y.ndim else g * 0
    return unrows(kernels.softmax_backward(rows(g, dim), rows(y, dim)), y.shape, dim)


@op(name="log_softmax", torch="log_softmax", promote="float", cases=_softmax_cases)
def log_softmax_op(x: Any, /, dim: int) -> Any:
    """The logarithm of :func:`softmax` along ``dim``, without overflow.

    >>> import tensor_core as torch
    >>> torch.tensor([0.0, 1000.0]).log_softmax(0)
    tensor([-1000.,     0.])
    """
    return unrows(kernels.log_softmax_forward(rows(x, dim)), x.shape, dim)


@log_softmax_op.vjp
def _(g: Any, y: Any, dim: Any) -> Any:
    if isinstance(g, Tensor) or not y.ndim:
        return g - np.exp(y) * g.sum(dim, keepdims=True) if y.ndim else g * 0
    return unrows(kernels.log_softmax_backward(rows(g, dim), rows(y, dim)), y.shape, dim)


def _implicit(ndim: int) -> int:
    """The dimension torch chooses when none is given."""
    return 0 if ndim in (0, 1, 3) else 1


def softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    """Normalised exponentials along ``dim``; ``dtype`` converts first.

    >>> import tensor_core as torch
    >>> torch.softmax(torch.tensor([1, 2, 3]), 0, dtype=torch.float32)
    tensor([0.0900, 0.2447, 0.6652])
    """
    input = _floating(input, dtype, "softmax")
    return softmax_op(input, _implicit(input._a.ndim) if dim is None else dim)


def _floating(input: Tensor, dtype: Any, name: str) -> Tensor:
    """``input`` as ``dtype``, or as it is if its numbers are not whole."""
    if dtype is not None:
        return input.to(dtype)
    if input._a.dtype.kind in "iub":
        raise NotImplementedError(
            f"{name} is not implemented for {input.dtype}; convert with .float() or pass dtype="
        )
    return input


def log_softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    """The logarithm of softmax along ``dim``; ``dtype`` converts first.

    >>> import tensor_core as torch
    >>> torch.log_softmax(torch.tensor([1.0, 2.0, 3.0]), dim=0)
    tensor([-2.4076, -1.4076, -0.4076])
    """
    input = _floating(input, dtype, "log_softmax")
    return log_softmax_op(input, _implicit(input._a.ndim) if dim is None else dim)
