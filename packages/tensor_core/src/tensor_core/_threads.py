"""How many threads to use, and a few that wait for elementwise work.

Compiled kernels release the GIL, so slices of one large array can be worked on at once. Only such
loops go through here, never matrix products: those have BLAS's own threads, and the two together
would fight for the same cores.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any, TypeVar

from . import _blas

T = TypeVar("T")


class _State(threading.local):
    serial = False


_state = _State()
_lock = threading.Lock()
_serial_blocks = 0  # how many threads are inside serial()
_blas_before: int | None = None
_tasks: SimpleQueue[Any] = SimpleQueue()
_workers = 0


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


_threads = _cores()


def get_num_threads() -> int:
    """How many threads an operation may use.

    >>> import tensor_core as torch
    >>> torch.get_num_threads() >= 1
    True
    """
    return _threads


def set_num_threads(n: int) -> None:
    """Let operations use ``n`` threads, BLAS's matrix products included.

    Raises ``RuntimeError`` for n < 1.

    >>> before = get_num_threads()
    >>> set_num_threads(1); get_num_threads()
    1
    >>> set_num_threads(before)
    """
    global _threads
    if isinstance(n, bool) or not isinstance(n, int):
        raise TypeError(f"set_num_threads expects an int, but got {type(n).__name__}")
    if n < 1:
        raise RuntimeError(f"set_num_threads expects a positive number of threads, got {n}")
    _threads = n
    _blas.set_threads(n)


@contextmanager
def serial() -> Iterator[None]:
    """Keep the work of this thread on this thread: for threads that each take a batch slice.

    While any thread is inside, BLAS is held to one thread for all.

    >>> with serial():
    ...     in_worker()
    True
    """
    _enter_serial()
    before, _state.serial = _state.serial, True
    try:
        yield
    finally:
        _state.serial = before
        _leave_serial()


def in_worker() -> bool:
    """Whether this thread is inside :func:`serial`."""
    return _state.serial


def _enter_serial() -> None:
    global _serial_blocks, _blas_before
    with _lock:
        if _serial_blocks == 0:
            _blas_before = _blas.get_threads()
            _blas.set_threads(1)
        _serial_blocks += 1


def _leave_serial() -> None:
    global _serial_blocks
    with _lock:
        _serial_blocks -= 1
        if _serial_blocks == 0 and _blas_before is not None:
            _blas.set_threads(_blas_before)


class _Job:
    """Tasks that several threads take from until none is left."""

    def __init__(self, tasks: Sequence[Any], fn: Callable[[Any], None]) -> None:
        self.tasks = deque(tasks)
        self.fn = fn
        self.error: BaseException | None = None
        self.finished: SimpleQueue[None] = SimpleQueue()  # one entry for each helper that is done

    def work(self) -> None:
        """Take tasks; the first error empties the list and is kept for the caller."""
        while self.tasks:
            try:
                task = self.tasks.popleft()
            except IndexError:  # another thread was quicker
                return
            try:
                self.fn(task)
            except BaseException as error:
                self.error = self.error or error
                self.tasks.clear()

    def help(self) -> None:
        """What a helper thread does."""
        self.work()
        self.finished.put(None)

    def run(self, helpers: int) -> None:
        """Work here too, wait for the helpers, and raise what went wrong."""
        self.work()
        for _ in range(helpers):
            self.finished.get()
        if self.error is not None:
            raise self.error


def parallel_for(tasks: Sequence[T], fn: Callable[[T], None]) -> None:
    """Call ``fn`` on every task, on up to ``get_num_threads()`` threads; order is not fixed.

    Raises the first error of any call. Inside :func:`serial`, all on this thread.

    >>> done = []
    >>> parallel_for([1, 2, 3], done.append); sorted(done)
    [1, 2, 3]
    """
    helpers = min(_threads, len(tasks)) - 1
    if helpers < 1 or _state.serial:
        for task in tasks:
            fn(task)
        return
    _start(helpers)
    job = _Job(tasks, fn)
    for _ in range(helpers):
        _tasks.put(job)
    job.run(helpers)


def _start(count: int) -> None:
    """Make sure that ``count`` helper threads wait for jobs."""
    global _workers
    if _workers >= count:
        return
    with _lock:
        while _workers < count:
            name = f"tensor_core-{_workers}"
            threading.Thread(target=_serve, args=(_tasks,), name=name, daemon=True).start()
            _workers += 1


def _serve(jobs: SimpleQueue[Any]) -> None:
    _state.serial = True
    while True:
        jobs.get().help()


def _forget_threads() -> None:
    """In a forked child there are no helper threads: begin again."""
    global _tasks, _workers, _lock, _serial_blocks
    _tasks, _workers, _lock, _serial_blocks = SimpleQueue(), 0, threading.Lock(), 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_threads)
