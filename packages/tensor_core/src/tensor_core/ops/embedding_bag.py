"""Sums, means and maxima of rows of a table, bag by bag."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .._card import Case, composed
from .._creation import zeros
from .._tensor import Tensor, wrap
from .embedding import embedding, shorten_rows
from .gather import gather, index_add


def _cases(rng: np.random.Generator) -> Iterator[Case]:
    table = rng.normal(size=(4, 2))
    pairs, row = np.array([[1, 3], [1, 0]]), np.array([1, 3, 1])
    yield Case(pairs, table)
    yield Case(row, table, np.array([0, 1, 1]), mode="sum")
    yield Case(row, table, np.array([0, 2]), mode="max")
    yield Case(pairs, table, mode="sum", per_sample_weights=rng.normal(size=(2, 2))).with_(
        max_order=1
    )
    yield Case(row, table, np.array([0, 2, 3]), include_last_offset=True)


@composed(torch="nn.functional.embedding_bag", cases=_cases, kinks="max: at ties")
def embedding_bag(
    input: Tensor, weight: Tensor, offsets: Tensor | None = None, max_norm: float | None = None,
    norm_type: float = 2, scale_grad_by_freq: bool = False, mode: str = "mean",
    sparse: bool = False, per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False, padding_idx: int | None = None,
) -> Tensor:  # fmt: skip
    """The sum, mean or max of the rows that each bag of integers names; zeros for an empty bag.

    A bag is a row of ``input`` (B, n), or of a vector the part from one of the ``offsets`` (B,) to
    the next. ``padding_idx`` is left out. Shapes: the table (rows, d) -> (B, d).

    Raises:
        ValueError: offsets with rows of integers, or missing; an unknown mode.
        NotImplementedError: ``per_sample_weights`` for a mode other than "sum".
        RuntimeError: offsets that do not begin at 0, or end beyond the input; frequencies.

    >>> import tensor_core as torch
    >>> table = torch.tensor([[1.0], [10.0], [100.0]])
    >>> torch.nn.functional.embedding_bag(torch.tensor([[0, 1], [2, 2]]), table, mode="sum")
    tensor([[ 11.],
            [200.]])
    """
    _check(input, weight, offsets, mode, per_sample_weights, scale_grad_by_freq, sparse)
    ends, n_bags = _ends(input, offsets, include_last_offset)
    if max_norm is not None:
        shorten_rows(weight, input, max_norm, norm_type)
    ids = input._a.reshape(-1)
    _check_ids(ids, weight._a.shape[0])
    bags = np.repeat(np.arange(n_bags), np.diff(ends, prepend=0))
    weights = None if per_sample_weights is None else per_sample_weights.reshape(-1)
    if padding_idx is not None:
        kept = np.flatnonzero(ids != padding_idx % weight._a.shape[0])
        ids, bags = ids[kept], bags[kept]
        weights = None if weights is None else weights[wrap(kept)]
    rows = embedding(wrap(ids), weight)  # (n, d)
    if mode == "max":
        return _largest(rows, bags, n_bags)
    rows = rows if weights is None else rows * weights[:, None]
    total = zeros((n_bags, weight._a.shape[1]), dtype=rows.dtype)
    total = index_add(total, 0, wrap(bags), rows)
    if mode == "sum":
        return total
    count = np.maximum(np.bincount(bags, minlength=n_bags), 1)[:, None]
    return total / wrap(count.astype(rows._a.dtype))


def _largest(rows: Tensor, bags: np.ndarray, n_bags: int) -> Tensor:
    """The largest of each bag's rows, column by column; the first of equal ones learns."""
    starts = np.searchsorted(bags, np.arange(n_bags + 1))
    places = np.zeros((n_bags, rows._a.shape[1]), np.int64)
    for bag in np.flatnonzero(np.diff(starts)):
        first, end = starts[bag : bag + 2]
        places[bag] = first + rows._a[first:end].argmax(axis=0)
    if not bags.size:
        return zeros(places.shape, dtype=rows.dtype)
    empty = wrap(np.diff(starts) == 0)[:, None]
    return gather(rows, 0, wrap(places)).masked_fill(empty, 0.0)


def _ends(
    input: Tensor, offsets: Tensor | None, include_last_offset: bool
) -> tuple[np.ndarray, int]:
    """Where each bag ends in the flat input, and the number of bags."""
    if offsets is None:
        n_bags, length = input._a.shape
        return np.arange(1, n_bags + 1) * length, n_bags
    starts, size = offsets._a, input._a.size
    if starts.size and starts[0] != 0:
        raise RuntimeError(f"embedding_bag: offsets[0] has to be 0, not {starts[0]}")
    if starts.size and starts[-1] > size:
        raise RuntimeError(
            f"embedding_bag: offsets[-1] is {starts[-1]}, beyond the input's {size} integers"
        )
    if include_last_offset:
        if not starts.size:
            raise RuntimeError("embedding_bag: include_last_offset wants at least one offset")
        if starts[-1] != size:  # PyTorch's modes disagree about what is left over
            raise RuntimeError(
                "embedding_bag: with include_last_offset, offsets[-1] is the input's size, "
                f"{size}, not {starts[-1]}"
            )
        return starts[1:], starts.size - 1
    return np.append(starts[1:], size)[: starts.size], starts.size


def _check_ids(ids: np.ndarray, rows: int) -> None:
    if ids.size and (ids.min() < 0 or ids.max() >= rows):
        worst = ids.min() if ids.min() < 0 else ids.max()
        raise RuntimeError(f"embedding_bag: index {worst} is out of range of {rows} rows")


def _check(
    input: Tensor, weight: Tensor, offsets: Any, mode: str, weights: Any, by_freq: bool,
    sparse: bool,
) -> None:  # fmt: skip
    if weights is not None and input.shape != weights.shape:
        raise ValueError(
            f"embedding_bag: per_sample_weights {tuple(weights.shape)} must have the shape of "
            f"the input, {tuple(input.shape)}"
        )
    if weight.dim() != 2:
        raise ValueError(
            f"weight has to be a 2D Tensor, but got Tensor of dimension {weight.dim()}"
        )
    if input.dim() not in (1, 2):
        raise ValueError(
            f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.dim()}"
        )
    if input.dim() == 2 and offsets is not None:
        raise ValueError(
            "if input is 2D, then offsets has to be None: each row of the input is a bag"
        )
    if input.dim() == 1 and (offsets is None or offsets.dim() != 1):
        raise ValueError("offsets has to be a 1D Tensor for a 1D input")
    if mode not in ("sum", "mean", "max"):
        raise ValueError("mode has to be one of sum, mean or max")
    if mode == "max" and (by_freq or sparse):
        raise ValueError("max mode does not support scale_grad_by_freq or sparse")
    if by_freq:
        raise RuntimeError(
            "embedding_bag: scale_grad_by_freq is not supported: PyTorch divides rows by the "
            "frequencies of other rows. Leave it out, or scale the gradient yourself"
        )
    if weights is not None and mode != "sum":
        raise NotImplementedError(
            f"embedding_bag: per_sample_weights are for mode='sum' alone (got mode='{mode}')"
        )
