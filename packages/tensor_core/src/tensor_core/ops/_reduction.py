"""How losses of elements become one number, and the older way of asking for it."""

from __future__ import annotations

import warnings
from typing import Any

from .._tensor import Tensor


def reduced(x: Tensor, reduction: str) -> Tensor:
    """The mean, the sum, or the elements themselves.

    Raises:
        ValueError: ``reduction`` is none of "none", "mean" and "sum".
    """
    if reduction == "mean":
        return x.mean()
    if reduction == "sum":
        return x.sum()
    if reduction != "none":
        raise ValueError(f"{reduction} is not a valid value for reduction: use none, mean or sum")
    return x


def chosen(size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    """The reduction that the old arguments ask for where one of them is given, with a warning."""
    if size_average is None and reduce is None:
        return reduction
    if reduce is False:
        reduction = "none"
    else:
        reduction = "sum" if size_average is False else "mean"
    warnings.warn(
        "size_average and reduce args will be deprecated, please use "
        f"reduction='{reduction}' instead.",
        stacklevel=3,
    )
    return reduction


def same_size(input: Tensor, target: Tensor) -> None:
    """Warn where a loss is about to broadcast, which is seldom meant."""
    if input._a.shape != target._a.shape:
        warnings.warn(
            f"Using a target size ({target.shape}) that is different to the input size "
            f"({input.shape}). This will likely lead to incorrect results due to broadcasting. "
            "Please ensure they have the same size.",
            stacklevel=3,
        )


def weighted(each: Tensor, weight: Any, input: Tensor, reduction: str) -> Tensor:
    """The reduction of weighted losses: the mean divides by the sum of the weights."""
    if weight is None:
        return reduced(each, reduction)
    if weight._a.shape != input._a.shape:
        raise ValueError("Weights and input must have the same size.")
    each = each * weight
    return each.sum() / weight.sum() if reduction == "mean" else reduced(each, reduction)
