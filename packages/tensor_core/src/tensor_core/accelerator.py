"""The accelerator of this machine, whichever it is: there is none.

Programs that ask first go on with the CPU:

>>> import tensor_core as torch
>>> found = torch.accelerator.is_available()
>>> torch.accelerator.current_accelerator().type if found else "cpu"
'cpu'
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ._device import device
from ._missing import missing

__all__ = ["current_accelerator", "device_count", "is_available", "synchronize"]


def is_available() -> bool:
    """Whether there is an accelerator: no."""
    return False


def current_accelerator(check_available: bool = False) -> device | None:
    """The kind of accelerator: ``None``, since there is none."""
    return None


def device_count() -> int:
    """How many accelerators there are: 0."""
    return 0


def _refused(name: str) -> Callable[..., Any]:
    def function(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(
            f"torch.accelerator.{name}: Cannot access accelerator device when none is available; "
            "Gradine computes on the CPU alone, so ask torch.accelerator.is_available() first"
        )

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"``torch.accelerator.{name}`` needs a device: raises RuntimeError."
    return function


current_device_idx = _refused("current_device_idx")
current_device_index = _refused("current_device_index")
current_stream = _refused("current_stream")
empty_cache = _refused("empty_cache")
max_memory_allocated = _refused("max_memory_allocated")
max_memory_reserved = _refused("max_memory_reserved")
memory_allocated = _refused("memory_allocated")
memory_reserved = _refused("memory_reserved")
memory_stats = _refused("memory_stats")
reset_accumulated_memory_stats = _refused("reset_accumulated_memory_stats")
reset_peak_memory_stats = _refused("reset_peak_memory_stats")
set_device_idx = _refused("set_device_idx")
set_device_index = _refused("set_device_index")
set_stream = _refused("set_stream")
synchronize = _refused("synchronize")

__getattr__ = missing(__name__)
