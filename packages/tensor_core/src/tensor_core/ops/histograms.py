"""Counts in bins of several dimensions."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import return_types
from .._tensor import Tensor, wrap
from ._refuse import only


def histogramdd(
    input: Tensor, bins: Any, *, range: Any = None, weight: Tensor | None = None,
    density: bool = False,
) -> Any:  # fmt: skip
    """The counts (or sums of weights, or densities) of points in boxes, and the boxes' edges.

    ``bins`` are one number of equal bins, one for each dimension, or the edges in each as tensors;
    ``range`` is a flat list of the first and last edge in each.
    Shapes: (..., d) -> (bins in the first dimension, ..., bins in the last).

    Raises:
        RuntimeError: the bins do not fit the points' dimensions.

    >>> import tensor_core as torch
    >>> points = torch.tensor([[0.0, 1.0], [1.0, 0.0], [2.0, 2.0]])
    >>> torch.histogramdd(points, bins=[2, 2]).hist
    tensor([[0., 1.],
            [1., 1.]])
    """
    only("f", "histogramdd", input)
    points = input._a.reshape(-1, input._a.shape[-1])
    d = points.shape[1]
    given = [bins] * d if isinstance(bins, int) else list(bins)
    if len(given) != d:
        raise RuntimeError(
            f"histogramdd: expected {d} sequences of bins for points of {d} dimensions, "
            f"but got {len(given)}"
        )
    limits = None if range is None else np.asarray(range, np.float64).reshape(d, 2)
    edges = [_edges(points[:, i], b, None if limits is None else limits[i])
             for i, b in enumerate(given)]  # fmt: skip
    weights = None if weight is None else weight._a.reshape(-1)
    hist, _ = np.histogramdd(points, [e.astype(np.float64) for e in edges], weights=weights)
    if density:
        hist = hist / hist.sum()
        for i, e in enumerate(edges):
            hist = hist / np.diff(e).reshape([-1 if k == i else 1 for k in np.arange(d)])
    parts = tuple(wrap(e) for e in edges)
    return return_types.histogramdd((wrap(hist.astype(points.dtype)), parts))


def _edges(values: np.ndarray, bins: Any, limits: Any) -> np.ndarray:
    if isinstance(bins, Tensor):
        return np.array(bins._a)
    low, high = (values.min(), values.max()) if limits is None else limits
    if low == high:
        low, high = low - 1, high + 1
    return np.linspace(low, high, bins + 1).astype(values.dtype)
