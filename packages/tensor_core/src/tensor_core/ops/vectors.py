"""Angles and distances between vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._card import Case, composed
from .._tensor import Tensor
from .norm import norm

Rng = np.random.Generator


def _pairs(rng: Rng) -> Any:
    yield Case(rng.normal(size=(2, 3)), rng.normal(size=(2, 3)))
    yield Case(rng.normal(size=(2, 3)), rng.normal(size=(1, 3)))
    yield Case(rng.normal(size=3), rng.normal(size=(2, 3)))


def _angle_cases(rng: Rng) -> Any:
    yield from list(_pairs(rng))[:2]
    yield Case(rng.normal(size=(2, 3, 2)), rng.normal(size=(2, 3, 2)), 2, 1e-6)


@composed(torch="cosine_similarity", cases=_angle_cases, kinks="at zero vectors")
def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """The cosine of the angle between vectors along ``dim``, whose lengths count at least ``eps``.

    >>> import tensor_core as torch
    >>> x, y = torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0, 1.0]])
    >>> torch.cosine_similarity(x, y)
    tensor([0.7071])
    """
    if x1.ndim != x2.ndim:  # a missing dimension is a size of 1
        ndim = max(x1.ndim, x2.ndim)
        x1, x2 = (x.reshape((1,) * (ndim - x.ndim) + x._a.shape) for x in (x1, x2))
    return (x1 / _length(x1, dim, eps) * (x2 / _length(x2, dim, eps))).sum(dim)


def _length(x: Tensor, dim: int, eps: float) -> Tensor:
    """The length, at least ``eps``; the limit leaves its derivative as it is."""
    length = norm(x, 2, dim, True)
    return length + (length.detach().clamp(min=eps) - length.detach())


@composed(torch="pairwise_distance", cases=_pairs, kinks="at equal vectors")
def pairwise_distance(
    x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> Tensor:
    """The p-norm of ``x1 - x2 + eps`` along the last dimension.

    >>> import tensor_core as torch
    >>> torch.pairwise_distance(torch.tensor([[3.0, 4.0]]), torch.zeros(1, 2))
    tensor([5.0000])
    """
    return norm(x1 - x2 + eps, p, -1, keepdim)


def _rows(rng: Rng) -> Any:
    yield Case(rng.normal(size=(4, 3))).with_(max_order=1)
    yield Case(rng.normal(size=(3, 2)), 1.0).with_(max_order=1)
    yield Case(rng.normal(size=(3, 2)), 3.0).with_(max_order=1)
    yield Case(rng.normal(size=(1, 2))).with_(max_order=1)


@composed(torch="pdist", cases=_rows, kinks="at equal rows")
def pdist(input: Tensor, p: float = 2.0) -> Tensor:
    """The p-norm distances of all pairs of rows. Shapes: (N, M) -> (N * (N - 1) / 2).

    Raises:
        RuntimeError: the input is no matrix, or ``p`` is negative.

    >>> import tensor_core as torch
    >>> torch.pdist(torch.tensor([[0.0], [1.0], [3.0]]))
    tensor([1., 3., 2.])
    """
    if input.ndim != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {input.ndim}D")
    if p < 0:
        raise RuntimeError("pdist only supports non-negative p values")
    first, second = np.triu_indices(input._a.shape[0], 1)
    return norm(input[first] - input[second], p, 1)
