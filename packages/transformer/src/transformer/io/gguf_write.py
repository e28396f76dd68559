"""Writing GGUF files: the metadata, the list of tensors, then one tensor after the other."""

import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from transformer.io.atomic import replace_file
from transformer.io.gguf_file import (
    ALIGNMENT,
    ARRAY,
    MAGIC,
    NUMBERS,
    STRING,
    TENSOR_TYPES,
    gguf_library,
)
from transformer.io.stored import Float32, narrowed, row_pieces

_TYPE_NUMBER = {name: number for number, (name, _, _) in TENSOR_TYPES.items()}
_KIND_OF = {form: kind for kind, form in NUMBERS.items()}
_BOOL, _INT32, _UINT32, _FLOAT32, _INT64 = 7, 5, 4, 6, 11


@dataclass(frozen=True)
class Writable:
    """A tensor to be written: what it is called, its shape, how it is kept, where it comes from.

    >>> Writable("w", (2, 64), "Q8_0", lambda: np.ones((2, 64), np.float32)).nbytes
    136
    """

    name: str
    shape: tuple[int, ...]
    dtype: str  # F32, F16, BF16 or Q8_0
    read: Callable[[], Float32]

    @property
    def nbytes(self) -> int:
        """How many bytes it takes in the file."""
        _, block, block_bytes = TENSOR_TYPES[_TYPE_NUMBER[self.dtype]]
        return prod(self.shape) // block * block_bytes


def write_gguf(path: str | Path, metadata: Mapping[str, Any], tensors: Iterable[Writable]) -> None:
    """Write a GGUF file of version 3, atomically, reading one tensor at a time.

    Raises TypeError for metadata the format has no type for, OSError when the disk refuses.

    >>> import tempfile
    >>> from transformer.io.gguf_file import read_gguf
    >>> path = Path(tempfile.mkdtemp()) / "ones.gguf"
    >>> ones = Writable("w", (2, 3), "F32", lambda: np.ones((2, 3), np.float32))
    >>> write_gguf(path, {"general.architecture": "llama"}, [ones])
    >>> read_gguf(path)[1]["w"].read().sum()
    np.float32(6.0)
    """
    tensors = list(tensors)
    table = encode_metadata(metadata)
    counts = struct.pack("<IQQ", 3, len(tensors), len(metadata))
    entries, offset = [], 0
    for tensor in tensors:
        entries.append(_entry(tensor, offset))
        offset += _aligned(tensor.nbytes)
    head = b"".join([MAGIC, counts, table, *entries])

    def write(file: BinaryIO) -> None:
        file.write(head.ljust(_aligned(len(head)), b"\0"))
        for tensor in tensors:
            for piece in _pieces(tensor):
                file.write(piece)
            file.write(bytes(_aligned(tensor.nbytes) - tensor.nbytes))

    replace_file(path, write)


def _aligned(length: int) -> int:
    return -(-length // ALIGNMENT) * ALIGNMENT


def _entry(tensor: Writable, offset: int) -> bytes:
    dims = tensor.shape[::-1]
    parts = struct.pack(f"<I{len(dims)}Q", len(dims), *dims)
    return _text(tensor.name) + parts + struct.pack("<IQ", _TYPE_NUMBER[tensor.dtype], offset)


def _pieces(tensor: Writable) -> Iterable[bytes]:
    """A tensor's bytes as the file keeps them, some rows at a time."""
    for part in row_pieces(tensor.read()):
        yield _packed(part, tensor).tobytes()


def _packed(part: Float32, tensor: Writable) -> NDArray[Any]:
    dtype = tensor.dtype
    if dtype in ("F32", "F16", "BF16"):
        return narrowed(part, dtype, tensor.name)
    quants = gguf_library()
    packed: NDArray[Any] = quants.quantize(part, quants.GGMLQuantizationType[dtype])
    return packed


def encode_metadata(values: Mapping[str, Any]) -> bytes:
    r"""The metadata table: text, whole numbers, floats, bools, and lists of one of them.

    A NumPy scalar chooses its own width. Of Python's, a whole number becomes uint32 (int32 when
    negative or in a list, int64 when larger), any other number float32. Raises TypeError naming a
    value that the format has no type for.

    >>> encode_metadata({"a": True})
    b'\x01\x00\x00\x00\x00\x00\x00\x00a\x07\x00\x00\x00\x01'
    """
    parts = []
    for key, value in values.items():
        try:
            parts.append(_text(key) + _typed(value))
        except (TypeError, KeyError, struct.error) as error:
            raise TypeError(f"GGUF metadata {key}={value!r:.80} has no type: {error}") from None
    return b"".join(parts)


def _text(text: str) -> bytes:
    data = text.encode("utf-8", "surrogateescape")
    return struct.pack("<Q", len(data)) + data


def _typed(value: Any) -> bytes:
    if not isinstance(value, list | tuple | np.ndarray):
        kind = _kind(value)
        return struct.pack("<I", kind) + _value(kind, value)
    kind = _kind(value[0]) if len(value) else _INT32
    if kind == _UINT32 and not isinstance(value[0], np.generic):
        kind = _INT32  # what llama.cpp expects of lists
    return struct.pack("<IIQ", ARRAY, kind, len(value)) + b"".join(_value(kind, v) for v in value)


def _kind(value: Any) -> int:
    if isinstance(value, str):
        return STRING
    if isinstance(value, bool | np.bool_):
        return _BOOL
    if isinstance(value, np.generic):
        # Two of NumPy's letters stand for the same 64 bits, which one depends on the system.
        return _KIND_OF[value.dtype.char.replace("L", "Q").replace("l", "q")]
    if isinstance(value, float):
        return _FLOAT32
    if isinstance(value, int):
        if not -(2**31) <= value < 2**32:
            return _INT64
        return _INT32 if value < 0 else _UINT32
    raise TypeError(f"a {type(value).__name__}")


def _value(kind: int, value: Any) -> bytes:
    return _text(value) if kind == STRING else struct.pack("<" + NUMBERS[kind], value)
