"""Each process its share of a dataset."""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterator
from typing import Any

from ..._rng import Generator
from ...ops import randperm
from .sampler import Sampler

__all__ = ["DistributedSampler"]


def _group() -> Any:
    """The package that knows how many processes there are."""
    try:
        return importlib.import_module("tensor_core.distributed")
    except ImportError:
        raise RuntimeError(
            "DistributedSampler: there is no process group to ask; give num_replicas and rank"
        ) from None


class DistributedSampler(Sampler[int]):
    """Every ``num_replicas``-th index, from ``rank`` on, of an order all processes agree on.

    Without ``drop_last`` the order is filled up from its start, so that all shares are equally
    long. ``set_epoch`` makes the next pass another order.

    Raises:
        ValueError: ``rank`` is not in [0, num_replicas).

    >>> list(DistributedSampler(range(5), num_replicas=2, rank=1, shuffle=False))
    [1, 3, 0]
    """

    def __init__(
        self,
        dataset: Any,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        self.num_replicas = _group().get_world_size() if num_replicas is None else num_replicas
        self.rank = _group().get_rank() if rank is None else rank
        if not 0 <= self.rank < self.num_replicas:
            raise ValueError(
                f"Invalid rank {self.rank}, rank should be in the interval "
                f"[0, {self.num_replicas - 1}]"
            )
        self.dataset = dataset
        self.epoch = 0
        self.drop_last = drop_last
        share = len(dataset) / self.num_replicas
        self.num_samples = math.floor(share) if drop_last else math.ceil(share)
        self.total_size = self.num_samples * self.num_replicas
        self.shuffle = shuffle
        self.seed = seed

    def __iter__(self) -> Iterator[int]:
        n = len(self.dataset)
        if self.shuffle:
            generator = Generator().manual_seed(self.seed + self.epoch)
            order = randperm(n, generator=generator).tolist()
        else:
            order = list(range(n))
        if self.total_size > n:
            order *= math.ceil(self.total_size / n)
        return iter(order[self.rank : self.total_size : self.num_replicas])

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch it is: with ``shuffle``, each has an order of its own."""
        self.epoch = epoch
