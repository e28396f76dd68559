"""Losses of classes: cross-entropy, and what is left of it without the softmax."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._card import Case, composed
from .._define import op
from .._tensor import Tensor, wrap
from ..kernels import active as kernels
from ._reduction import chosen, reduced
from .activation import log_softmax_op
from .contract import linear
from .gather import gather
from .keys import raw


def _cross_entropy_composed(
    logits: Tensor, target: Any, ignore_index: int, label_smoothing: float
) -> Tensor:
    ids = np.where(raw(target) == ignore_index, 0, raw(target))
    counted = wrap(raw(target) != ignore_index)
    logs = log_softmax_op(logits, -1)
    picked = -gather(logs, 1, wrap(ids[:, None])).squeeze(1)
    if label_smoothing:
        picked = (1 - label_smoothing) * picked - label_smoothing * logs.mean(-1)
    return (picked * counted).sum() / int(counted._a.sum())


def _fused_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(4, 5)), np.array([0, 4, 2, 2]), -100, 0.0)
    yield Case(rng.normal(size=(4, 5)) + 1e3, np.array([0, -100, 2, 2]), -100, 0.0)
    yield Case(rng.normal(size=(3, 2)), np.array([1, 1, 0]), 0, 0.1)


@op(
    name="cross_entropy_mean",
    keeps=("slope", "count"),
    fuses=_cross_entropy_composed,
    cases=_fused_cases,
)
def cross_entropy_mean(
    logits: Any, target: Any, /, ignore_index: int = -100, label_smoothing: float = 0.0
) -> Any:
    """The mean of -log softmax at the targets. Shapes: (n, classes), (n) -> ().

    >>> import tensor_core as torch
    >>> logits = torch.tensor([[0.0, 0.0], [0.0, 1000.0]])
    >>> torch.nn.functional.cross_entropy(logits, torch.tensor([0, 1]))
    tensor(0.3466)
    """
    total, count, _, slope = kernels.cross_entropy_forward(
        np.ascontiguousarray(logits), np.ascontiguousarray(target, np.int64), ignore_index,
        label_smoothing, True,
    )  # fmt: skip
    mean = np.asarray(total / count if count else np.nan, logits.dtype)
    return mean, slope, count


@cross_entropy_mean.vjp("logits")
def _(g: Any, slope: Any, count: Any) -> Any:
    return slope * (g / count if count else g * np.nan)


def _one_target(input: Tensor, target: Tensor) -> Tensor:
    """A single example's class may come as a vector of one."""
    if input._a.ndim == 1 and target._a.shape == (1,) and target._a.dtype.kind != "f":
        return target.reshape(())
    return target


def _check_targets(logits: Tensor, target: Tensor, classes: int, ignore_index: int) -> None:
    ids = target._a
    if ids.dtype.kind not in "iu":
        raise RuntimeError(f"cross_entropy: expected target of type Long, got {target.dtype}")
    expected = (logits._a.shape[:1] + logits._a.shape[2:]) if logits._a.ndim > 1 else ()
    if ids.shape != expected:
        batch = logits._a.ndim == 1 or ids.shape[:1] != expected[:1]
        raise (ValueError if batch else RuntimeError)(
            f"cross_entropy: expected target of shape {expected} for input of shape "
            f"{tuple(logits._a.shape)}, got {tuple(ids.shape)}"
        )
    valid = ids[ids != ignore_index]
    if valid.size and (valid.min() < 0 or valid.max() >= classes):
        worst = valid.min() if valid.min() < 0 else valid.max()
        raise IndexError(f"Target {worst} is out of bounds for {classes} classes.")


def _class_last(x: Tensor) -> Tensor:
    """(N, C, d1, ...) as rows (N*d1*..., C)."""
    if x._a.ndim > 2:
        x = x.movedim(1, -1)
    return x.reshape((-1, x._a.shape[-1]))


def _cross_entropy_cases(rng: np.random.Generator) -> Any:
    target = np.array([0, 4, 2, 2])
    yield Case(rng.normal(size=(4, 5)), target)
    yield Case(rng.normal(size=(4, 5)), target, rng.uniform(0.5, 2, 5)).with_(wrt=(0,))
    yield Case(rng.normal(size=(4, 5)), target, ignore_index=2, reduction="sum")
    yield Case(rng.normal(size=(2, 3, 4)), np.array([[0, 1, 2, 2], [1, 1, 0, 2]]), reduction="none")
    yield Case(rng.normal(size=(2, 3)), np.array([[0.2, 0.3, 0.5], [0.0, 1.0, 0.0]])).with_(
        wrt=(0,)
    )
    yield Case(rng.normal(size=(4, 5)), target, label_smoothing=0.2)
    yield Case(rng.normal(size=5), np.array(3))
    yield Case(rng.normal(size=5), np.array([3])).with_(wrt=())  # torch's has no backward


