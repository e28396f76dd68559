"""Apple's GPUs, which are never available: as in a torch built without them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ._missing import missing

__all__ = ["device_count", "is_available", "manual_seed", "seed", "synchronize"]


def is_available() -> bool:
    """Whether an Apple GPU can be used: no.

    >>> import tensor_core as torch
    >>> torch.mps.is_available()
    False
    """
    return False


def device_count() -> int:
    """How many there are: 0."""
    return 0


def manual_seed(seed: int) -> None:
    """Accepted: there is no generator on a device to seed."""
    int(seed)


def seed() -> None:
    """Accepted: there is no generator on a device to seed."""


def _refused(name: str) -> Callable[..., Any]:
    def function(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(
            f"Cannot execute torch.mps.{name}() without MPS backend: Gradine computes on the CPU "
            "alone, so ask torch.backends.mps.is_available() first"
        )

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"``torch.mps.{name}`` needs a device: raises RuntimeError."
    return function


current_allocated_memory = _refused("current_allocated_memory")
driver_allocated_memory = _refused("driver_allocated_memory")
empty_cache = _refused("empty_cache")
get_rng_state = _refused("get_rng_state")
recommended_max_memory = _refused("recommended_max_memory")
set_per_process_memory_fraction = _refused("set_per_process_memory_fraction")
set_rng_state = _refused("set_rng_state")
synchronize = _refused("synchronize")

__getattr__ = missing(__name__)
