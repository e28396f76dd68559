"""``profile`` and the blocks it records."""

from __future__ import annotations

import functools
import os
import socket
import threading
import time
from collections.abc import Callable, Iterable
from enum import Enum
from pathlib import Path
from typing import Any

from .events import Averages, Span, averages, write_chrome_trace
from .schedule import ProfilerAction

_active: list[profile] = []
_open = threading.local()  # .blocks: of this thread, the time spent inside blocks of each block


class ProfilerActivity(Enum):
    """What can be recorded; here it is the CPU's time."""

    CPU = 0
    XPU = 1
    MTIA = 2
    CUDA = 3
    HPU = 4
    PrivateUse1 = 5


class DeviceType(Enum):
    """Kinds of device."""

    CPU = 0
    CUDA = 1


def supported_activities() -> set[ProfilerActivity]:
    """What can be recorded.

    >>> supported_activities()
    {<ProfilerActivity.CPU: 0>}
    """
    return {ProfilerActivity.CPU}


class record_function:
    """A block, or a decorated function, whose time is recorded under a name.

    >>> import tensor_core as torch
    >>> with torch.profiler.profile() as prof, torch.profiler.record_function("forward"):
    ...     _ = torch.ones(2).sum()
    >>> prof.key_averages()[0].key, prof.key_averages()[0].count
    ('forward', 1)
    """

    def __init__(self, name: str, args: str | None = None) -> None:
        self.name = name
        self.args = args

    def __enter__(self) -> record_function:
        blocks = _open.__dict__.setdefault("blocks", [])
        blocks.append([time.perf_counter(), 0.0])
        return self

    def __exit__(self, *exc: object) -> None:
        start, inside = _open.blocks.pop()
        took = time.perf_counter() - start
        if _open.blocks:
            _open.blocks[-1][1] += took
        span = Span(
            self.name, start * 1e6, took * 1e6, len(_open.blocks), (took - inside) * 1e6,
            threading.get_ident(),
        )  # fmt: skip
        for profiler in _active:
            profiler._add(span)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, each of whose calls is recorded."""

        @functools.wraps(function)
        def inside(*args: Any, **kwargs: Any) -> Any:
            with record_function(self.name, self.args):
                return function(*args, **kwargs)

        return inside


class profile:
    """Record the time of named blocks and of steps; nothing of single operations.

    ``schedule`` says which steps count, ``on_trace_ready(self)`` is called after each round of
    them (at the end, without a schedule). Other arguments are accepted.

    >>> import tensor_core as torch
    >>> with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as prof:
    ...     for _ in range(3):
    ...         prof.step()
    >>> "ProfilerStep" in prof.key_averages().table(sort_by="cpu_time_total", row_limit=5)
    True
    """

    def __init__(
        self,
        *,
        activities: Iterable[Any] | None = None,
        schedule: Callable[[int], ProfilerAction] | None = None,
        on_trace_ready: Callable[[profile], Any] | None = None,
        record_shapes: bool = False,
        profile_memory: bool = False,
        with_stack: bool = False,
        with_flops: bool = False,
        with_modules: bool = False,
        **more: Any,
    ) -> None:
        self.activities = set(activities) if activities else supported_activities()
        self.schedule = schedule or (lambda step: ProfilerAction.RECORD)
        self.on_trace_ready = on_trace_ready
        self.step_num = 0
        self.current_action = self.schedule(0)
        self._spans: list[Span] = []
        self._ready = False  # the last round has been handed to on_trace_ready
        self._began = 0.0

    def __enter__(self) -> profile:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def start(self) -> None:
        """Begin."""
        _active.append(self)
        self._began = time.perf_counter()

    def stop(self) -> None:
        """End; hand over what was recorded since the last time."""
        if self in _active:
            _active.remove(self)
        if self._recording() and not self._ready:
            self._hand_over()

    def _recording(self) -> bool:
        return self.current_action in (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE)

    def _hand_over(self) -> None:
        self._ready = True
        if self.on_trace_ready is not None:
            self.on_trace_ready(self)

    def _add(self, span: Span) -> None:
        if self._recording():
            if self._ready:  # a new round begins
                self._spans, self._ready = [], False
            self._spans.append(span)

    def step(self) -> None:
        """Say that a step of the program has ended."""
        now = time.perf_counter()
        took = (now - self._began) * 1e6
        name = f"ProfilerStep#{self.step_num}"
        self._add(Span(name, self._began * 1e6, took, 0, 0.0, threading.get_ident()))
        if self.current_action is ProfilerAction.RECORD_AND_SAVE:
            self._hand_over()
        self.step_num += 1
        self.current_action = self.schedule(self.step_num)
        self._began = time.perf_counter()

    def events(self) -> list[Span]:
        """Every block that was recorded, in the order of ending."""
        return list(self._spans)

    def key_averages(
        self, group_by_input_shape: bool = False, group_by_stack_n: int = 0, **more: Any
    ) -> Averages:
        """The sums by name."""
        merged = [
            Span(s.name.partition("#")[0] + "*", s.start, s.duration, s.depth, s.own, s.thread)
            if s.name.startswith("ProfilerStep#")
            else s
            for s in self._spans
        ]
        return averages(merged)

    def export_chrome_trace(self, path: str) -> None:
        """Write what was recorded for chrome://tracing or Perfetto."""
        write_chrome_trace(self._spans, path)

    def add_metadata(self, key: str, value: str) -> None:
        """Accepted."""

    def add_metadata_json(self, key: str, value: str) -> None:
        """Accepted."""


def tensorboard_trace_handler(
    dir_name: str, worker_name: str | None = None, use_gzip: bool = False, **more: Any
) -> Callable[[profile], None]:
    """An ``on_trace_ready`` that writes each round to a file of its own in a folder."""

    def handle(prof: profile) -> None:
        folder = Path(dir_name)
        folder.mkdir(parents=True, exist_ok=True)
        worker = worker_name or f"{socket.gethostname()}_{os.getpid()}"
        prof.export_chrome_trace(str(folder / f"{worker}.{time.time_ns()}.pt.trace.json"))

    return handle