@composed(torch="nn.functional.cross_entropy", cases=_cross_entropy_cases)
def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: Any = None,
    ignore_index: int = -100,
    reduce: Any = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """-log softmax of the logits at the target classes.

    Shapes: input (N, C, ...) or (C), target (N, ...) of class numbers, or of probabilities with
    the input's shape -> () or (N, ...) with ``reduction="none"``.

    Raises:
        IndexError: a class number is out of range.
        ValueError: the shapes do not fit.

    >>> import tensor_core as torch
    >>> logits, target = torch.tensor([[2.0, 0.0, 0.0], [0.0, 0.0, 0.0]]), torch.tensor([0, 2])
    >>> torch.nn.functional.cross_entropy(logits, target, reduction="none")
    tensor([0.2395, 1.0986])
    """
    if size_average is not None or reduce is not None:
        reduction = chosen(size_average, reduce, reduction)
    if target._a.dtype.kind in "fV" and target._a.shape == input._a.shape:
        return _soft_cross_entropy(input, target, weight, reduction, label_smoothing)
    classes = input._a.shape[min(1, input._a.ndim - 1)]
    if not label_smoothing:
        target = _one_target(input, target)
    _check_targets(input, target, classes, ignore_index)
    if reduction == "mean" and weight is None:
        flat = input.reshape((1, -1)) if input._a.ndim == 1 else _class_last(input)
        ids = target._a.reshape(-1)
        return cross_entropy_mean(flat, wrap(ids), ignore_index, label_smoothing)
    dim = min(1, input._a.ndim - 1)
    logs = log_softmax_op(input, dim)
    loss = nll_loss(logs, target, weight, ignore_index=ignore_index, reduction=reduction)
    if not label_smoothing:
        return loss
    return (1 - label_smoothing) * loss + _smoothing(
        logs, target, weight, dim, ignore_index, reduction, label_smoothing / classes
    )


def _smoothing(
    logs: Tensor, target: Tensor, weight: Any, dim: int, ignore: int, reduction: str, share: float
) -> Tensor:
    counted = target._a != ignore
    weights = logs if weight is None else logs * _along(weight, logs._a.ndim, dim)
    each = -weights.sum(dim) * wrap(counted)
    if reduction == "mean":
        norm = counted.sum() if weight is None else weight._a[target._a[counted]].sum()
        return each.sum() * (share / float(norm))
    return reduced(each, reduction) * share


def _along(weight: Tensor, ndim: int, dim: int) -> Tensor:
    return weight.reshape(tuple(-1 if i == dim else 1 for i in range(ndim)))


def _soft_cross_entropy(
    input: Tensor, target: Tensor, weight: Any, reduction: str, smoothing: float
) -> Tensor:
    dim = min(1, input._a.ndim - 1)
    if smoothing:
        target = target * (1 - smoothing) + smoothing / input._a.shape[dim]
    logs = log_softmax_op(input, dim)
    if weight is not None:
        logs = logs * _along(weight, logs._a.ndim, dim)
    each = -(logs * target).sum(dim)
    if reduction == "mean":
        return each.sum() / max(each.numel(), 1)
    return reduced(each, reduction)


def _nll_cases(rng: np.random.Generator) -> Any:
    target = np.array([0, 4, 2, 2])
    yield Case(rng.normal(size=(4, 5)), target)
    yield Case(rng.normal(size=(4, 5)), target, rng.uniform(0.5, 2, 5)).with_(wrt=(0,))
    yield Case(rng.normal(size=(4, 5)), target, reduction="none", ignore_index=4)


@composed(torch="nn.functional.nll_loss", cases=_nll_cases)
def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: Any = None,
    ignore_index: int = -100,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """The negative of the log-probabilities at the target classes. Shapes as cross_entropy.

    >>> import tensor_core as torch
    >>> logs = torch.tensor([[-0.5, -1.0], [-2.0, -0.1]])
    >>> torch.nn.functional.nll_loss(logs, torch.tensor([0, 1]), reduction="none")
    tensor([0.5000, 0.1000])
    """
    if size_average is not None or reduce is not None:
        reduction = chosen(size_average, reduce, reduction)
    target = _one_target(input, target)
    dim = min(1, input._a.ndim - 1)
    _check_targets(input, target, input._a.shape[dim], ignore_index)
    counted = target._a != ignore_index
    ids = np.where(counted, target._a, 0)
    picked = -gather(input, dim, wrap(np.expand_dims(ids, dim))).squeeze(dim)
    factors = counted.astype(input._a.dtype)
    if weight is not None:
        factors = factors * weight._a[ids]
    each = picked * wrap(np.asarray(factors))
    if reduction == "mean":
        return each.sum() / float(factors.sum())
    return reduced(each, reduction)


def _linear_cases(rng: np.random.Generator) -> Any:
    target = np.array([0, 3, 2, 2])
    yield Case(rng.normal(size=(4, 3)), rng.normal(size=(5, 3)), target)
    yield Case(rng.normal(size=3), rng.normal(size=(5, 3)), np.array(1), reduction="sum")


@composed(torch="nn.functional.linear_cross_entropy", cases=_linear_cases)
def linear_cross_entropy(
    input: Tensor,
    linear_weight: Tensor,
    target: Tensor,
    *,
    linear_bias: Tensor | None = None,
    weight: Tensor | None = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    options: Any = None,
) -> Tensor:
    """The cross-entropy of ``linear(input, linear_weight, linear_bias)``.

    Shapes: input (N, D) or (D), linear_weight (C, D) or (C, ..., D), target as cross_entropy's.
    Raises ``TypeError`` for ``options``, which choose how torch divides the work.

    >>> import tensor_core as torch
    >>> x, w = torch.zeros(1, 2), torch.ones(3, 2)
    >>> torch.nn.functional.linear_cross_entropy(x, w, torch.tensor([1]))
    tensor(1.0986)
    """
    if options is not None:
        raise TypeError("linear_cross_entropy: options are not supported; leave them out")
    classes = tuple(linear_weight._a.shape[:-1])  # (C, ...)
    flat = linear_weight.reshape((-1, linear_weight._a.shape[-1]))
    bias = None if linear_bias is None else linear_bias.reshape((-1,))
    logits = linear(input, flat, bias).reshape((*input._a.shape[:-1], *classes))
    ignored = -100 if ignore_index is None else ignore_index
    return cross_entropy(
        logits, target, weight, ignore_index=ignored, reduction=reduction,
        label_smoothing=label_smoothing,
    )  # fmt: skip
