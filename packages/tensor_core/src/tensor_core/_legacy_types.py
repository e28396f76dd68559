"""torch's oldest names for a type: ``FloatTensor(2, 3)``, ``LongTensor([1, 2])``.

They construct tensors, and ``isinstance`` knows them, but every tensor's class is ``Tensor``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import _dtypes
from ._size import Size
from ._tensor import Tensor, wrap


class TensorType(type):
    """The class of the names below: ``isinstance`` asks for the element type."""

    dtype: _dtypes.dtype
    available: bool

    def __instancecheck__(cls, instance: Any) -> bool:
        return cls.available and isinstance(instance, Tensor) and instance.dtype is cls.dtype

    def __call__(cls, *data: Any, **kwargs: Any) -> Any:
        kwargs.pop("device", None)
        if not cls.available:
            raise TypeError(
                f"type {cls._shown()} not available. Torch not compiled with CUDA enabled: "
                "Gradine computes on the CPU alone"
            )
        if kwargs:
            raise TypeError(f"{cls._shown()}() got an unexpected argument {next(iter(kwargs))!r}")
        return _made(cls.dtype, data)

    def _shown(cls) -> str:
        return f"{cls.__module__}.{cls.__name__}"

    def __repr__(cls) -> str:
        return f"<class '{cls._shown()}'>"

    @property
    def _tensor_dtype(cls) -> _dtypes.dtype:  # read by Tensor.type
        if not cls.available:
            raise RuntimeError(
                f"Cannot initialize CUDA for {cls._shown()}: Gradine computes on the CPU alone"
            )
        return cls.dtype


def _made(kind: _dtypes.dtype, data: tuple[Any, ...]) -> Tensor:
    """Sizes give an uninitialised tensor, one sequence or array its numbers."""
    if not data:
        return wrap(np.empty(0, kind.numpy))
    first = data[0]
    if len(data) == 1 and isinstance(first, Tensor):
        if first.dtype is not kind:
            raise TypeError(f"expected a tensor of {kind}, but got one of {first.dtype}")
        return first.detach()
    if len(data) == 1 and isinstance(first, bool | float | complex | np.floating):
        raise TypeError(f"new(): data must be a sequence (got {type(first).__name__})")
    if len(data) == 1 and not isinstance(first, int | np.integer | Size):
        from ._creation import tensor

        return tensor(list(first) if isinstance(first, range) else first, dtype=kind)
    sizes = tuple(first) if isinstance(first, Size) else data
    return wrap(np.empty([int(n) for n in sizes], kind.numpy))


NAMES = {
    "Float": "float32", "Double": "float64", "Half": "float16", "BFloat16": "bfloat16",
    "Byte": "uint8", "Char": "int8", "Short": "int16", "Int": "int32", "Long": "int64",
    "Bool": "bool",
}  # fmt: skip


_DOC = """A tensor of {kind}: of the sizes given, or of a sequence.

>>> import tensor_core as torch
>>> {module}.{name}.dtype
{kind}
"""


def named_type(name: str) -> TensorType:
    """The legacy type of a full name: ``"torch.FloatTensor"``.

    Raises:
        ValueError: there is none of that name.

    >>> named_type("torch.LongTensor")
    <class 'torch.LongTensor'>
    """
    place, _, short = name.rpartition(".")
    found = {"torch": CPU_TYPES, "torch.cuda": types("torch.cuda", available=False)}.get(place, {})
    if short not in found:
        raise ValueError(f"invalid type: {name!r}; there are {', '.join(CPU_TYPES)} of torch")
    return found[short]


def types(module: str, available: bool) -> dict[str, TensorType]:
    """The legacy types of ``torch`` or of ``torch.cuda``, by name."""
    found = {}
    for short, name in NAMES.items():
        kind = getattr(_dtypes, name, None)
        if kind is not None:
            full = f"{short}Tensor"
            fields = {"__module__": module, "dtype": kind, "available": available}
            fields["__doc__"] = _DOC.format(kind=kind, name=full, module=module)
            found[full] = TensorType(full, (), fields)
    return found


CPU_TYPES = types("torch", available=True)
FloatTensor = CPU_TYPES["FloatTensor"]
DoubleTensor = CPU_TYPES["DoubleTensor"]
HalfTensor = CPU_TYPES["HalfTensor"]
ByteTensor = CPU_TYPES["ByteTensor"]
CharTensor = CPU_TYPES["CharTensor"]
ShortTensor = CPU_TYPES["ShortTensor"]
IntTensor = CPU_TYPES["IntTensor"]
LongTensor = CPU_TYPES["LongTensor"]
BoolTensor = CPU_TYPES["BoolTensor"]
BFloat16Tensor = CPU_TYPES["BFloat16Tensor"]

__all__ = [
    "BFloat16Tensor",
    "BoolTensor",
    "ByteTensor",
    "CharTensor",
    "DoubleTensor",
    "FloatTensor",
    "HalfTensor",
    "IntTensor",
    "LongTensor",
    "ShortTensor",
    "set_default_tensor_type",
]


def set_default_tensor_type(t: Any, /) -> None:
    """Make the element type of ``t`` the default: a type above, or its name.

    Raises:
        TypeError: its elements are integers, or it is a type on a GPU.

    >>> import tensor_core as torch
    >>> torch.set_default_tensor_type(torch.DoubleTensor)
    >>> torch.tensor(0.5).dtype
    torch.float64
    >>> torch.set_default_tensor_type("torch.FloatTensor")
    """
    if isinstance(t, str):
        t = named_type(t)
    if not isinstance(t, TensorType):
        raise TypeError(
            "invalid type object: only floating-point types are supported as the default type, "
            f"not {t!r}"
        )
    if not t.available:
        raise TypeError(
            f"type {t._shown()} not available. Torch not compiled with CUDA enabled: "
            "Gradine computes on the CPU alone"
        )
    if not t.dtype.is_floating_point:
        raise TypeError("only floating-point types are supported as the default type")
    _dtypes.set_default_dtype(t.dtype)
