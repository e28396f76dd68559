"""Devices: any of torch's can be named, and the CPU is the one that computes."""

from __future__ import annotations

import re
from typing import Any

TYPES = (
    "cpu", "cuda", "ipu", "xpu", "mkldnn", "opengl", "opencl", "ideep", "hip", "ve", "fpga",
    "maia", "xla", "lazy", "vulkan", "mps", "meta", "hpu", "mtia", "privateuseone",
)  # fmt: skip

_PATTERN = re.compile(r"([a-z]+)(?::(0|[1-9][0-9]*))?")


class OutOfMemoryError(RuntimeError):
    """A device's memory is used up; NumPy raises MemoryError for this machine's own.

    >>> import tensor_core as torch
    >>> torch.cuda.OutOfMemoryError is torch.OutOfMemoryError
    True
    """


class AcceleratorError(RuntimeError):
    """An accelerator failed: never, since there is none.

    >>> import tensor_core as torch
    >>> issubclass(torch.AcceleratorError, RuntimeError)
    True
    """


class device:
    """Where a tensor lives. Every device of torch can be named; only ``cpu`` holds tensors here.

    As a context manager it says where new tensors are made, which is the CPU. Models built inside
    ``torch.device("meta")``, to be filled later, are made on the CPU too, and as in torch their
    building draws no random numbers.

    Raises:
        RuntimeError: there is no such kind of device, or a number stands for an accelerator.

    >>> import tensor_core as torch
    >>> torch.zeros(1).device, torch.device("cuda:1").index
    (device(type='cpu'), 1)
    >>> torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device(type='cpu')
    """

    __slots__ = ("_index", "_type")
    _type: str
    _index: int | None

    def __new__(cls, type: Any, index: int | None = None) -> device:
        """Built whole here, since a device does not change."""
        if isinstance(type, device):
            return type
        if isinstance(type, int) and not isinstance(type, bool):
            raise RuntimeError(
                f"Cannot access accelerator device {type} when none is available: "
                "Gradine computes on 'cpu'"
            )
        if not isinstance(type, str):
            raise TypeError(f"device() takes a name such as 'cpu', not {_name(type)}")
        self = object.__new__(cls)
        self._type, self._index = _parsed(type, index)
        return self

    @property
    def type(self) -> str:
        """The kind of device: ``"cpu"``, ``"cuda"``, ..."""
        return self._type

    @property
    def index(self) -> int | None:
        """Which device of its kind; ``None`` for the current one."""
        return self._index

    def __repr__(self) -> str:
        extra = "" if self.index is None else f", index={self.index}"
        return f"device(type='{self.type}'{extra})"

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    def __reduce__(self) -> Any:
        return (device, (self.type, self.index))

    def __enter__(self) -> device:
        from . import random

        meta = self.type == "meta"
        state = random.default_generator.get_state() if meta else None
        _defaults.append((self if meta else computing(self), state))
        return self

    def __exit__(self, *exc: object) -> None:
        from . import random

        _, state = _defaults.pop()
        if state is not None:  # draws on tensors without numbers draw nothing
            random.default_generator.set_state(state)

    def __call__(self, function: Any) -> Any:
        """A function that runs inside this device's block, for use as a decorator."""
        import functools

        @functools.wraps(function)
        def inside(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return inside


def _parsed(text: str, index: int | None) -> tuple[str, int | None]:
    parts = _PATTERN.fullmatch(text)
    if text.partition(":")[0] not in TYPES:
        raise RuntimeError(
            f"Expected one of {', '.join(TYPES)} device type at start of device string: {text}"
        )
    if parts is None or (index is not None and index < 0):
        raise RuntimeError(f"Invalid device string: '{text}'")
    if index is not None and parts[2] is not None:
        raise RuntimeError(
            f"type (string) must not include an index because index was passed explicitly: {text}"
        )
    return parts[1], index if parts[2] is None else int(parts[2])


CPU = device("cpu")
_defaults: list[tuple[device, Any]] = [(CPU, None)]  # and the random state to go back to


def _name(value: Any) -> str:
    return value.__class__.__name__


def computing(where: Any) -> device:
    """The device that ``where`` names, if tensors can be there.

    Raises:
        AssertionError: it is a CUDA or XPU device, as from a torch built without them.
        RuntimeError: it is an MPS device, or a number.
        NotImplementedError: it is any other.

    >>> computing("cpu:0")
    device(type='cpu', index=0)
    """
    found = where if isinstance(where, device) else device(where)
    kind = found.type
    if kind == "cpu":
        return found
    if kind in ("cuda", "xpu"):
        raise AssertionError(
            f"Torch not compiled with {kind.upper()} enabled: Gradine computes on the CPU alone, "
            f"so no tensor can be on {str(found)!r}; use 'cpu'"
        )
    text = f"Gradine computes on the CPU alone: no tensor can be on {str(found)!r}; use 'cpu'"
    if kind == "mps":
        raise RuntimeError(f"PyTorch is not linked with support for mps devices. {text}")
    raise NotImplementedError(text)


def set_default_device(device: Any) -> None:
    """Say where new tensors are made; it can only be the CPU (``None`` means that too).

    Raises what moving a tensor to that device would raise.

    >>> import tensor_core as torch
    >>> torch.set_default_device("cpu")
    """
    _defaults[0] = (CPU if device is None else computing(device), None)


def get_default_device() -> device:
    """Where new tensors are made: the CPU.

    >>> import tensor_core as torch
    >>> torch.get_default_device()
    device(type='cpu')
    """
    return _defaults[-1][0]
