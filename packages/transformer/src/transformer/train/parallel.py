"""A fixed team of threads that compute side by side, each with the matrix products of one core.

NumPy lets go of the interpreter while it computes, so threads share the cores. One thread a
slice of the batch beats one thread whose matrix products are spread over all cores: the work
between the products runs side by side too.
"""

import os
import weakref
from collections.abc import Callable
from math import isqrt
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

from transformer._engine import torch
from transformer.train.randomness import ON_TORCH

T = TypeVar("T")
Outcome = tuple[Any, BaseException | None]

# Threads that run many short operations wait for the interpreter more than they compute. How long
# an operation takes grows with tokens x width, and width with the root of the parameters. Measured
# on two cores: two workers lose below twice this many tokens x root (by 1.1 to 1.7 times), win
# above (by 1.1 to 1.5).
SMALLEST_SLICE = 100_000


class Team:
    """``size`` members that run one job at the same time; member 0 is the calling thread.

    The threads live until :meth:`close` (or the end of a ``with``), waiting without work. While
    a team of two or more runs a job, each operation keeps to one core.

    >>> with Team(2) as team:
    ...     team.run(lambda member: member * 10)
    [0, 10]
    """

    def __init__(self, size: int) -> None:
        if size < 1:
            raise ValueError(f"Team: size must be at least 1, not {size}")
        self.size = size
        self._jobs: list[SimpleQueue[Any]] = [SimpleQueue() for _ in range(1, size)]
        self._outcomes: list[SimpleQueue[Outcome]] = [SimpleQueue() for _ in range(1, size)]
        for member, queues in enumerate(zip(self._jobs, self._outcomes, strict=True), 1):
            Thread(target=_serve, args=(member, *queues), daemon=True).start()
        # Also called when the team is forgotten without being closed.
        self._dismiss = weakref.finalize(self, _dismiss, self._jobs)

    def run(self, job: Callable[[int], T]) -> list[T]:
        """Call ``job(member)`` on every member at once; return the results in members' order.

        Waits for all of them, then raises what the first failing member raised.

        >>> with Team(2) as team:
        ...     team.run("ab".__getitem__)
        ['a', 'b']
        """
        if self.size == 1:
            return [job(0)]
        threads_before = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            for queue in self._jobs:
                queue.put(job)
            outcomes = [_attempt(job, 0), *(queue.get() for queue in self._outcomes)]
        finally:
            torch.set_num_threads(threads_before)
        for _, error in outcomes:
            if error is not None:
                raise error
        return [result for result, _ in outcomes]

    def close(self) -> None:
        """End the threads; may be called twice."""
        self._dismiss()

    def __enter__(self) -> "Team":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _serve(member: int, jobs: "SimpleQueue[Any]", outcomes: "SimpleQueue[Outcome]") -> None:
    while (job := jobs.get()) is not None:
        outcomes.put(_attempt(job, member))


def _attempt(job: Callable[[int], Any], member: int) -> Outcome:
    try:
        return job(member), None
    except BaseException as error:  # handed to the caller, whichever thread it happened on
        return None, error


def _dismiss(jobs: "list[SimpleQueue[Any]]") -> None:
    for queue in jobs:
        queue.put(None)


def choose_workers(wanted: int | str, parameters: int, batch_size: int, block_size: int) -> int:
    """Return how many workers to use: ``wanted``, or what pays when it is ``"auto"``.

    A slice of the batch must be worth handing to another thread. PyTorch brings its own threads,
    so there the answer is 1; raises ``ValueError`` when more are asked of it, or more than the
    batch has sequences.

    >>> choose_workers("auto", parameters=100, batch_size=8, block_size=4)
    1
    """
    if wanted == "auto":
        worth = isqrt(parameters) * batch_size * block_size // SMALLEST_SLICE
        return 1 if ON_TORCH else max(1, min(_cores(), batch_size, worth))
    workers = int(wanted)
    if ON_TORCH and workers > 1:
        raise ValueError(f"workers={workers}: PyTorch brings its own threads; use workers=1")
    if workers > batch_size:
        raise ValueError(f"workers={workers} are more than the batch has sequences ({batch_size})")
    return workers


def _cores() -> int:
    """Return the cores this process may use, which can be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
