"""CUDA, which is never available: as in a torch built for the CPU alone.

Questions are answered (no device, nothing allocated), seeds are accepted, since there is nothing
to seed, and what needs a device says that there is none.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from .._device import AcceleratorError, OutOfMemoryError
from .._device import device as _Device
from .._legacy_types import types as _types
from .._missing import missing
from . import amp

__all__ = [
    "AcceleratorError",
    "OutOfMemoryError",
    "amp",
    "device_count",
    "empty_cache",
    "is_available",
    "is_bf16_supported",
    "is_initialized",
    "manual_seed",
    "manual_seed_all",
    "max_memory_allocated",
    "memory_allocated",
    "synchronize",
]


def is_available() -> bool:
    """Whether a CUDA device can be used: no.

    >>> import tensor_core as torch
    >>> torch.cuda.is_available()
    False
    """
    return False


def is_initialized() -> bool:
    """Whether CUDA has been started: no."""
    return False


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """Whether the CUDA device computes in bfloat16: there is none."""
    return False


def is_tf32_supported() -> bool:
    """Whether the CUDA device computes in TF32: there is none."""
    return False


def device_count() -> int:
    """How many CUDA devices there are: 0.

    >>> import tensor_core as torch
    >>> torch.cuda.device_count()
    0
    """
    return 0


def get_arch_list() -> list[str]:
    """The GPU architectures this was built for: none."""
    return []


def manual_seed(seed: int) -> None:
    """Accepted: there is no CUDA generator to seed."""
    int(seed)


def manual_seed_all(seed: int) -> None:
    """Accepted: there is no CUDA generator to seed."""
    int(seed)


def seed() -> None:
    """Accepted: there is no CUDA generator to seed."""


def seed_all() -> None:
    """Accepted: there is no CUDA generator to seed."""


def get_rng_state_all() -> list[Any]:
    """The states of the generators of all CUDA devices: an empty list."""
    return []


def set_rng_state_all(new_states: Iterable[Any]) -> None:
    """Set the states of all CUDA devices; raises for a state that is left over."""
    for _ in new_states:
        _refuse("set_rng_state_all")


def empty_cache() -> None:
    """Accepted: nothing is cached."""


def memory_allocated(device: Any = None) -> int:
    """Bytes that tensors take on the CUDA device: 0."""
    return 0


def max_memory_allocated(device: Any = None) -> int:
    """The most bytes that tensors ever took on the CUDA device: 0.

    >>> import tensor_core as torch
    >>> torch.cuda.max_memory_allocated() / 1e6
    0.0
    """
    return 0


def memory_reserved(device: Any = None) -> int:
    """Bytes reserved on the CUDA device: 0."""
    return 0


def max_memory_reserved(device: Any = None) -> int:
    """The most bytes ever reserved on the CUDA device: 0."""
    return 0


def memory_stats(device: Any = None) -> OrderedDict[str, Any]:
    """What the allocator counted on the CUDA device: nothing."""
    return OrderedDict()


def _refuse(name: str) -> Any:
    raise AssertionError(
        f"torch.cuda.{name}: Torch not compiled with CUDA enabled; Gradine computes on the CPU "
        "alone, so ask torch.cuda.is_available() first"
    )


def _refused(name: str) -> Callable[..., Any]:
    def function(*args: Any, **kwargs: Any) -> Any:
        return _refuse(name)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"``torch.cuda.{name}`` needs a device: raises AssertionError."
    return function


class Event:
    """A mark on a CUDA stream; raises RuntimeError, since there is no device."""

    def __init__(
        self,
        enable_timing: bool = False,
        blocking: bool = False,
        interprocess: bool = False,
        external: bool = False,
    ) -> None:
        raise RuntimeError(f"torch.cuda.{type(self).__name__} requires CUDA support")


class Stream:
    """A queue of work on a CUDA device; raises RuntimeError, since there is no device."""

    def __init__(self, device: Any = None, priority: int = 0, **kwargs: Any) -> None:
        raise RuntimeError(f"torch.cuda.{type(self).__name__} requires CUDA support")


class CUDAGraph:
    """Recorded CUDA work; raises RuntimeError, since there is no device."""

    def __init__(self, keep_graph: bool = False) -> None:
        raise RuntimeError("torch.cuda.CUDAGraph requires CUDA support")


@contextmanager
def _on(number: int | None, name: str) -> Iterator[None]:
    if number is not None and number >= 0:
        _refuse(name)
    yield


def device(device: Any) -> Any:
    """A block on another CUDA device; -1 and ``None`` stand for none, others raise."""
    if isinstance(device, int) or device is None:
        return _on(device, "device")
    return _on(_Device(device).index or 0, "device")


def stream(stream: Any) -> Any:
    """A block on another CUDA stream; ``None`` stands for none."""
    return _on(None if stream is None else 0, "stream")


def set_device(device: Any) -> None:
    """Choose a CUDA device; negative numbers are ignored, as in torch, others raise.

    Raises:
        ValueError: it is no CUDA device.
        AssertionError: there is no such device.
    """
    if isinstance(device, int) and device < 0:
        return
    if isinstance(device, str | _Device) and _Device(device).type != "cuda":
        raise ValueError(f"Expected a cuda device, but got: {device}")
    _refuse("set_device")


can_device_access_peer = _refused("can_device_access_peer")
current_device = _refused("current_device")
current_stream = _refused("current_stream")
default_stream = _refused("default_stream")
get_device_capability = _refused("get_device_capability")
get_device_name = _refused("get_device_name")
get_device_properties = _refused("get_device_properties")
get_rng_state = _refused("get_rng_state")
init = _refused("init")
initial_seed = _refused("initial_seed")
ipc_collect = _refused("ipc_collect")
mem_get_info = _refused("mem_get_info")
memory_summary = _refused("memory_summary")
reset_accumulated_memory_stats = _refused("reset_accumulated_memory_stats")
reset_max_memory_allocated = _refused("reset_max_memory_allocated")
reset_peak_memory_stats = _refused("reset_peak_memory_stats")
set_per_process_memory_fraction = _refused("set_per_process_memory_fraction")
set_rng_state = _refused("set_rng_state")
set_stream = _refused("set_stream")
synchronize = _refused("synchronize")
utilization = _refused("utilization")

# FloatTensor, HalfTensor, ...: types that no tensor has, and that make none.
globals().update(_types("torch.cuda", available=False))

__getattr__ = missing(__name__)
