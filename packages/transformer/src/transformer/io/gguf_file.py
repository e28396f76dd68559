"""GGUF, llama.cpp's container: a table of metadata, then tensors, each at an aligned place.

The layout is that of the GGUF specification (ggml's docs/gguf.md), versions 2 and 3.
"""

import struct
from collections.abc import Callable
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from transformer.io.mapped import MappedFile
from transformer.io.safetensors import TensorFileError
from transformer.io.stored import Float32, Stored, plain

MAGIC = b"GGUF"
ALIGNMENT = 32  # of tensors, where the file does not say
_LONGEST_NAME, _MOST_DIMENSIONS = 4096, 8
_LONGEST_LIST = 2**24  # values; the largest vocabularies have 2**18 tokens

# Type numbers of metadata values: how struct reads them.
NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q",
            12: "d"}  # fmt: skip
STRING, ARRAY = 8, 9

# Type numbers of tensors: their name, numbers in a block, bytes in a block.
TENSOR_TYPES = {
    0: ("F32", 1, 4), 1: ("F16", 1, 2), 30: ("BF16", 1, 2), 28: ("F64", 1, 8),
    2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20), 6: ("Q5_0", 32, 22), 7: ("Q5_1", 32, 24),
    8: ("Q8_0", 32, 34), 10: ("Q2_K", 256, 84), 11: ("Q3_K", 256, 110), 12: ("Q4_K", 256, 144),
    13: ("Q5_K", 256, 176), 14: ("Q6_K", 256, 210), 20: ("IQ4_NL", 32, 18),
    23: ("IQ4_XS", 256, 136), 16: ("IQ2_XXS", 256, 66), 17: ("IQ2_XS", 256, 74),
    22: ("IQ2_S", 256, 82), 18: ("IQ3_XXS", 256, 98), 21: ("IQ3_S", 256, 110),
    19: ("IQ1_S", 256, 50), 29: ("IQ1_M", 256, 56), 34: ("TQ1_0", 256, 54),
    35: ("TQ2_0", 256, 66),
}  # fmt: skip


