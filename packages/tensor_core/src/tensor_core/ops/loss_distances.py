"""Losses of numbers against numbers: how far apart they are."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._card import Case, composed
from .._tensor import Tensor
from ._cases import distinct
from ._reduction import chosen, reduced, same_size, weighted
from .choosing import where_op


def _pair_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(2, 3)), rng.normal(size=(2, 3)))
    yield Case(rng.normal(size=(2, 3)), rng.normal(size=(2, 3)), reduction="sum")
    yield Case(rng.normal(size=(2, 3)), rng.normal(size=(2, 3)), reduction="none")
    yield Case(rng.normal(size=3), rng.normal(size=3), weight=np.array([0.5, 1.0, 2.0]))


def _apart(rng: np.random.Generator) -> Any:
    values = distinct(rng, (12,))
    yield Case(values[:6].reshape(2, 3) * 3, values[6:].reshape(2, 3) * 3)


@composed(torch="nn.functional.mse_loss", cases=_pair_cases)
def mse_loss(
    input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None,
    reduction: str = "mean", weight: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The squared difference. Shapes: broadcastable -> () or the broadcast shape.

    >>> import tensor_core as torch
    >>> torch.nn.functional.mse_loss(torch.tensor([1.0, 4.0]), torch.tensor([1.0, 2.0]))
    tensor(2.)
    """
    same_size(input, target)
    reduction = chosen(size_average, reduce, reduction)
    difference = input - target
    return weighted(difference * difference, weight, input, reduction)


@composed(torch="nn.functional.l1_loss", cases=_apart, kinks="equal elements")
def l1_loss(
    input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None,
    reduction: str = "mean", weight: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The absolute difference.

    >>> import tensor_core as torch
    >>> torch.nn.functional.l1_loss(torch.tensor([1.0, 4.0]), torch.tensor([1.0, 2.0]))
    tensor(1.)
    """
    same_size(input, target)
    reduction = chosen(size_average, reduce, reduction)
    return weighted((input - target).abs(), weight, input, reduction)


def _smooth_cases(rng: np.random.Generator) -> Any:
    yield from _apart(rng)
    yield Case(np.array([0.1, 3.0]), np.array([0.0, 1.0]), reduction="sum", beta=0.5)


@composed(torch="nn.functional.smooth_l1_loss", cases=_smooth_cases)
def smooth_l1_loss(
    input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None,
    reduction: str = "mean", beta: float = 1.0,
) -> Tensor:  # fmt: skip
    """Squared (over 2 beta) for differences below ``beta``, absolute (less beta/2) above.

    Source: Girshick 2015. Raises ``RuntimeError`` for a negative ``beta``.

    >>> import tensor_core as torch
    >>> x, y = torch.tensor([0.5, 3.0]), torch.tensor([0.0, 0.0])
    >>> torch.nn.functional.smooth_l1_loss(x, y, reduction="none")
    tensor([0.1250, 2.5000])
    """
    same_size(input, target)
    reduction = chosen(size_average, reduce, reduction)
    if beta < 0:
        raise RuntimeError("smooth_l1_loss does not support negative values for beta.")
    difference = input - target
    size = difference.abs()
    if beta == 0:
        return reduced(size, reduction)
    square = difference * difference * (0.5 / beta)
    return reduced(where_op(size < beta, square, size - 0.5 * beta), reduction)


def _huber_cases(rng: np.random.Generator) -> Any:
    yield from _apart(rng)
    yield Case(np.array([0.1, 3.0]), np.array([0.0, 1.0]), reduction="sum", delta=0.5)


@composed(torch="nn.functional.huber_loss", cases=_huber_cases)
def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0,
    weight: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Half the square of differences up to ``delta``, a straight line of slope ``delta`` above.

    Source: Huber 1964. Raises ``RuntimeError`` unless ``delta`` is positive.

    >>> import tensor_core as torch
    >>> x, y = torch.tensor([0.5, 3.0]), torch.tensor([0.0, 0.0])
    >>> torch.nn.functional.huber_loss(x, y, reduction="none", delta=2.0)
    tensor([0.1250, 4.0000])
    """
    same_size(input, target)
    if delta <= 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")
    difference = input - target
    size = difference.abs()
    line = (size - 0.5 * delta) * delta
    each = where_op(size <= delta, difference * difference * 0.5, line)
    return weighted(each, weight, input, reduction)
