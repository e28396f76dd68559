"""Element types under torch's names, and torch's rules for mixing them."""

from __future__ import annotations

import builtins
from collections.abc import Iterable
from typing import Any

import numpy as np

_CATEGORY = {"b": 0, "i": 1, "u": 1, "f": 2, "c": 3}  # NumPy kind -> torch category


class dtype:
    """An element type; instances are module constants such as ``float32``.

    >>> float32.is_floating_point, float32.itemsize
    (True, 4)
    """

    __slots__ = ("category", "is_complex", "is_floating_point", "itemsize", "name", "numpy")

    def __init__(self, name: str, array_type: Any) -> None:
        self.name = name
        self.numpy = np.dtype(array_type)
        self.category = _CATEGORY[self.numpy.kind]
        self.is_floating_point = self.category == 2
        self.is_complex = self.category == 3
        self.itemsize = self.numpy.itemsize

    @property
    def is_signed(self) -> builtins.bool:
        """Whether negative values exist."""
        return self.numpy.kind not in "bu"

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> str:
        return self.name


float16 = half = dtype("float16", np.float16)
float32 = float = dtype("float32", np.float32)
float64 = double = dtype("float64", np.float64)
int8 = dtype("int8", np.int8)
int16 = short = dtype("int16", np.int16)
int32 = int = dtype("int32", np.int32)
int64 = long = dtype("int64", np.int64)
uint8 = dtype("uint8", np.uint8)
bool = dtype("bool", np.bool_)
complex64 = cfloat = dtype("complex64", np.complex64)
complex128 = cdouble = dtype("complex128", np.complex128)

ALL = (float16, float32, float64, int8, int16, int32, int64, uint8, bool, complex64, complex128)
BY_NUMPY: dict[np.dtype[Any], dtype] = {d.numpy: d for d in ALL}

_default = [float32]


def get_default_dtype() -> dtype:
    """The type of floating-point tensors made from Python numbers.

    >>> import tensor_core as torch
    >>> torch.get_default_dtype()
    torch.float32
    """
    return _default[0]


def set_default_dtype(d: dtype) -> None:
    """Make ``d`` (a floating-point type) the type of tensors made from Python floats.

    >>> import tensor_core as torch
    >>> torch.set_default_dtype(torch.float64)
    >>> torch.tensor(0.5).dtype
    torch.float64
    >>> torch.set_default_dtype(torch.float32)
    """
    if not isinstance(d, dtype) or not d.is_floating_point:
        raise TypeError(f"only floating-point types are supported as the default type, not {d}")
    _default[0] = d


def to_numpy(d: Any) -> np.dtype[Any]:
    """The NumPy type of a dtype of ours, or of whatever NumPy accepts."""
    return d.numpy if isinstance(d, dtype) else np.dtype(d)


def of_array(array: np.ndarray) -> dtype:
    """The dtype of an array.

    Raises:
        TypeError: NumPy's type has no counterpart (strings, objects, dates).
    """
    try:
        return BY_NUMPY[array.dtype]
    except KeyError:
        known = ", ".join(d.name for d in ALL)
        raise TypeError(
            f"can't convert an array of type {array.dtype}: the supported types are {known}"
        ) from None


def promote(a: np.dtype[Any], b: np.dtype[Any]) -> np.dtype[Any]:
    """The common type of two NumPy types as torch mixes them: int64 and float32 give float32.

    >>> promote(np.dtype("int64"), np.dtype("float32"))
    dtype('float32')
    """
    if a is b:
        return a
    ca, cb = _CATEGORY[a.kind], _CATEGORY[b.kind]
    if ca == cb or (ca >= 2 and cb >= 2):
        return np.promote_types(a, b)
    return a if ca > cb else b


def _scalar_type(value: Any) -> np.dtype[Any]:
    if isinstance(value, np.bool_ | builtins.bool):
        return bool.numpy
    if isinstance(value, builtins.int | np.integer):
        return int64.numpy
    if isinstance(value, complex | np.complexfloating):
        return np.promote_types(_default[0].numpy, np.complex64)
    return _default[0].numpy


def result_numpy(operands: Iterable[Any]) -> np.dtype[Any]:
    """The common NumPy type of arrays and Python numbers, by torch's three priorities.

    Arrays with dimensions decide; a 0-d array or a number changes the outcome only if it is of
    a higher category (bool < integer < floating < complex).
    """
    groups: list[np.dtype[Any] | None] = [None, None, None]
    for x in operands:
        if isinstance(x, np.ndarray):
            level, d = (0 if x.ndim else 1), x.dtype
        else:
            level, d = 2, _scalar_type(x)
        seen = groups[level]
        groups[level] = d if seen is None else promote(seen, d)
    result: np.dtype[Any] | None = None
    for candidate in groups:
        if candidate is None:
            continue
        if result is None:
            result = candidate
        elif _CATEGORY[candidate.kind] > _CATEGORY[result.kind]:
            if result.kind == "f":  # complex numbers as wide as the floats they join
                candidate = np.dtype(np.complex64)
            result = promote(result, candidate)
    assert result is not None
    return result


class finfo:
    """Limits of a floating-point type: ``bits``, ``eps``, ``max``, ``min``, ``tiny``.

    >>> finfo(float32).eps
    1.1920928955078125e-07
    """

    def __init__(self, type: dtype | None = None) -> None:
        d = type or _default[0]
        if not d.is_floating_point:
            raise TypeError(f"finfo() needs a floating-point type, not {d}; use iinfo()")
        info = np.finfo(d.numpy)
        self.dtype = d.name
        self.bits = info.bits
        self.eps = info.eps.item()
        self.max = info.max.item()
        self.min = info.min.item()
        self.tiny = self.smallest_normal = info.tiny.item()
        self.resolution = info.resolution.item()


class iinfo:
    """Limits of an integer type: ``bits``, ``max``, ``min``.

    >>> iinfo(int8).max
    127
    """

    def __init__(self, type: dtype) -> None:
        if type.is_floating_point or type.is_complex or type is bool:
            raise TypeError(f"iinfo() needs an integer type, not {type}; use finfo()")
        info = np.iinfo(type.numpy)
        self.dtype = type.name
        self.bits = info.bits
        self.max = info.max
        self.min = info.min
