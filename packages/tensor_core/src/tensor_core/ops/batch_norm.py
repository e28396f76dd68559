"""Normalisation over the batch, and over each sample's pixels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._card import Case, composed
from .._define import op
from .._grad_mode import no_grad
from .._tensor import Tensor


def _cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(3, 2)), rng.normal(size=2), rng.normal(size=2), 1e-5)
    yield Case(rng.normal(size=(2, 2, 3)), None, None, 1e-2)


def _channels(a: Any, ndim: int) -> Any:
    """One number a channel, lined up with dimension 1."""
    return a.reshape((1, a.shape[0], *[1] * (ndim - 2)))


def _composed(x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float) -> Any:
    axes = (0, *range(2, x.ndim))
    mean = x.mean(axes)
    centred = x - _channels(mean, x.ndim)
    var = (centred * centred).mean(axes)
    y = centred * _channels((var + eps).rsqrt(), x.ndim)
    y = y if weight is None else y * _channels(weight, x.ndim)
    return (y if bias is None else y + _channels(bias, x.ndim)), mean, var


# What the rule needs is kept apart from the outputs: a ReLU may change those in place.
@op(name="batch_statistics_norm", keeps=("centre", "rstd"), fuses=_composed, cases=_cases)
def batch_statistics_norm(x: Any, weight: Any, bias: Any, /, eps: float) -> Any:
    """The input normalised by its own mean and variance a channel, and those two.

    Shapes: (N, C, ...), (C,), (C,) -> (N, C, ...), (C,), (C,). Source: Ioffe and Szegedy 2015.

    >>> import tensor_core as torch
    >>> x = torch.tensor([[1.0], [3.0]])
    >>> torch.nn.functional.batch_norm(x, None, None, training=True, eps=0.0)
    tensor([[-1.],
            [ 1.]])
    """
    mean = x.mean(axis=(0, *range(2, x.ndim)))
    y = np.subtract(x, _channels(mean, x.ndim), order="C")
    flat = _flat(y)
    var = np.einsum("ncl,ncl->c", flat, flat) / x.dtype.type(max(_count(x.shape), 1))
    rstd = 1 / np.sqrt(var + x.dtype.type(eps))
    y *= _channels(rstd if weight is None else rstd * weight, x.ndim)
    if bias is not None:
        y += _channels(bias, x.ndim)
    return y, mean, var, mean.copy(), rstd


def _count(shape: Any) -> int:
    """The number of values a channel."""
    return math.prod(shape) // max(shape[1], 1)


def _flat(a: Any) -> Any:
    """The pixels as one dimension."""
    return a.reshape(a.shape[0], a.shape[1], math.prod(a.shape[2:]))


@batch_statistics_norm.vjp
def _(g: Any, x: Any, weight: Any, centre: Any, rstd: Any) -> Any:
    gy, g_mean, g_var = g
    n, ndim = max(_count(x.shape), 1), x.ndim
    centred = np.subtract(x, _channels(centre, ndim), order="C")
    total = gy.sum(axis=(0, *range(2, ndim)))
    slope = np.einsum("ncl,ncl->c", _flat(gy), _flat(centred)) * rstd  # of the weight
    scale = rstd if weight is None else rstd * weight
    dx = gy * _channels(scale, ndim)
    centred *= _channels((2 * g_var - scale * slope * rstd) / n, ndim)
    dx += centred
    dx += _channels((g_mean - scale * total) / n, ndim)
    return dx, slope, total


def _fit(name: str, x: Tensor, **given: Tensor | None) -> None:
    channels = x.shape[1]
    for what, value in given.items():
        if value is not None and value.shape != (channels,):
            raise RuntimeError(
                f"{name}: {what} should contain {channels} elements, one a channel of input "
                f"{list(x.shape)}, not {list(value.shape)}"
            )


def _batch_cases(rng: np.random.Generator) -> Any:
    x, w, b = rng.normal(size=(3, 2, 2)), rng.normal(size=2), rng.normal(size=2)
    mean, var = rng.normal(size=2), rng.uniform(0.5, 2, 2)
    yield Case(x, mean, var, w, b).with_(wrt=(0, 3, 4))
    yield Case(x[..., 0], None, None, w, b, True, 0.2, 1e-3)


@composed(torch="nn.functional.batch_norm", cases=_batch_cases)
def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Mean 0 and variance 1 of each channel, then ``* weight + bias``.

    Shapes: (N, C, ...) -> same. While training by the batch's statistics, which are averaged into
    the running ones (the unbiased variance) by ``momentum``; else by the running ones.

    Raises:
        ValueError: one value a channel in training.
        RuntimeError: sizes that are not the number of channels; no running statistics at rest.

    >>> import tensor_core as torch
    >>> x, mean, var = torch.tensor([[1.0], [3.0]]), torch.tensor([1.0]), torch.tensor([4.0])
    >>> torch.nn.functional.batch_norm(x, mean, var, eps=0.0)
    tensor([[0.],
            [1.]])
    """
    if input.ndim < 2:
        raise IndexError(f"batch_norm: dimension 1 of input {list(input.shape)} holds the channels")
    if training and input.numel() == input.shape[1]:
        raise ValueError(
            f"Expected more than 1 value per channel when training, got input size {input.shape}"
        )
    found = {"running_mean": running_mean, "running_var": running_var}
    _fit("batch_norm", input, **found, weight=weight, bias=bias)
    if input._a.dtype.itemsize == 2:  # 16-bit sums would lose most of their digits
        wide = [None if t is None else t.float() for t in (input, weight, bias)]
        if not training and running_mean is not None and running_var is not None:
            running_mean, running_var = running_mean.float(), running_var.float()
        y = batch_norm(wide[0], running_mean, running_var, *wide[1:], training, momentum, eps)
        return y.to(input.dtype)
    if any(t is not None and t._a.dtype != input._a.dtype for t in (weight, bias)):
        raise RuntimeError(
            f"batch_norm: mixed dtype: input is {input.dtype}, weight and bias must be the same"
        )
    if training:
        y, mean, var = batch_statistics_norm(input, weight, bias, eps)
        _track(input, mean, var, running_mean, running_var, momentum)
        return y
    for what, value in found.items():
        if value is None:
            raise RuntimeError(f"batch_norm: {what} must be defined in evaluation mode")
    return _by_running(input, running_mean, running_var, weight, bias, eps)


