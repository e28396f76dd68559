"""Choosing between values by a condition."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _dtypes
from .._card import Case
from .._define import op
from .._tensor import Tensor, wrap


def _where_cases(rng: np.random.Generator) -> Any:
    mask = rng.random((2, 3)) < 0.5
    yield Case(mask, rng.normal(size=(2, 3)), rng.normal(size=(2, 3)))
    yield Case(mask, rng.normal(size=(3,)), rng.normal(size=(2, 1)))
    yield Case(mask[0], rng.normal(size=(2, 3)), 1.5)


@op(
    name="where",
    torch="where",
    promote="same",
    integers=_dtypes.fitted,
    unmixed=("condition",),
    cases=_where_cases,
)
def where_op(condition: Any, x: Any, other: Any, /) -> Any:
    """``x`` where the condition holds, else ``other``. Shapes broadcast.

    >>> import tensor_core as torch
    >>> torch.where(torch.tensor([True, False]), torch.tensor([1.0, 2.0]), 0.0)
    tensor([1., 0.])
    """
    return np.where(condition, x, other)


def where(condition: Any, input: Any = None, other: Any = None) -> Any:
    """``input`` where the condition holds, else ``other``; alone, the indices where it holds.

    >>> import tensor_core as torch
    >>> x = torch.tensor([1.0, -2.0, 3.0])
    >>> torch.where(x > 0, x, 0.0)
    tensor([1., 0., 3.])
    >>> torch.where(x > 0)
    (tensor([0, 2]),)
    """
    if input is None and other is None:
        return condition.nonzero(as_tuple=True)
    if not isinstance(input, Tensor) and not isinstance(other, Tensor):
        input = wrap(np.asarray(input, _dtypes.result_numpy([input, other])))
    return where_op(condition, input, other)


@where_op.vjp("x")
def _(g: Any, condition: Any) -> Any:
    return g * condition


@where_op.vjp("other")
def _(g: Any, condition: Any) -> Any:
    return g * ~condition


def _masked_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(2, 3)), rng.random((2, 3)) < 0.5, -1.5)
    yield Case(rng.normal(size=(2, 3)), rng.random(3) < 0.5, float("-inf")).with_(max_order=1)
    yield Case(rng.normal(size=(3,)), rng.random((2, 3)) < 0.5, np.asarray(rng.normal()))


@op(torch="masked_fill", unmixed=("mask",), cases=_masked_cases)
def masked_fill(x: Any, mask: Any, value: Any, /) -> Any:
    """``x`` with ``value`` where the mask holds; mask and ``x`` broadcast.

    >>> import tensor_core as torch
    >>> torch.tensor([1.0, 2.0]).masked_fill(torch.tensor([False, True]), float("-inf"))
    tensor([1., -inf])
    """
    if mask.dtype != np.bool_:
        raise RuntimeError(f"masked_fill only supports boolean masks, but got mask of {mask.dtype}")
    return np.where(mask, np.asarray(_dtypes.fitted(value, x.dtype), x.dtype), x)


@masked_fill.vjp("x")
def _(g: Any, mask: Any) -> Any:
    return g * ~mask


@masked_fill.vjp("value")
def _(g: Any, mask: Any) -> Any:
    return (g * mask).sum()
