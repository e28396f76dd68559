"""Element types under torch's names, and torch's rules for mixing them."""

from __future__ import annotations

import builtins
from collections.abc import Iterable
from typing import Any

import numpy as np

try:  # NumPy has no bfloat16 of its own
    from ml_dtypes import bfloat16 as _bfloat16
except ImportError:
    _bfloat16 = None

# NumPy kind -> torch category; "V" is what NumPy calls bfloat16, a type it does not know
_CATEGORY = {"b": 0, "i": 1, "u": 1, "f": 2, "V": 2, "c": 3}
DIFFERENTIABLE = "fcV"
"""The NumPy kinds that have gradients: floating point (bfloat16 is a "V") and complex."""
SPECIAL = "EeFD"
"""NumPy's characters of bfloat16, float16, complex64 and complex128, which ``_special`` serves."""


class dtype:
    """An element type; instances are module constants such as ``float32``.

    >>> float32.is_floating_point, float32.itemsize
    (True, 4)
    """

    __slots__ = ("category", "is_complex", "is_floating_point", "itemsize", "name", "numpy")
    numpy: np.dtype[Any]

    def __init__(self, name: str, array_type: Any) -> None:
        self.name = name
        self.numpy = np.dtype(array_type)
        self._describe(_CATEGORY[self.numpy.kind], self.numpy.itemsize)

    def _describe(self, category: builtins.int, itemsize: builtins.int) -> None:
        self.category = category
        self.is_floating_point = category == 2
        self.is_complex = category == 3
        self.itemsize = itemsize

    @property
    def is_signed(self) -> builtins.bool:
        """Whether negative values exist."""
        return self.category > 1 or self.numpy.kind not in "bu"

    def to_complex(self) -> dtype:
        """The complex type of this width: ``float64`` gives ``complex128``.

        Raises:
            RuntimeError: there is none, of integers and truths.
        """
        if self.category < 2:
            raise RuntimeError(f"{self.name} has no complex type; only floating-point types have")
        return _COMPLEX.get(self.name, self)

    def to_real(self) -> dtype:
        """The real type of one part: ``complex64`` gives ``float32``."""
        return _REAL.get(self.name, self)

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> str:
        return self.name


class _Absent(dtype):
    """A type that has a name, but no arrays here."""

    __slots__ = ("_why",)

    def __init__(
        self, name: str, category: builtins.int, itemsize: builtins.int, why: Exception
    ) -> None:
        self.name = name
        self._why = why
        self._describe(category, itemsize)

    @property
    def numpy(self) -> np.dtype[Any]:  # type: ignore[override]
        raise self._why


float16 = half = dtype("float16", np.float16)
float32 = float = dtype("float32", np.float32)
float64 = double = dtype("float64", np.float64)
int8 = dtype("int8", np.int8)
int16 = short = dtype("int16", np.int16)
int32 = int = dtype("int32", np.int32)
int64 = long = dtype("int64", np.int64)
uint8 = dtype("uint8", np.uint8)
uint16 = dtype("uint16", np.uint16)
uint32 = dtype("uint32", np.uint32)
uint64 = dtype("uint64", np.uint64)
bool = dtype("bool", np.bool_)
complex64 = cfloat = dtype("complex64", np.complex64)
complex128 = cdouble = dtype("complex128", np.complex128)
complex32 = chalf = _Absent(
    "complex32",
    3,
    4,
    TypeError("complex32: NumPy has no complex numbers of two float16; use complex64"),
)
if _bfloat16 is None:
    bfloat16: dtype = _Absent(
        "bfloat16",
        2,
        2,
        ImportError("bfloat16 needs ml_dtypes: pip install 'gradine-tensor-core[bfloat16]'"),
    )
else:
    bfloat16 = dtype("bfloat16", _bfloat16)

_COMPLEX = {"float16": complex32, "bfloat16": complex64, "float32": complex64}
_COMPLEX |= {"float64": complex128}
_REAL = {"complex32": float16, "complex64": float32, "complex128": float64}