def read_gguf(path: str | Path) -> tuple[dict[str, Any], dict[str, Stored]]:
    """The metadata of a GGUF file, and its tensors by name, none of which is read yet.

    Raises TensorFileError naming the file when it is cut short, damaged or no GGUF file.

    >>> import tempfile
    >>> from transformer.io.gguf_write import write_gguf
    >>> path = Path(tempfile.mkdtemp()) / "empty.gguf"
    >>> write_gguf(path, {"general.architecture": "llama"}, [])
    >>> read_gguf(path)
    ({'general.architecture': 'llama'}, {})
    """
    file = MappedFile(path)
    reader = _Reader(file)
    try:
        return reader.metadata(), reader.tensors()
    except (struct.error, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise TensorFileError(f"{path}: a damaged GGUF file ({error})") from None


class _Reader:
    """Reads the front of the file; every length is held against the file's size."""

    def __init__(self, file: MappedFile) -> None:
        self.file, self.at = file, 0
        self.bytes = file.look(0, (file.size,), np.uint8).data
        if bytes(self.bytes[:4]) != MAGIC:
            raise TensorFileError(f"{file.path}: not a GGUF file (it does not begin with 'GGUF')")
        version = struct.unpack_from("<I", self.bytes, 4)[0] if file.size >= 24 else 0
        if version not in (2, 3):
            raise TensorFileError(
                f"{file.path}: GGUF of version {version}; only little-endian files of versions "
                f"2 and 3 can be read"
            )
        self.at = 8
        self.n_tensors, self.n_values = self.number("Q"), self.number("Q")
        self.alignment = ALIGNMENT

    def number(self, form: str) -> Any:
        value = struct.unpack_from("<" + form, self.bytes, self.at)[0]
        self.at += struct.calcsize("<" + form)
        return value

    def raw(self, length: int) -> memoryview:
        if length > self.file.size - self.at:
            raise ValueError(f"{length} bytes are announced at byte {self.at}, beyond the end")
        self.at += length
        return self.bytes[self.at - length : self.at]

    def text(self) -> str:
        # What is not UTF-8 must come through unharmed: it may be a token.
        return str(self.raw(self.number("Q")), "utf-8", "surrogateescape")

    def metadata(self) -> dict[str, Any]:
        values = {}
        for _ in range(self.n_values):
            key = self.text()
            values[key] = self.value(self.number("I"))
        self.alignment = int(values.get("general.alignment", ALIGNMENT))
        if self.alignment < 1:
            raise ValueError(f"general.alignment is {self.alignment}")
        return values

    def value(self, kind: int) -> Any:
        if kind == STRING:
            return self.text()
        if kind in NUMBERS:
            return self.number(NUMBERS[kind])
        if kind != ARRAY:
            raise ValueError(f"there is no metadata type {kind}")
        inner, count = self.number("I"), self.bounded(self.number("Q"))
        if inner in NUMBERS:
            form = np.dtype("<" + NUMBERS[inner])
            return np.frombuffer(self.raw(count * form.itemsize), form).tolist()
        return [self.value(inner) for _ in range(count)]

    def bounded(self, count: int) -> int:
        if count > min(self.file.size, _LONGEST_LIST):
            raise ValueError(f"{count} values are announced, more than the file can hold")
        return count

    def tensors(self) -> dict[str, Stored]:
        entries = [self.entry() for _ in range(self.bounded(self.n_tensors))]
        start = -(-self.at // self.alignment) * self.alignment
        return {
            name: _stored(self.file, name, start + offset, shape, kind)
            for name, shape, kind, offset in entries
        }

    def entry(self) -> tuple[str, tuple[int, ...], int, int]:
        name, dims = self.text(), self.number("I")
        if len(name) > _LONGEST_NAME or dims > _MOST_DIMENSIONS:
            raise ValueError(f"a tensor of {dims} dimensions with a name of {len(name)} characters")
        shape = tuple(self.number("Q") for _ in range(dims))[::-1]  # ggml counts from the right
        return name, shape, self.number("I"), self.number("Q")


def _stored(file: MappedFile, name: str, offset: int, shape: tuple[int, ...], kind: int) -> Stored:
    if kind not in TENSOR_TYPES:
        raise ValueError(f"tensor {name} is of type {kind}, which cannot be read")
    dtype, block, block_bytes = TENSOR_TYPES[kind]
    size = prod(shape)
    columns = shape[-1] if shape else 1
    if columns % block:
        raise ValueError(f"tensor {name} has rows of {columns}, not whole blocks of {block}")
    nbytes = size // block * block_bytes
    if offset + nbytes > file.size:
        raise TensorFileError(
            f"{file.path}: cut short: tensor {name} ends at byte {offset + nbytes}, the file at "
            f"{file.size}"
        )
    stored = plain(file, name, offset, shape, dtype)
    stored = stored or Stored(name, shape, dtype, nbytes, _dequantizer(file, offset, shape, kind))
    if len(shape) < 3 or not size:
        return stored
    each = nbytes // shape[0]
    return replace(stored, part=lambda i: _stored(file, name, offset + i * each, shape[1:], kind))


def _dequantizer(
    file: MappedFile, offset: int, shape: tuple[int, ...], kind: int
) -> Callable[[], Float32]:
    """A function that reads a quantised tensor as float32, some rows at a time."""
    _, block, block_bytes = TENSOR_TYPES[kind]

    def read() -> Float32:
        quants = gguf_library()
        number = quants.GGMLQuantizationType(kind)
        columns = shape[-1]
        rows, row_bytes = prod(shape[:-1]), columns // block * block_bytes
        out = np.empty((rows, columns), np.float32)
        step = max(1, 2**20 // max(1, columns))
        for first in range(0, rows, step):
            count = min(step, rows - first)
            place = offset + first * row_bytes
            packed = file.look(place, (count, row_bytes), np.uint8)
            out[first : first + count] = quants.dequantize(packed, number)
            del packed
            file.release(place, count * row_bytes)
        return out.reshape(shape)

    return read


def gguf_library() -> Any:
    """The module ``gguf.quants``, which knows every block format.

    Raises ModuleNotFoundError saying what to install.

    >>> gguf_library().__name__
    'gguf.quants'
    """
    try:
        from gguf import quants
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "quantised GGUF tensors need the gguf package: pip install "
            '"gradine-transformer[pretrained]"'
        ) from error
    return quants
