"""Fetching the samples of a batch, and making a batch of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...._tensor import Tensor
from ..dataset import Subset, TensorDataset
from . import collate


class _MapDatasetFetcher:
    """Samples by index."""

    def __init__(
        self, dataset: Any, auto_collation: bool, collate_fn: Callable[..., Any], drop_last: bool
    ) -> None:
        self.dataset = dataset
        self.auto_collation = auto_collation
        self.collate_fn = collate_fn
        usual = collate.default_collate_fn_map[Tensor] is collate.collate_tensor_fn
        self._by_rows = auto_collation and usual and collate_fn is collate.default_collate

    def fetch(self, index: Any) -> Any:
        """The batch of a list of indices, or the sample of one index."""
        dataset = self.dataset
        if not self.auto_collation:
            return self.collate_fn(dataset[index])
        if self._by_rows and index:
            rows = _rows(dataset, index)
            if rows is not None:
                return rows
        if getattr(dataset, "__getitems__", None):
            return self.collate_fn(dataset.__getitems__(index))
        return self.collate_fn([dataset[i] for i in index])


def _rows(dataset: Any, index: list[int]) -> list[Tensor] | None:
    """The batch of a dataset of tensors, taken at once: what stacking its samples would give."""
    while type(dataset) is Subset:
        dataset, index = dataset.dataset, [dataset.indices[i] for i in index]
    if type(dataset) is not TensorDataset or any(type(i) is not int for i in index):
        return None
    return [t[index] for t in dataset.tensors]


class _IterableDatasetFetcher:
    """Samples one after another; the indices only say how many."""

    def __init__(
        self, dataset: Any, auto_collation: bool, collate_fn: Callable[..., Any], drop_last: bool
    ) -> None:
        self.samples = iter(dataset)
        self.auto_collation = auto_collation
        self.collate_fn = collate_fn
        self.drop_last = drop_last
        self.ended = False

    def fetch(self, index: Any) -> Any:
        """The next batch, or the next sample; raises StopIteration at the end."""
        if self.ended:
            raise StopIteration
        if not self.auto_collation:
            return self.collate_fn(next(self.samples))
        batch = []
        for _ in index:
            try:
                batch.append(next(self.samples))
            except StopIteration:
                self.ended = True
                break
        if not batch or (self.drop_last and len(batch) < len(index)):
            raise StopIteration
        return self.collate_fn(batch)
