"""Training on several processes, with PyTorch's own means: torchrun and DistributedDataParallel.

``torchrun --nproc-per-node 2 -m transformer train --engine torch ...`` runs the same program in
every process. torchrun tells each by the environment which of how many it is; each computes its
rows of the very same batch, DistributedDataParallel adds the gradients up (by gloo on processors,
by nccl on GPUs), and only the main one writes. The NumPy engine shares a batch among threads.
"""

import atexit
import os
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import cache
from itertools import pairwise
from typing import Any, TypeVar

from transformer._engine import ENGINE, nn, torch
from transformer.models.base import IGNORE
from transformer.train.parallel import Team
from transformer.train.randomness import ON_TORCH, draws_seeded, mixed_seed
from transformer.train.stepper import Stepper, equal_cuts

T = TypeVar("T")


def world_size() -> int:
    """Return how many processes train together: 1 unless torchrun started more.

    Raises ``ValueError`` when there are several on an engine that works in one.

    >>> world_size(), rank(), is_main()
    (1, 0, True)
    """
    size = int(os.environ.get("WORLD_SIZE", 1)) if "RANK" in os.environ else 1
    if size > 1 and not ON_TORCH:
        raise ValueError(
            f"torchrun started {size} processes, but the engine {ENGINE} works in one: add "
            "--engine torch, or leave torchrun out and share the batch among threads (--workers)"
        )
    return size


def rank() -> int:
    """Return which of the processes this is, from 0.

    >>> rank()  # of a single process, which torchrun did not start
    0
    """
    return int(os.environ["RANK"]) if world_size() > 1 else 0


def is_main() -> bool:
    """Whether this process is the one that writes files and speaks.

    >>> is_main()
    True
    """
    return rank() == 0


def total(value: float) -> float:
    """Return the sum of all processes' values, the same in each, to the last bit.

    >>> total(2.5)  # of a single process
    2.5
    """
    if world_size() == 1:
        return value
    _join()
    values = [torch.zeros((), dtype=torch.float64) for _ in range(world_size())]
    torch.distributed.all_gather(values, torch.tensor(value, dtype=torch.float64))
    return sum(each.item() for each in values)  # in the order of ranks


class Processes(Team):
    """All processes as a team: each runs the job as one member and learns what all returned.

    >>> Processes().run(lambda member: member + 1)
    [1]
    """

    def __init__(self) -> None:
        self.size = world_size()

    def run(self, job: Callable[[int], T]) -> list[T]:
        """Call ``job(rank)``; return what it returned in every process, in the order of ranks."""
        result = job(rank())
        if self.size == 1:
            return [result]
        _join()
        results: list[Any] = [None] * self.size
        torch.distributed.all_gather_object(results, result)
        return results

    def close(self) -> None:
        """Do nothing: the processes go on together."""


class DistributedStepper(Stepper):
    """A ``Stepper`` whose batch is shared among processes, not threads; one in each process.

    Makes the step a single process would make, up to rounding, in every process the same.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        grad_clip: float = 1.0,
        accumulate: int = 1,
        seed: int = 0,
    ) -> None:
        super().__init__(model, optimizer, grad_clip, 1, accumulate, seed)
        self.team = Processes()
        _join()
        library: Any = nn
        self._shared = library.parallel.DistributedDataParallel(model)

    def step(self, x: torch.Tensor, y: torch.Tensor) -> tuple[float, float]:
        """Learn from the whole batch ``x``, ``y``, both (B, T), of which this process takes part.

        Returns and raises what :meth:`Stepper.step` does, in every process the same.
        """
        with draws_seeded(mixed_seed(self.seed, self.count, rank())):
            share = self._backward(x, y)
        loss = total(share)
        return loss, self._update(loss, [p.grad for p in self.parameters])

    def _backward(self, x: torch.Tensor, y: torch.Tensor) -> float:
        """Leave the whole batch's gradients in ``.grad``; return this process's share of the loss.

        The last piece's backward waits for the other processes, so every process must have one.
        """
        share = 0.0
        pieces = list(self._pieces(y))
        for index, (start, end, weight) in enumerate(pieces):
            last = index == len(pieces) - 1
            with nullcontext() if last else self._shared.no_sync():
                loss = self._shared(x[start:end], y[start:end])[1] * weight
                (loss * self.team.size).backward()  # of which the processes' mean is taken
            share += loss.item()
        return share

    def _pieces(self, y: torch.Tensor) -> Iterator[tuple[int, int, float]]:
        """Yield this process's pieces (first row, row after the last, weight in the loss)."""
        counts = (y != IGNORE).sum(dim=1).tolist()  # of each row
        whole, mine = sum(counts), rank()
        rows = equal_cuts(len(y), self.team.size)
        first, length = rows[mine], rows[mine + 1] - rows[mine]
        inner = [first + cut for cut in equal_cuts(length, max(1, min(self.accumulate, length)))]
        pieces = [(start, end, sum(counts[start:end])) for start, end in pairwise(inner)]
        pieces = [(start, end, counted) for start, end, counted in pieces if counted]
        if whole and not pieces:  # nothing here to learn from: any row, at no weight
            row = next(row for row, counted in enumerate(counts) if counted)
            pieces = [(row, row + 1, 0)]
        for start, end, counted in pieces:
            yield start, end, counted / whole


@cache
def _join() -> None:
    """Meet the other processes, once."""
    gpu = ON_TORCH and torch.cuda.is_available()
    torch.distributed.init_process_group("cpu:gloo,cuda:nccl" if gpu else "gloo")
    atexit.register(torch.distributed.destroy_process_group)
