"""Activations that curve: exponential units, gated ones, and what is left of x beside them."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import random
from .._card import Case, composed
from .._inplace import in_place
from .._tensor import Tensor, wrap
from ._cases import away_from_zero, unary
from .activation import elu, leaky_relu, softmax, softplus
from .choosing import where_op
from .exponential import sigmoid
from .trigonometry import tanh

Rng = np.random.Generator

# The numbers that keep mean 0 and variance 1 (Klambauer et al. 2017).
_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946


@composed(torch="nn.functional.celu", cases=away_from_zero)
def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """``x`` where positive, else ``alpha * (exp(x / alpha) - 1)``: smooth for every alpha.

    Source: Barron 2017. Raises ``RuntimeError`` for an alpha of 0.

    >>> import tensor_core as torch
    >>> torch.nn.functional.celu(torch.tensor([-1.0, 2.0]), alpha=2.0)
    tensor([-0.7869,  2.0000])
    """
    if alpha == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")

    def compute(x: Tensor) -> Any:
        return where_op(x > 0, x, alpha * (x.clamp(max=0.0) / alpha).expm1())

    return in_place(input, compute) if inplace else compute(input)


@composed(torch="nn.functional.selu", cases=away_from_zero, kinks="x = 0")
def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """An ``elu`` with the numbers that keep mean 0 and variance 1 (Klambauer et al. 2017).

    >>> import tensor_core as torch
    >>> torch.nn.functional.selu(torch.tensor([-1.0, 2.0]))
    tensor([-1.1113,  2.1014])
    """

    def compute(x: Tensor) -> Any:
        return _SELU_SCALE * elu(x, _SELU_ALPHA)

    return in_place(input, compute) if inplace else compute(input)


@composed(torch="nn.functional.mish", cases=unary(-3, 3))
def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """``x * tanh(softplus(x))`` (Misra 2019).

    >>> import tensor_core as torch
    >>> torch.nn.functional.mish(torch.tensor([-1.0, 2.0]))
    tensor([-0.3034,  1.9440])
    """

    def compute(x: Tensor) -> Any:
        return x * tanh(softplus(x))

    return in_place(input, compute) if inplace else compute(input)


def _half_cases(rng: Rng) -> Any:
    yield Case(rng.normal(size=(3, 4)))
    yield Case(rng.normal(size=(4, 3)), 0)


@composed(torch="nn.functional.glu", cases=_half_cases)
def glu(input: Tensor, dim: int = -1) -> Tensor:
    """The first half of ``dim`` times the sigmoid of the second (Dauphin et al. 2017).

    Raises:
        RuntimeError: there is no dimension, or its size is odd.

    >>> import tensor_core as torch
    >>> torch.nn.functional.glu(torch.tensor([4.0, 0.0]))
    tensor([2.])
    """
    if input.ndim == 0:
        raise RuntimeError("glu does not support 0-dimensional tensors")
    size = input.shape[dim]
    if size % 2:
        raise RuntimeError(f"Halving dimension must be even, but dimension {dim} is size {size}")
    value, gate = input.chunk(2, dim=dim)
    return value * sigmoid(gate)


@composed(torch="nn.functional.softsign", cases=away_from_zero)
def softsign(input: Tensor) -> Tensor:
    """``x / (1 + |x|)``.

    >>> import tensor_core as torch
    >>> torch.nn.functional.softsign(torch.tensor([-1.0, 3.0]))
    tensor([-0.5000,  0.7500])
    """
    return input / (input.abs() + 1)


@composed(torch="nn.functional.tanhshrink", cases=unary())
def tanhshrink(input: Tensor) -> Tensor:
    """``x - tanh(x)``.

    >>> import tensor_core as torch
    >>> torch.nn.functional.tanhshrink(torch.tensor([0.0, 1.0]))
    tensor([0.0000, 0.2384])
    """
    return input - tanh(input)


@composed(torch="nn.functional.softmin", cases=_half_cases)
def softmin(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    """``softmax(-x)`` along ``dim``; ``dtype`` converts first.

    >>> import tensor_core as torch
    >>> torch.nn.functional.softmin(torch.tensor([0.0, 1.0]), dim=0)
    tensor([0.7311, 0.2689])
    """
    return softmax(-input, dim, _stacklevel, dtype)


def _prelu_cases(rng: Rng) -> Any:
    x = next(iter(list(away_from_zero(rng))[1:])).args[0]  # (2, 3)
    yield Case(x, np.array([0.3]))
    yield Case(x, np.array([0.3, -0.2, 1.5]))
    yield Case(x.reshape(1, 2, 3), np.array([0.3, -0.2]))


@composed(torch="nn.functional.prelu", cases=_prelu_cases, kinks="x = 0")
def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """``x`` where positive, else a multiple of it: one factor, or one a channel (dimension 1).

    Source: He et al. 2015. Raises ``RuntimeError`` for a number of factors that does not fit.

    >>> import tensor_core as torch
    >>> torch.nn.functional.prelu(torch.tensor([-4.0, 2.0]), torch.tensor([0.25]))
    tensor([-1.,  2.])
    """
    if weight.ndim > 1:
        raise RuntimeError(f"prelu: Expected `weight` to be a scalar or 1D tensor, but got "
                           f"ndim = {weight.ndim}")  # fmt: skip
    channels = input.shape[1] if input.ndim > 1 else 1
    if weight.numel() not in (1, channels) or (weight.numel() > 1 and not input.ndim):
        raise RuntimeError(
            f"Mismatch of parameter numbers and input channel size. Found parameter numbers = "
            f"{weight.numel()} and channel size = {channels}."
        )
    if weight.numel() > 1 and input.ndim > 2:
        weight = weight.reshape((-1, *[1] * (input.ndim - 2)))
    elif weight.ndim and not input.ndim:
        weight = weight.reshape(())
    return where_op(input > 0, input, weight * input)


@composed(torch="nn.functional.rrelu", cases=away_from_zero, kinks="x = 0")
def rrelu(
    input: Tensor,
    lower: float = 1.0 / 8,
    upper: float = 1.0 / 3,
    training: bool = False,
    inplace: bool = False,
    generator: Any = None,
) -> Tensor:
    """``x`` where positive, else a multiple of it, drawn in training and the mean one at rest.

    Draws one number for each element that is not positive, in order. Source: Xu et al. 2015.

    >>> import tensor_core as torch
    >>> torch.nn.functional.rrelu(torch.tensor([-4.0, 2.0]), 0.25, 0.75)
    tensor([-2.,  2.])
    """
    if lower > upper:
        raise RuntimeError(f"Lower bound should be less than or equal to the upper bound, but got "
                           f"{lower} and {upper}")  # fmt: skip
    if not training:
        slope = (lower + upper) / 2
        return in_place(input, leaky_relu, slope) if inplace else leaky_relu(input, slope)
    a = input.detach()._a
    drawn = ~(a > 0) & ~np.isnan(a)
    slopes = np.ones(a.shape, a.dtype)
    count = int(drawn.sum())
    slopes[drawn] = random.current(generator).uniform((count,), np.dtype(np.float64), lower, upper)
    factor = wrap(slopes)
    return in_place(input, lambda x: x * factor) if inplace else input * factor


def gumbel_softmax(
    logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1
) -> Any:
    """Draws from the categories of ``logits`` that have a gradient; one-hot if ``hard``.

    A hard draw's gradient is the soft one's. Source: Jang et al. 2017, Maddison et al. 2017.

    >>> import tensor_core as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.nn.functional.gumbel_softmax(torch.tensor([0.0, 9.0]), hard=True)
    tensor([0., 1.])
    """
    from .._creation import empty_like, zeros_like

    noise = -empty_like(logits).exponential_().log()
    soft = softmax((logits + noise) / tau, dim)
    if not hard:
        return soft
    index = soft.max(dim, keepdim=True)[1]
    return zeros_like(logits).scatter_(dim, index, 1.0) - soft.detach() + soft


def celu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """``celu`` in place.

    >>> import tensor_core as torch
    >>> x = torch.tensor([2.0])
    >>> torch.celu_(x) is x
    True
    """
    return celu(input, alpha, inplace=True)


def selu_(input: Tensor) -> Tensor:
    """``selu`` in place.

    >>> import tensor_core as torch
    >>> x = torch.tensor([2.0])
    >>> torch.selu_(x) is x
    True
    """
    return selu(input, inplace=True)


def rrelu_(
    input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False
) -> Tensor:
    """``rrelu`` in place.

    >>> import tensor_core as torch
    >>> x = torch.tensor([2.0])
    >>> torch.rrelu_(x) is x
    True
    """
    return rrelu(input, lower, upper, training, inplace=True)