ALL = (
    *(float16, float32, float64, int8, int16, int32, int64, uint8, bool, complex64, complex128),
    *(uint16, uint32, uint64, *(() if _bfloat16 is None else (bfloat16,))),
)
BY_NUMPY: dict[np.dtype[Any], dtype] = {d.numpy: d for d in ALL}
HALVES = frozenset(d.numpy for d in ALL if d.is_floating_point and d.itemsize == 2)
"""The NumPy types whose arithmetic is done in float32."""

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

    Raises:
        RuntimeError: an unsigned type wider than uint8 meets what is neither itself nor floating.

    >>> promote(np.dtype("int64"), np.dtype("float32"))
    dtype('float32')
    """
    if a == b:
        return a
    ca, cb = _CATEGORY[a.kind], _CATEGORY[b.kind]
    if ca != 2 and cb != 2 and (_wide_unsigned(a) or _wide_unsigned(b)):
        raise RuntimeError(
            f"Promotion for uint16, uint32, uint64 types is not supported, attempted to promote "
            f"{a} and {b}"
        )
    if ca < 2 or cb < 2:
        return np.promote_types(a, b) if ca == cb else a if ca > cb else b
    # bfloat16 is as wide as float32, and NumPy does not mix it with others
    return np.promote_types(*(np.dtype(np.float32) if d.kind == "V" else d for d in (a, b)))


def _wide_unsigned(d: np.dtype[Any]) -> builtins.bool:
    return d.kind == "u" and d.itemsize > 1


def promote_types(type1: dtype, type2: dtype) -> dtype:
    """The smallest type that both can be brought to.

    >>> import tensor_core as torch
    >>> torch.promote_types(torch.int32, torch.float16)
    torch.float16
    """
    for one, other in ((type1, type2), (type2, type1)):
        if one is complex32 or (one.category < 2 and other is bfloat16):
            return _promote_absent(one, other)
    if type1 is type2:
        return type1
    if bfloat16 in (type1, type2):
        other = type2 if type1 is bfloat16 else type1
        return promote_types(float32, other)
    return BY_NUMPY[promote(type1.numpy, type2.numpy)]


def _promote_absent(one: dtype, other: dtype) -> dtype:
    """The same where a type has no arrays: complex32, or bfloat16 without its extra."""
    if one is not complex32:
        return other
    if other in (float16, complex32):
        return one
    if other.category < 2:
        promote(np.dtype(np.complex64), other.numpy)  # the wide unsigned types raise
        return one
    return complex64 if other is bfloat16 else promote_types(complex64, other)


def can_cast(from_: dtype, to: dtype) -> builtins.bool:
    """Whether torch converts from one type to the other without being told to.

    >>> import tensor_core as torch
    >>> torch.can_cast(torch.float32, torch.int32), torch.can_cast(torch.int64, torch.int8)
    (False, True)
    """
    return from_.category <= to.category


def result_type(tensor1: Any, tensor2: Any) -> dtype:
    """The type that arithmetic on two tensors or numbers has.

    >>> import tensor_core as torch
    >>> torch.result_type(torch.tensor([1, 2]), 1.5)
    torch.float32
    """
    raw = [getattr(t, "_a", t) for t in (tensor1, tensor2)]
    return BY_NUMPY[result_numpy(raw)]


def _scalar_type(value: Any) -> np.dtype[Any]:
    if isinstance(value, np.bool_ | builtins.bool):
        return bool.numpy
    if isinstance(value, builtins.int | np.integer):
        return int64.numpy
    if isinstance(value, complex | np.complexfloating):
        return _default[0].to_complex().numpy
    return _default[0].numpy


def wrapped(number: builtins.int, kind: np.dtype[Any]) -> builtins.int:
    """A Python integer as an operand of an integer type: what is too large for it wraps around.

    >>> wrapped(300, np.dtype(np.int8))
    44
    """
    limits = np.iinfo(kind)
    return (number - limits.min) % 2**limits.bits + limits.min


def fitted(number: Any, kind: np.dtype[Any]) -> Any:
    """A Python integer as an element to be written: negative ones wrap in unsigned types.

    Other numbers, and other types than those of integers, are left alone.

    Raises:
        RuntimeError: it is too large for the type.

    >>> fitted(-1, np.dtype(np.uint8))
    255
    """
    if type(number) is not builtins.int or kind.kind not in "iu":
        return number
    limits = np.iinfo(kind)
    lowest = limits.min if kind.kind == "i" else -limits.max
    if not lowest <= number <= limits.max:
        raise RuntimeError(f"value {number} cannot be converted to type {kind} without overflow")
    return number % (limits.max + 1) if number < 0 and kind.kind == "u" else number


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
            if result.kind in "fV":  # complex numbers as wide as the floats they join
                candidate = BY_NUMPY[result].to_complex().numpy
            result = promote(result, candidate)
    assert result is not None
    return result
