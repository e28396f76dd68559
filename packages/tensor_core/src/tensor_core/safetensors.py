"""``.safetensors`` files, with the functions of ``safetensors.torch``, on NumPy alone.

The format: 8 bytes with the header's length, a JSON header that gives each tensor's type, shape
and place, and the numbers (https://github.com/huggingface/safetensors).
"""

from __future__ import annotations

import json
import math
import os
from typing import Any

import numpy as np

from . import _dtypes
from ._memory import memory_of
from ._opened import replacing
from ._tensor import Tensor, wrap

__all__ = ["load", "load_file", "load_model", "safe_open", "save", "save_file", "save_model"]

_TYPES = {
    "U64": "uint64", "I64": "int64", "F64": "float64", "C64": "complex64", "F32": "float32",
    "U32": "uint32", "I32": "int32", "BF16": "bfloat16", "F16": "float16", "U16": "uint16",
    "I16": "int16", "I8": "int8", "U8": "uint8", "BOOL": "bool",
}  # fmt: skip
"""The names of types in files, in the order in which the library writes tensors."""
_NAMES = {d: name for name, d in _TYPES.items()}
_LONGEST_HEADER = 100_000_000


def save(tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> bytes:
    """Tensors by name as the bytes of a file.

    Raises:
        ValueError: something is no tensor, or does not lie in row-major order.
        RuntimeError: two names stand for the same memory.

    >>> import tensor_core as torch
    >>> load(save({"w": torch.ones(2)}))
    {'w': tensor([1., 1.])}
    """
    parts = _sorted(tensors)
    table: dict[str, Any] = {"__metadata__": metadata} if metadata else {}
    end = 0
    for name, t in parts:
        begin, end = end, end + t.nbytes
        kind = _NAMES[t.dtype.name]
        table[name] = {"dtype": kind, "shape": list(t.shape), "data_offsets": [begin, end]}
    header = json.dumps(table, separators=(",", ":"), ensure_ascii=False).encode()
    header += b" " * (-len(header) % 8)  # so that the numbers begin at a multiple of 8
    numbers = [t.detach()._a.reshape(-1).view(np.uint8).data for _, t in parts if t.numel()]
    return b"".join([len(header).to_bytes(8, "little"), header, *numbers])


def save_file(
    tensors: dict[str, Tensor], filename: Any, metadata: dict[str, str] | None = None
) -> None:
    """Write tensors by name to a file, which is replaced when all is written. Raises as `save`."""
    data = save(tensors, metadata)
    with replacing(filename) as file:
        file.write(data)


def _sorted(tensors: Any) -> list[tuple[str, Tensor]]:
    """What may be written, wide types first, so that every number lies at a multiple of its size.

    Raises:
        ValueError: something is no tensor, of no known type, or not in row-major order.
        RuntimeError: two names stand for the same memory.
    """
    if not isinstance(tensors, dict):
        raise ValueError(f"save: expected a dict of tensors, not a {type(tensors).__name__}")
    places: dict[int, str] = {}
    for name, t in tensors.items():
        if not isinstance(t, Tensor):
            raise ValueError(f"save: {name!r} is a {type(t).__name__}, not a tensor")
        if t.dtype.name not in _NAMES:
            raise ValueError(f"save: {name!r} is of type {t.dtype}, which these files do not have")
        if not t.is_contiguous():
            raise ValueError(
                f"save: {name!r} does not lie in row-major order; save .contiguous() of it"
            )
        place = memory_of(t._a).__array_interface__["data"][0]
        if t.numel() and places.setdefault(place, name) != name:
            raise RuntimeError(
                f"save: Some tensors share memory: {places[place]!r} and {name!r}; save one of "
                "them, or use save_model, which knows what to do with shared weights"
            )
    kinds = list(_TYPES)
    return sorted(
        tensors.items(), key=lambda item: (kinds.index(_NAMES[item[1].dtype.name]), item[0])
    )


def load(data: bytes) -> dict[str, Tensor]:
    """The tensors of a file's bytes, by name."""
    entries, _, start = _header(data[:8], lambda n: data[8 : 8 + n], len(data), "<bytes>")
    numbers = np.frombuffer(bytearray(data), np.uint8)
    return {name: wrap(np.array(_placed(numbers, start, e))) for name, e in entries.items()}


def _placed(numbers: np.ndarray, start: int, entry: Any) -> np.ndarray:
    """One tensor's array within a file's bytes."""
    dtype = getattr(_dtypes, _TYPES[entry["dtype"]]).numpy
    begin, end = (start + n for n in entry["data_offsets"])
    if begin == end:
        return np.empty(entry["shape"], dtype)
    return np.ndarray(entry["shape"], dtype, numbers, begin)


def load_file(filename: Any, device: Any = "cpu", **more: Any) -> dict[str, Tensor]:
    """The tensors of a file, by name.

    >>> import tensor_core as torch
    >>> import tempfile, os
    >>> path = os.path.join(tempfile.mkdtemp(), "w.safetensors")
    >>> save_file({"w": torch.arange(3)}, path)
    >>> load_file(path)
    {'w': tensor([0, 1, 2])}
    """
    with safe_open(filename, "pt", device) as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


class safe_open:
    """A file of which single tensors, or parts of them, are read when asked for.

    >>> import tensor_core as torch
    >>> import tempfile, os
    >>> path = os.path.join(tempfile.mkdtemp(), "w.safetensors")
    >>> save_file({"w": torch.arange(6).reshape(2, 3)}, path, {"by": "me"})
    >>> with safe_open(path, framework="pt") as file:
    ...     list(file.keys()), file.metadata(), file.get_slice("w")[:, 1:]
    (['w'], {'by': 'me'}, tensor([[1, 2],
            [4, 5]]))
    """

    def __init__(self, filename: Any, framework: str = "pt", device: Any = "cpu") -> None:
        if str(device).partition(":")[0] != "cpu":
            raise RuntimeError(f"load: device {device} is not available; use 'cpu'")
        self._path = os.fspath(filename)
        with open(self._path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            found = _header(file.read(8), file.read, size, repr(self._path))
        self._entries, self._metadata, self._start = found
        self._mapped = np.memmap(self._path, np.uint8, mode="c")

    def __enter__(self) -> safe_open:
        return self

    def __exit__(self, *exc: object) -> None:
        del self._mapped

    def keys(self) -> list[str]:
        """The names."""
        return list(self._entries)

    offset_keys = keys

    def metadata(self) -> dict[str, str] | None:
        """What else was written."""
        return self._metadata

    def get_tensor(self, name: str) -> Tensor:
        """One tensor, in memory of its own."""
        return wrap(np.array(self._array(name)))

    def get_slice(self, name: str) -> _Slice:
        """One tensor, of which an index reads a part."""
        return _Slice(self._array(name))

    def _array(self, name: str) -> np.ndarray:
        if name not in self._entries:
            raise KeyError(f"File does not contain tensor {name}")
        return _placed(self._mapped, self._start, self._entries[name])


def _header(first: bytes, read: Any, size: int, name: str) -> tuple[dict[str, Any], Any, int]:
    """The table of a file: names with type, shape and place; metadata; where the numbers begin."""
    length = int.from_bytes(first, "little")
    if size < 8 or length > min(size - 8, _LONGEST_HEADER):
        raise ValueError(f"load: {name} is no safetensors file, or is damaged")
    try:
        table = json.loads(read(length))
        metadata = table.pop("__metadata__", None)
        for key, entry in table.items():
            begin, end = entry["data_offsets"]
            width = getattr(_dtypes, _TYPES[entry["dtype"]]).itemsize
            right = all(type(n) is int and n >= 0 for n in (*entry["shape"], begin, end))
            if (
                not right
                or end > size - 8 - length
                or (end - begin != math.prod(entry["shape"]) * width)
            ):
                raise ValueError(f"tensor {key!r} does not lie where it should")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"load: {name} is damaged: {error}") from None
    return table, metadata, 8 + length


class _Slice:
    """A tensor in a file."""

    def __init__(self, array: np.ndarray) -> None:
        self._array = array

    def get_shape(self) -> list[int]:
        """Its shape."""
        return list(self._array.shape)

    def get_dtype(self) -> str:
        """Its type, as the file names it."""
        return _NAMES[_dtypes.of_array(self._array).name]

    def __getitem__(self, key: Any) -> Tensor:
        return wrap(np.array(self._array[key]))


def save_model(
    model: Any, filename: Any, metadata: dict[str, str] | None = None,
    force_contiguous: bool = True,
) -> None:  # fmt: skip
    """Write a module's state; weights under several names are written under one of them."""
    notes = dict(metadata or {})
    state: dict[str, Tensor] = {}
    seen: dict[Any, str] = {}
    for name, t in sorted(model.state_dict().items()):
        place = (t.data_ptr(), tuple(t.shape), t.stride())
        if t.numel() and place in seen:
            notes[name] = seen[place]
            continue
        seen[place] = name
        state[name] = t.contiguous() if force_contiguous else t
    save_file(state, filename, notes or None)


def load_model(
    model: Any, filename: Any, strict: bool = True, device: Any = "cpu"
) -> tuple[set[str], list[str]]:
    """Load a module's state; returns the names that were missing and those not expected."""
    state = load_file(filename, device)
    own = model.state_dict()
    missing, unexpected = model.load_state_dict(state, strict=False)
    places = {own[n].data_ptr() for n in state if n in own}
    left = {n for n in missing if own[n].data_ptr() not in places}  # shared ones are loaded too
    if strict and (left or unexpected):
        raise RuntimeError(
            f"Error(s) in loading state_dict for {type(model).__name__}: "
            f"missing {sorted(left)}, unexpected {sorted(unexpected)}"
        )
    return left, list(unexpected)
