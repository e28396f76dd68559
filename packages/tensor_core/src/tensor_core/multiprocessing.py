"""The standard library's ``multiprocessing`` under torch's name, with ``spawn``.

Tensors travel between processes by pickling: a copy arrives, not shared memory.
"""

from __future__ import annotations

import multiprocessing as _standard
import traceback
from collections.abc import Callable
from multiprocessing import *  # noqa: F403  (that is the point)
from multiprocessing.connection import wait as _wait
from typing import Any

from ._missing import missing

__all__ = [
    *_standard.__all__,  # type: ignore[attr-defined]
    "ProcessContext",
    "ProcessExitedException",
    "ProcessRaisedException",
    "get_all_sharing_strategies",
    "get_sharing_strategy",
    "set_sharing_strategy",
    "spawn",
    "start_processes",
]


class ProcessException(Exception):
    """A process of :func:`spawn` failed: which one, and its process id."""

    def __init__(self, msg: str, error_index: int, pid: int | None) -> None:
        super().__init__(msg)
        self.msg, self.error_index, self.pid = msg, error_index, pid


class ProcessRaisedException(ProcessException):
    """A process of :func:`spawn` raised; the message holds its traceback."""


class ProcessExitedException(ProcessException):
    """A process of :func:`spawn` ended with an exit code other than 0."""

    def __init__(
        self, msg: str, error_index: int, error_pid: int | None, exit_code: int | None
    ) -> None:
        super().__init__(msg, error_index, error_pid)
        self.exit_code = exit_code


def _run(fn: Callable[..., Any], i: int, args: tuple[Any, ...], errors: Any) -> None:
    try:
        fn(i, *args)
    except KeyboardInterrupt:
        pass  # the parent is told as well
    except Exception:
        errors.put(traceback.format_exc())
        raise SystemExit(1) from None


class ProcessContext:
    """The processes :func:`spawn` started with ``join=False``."""

    def __init__(self, processes: list[Any], errors: list[Any]) -> None:
        self.processes = processes
        self._errors = errors
        self._running = dict(enumerate(processes))

    def pids(self) -> list[int | None]:
        """The process ids."""
        return [p.pid for p in self.processes]

    def join(self, timeout: float | None = None, grace_period: float | None = None) -> bool:
        """Wait until some end; true once all have ended well. The first failure ends the others.

        Raises:
            ProcessRaisedException: one raised.
            ProcessExitedException: one ended with another exit code than 0.
        """
        if self._running:
            ended = _wait([p.sentinel for p in self._running.values()], timeout)
            for i, p in list(self._running.items()):
                if p.sentinel in ended:
                    p.join()
                    del self._running[i]
                    if p.exitcode != 0:
                        self._fail(i, p)
        return not self._running

    def _fail(self, i: int, process: Any) -> None:
        for other in self._running.values():
            other.terminate()
        for other in self._running.values():
            other.join()
        if not self._errors[i].empty():
            text = f"\n\n-- Process {i} terminated with the following error:\n"
            raise ProcessRaisedException(text + self._errors[i].get(), i, process.pid)
        raise ProcessExitedException(
            f"process {i} terminated with exit code {process.exitcode}", i, process.pid,
            process.exitcode,
        )  # fmt: skip


def start_processes(
    fn: Callable[..., Any],
    args: tuple[Any, ...] = (),
    nprocs: int = 1,
    join: bool = True,
    daemon: bool = False,
    start_method: str = "spawn",
) -> ProcessContext | None:
    """Run ``fn(i, *args)`` in ``nprocs`` processes, i from 0; with ``join``, wait for them.

    Raises:
        ProcessRaisedException: one raised; the others are ended.
        ProcessExitedException: one ended with another exit code than 0.
    """
    context: Any = _standard.get_context(start_method)
    errors = [context.SimpleQueue() for _ in range(nprocs)]
    processes = [
        context.Process(target=_run, args=(fn, i, args, errors[i]), daemon=daemon)
        for i in range(nprocs)
    ]
    for process in processes:
        process.start()
    started = ProcessContext(processes, errors)
    if not join:
        return started
    while not started.join():
        pass
    return None


def spawn(
    fn: Callable[..., Any],
    args: tuple[Any, ...] = (),
    nprocs: int = 1,
    join: bool = True,
    daemon: bool = False,
    start_method: str = "spawn",
) -> ProcessContext | None:
    """Run ``fn(i, *args)`` in ``nprocs`` fresh processes; see :func:`start_processes`."""
    return start_processes(fn, args, nprocs, join, daemon, start_method)


def get_all_sharing_strategies() -> set[str]:
    """The ways in which tensors travel between processes: one.

    >>> get_sharing_strategy() in get_all_sharing_strategies()
    True
    """
    return {"file_system"}


def get_sharing_strategy() -> str:
    """How tensors travel between processes."""
    return "file_system"


def set_sharing_strategy(new_strategy: str) -> None:
    """Accepted: tensors travel by pickling whatever is asked for."""


__getattr__ = missing(__name__)
