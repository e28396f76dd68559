"""Datasets: things with samples, by index or one after another."""

from __future__ import annotations

import bisect
import itertools
import math
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from ..._rng import default_generator
from ..._tensor import Tensor
from ...ops import randperm

__all__ = [
    "ChainDataset",
    "ConcatDataset",
    "Dataset",
    "IterableDataset",
    "StackDataset",
    "Subset",
    "TensorDataset",
    "random_split",
]

T_co = TypeVar("T_co", covariant=True)


class Dataset(Generic[T_co]):
    """Samples by index: a subclass defines ``__getitem__`` and, as a rule, ``__len__``.

    Where it defines ``__getitems__(indices)`` too, a loader fetches whole batches with it.

    >>> class Squares(Dataset):
    ...     def __len__(self):
    ...         return 4
    ...     def __getitem__(self, i):
    ...         return i * i
    >>> [(Squares() + Squares())[i] for i in (3, 4, -1)]
    [9, 0, 9]
    """

    def __getitem__(self, index: Any) -> T_co:
        raise NotImplementedError(f"{type(self).__name__} has to define __getitem__")

    def __add__(self, other: Dataset[Any]) -> ConcatDataset[Any]:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[T_co], Iterable[T_co]):
    """Samples one after another: a subclass defines ``__iter__``.

    With several workers each has its own copy and runs all of it; :func:`get_worker_info` tells
    it which part is its own.

    >>> class Count(IterableDataset):
    ...     def __iter__(self):
    ...         return iter(range(3))
    >>> list(Count() + Count())
    [0, 1, 2, 0, 1, 2]
    """

    def __add__(self, other: Dataset[Any]) -> ChainDataset:  # type: ignore[override]
        return ChainDataset([self, other])


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """Rows of tensors of the same length, as tuples.

    Raises:
        AssertionError: the lengths differ.

    >>> import tensor_core as torch
    >>> TensorDataset(torch.arange(3), torch.zeros(3))[1]
    (tensor(1), tensor(0.))
    """

    def __init__(self, *tensors: Tensor) -> None:
        lengths = [t.size(0) for t in tensors]
        if len(set(lengths)) > 1:
            raise AssertionError(f"TensorDataset: the tensors have {lengths} rows: not the same")
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(t[index] for t in self.tensors)

    def __len__(self) -> int:
        return self.tensors[0].size(0)


class StackDataset(Dataset[Any]):
    """Datasets of the same length side by side: samples are tuples, or dicts of the given names.

    Raises:
        ValueError: no dataset, positional and named ones mixed, or lengths that differ.

    >>> StackDataset(x=[1, 2], y=[10, 20])[1]
    {'x': 2, 'y': 20}
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if args and kwargs:
            raise ValueError(
                "StackDataset: give the datasets either by position (samples are tuples) or by "
                "name (samples are dicts), not both"
            )
        parts = list(args or kwargs.values())
        if not parts:
            raise ValueError("StackDataset: at least one dataset should be passed")
        if len({len(p) for p in parts}) > 1:
            raise ValueError(f"StackDataset: size mismatch between datasets {[*map(len, parts)]}")
        self._length = len(parts[0])
        self.datasets: Any = args or kwargs

    def _joined(self, columns: list[Any]) -> Any:
        if isinstance(self.datasets, dict):
            return dict(zip(self.datasets, columns, strict=True))
        return tuple(columns)

    def _parts(self) -> list[Any]:
        named = isinstance(self.datasets, dict)
        return list(self.datasets.values() if named else self.datasets)

    def __getitem__(self, index: Any) -> Any:
        return self._joined([part[index] for part in self._parts()])

    def __getitems__(self, indices: list[Any]) -> list[Any]:
        columns = [_items(part, indices) for part in self._parts()]
        for column in columns:
            if len(column) != len(indices):
                raise ValueError(
                    "StackDataset: a dataset's __getitems__ has an output size mismatch: "
                    f"expected {len(indices)} samples, got {len(column)}"
                )
        return [self._joined(list(row)) for row in zip(*columns, strict=True)]

    def __len__(self) -> int:
        return self._length


def _items(dataset: Any, indices: list[Any]) -> Any:
    """The samples of these indices, all at once where the dataset can."""
    if callable(getattr(dataset, "__getitems__", None)):
        return dataset.__getitems__(indices)
    return [dataset[i] for i in indices]


class ConcatDataset(Dataset[T_co]):
    """Datasets one behind the other.

    Raises:
        AssertionError: there are none, or one of them is an ``IterableDataset``.

    >>> both = ConcatDataset([[1, 2], [3]])
    >>> len(both), both[2], both.cumulative_sizes
    (3, 3, [2, 3])
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise AssertionError("ConcatDataset: datasets should not be an empty iterable")
        if any(isinstance(d, IterableDataset) for d in self.datasets):
            raise AssertionError("ConcatDataset does not support IterableDataset; use ChainDataset")
        self.cumulative_sizes = self.cumsum(self.datasets)

    @staticmethod
    def cumsum(sequence: Iterable[Any]) -> list[int]:
        """The running total of the lengths."""
        return list(itertools.accumulate(len(part) for part in sequence))

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, idx: int) -> T_co:
        if idx < 0:
            if -idx > len(self):
                raise ValueError(
                    f"ConcatDataset: index {idx} exceeds the dataset length {len(self)}"
                )
            idx += len(self)
        k = bisect.bisect_right(self.cumulative_sizes, idx)
        return self.datasets[k][idx - (self.cumulative_sizes[k - 1] if k else 0)]


