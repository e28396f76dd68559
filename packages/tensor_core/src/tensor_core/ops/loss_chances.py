"""Losses of chances and distributions: minus the logarithm of how likely the target was."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from .._card import Case, composed
from .._tensor import Tensor
from ._reduction import chosen, reduced
from .activation import logsigmoid, softplus
from .choosing import where_op


def _probability_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.uniform(0.1, 0.9, (2, 3)), rng.uniform(0, 1, (2, 3))).with_(wrt=(0,))
    yield Case(rng.uniform(0.1, 0.9, 3), np.array([0.0, 1.0, 1.0]), reduction="sum").with_(wrt=(0,))


@composed(torch="nn.functional.binary_cross_entropy", cases=_probability_cases)
def binary_cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: Any = None,
    reduce: Any = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """-(t log p + (1 - t) log(1 - p)), the logarithms not below -100.

    Raises:
        ValueError: the shapes differ.
        RuntimeError: a probability is outside [0, 1].

    >>> import tensor_core as torch
    >>> p, t = torch.tensor([0.5, 0.0]), torch.tensor([1.0, 1.0])
    >>> torch.nn.functional.binary_cross_entropy(p, t, reduction="none")
    tensor([  0.6931, 100.0000])
    """
    reduction = chosen(size_average, reduce, reduction)
    if input._a.shape != target._a.shape:
        raise ValueError(
            f"binary_cross_entropy: target of shape {tuple(target._a.shape)} must have the shape "
            f"{tuple(input._a.shape)} of the input"
        )
    if input._a.size and not ((input._a >= 0) & (input._a <= 1)).all():
        raise RuntimeError("binary_cross_entropy: all elements of input should be between 0 and 1")
    yes = input.log().clamp(min=-100)
    no = (-input).log1p().clamp(min=-100)
    each = -(target * yes + (1 - target) * no)
    return reduced(each if weight is None else each * weight, reduction)


def _logit_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(2, 3)), rng.uniform(0, 1, (2, 3))).with_(wrt=(0,))


@composed(torch="nn.functional.binary_cross_entropy_with_logits", cases=_logit_cases)
def binary_cross_entropy_with_logits(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: Any = None,
    reduce: Any = None, reduction: str = "mean", pos_weight: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Binary cross-entropy of sigmoid(input), without overflow.

    >>> import tensor_core as torch
    >>> x, t = torch.tensor([0.0, -1000.0]), torch.tensor([1.0, 1.0])
    >>> torch.nn.functional.binary_cross_entropy_with_logits(x, t, reduction="none")
    tensor([6.9315e-01, 1.0000e+03])
    """
    reduction = chosen(size_average, reduce, reduction)
    if input._a.shape != target._a.shape:
        raise ValueError(
            f"Target size ({tuple(target._a.shape)}) must be the same as input size "
            f"({tuple(input._a.shape)})"
        )
    soft = softplus(-input, threshold=float("inf"))
    if pos_weight is not None:
        soft = soft * (1 + (pos_weight - 1) * target)
    each = (1 - target) * input + soft
    return reduced(each if weight is None else each * weight, reduction)


def _kl_cases(rng: np.random.Generator) -> Any:
    p = rng.uniform(0.1, 1, (2, 3))
    yield Case(rng.normal(size=(2, 3)), p, reduction="batchmean").with_(wrt=(0,))
    yield Case(rng.normal(size=(2, 3)), np.log(p), reduction="sum", log_target=True).with_(wrt=(0,))


@composed(torch="nn.functional.kl_div", cases=_kl_cases)
def kl_div(
    input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None,
    reduction: str = "mean", log_target: bool = False,
) -> Tensor:  # fmt: skip
    """t (log t - x) for log-probabilities x: the Kullback-Leibler divergence.

    >>> import tensor_core as torch
    >>> p, q = torch.tensor([0.5, 0.5]), torch.tensor([0.25, 0.75])
    >>> torch.nn.functional.kl_div(q.log(), p, reduction="sum")
    tensor(0.1438)
    """
    if size_average is not None or reduce is not None:
        reduction = chosen(size_average, reduce, reduction)
    elif reduction == "mean":
        warnings.warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support size."
            "'batchmean' divides only by the batch size, and aligns with the KL div math "
            "definition.'mean' will be changed to behave the same as 'batchmean' in the next "
            "major release.",
            stacklevel=2,
        )
    if log_target:
        each = target.exp() * (target - input)
    else:
        entropy = where_op(target > 0, target * where_op(target > 0, target, 1.0).log(), 0.0)
        each = entropy - target * input
    if reduction == "batchmean":
        return each.sum() / each._a.shape[0]
    return reduced(each, reduction)


def _poisson_cases(rng: np.random.Generator) -> Any:
    target = np.array([[0.0, 1.0, 5.0], [2.0, 0.0, 3.0]])
    yield Case(rng.normal(size=(2, 3)), target).with_(wrt=(0,))
    yield Case(rng.uniform(0.5, 2, (2, 3)), target, log_input=False, full=True).with_(wrt=(0,))


