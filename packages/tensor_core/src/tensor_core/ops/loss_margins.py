"""Losses that ask for a margin: between pairs, triplets, and the right class and the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._card import Case, composed
from .._tensor import Tensor, wrap
from ._reduction import chosen, reduced
from .activation import relu
from .bounds import minimum
from .choosing import where_op
from .gather import gather
from .vectors import pairwise_distance

Rng = np.random.Generator
_SIGNS = np.array([1.0, -1.0, 1.0])


def _hinge_cases(rng: Rng) -> Any:
    yield Case(rng.uniform(-0.8, 0.8, 3), _SIGNS).with_(wrt=(0,))
    yield Case(rng.uniform(1.2, 2.0, 3), _SIGNS, 3.0, reduction="none").with_(wrt=(0,))


@composed(torch="nn.functional.hinge_embedding_loss", cases=_hinge_cases, kinks="x = margin")
def hinge_embedding_loss(
    input: Tensor, target: Tensor, margin: float = 1.0, size_average: Any = None,
    reduce: Any = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """The distance ``x`` where the target is 1, what it lacks to ``margin`` where it is -1.

    >>> import tensor_core as torch
    >>> x, t = torch.tensor([0.5, 0.2]), torch.tensor([1.0, -1.0])
    >>> torch.nn.functional.hinge_embedding_loss(x, t, reduction="none")
    tensor([0.5000, 0.8000])
    """
    reduction = chosen(size_average, reduce, reduction)
    apart = where_op(target != 1, (margin - input).clamp(min=0), 0.0)
    return reduced(apart + where_op(target != -1, input, 0.0), reduction)


def _cosine_cases(rng: Rng) -> Any:
    pair = rng.uniform(0.5, 2, (3, 4)), rng.uniform(-2, 2, (3, 4))
    yield Case(*pair, _SIGNS, -1.5).with_(wrt=(0, 1))
    yield Case(pair[0][0], pair[1][0], np.array(-1.0), -1.5, reduction="none").with_(wrt=(0, 1))


@composed(torch="nn.functional.cosine_embedding_loss", cases=_cosine_cases, kinks="cos = margin")
def cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0, size_average: Any = None,
    reduce: Any = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """``1 - cos`` where the target is 1, ``max(0, cos - margin)`` where it is -1.

    Shapes: (N, D), (N, D), (N) or (D), (D), (). Raises ``RuntimeError`` for others.

    >>> import tensor_core as torch
    >>> x, y = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    >>> torch.nn.functional.cosine_embedding_loss(x, y, torch.tensor([1.0]))
    tensor(1.)
    """
    reduction = chosen(size_average, reduce, reduction)
    if target.ndim > 1 or {input1.ndim, input2.ndim} != {target.ndim + 1}:
        raise RuntimeError(
            f"{target.ndim}D target tensor expects {target.ndim + 1}D input tensors, but found "
            f"inputs with sizes {list(input1.shape)} and {list(input2.shape)}."
        )
    tiny = 1e-12
    lengths = ((input1 * input1).sum(-1) + tiny) * ((input2 * input2).sum(-1) + tiny)
    cos = (input1 * input2).sum(-1) / lengths.sqrt()
    alike = where_op(target == 1, 1 - cos, 0.0)
    return reduced(alike + where_op(target == -1, (cos - margin).clamp(min=0), 0.0), reduction)


def _ranking_cases(rng: Rng) -> Any:
    first, second = rng.normal(size=3), rng.normal(size=3)
    yield Case(first, second, _SIGNS, 9.0).with_(wrt=(0, 1))
    yield Case(first, second, _SIGNS, 9.0, reduction="none").with_(wrt=(0, 1))


@composed(torch="nn.functional.margin_ranking_loss", cases=_ranking_cases, kinks="at the margin")
def margin_ranking_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0, size_average: Any = None,
    reduce: Any = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """``max(0, -target * (x1 - x2) + margin)``: the first is to rank higher where target is 1.

    Raises:
        RuntimeError: the three have different numbers of dimensions.

    >>> import tensor_core as torch
    >>> x, y, t = torch.tensor([1.0]), torch.tensor([3.0]), torch.tensor([1.0])
    >>> torch.nn.functional.margin_ranking_loss(x, y, t)
    tensor(2.)
    """
    reduction = chosen(size_average, reduce, reduction)
    if len({input1.ndim, input2.ndim, target.ndim}) > 1:
        raise RuntimeError(
            "margin_ranking_loss : All input tensors should have same dimension but got sizes: "
            f"input1: {input1.shape}, input2: {input2.shape}, target: {target.shape} "
        )
    return reduced((-target * (input1 - input2) + margin).clamp(min=0), reduction)


def _triplet_cases(rng: Rng) -> Any:
    three = [rng.normal(size=(2, 3)) for _ in range(3)]
    yield Case(*three, 9.0)
    yield Case(*three, margin=9.0, p=3.0, swap=True, reduction="none")


@composed(torch="nn.functional.triplet_margin_loss", cases=_triplet_cases, kinks="at the margin")
def triplet_margin_loss(
    anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = 1.0, p: float = 2,
    eps: float = 1e-6, swap: bool = False, size_average: Any = None, reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """How much farther than ``margin`` less the negative is from the anchor than the positive.

    ``swap`` takes the positive for the anchor where it is nearer to the negative (Balntas et
    al. 2016). Raises ``ValueError`` unless ``margin`` is positive.

    >>> import tensor_core as torch
    >>> a, p, n = torch.zeros(1, 2), torch.tensor([[3.0, 4.0]]), torch.tensor([[0.0, 2.0]])
    >>> torch.nn.functional.triplet_margin_loss(a, p, n)
    tensor(4.0000)
    """
    reduction = chosen(size_average, reduce, reduction)
    return _triplet(
        lambda x, y: pairwise_distance(x, y, p, eps),
        anchor, positive, negative, margin, swap, reduction,
    )  # fmt: skip


def triplet_margin_with_distance_loss(
    anchor: Tensor, positive: Tensor, negative: Tensor, *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0, swap: bool = False, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """``triplet_margin_loss`` with any distance in place of the p-norm.

    >>> import tensor_core as torch
    >>> a, p, n = torch.tensor([[0.0]]), torch.tensor([[3.0]]), torch.tensor([[1.0]])
    >>> torch.nn.functional.triplet_margin_with_distance_loss(
    ...     a, p, n, distance_function=lambda x, y: (x - y).abs().sum(-1))
    tensor(3.)
    """
    distance: Any = distance_function or pairwise_distance
    return _triplet(distance, anchor, positive, negative, margin, swap, reduction)


def _triplet(
    distance: Callable[[Tensor, Tensor], Tensor], anchor: Tensor, positive: Tensor,
    negative: Tensor, margin: float, swap: bool, reduction: str,
) -> Tensor:  # fmt: skip
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    if len({anchor.ndim, positive.ndim, negative.ndim}) > 1:
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of "
            f"dimensions, but got: anchor {anchor.ndim}D, positive {positive.ndim}D, and negative "
            f"{negative.ndim}D inputs"
        )
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = minimum(far, distance(positive, negative))
    return reduced((margin + near - far).clamp(min=0), reduction)


def _class_cases(rng: Rng) -> Any:
    x, target = rng.normal(size=(3, 4)), np.array([0, 3, 1])
    yield Case(x, target, margin=9.0).with_(max_order=1)
    weight = np.array([1.0, 2.0, 0.5, 1.0])
    yield Case(x, target, 2, 9.0, weight, reduction="none").with_(wrt=(0,), max_order=1)
    yield Case(x[0], np.array(2), margin=9.0).with_(max_order=1)


@composed(torch="nn.functional.multi_margin_loss", cases=_class_cases, kinks="at the margin")
def multi_margin_loss(
    input: Tensor, target: Tensor, p: int = 1, margin: float = 1.0, weight: Tensor | None = None,
    size_average: Any = None, reduce: Any = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """What each wrong class lacks to ``margin`` below the right one, to the power ``p``, averaged.

    Shapes: (N, C), (N) or (C), (). Raises ``ValueError`` unless ``p`` is 1 or 2.

    >>> import tensor_core as torch
    >>> torch.nn.functional.multi_margin_loss(torch.tensor([[0.1, 0.3]]), torch.tensor([1]))
    tensor(0.4000)
    """
    reduction = chosen(size_average, reduce, reduction)
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    if weight is not None and weight.ndim != 1:
        raise ValueError("weight must be one-dimensional")
    rows = input if input.ndim == 2 else input.reshape((1, -1))
    ids = target._a.reshape(-1, 1)
    right = gather(rows, 1, wrap(ids))  # (N, 1)
    lack = relu(margin - right + rows)
    each = lack if p == 1 else lack * lack
    if weight is not None:
        each = each * weight[wrap(ids)]
    others = wrap(ids != np.arange(rows._a.shape[1]))
    each = where_op(others, each, 0.0).sum(1) / rows._a.shape[1]
    return reduced(each.reshape(target._a.shape), reduction)


def _labels_cases(rng: Rng) -> Any:
    x, target = rng.normal(size=(2, 4)) * 0.1, np.array([[3, 0, -1, 1], [1, -1, 1, 1]])
    yield Case(x, target).with_(max_order=1)
    yield Case(x, target, reduction="none").with_(max_order=1)
    yield Case(x[0], target[0]).with_(max_order=1)


@composed(torch="nn.functional.multilabel_margin_loss", cases=_labels_cases, kinks="at the margin")
def multilabel_margin_loss(
    input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """What every class outside the labels lacks to 1 below every label, summed and over C.

    ``target`` lists a row's labels up to the first -1. Shapes: (N, C), (N, C) or (C), (C).

    >>> import tensor_core as torch
    >>> x, t = torch.tensor([0.1, 0.2, 0.4]), torch.tensor([2, -1, 0])
    >>> torch.nn.functional.multilabel_margin_loss(x, t)
    tensor(0.5000)
    """
    reduction = chosen(size_average, reduce, reduction)
    if input._a.shape != target._a.shape or input.ndim not in (1, 2):
        raise RuntimeError(
            f"multilabel_margin_loss: inconsistent target size {list(target.shape)} for input of "
            f"size {list(input.shape)}"
        )
    rows, ids = input.reshape((-1, input._a.shape[-1])), target._a.reshape(-1, input._a.shape[-1])
    listed = np.cumprod(ids >= 0, axis=1).astype(bool)  # up to the first -1
    ids = np.where(listed, ids, 0)
    classes = np.arange(ids.shape[1])
    label = ((ids[:, :, None] == classes) & listed[:, :, None]).any(1)  # (N, C)
    counted = wrap(listed[:, :, None] & ~label[:, None, :])  # (N, label, class)
    lack = relu(1 - gather(rows, 1, wrap(ids)).unsqueeze(2) + rows.unsqueeze(1))
    each = where_op(counted, lack, 0.0).sum((1, 2)) / ids.shape[1]
    return reduced(each if input.ndim == 2 else each.squeeze(0), reduction)