class ChainDataset(IterableDataset[Any]):
    """Iterable datasets one behind the other.

    Raises:
        AssertionError: on the way, at one that is no ``IterableDataset``.
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = datasets

    def _checked(self) -> Iterator[Any]:
        for d in self.datasets:
            if not isinstance(d, IterableDataset):
                raise AssertionError("ChainDataset only supports IterableDataset")
            yield d

    def __iter__(self) -> Iterator[Any]:
        for d in self._checked():
            yield from d

    def __len__(self) -> int:
        return sum(len(d) for d in self._checked())


class Subset(Dataset[T_co]):
    """The samples of a dataset at the given indices.

    Raises:
        NotImplementedError: a subclass defines ``__getitem__`` without ``__getitems__``, which
            loaders call.

    >>> Subset("abcd", [3, 0])[0]
    'd'
    """

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        own = type(self)
        if own.__getitem__ is not Subset.__getitem__ and (own.__getitems__ is Subset.__getitems__):
            raise NotImplementedError(
                f"{own.__name__} overrides __getitem__ but not __getitems__, which DataLoader "
                "calls; define it as well: return [self[i] for i in indices]"
            )
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, idx: Any) -> T_co:
        if isinstance(idx, list):
            return self.dataset[[self.indices[i] for i in idx]]
        return self.dataset[self.indices[idx]]

    def __getitems__(self, indices: list[int]) -> Any:
        return _items(self.dataset, [self.indices[i] for i in indices])

    def __len__(self) -> int:
        return len(self.indices)


def random_split(
    dataset: Any, lengths: Sequence[float], generator: Any = default_generator
) -> list[Subset[Any]]:
    """Split at random into parts of the given lengths, or fractions that add up to 1.

    What rounding fractions down leaves over goes to the first parts, one sample each.

    Raises:
        ValueError: the lengths do not add up to the dataset's; a fraction outside [0, 1].

    >>> import tensor_core as torch
    >>> parts = random_split(range(10), [0.7, 0.3], generator=torch.Generator().manual_seed(1))
    >>> [len(p) for p in parts]
    [7, 3]
    """
    counts: list[Any] = list(lengths)
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        counts = _counts(len(dataset), lengths)
    if sum(counts) != len(dataset):
        raise ValueError(
            f"random_split: the sum of input lengths {sum(counts)} does not equal the length of "
            f"the dataset, {len(dataset)}"
        )
    order = randperm(sum(counts), generator=generator).tolist()
    ends = itertools.accumulate(counts)
    return [Subset(dataset, order[end - n : end]) for end, n in zip(ends, counts, strict=True)]


def _counts(total: int, fractions: Sequence[float]) -> list[int]:
    for i, fraction in enumerate(fractions):
        if not 0 <= fraction <= 1:
            raise ValueError(f"random_split: the fraction at index {i} is not between 0 and 1")
    counts = [math.floor(total * f) for f in fractions]
    for i in range(total - sum(counts)):
        counts[i % len(counts)] += 1
    for i, n in enumerate(counts):
        if n == 0:
            warnings.warn(f"random_split: the length of the split at index {i} is 0", stacklevel=3)
    return counts
