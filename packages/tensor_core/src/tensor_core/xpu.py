"""Intel's GPUs, which are never available: as in a torch built without them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ._missing import missing

__all__ = ["device_count", "is_available", "manual_seed", "manual_seed_all", "synchronize"]


def is_available() -> bool:
    """Whether an Intel GPU can be used: no.

    >>> import tensor_core as torch
    >>> torch.xpu.is_available()
    False
    """
    return False


def device_count() -> int:
    """How many there are: 0."""
    return 0


def manual_seed(seed: int) -> None:
    """Accepted: there is no generator on a device to seed."""
    int(seed)


def manual_seed_all(seed: int) -> None:
    """Accepted: there is no generator on a device to seed."""
    int(seed)


def empty_cache() -> None:
    """Accepted: nothing is cached."""


def memory_allocated(device: Any = None) -> int:
    """Bytes that tensors take on the device: 0."""
    return 0


def max_memory_allocated(device: Any = None) -> int:
    """The most bytes that tensors ever took on the device: 0."""
    return 0


def _refused(name: str) -> Callable[..., Any]:
    def function(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError(
            f"torch.xpu.{name}: Torch not compiled with XPU enabled; Gradine computes on the CPU "
            "alone, so ask torch.xpu.is_available() first"
        )

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"``torch.xpu.{name}`` needs a device: raises AssertionError."
    return function


current_device = _refused("current_device")
current_stream = _refused("current_stream")
get_device_name = _refused("get_device_name")
get_device_properties = _refused("get_device_properties")
init = _refused("init")
set_device = _refused("set_device")
synchronize = _refused("synchronize")

__getattr__ = missing(__name__)