def _by_running(
    x: Tensor, mean: Any, var: Any, weight: Tensor | None, bias: Tensor | None, eps: float
) -> Tensor:
    if mean._a.dtype != x._a.dtype:
        raise RuntimeError(
            f"batch_norm: mixed dtype: input is {x.dtype}, the running statistics {mean.dtype}"
        )
    scale = (var + eps).rsqrt()
    if weight is not None:
        scale = scale * weight
    y = (x - _channels(mean, x.ndim)) * _channels(scale, x.ndim)
    return y if bias is None else y + _channels(bias, x.ndim)


def _track(
    x: Tensor, mean: Tensor, var: Tensor, running_mean: Any, running_var: Any, momentum: float
) -> None:
    """Average the batch's statistics into the running ones; the variance as unbiased."""
    n = x.numel() // max(x.shape[1], 1)
    with no_grad():
        if running_mean is not None:
            running_mean.mul_(1 - momentum).add_(mean.detach() * momentum)
        if running_var is not None:
            unbiased = var.detach() * (n / max(n - 1, 1))
            running_var.mul_(1 - momentum).add_(unbiased * momentum)


def _instance_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(2, 2, 3)), None, None, rng.normal(size=2), rng.normal(size=2))


@composed(torch="nn.functional.instance_norm", cases=_instance_cases)
def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Mean 0 and variance 1 of each channel of each sample, then ``* weight + bias``.

    Shapes: (N, C, ...) -> same. Source: Ulyanov et al. 2016. Running statistics, where given, are
    averages over the batch; without ``use_input_stats`` they are what normalises.

    Raises:
        ValueError: one element a channel.

    >>> import tensor_core as torch
    >>> x = torch.tensor([[[1.0, 3.0]], [[10.0, 30.0]]])
    >>> torch.nn.functional.instance_norm(x, eps=0.0)
    tensor([[[-1.,  1.]],
    <BLANKLINE>
            [[-1.,  1.]]])
    """
    if not use_input_stats:
        if running_mean is None or running_var is None:
            raise RuntimeError(
                "Expected running_mean and running_var to be defined when use_input_stats is false"
            )
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    if math.prod(input.shape[2:]) == 1:
        raise ValueError(
            f"Expected more than 1 spatial element when training, got input size {input.shape}"
        )
    found = {"running_mean": running_mean, "running_var": running_var}
    _fit("instance_norm", input, **found, weight=weight, bias=bias)
    n, c = input.shape[:2]
    each = [None if t is None else t.repeat(n) for t in (running_mean, running_var, weight, bias)]
    flat = input.reshape(1, n * c, *input.shape[2:])
    y = batch_norm(flat, *each, True, momentum, eps)
    with no_grad():
        for kept, values in zip((running_mean, running_var), each, strict=False):
            if kept is not None and values is not None:
                kept.copy_(values.reshape(n, c).mean(0))
    return y.reshape(input.shape)


# -- the same in the order of arguments that torch.batch_norm and torch.instance_norm have --------


def batch_norm_in_order(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> Tensor:
    """``nn.functional.batch_norm`` with the parameters before the statistics.

    >>> import tensor_core as torch
    >>> x, two = torch.tensor([[1.0], [3.0]]), torch.tensor([2.0])
    >>> torch.batch_norm(x, two, two, None, None, True, 0.1, 0.0, False)
    tensor([[0.],
            [4.]])
    """
    return batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)


def instance_norm_in_order(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    use_input_stats: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> Tensor:
    """``nn.functional.instance_norm`` with the parameters before the statistics.

    >>> import tensor_core as torch
    >>> x, two = torch.tensor([[[1.0, 3.0]]]), torch.tensor([2.0])
    >>> torch.instance_norm(x, two, two, None, None, True, 0.1, 0.0, False)
    tensor([[[0., 4.]]])
    """
    return instance_norm(
        input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps
    )
