"""The CPU under the names that torch gives every kind of device."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ._missing import missing

__all__ = ["current_device", "device_count", "is_available", "set_device", "synchronize"]


def is_available() -> bool:
    """Whether there is a CPU: yes.

    >>> import tensor_core as torch
    >>> torch.cpu.is_available(), torch.cpu.device_count(), torch.cpu.current_device()
    (True, 1, 'cpu')
    """
    return True


def is_initialized() -> bool:
    """Whether it has been started: yes."""
    return True


def device_count() -> int:
    """How many there are, as torch counts: 1."""
    return 1


def current_device() -> str:
    """Its name."""
    return "cpu"


def set_device(device: Any) -> None:
    """Accepted: there is only one."""


def synchronize(device: Any = None) -> None:
    """Accepted: every operation has ended when it returns."""


@contextmanager
def stream(stream: Any) -> Iterator[None]:
    """A block on a stream; the CPU has one."""
    yield


__getattr__ = missing(__name__)