@composed(torch="nn.functional.poisson_nll_loss", cases=_poisson_cases)
def poisson_nll_loss(
    input: Tensor, target: Tensor, log_input: bool = True, full: bool = False,
    size_average: Any = None, eps: float = 1e-8, reduce: Any = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """Minus the log-likelihood of counts under a Poisson rate, or (``log_input``) its logarithm.

    ``full`` adds Stirling's approximation of log(target!) for counts above 1.

    >>> import tensor_core as torch
    >>> torch.nn.functional.poisson_nll_loss(torch.tensor([0.0]), torch.tensor([2.0]))
    tensor(1.)
    """
    reduction = chosen(size_average, reduce, reduction)
    if log_input:
        each = input.exp() - target * input
    else:
        each = input - target * (input + eps).log()
    if full:
        counts = where_op(target > 1, target, 1.0)
        stirling = counts * counts.log() - counts + 0.5 * (2 * math.pi * counts).log()
        each = each + where_op(target > 1, stirling, 0.0)
    return reduced(each, reduction)


def _gaussian_cases(rng: np.random.Generator) -> Any:
    mean, target = rng.normal(size=(2, 3)), rng.normal(size=(2, 3))
    yield Case(mean, target, rng.uniform(0.5, 2, (2, 3)))
    yield Case(mean, target, rng.uniform(0.5, 2, (2, 1)), full=True, reduction="sum")
    yield Case(mean, target, rng.uniform(0.5, 2, 2), reduction="none")


@composed(torch="nn.functional.gaussian_nll_loss", cases=_gaussian_cases, kinks="var = eps")
def gaussian_nll_loss(
    input: Tensor, target: Tensor, var: Any, full: bool = False, eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """Minus the log-likelihood of ``target`` under a normal distribution (Nix and Weigend 1994).

    ``var`` has the input's shape, or 1 or nothing in place of one dimension; it counts as
    ``eps`` below that. ``full`` adds log(2 pi) / 2.

    Raises:
        ValueError: a variance is negative, or the shape of ``var`` does not fit.

    >>> import tensor_core as torch
    >>> x, y = torch.tensor([0.0]), torch.tensor([2.0])
    >>> torch.nn.functional.gaussian_nll_loss(x, y, torch.tensor([1.0]))
    tensor(2.)
    """
    if isinstance(var, float):
        var = input.detach() * 0 + var
    if (var._a < 0).any():
        raise ValueError("var has negative entry/entries")
    var = _spread_variance(var, input)
    lifted = var + (var.detach().clamp(min=eps) - var.detach())  # the limit leaves the slope be
    each = 0.5 * (lifted.log() + (input - target) ** 2 / lifted)
    if full:
        each = each + 0.5 * math.log(2 * math.pi)
    return reduced(each, reduction)


def _spread_variance(var: Tensor, input: Tensor) -> Tensor:
    have, want = var._a.shape, input._a.shape
    if have == want:
        return var
    if have == want[:-1]:
        return var.unsqueeze(-1)
    if len(have) == len(want) and sum(b for a, b in zip(want, have, strict=True) if a != b) == 1:
        return var
    raise ValueError(f"var is of incorrect size: {tuple(have)} for an input of {tuple(want)}")


def _sign_cases(rng: np.random.Generator) -> Any:
    signs = np.array([[1.0, -1.0, 1.0], [-1.0, 1.0, -1.0]])
    yield Case(rng.normal(size=(2, 3)), signs).with_(wrt=(0,))
    yield Case(rng.normal(size=(2, 3)), signs, reduction="none").with_(wrt=(0,))


@composed(torch="nn.functional.soft_margin_loss", cases=_sign_cases)
def soft_margin_loss(
    input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """``log(1 + exp(-target * input))`` for targets of 1 and -1.

    >>> import tensor_core as torch
    >>> torch.nn.functional.soft_margin_loss(torch.tensor([0.0, 2.0]), torch.tensor([1.0, 1.0]))
    tensor(0.4100)
    """
    reduction = chosen(size_average, reduce, reduction)
    return reduced((-input * target).exp().log1p(), reduction)


def _label_cases(rng: np.random.Generator) -> Any:
    labels = np.array([[1.0, 0.0, 1.0], [0.0, 0.0, 1.0]])
    yield Case(rng.normal(size=(2, 3)), labels).with_(wrt=(0,))
    yield Case(rng.normal(size=(2, 3)), labels, np.array([1.0, 2.0, 0.5]), reduction="none").with_(
        wrt=(0,)
    )


@composed(torch="nn.functional.multilabel_soft_margin_loss", cases=_label_cases)
def multilabel_soft_margin_loss(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: Any = None,
    reduce: Any = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """Binary cross-entropy of logits, averaged over the classes. Shapes: (..., C) -> () or (...).

    >>> import tensor_core as torch
    >>> x, t = torch.tensor([[0.0, 2.0]]), torch.tensor([[1.0, 0.0]])
    >>> torch.nn.functional.multilabel_soft_margin_loss(x, t)
    tensor(1.4100)
    """
    reduction = chosen(size_average, reduce, reduction)
    each = -(target * logsigmoid(input) + (1 - target) * logsigmoid(-input))
    if weight is not None:
        each = each * weight
    return reduced(each.sum(-1) / input._a.shape[-1], reduction)
