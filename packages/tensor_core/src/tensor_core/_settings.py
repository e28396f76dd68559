"""Switches of torch that programs set; most are kept, and change nothing here."""

from __future__ import annotations

import importlib
import sys
import warnings
from types import ModuleType
from typing import Any

from ._device import (
    CPU,
    AcceleratorError,
    OutOfMemoryError,
    device,
    get_default_device,
    set_default_device,
)
from ._tensor import Tensor

__all__ = [
    "AcceleratorError",
    "OutOfMemoryError",
    "are_deterministic_algorithms_enabled",
    "get_default_device",
    "get_deterministic_debug_mode",
    "get_device_module",
    "get_float32_matmul_precision",
    "get_num_interop_threads",
    "is_deterministic_algorithms_warn_only_enabled",
    "is_distributed",
    "is_storage",
    "is_tensor",
    "is_warn_always_enabled",
    "set_default_device",
    "set_deterministic_debug_mode",
    "set_float32_matmul_precision",
    "set_flush_denormal",
    "set_num_interop_threads",
    "set_warn_always",
    "typename",
    "use_deterministic_algorithms",
]

_state: dict[str, Any] = {
    "precision": "highest",
    "deterministic": False,
    "warn only": False,
    "interop threads": 1,
    "warn always": False,
}


def set_float32_matmul_precision(precision: str) -> None:
    """Noted; products of float32 are always computed in float32, the "highest".

    >>> import tensor_core as torch
    >>> torch.set_float32_matmul_precision("high"); torch.get_float32_matmul_precision()
    'high'
    >>> torch.set_float32_matmul_precision("highest")
    """
    if precision not in ("highest", "high", "medium"):
        warnings.warn(
            f"{precision} is not one of 'highest', 'high', or 'medium'; "
            "set_float32_matmul_precision has no effect",
            UserWarning,
            stacklevel=2,
        )
        return
    _state["precision"] = precision


def get_float32_matmul_precision() -> str:
    """What :func:`set_float32_matmul_precision` was told.

    >>> import tensor_core as torch
    >>> torch.get_float32_matmul_precision()
    'highest'
    """
    return _state["precision"]


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Noted; every operation here gives the same numbers every time.

    >>> import tensor_core as torch
    >>> torch.use_deterministic_algorithms(True); torch.are_deterministic_algorithms_enabled()
    True
    >>> torch.use_deterministic_algorithms(False)
    """
    _state["deterministic"], _state["warn only"] = bool(mode), bool(warn_only)


def are_deterministic_algorithms_enabled() -> bool:
    """What :func:`use_deterministic_algorithms` was told.

    >>> import tensor_core as torch
    >>> torch.are_deterministic_algorithms_enabled()
    False
    """
    return _state["deterministic"]


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Whether it was told to warn only.

    >>> import tensor_core as torch
    >>> torch.is_deterministic_algorithms_warn_only_enabled()
    False
    """
    return _state["warn only"]


_DEBUG_MODES = ("default", "warn", "error")


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """``use_deterministic_algorithms`` by one of the words default, warn, error, or 0, 1, 2.

    Raises:
        RuntimeError: it is none of them.

    >>> import tensor_core as torch
    >>> torch.set_deterministic_debug_mode("warn"); torch.get_deterministic_debug_mode()
    1
    >>> torch.set_deterministic_debug_mode("default")
    """
    level = _DEBUG_MODES.index(debug_mode) if debug_mode in _DEBUG_MODES else debug_mode
    if level not in (0, 1, 2):
        raise RuntimeError(
            f"invalid value of debug_mode, expected default, warn, error, 0, 1 or 2, got {level}"
        )
    use_deterministic_algorithms(level != 0, warn_only=level == 1)


def get_deterministic_debug_mode() -> int:
    """0, 1 or 2: off, warn or error.

    >>> import tensor_core as torch
    >>> torch.get_deterministic_debug_mode()
    0
    """
    if not _state["deterministic"]:
        return 0
    return 1 if _state["warn only"] else 2


def set_flush_denormal(mode: bool) -> bool:
    """Ask that numbers below 1e-38 become 0; says no (``False``): NumPy keeps them.

    >>> import tensor_core as torch
    >>> torch.set_flush_denormal(True)
    False
    """
    return False


def get_num_interop_threads() -> int:
    """How many operations run at once: 1, unless another number was set.

    >>> import tensor_core as torch
    >>> torch.get_num_interop_threads()
    1
    """
    return _state["interop threads"]


def set_num_interop_threads(n: int, /) -> None:
    """Noted; operations run one after another.

    Raises:
        RuntimeError: n < 1.

    >>> import tensor_core as torch
    >>> torch.set_num_interop_threads(1)
    """
    if n < 1:
        raise RuntimeError("set_num_interop_threads expects a positive integer")
    _state["interop threads"] = int(n)


def set_warn_always(b: bool, /) -> None:
    """Noted; Python's ``warnings`` says how often a warning is shown.

    >>> import tensor_core as torch
    >>> torch.set_warn_always(False)
    """
    _state["warn always"] = bool(b)


def is_warn_always_enabled() -> bool:
    """What :func:`set_warn_always` was told.

    >>> import tensor_core as torch
    >>> torch.is_warn_always_enabled()
    False
    """
    return _state["warn always"]


def typename(obj: Any, /) -> str:
    """The name of a tensor's type, or of any object's class.

    >>> import tensor_core as torch
    >>> torch.typename(torch.zeros(1)), torch.typename(1)
    ('torch.FloatTensor', 'int')
    """
    if isinstance(obj, Tensor):
        return obj.type()
    kind = obj if hasattr(obj, "__qualname__") else type(obj)
    module = getattr(kind, "__module__", "") or ""
    name = kind.__qualname__
    return name if module in ("", "builtins") else f"{module}.{name}"


def is_tensor(obj: Any, /) -> bool:
    """Whether an object is a tensor.

    >>> import tensor_core as torch
    >>> torch.is_tensor(torch.zeros(1)), torch.is_tensor([1])
    (True, False)
    """
    return isinstance(obj, Tensor)


def is_distributed(input: Tensor) -> bool:
    """Whether a tensor is spread over processes: never.

    >>> import tensor_core as torch
    >>> torch.is_distributed(torch.zeros(1))
    False
    """
    return False


def is_storage(obj: Any, /) -> bool:
    """Whether an object is the memory of a tensor by itself.

    >>> import tensor_core as torch
    >>> torch.is_storage(torch.zeros(1))
    False
    """
    from .storage import TypedStorage, UntypedStorage

    return isinstance(obj, TypedStorage | UntypedStorage)


def get_device_module(device: Any = None) -> ModuleType:
    """The module of a kind of device: ``torch.cpu``, ``torch.cuda``, ...

    Raises:
        RuntimeError: it has none.

    >>> import tensor_core as torch
    >>> torch.get_device_module("cpu") is torch.cpu
    True
    """
    kind = _kind(device)
    package = __name__.partition(".")[0]
    if kind not in ("cpu", "cuda", "mps", "xpu"):
        raise RuntimeError(f"Device '{kind}' does not have a corresponding module: torch.{kind}")
    return sys.modules.get(f"{package}.{kind}") or importlib.import_module(f"{package}.{kind}")


def _kind(where: Any) -> str:
    return CPU.type if where is None else device(where).type
