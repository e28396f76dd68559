"""What a file of weights holds, known before a single weight is read."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from transformer.io.mapped import MappedFile

Float32 = NDArray[np.float32]
_CHUNK = 4 * 2**20  # numbers converted at a time: what is in between stays small


@dataclass(frozen=True)
class Stored:
    """One tensor of a file: its name there, its shape, how it is kept, and how to read it.

    ``read()`` returns float32. Where the file keeps just that, it is ``mapped``: a stretch of the
    file, which takes no memory until it is looked at.

    >>> ones = Stored("w", (2, 3), "F32", 24, lambda: np.ones((2, 3), np.float32))
    >>> ones.transposed().read().shape, ones.memory
    ((3, 2), 24)
    """

    name: str
    shape: tuple[int, ...]
    dtype: str  # as the format calls it: F32, BF16, Q4_K
    nbytes: int  # in the file
    read: Callable[[], Float32]
    mapped: bool = False
    part: Callable[[int], "Stored"] | None = None  # one of a stack, without reading the others

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return prod(self.shape)

    @property
    def memory(self) -> int:
        """Bytes of memory it will take when read."""
        return 0 if self.mapped else 4 * self.size

    def transposed(self) -> "Stored":
        """The same memory with rows and columns exchanged.

        >>> table = Stored("w", (2, 3), "F32", 24, lambda: np.ones((2, 3), np.float32))
        >>> table.transposed().shape
        (3, 2)
        """
        return replace(self, shape=self.shape[::-1], read=lambda: self.read().T)

    def row(self, index: int) -> "Stored":
        """One of the tensors that are stacked along the first dimension.

        >>> stack = Stored("w", (2, 3), "F32", 24, lambda: np.arange(6, dtype="f4").reshape(2, 3))
        >>> stack.row(1).read().tolist(), stack.row(1).nbytes
        ([3.0, 4.0, 5.0], 12)
        """
        if self.part is not None:
            return self.part(index)
        shape = self.shape[1:]
        nbytes = self.nbytes // self.shape[0]
        return replace(self, shape=shape, nbytes=nbytes, read=lambda: self.read()[index])

    def changed(self, change: Callable[[Float32], Float32]) -> "Stored":
        """A rearranged copy of the same shape.

        >>> row = Stored("w", (3,), "F32", 12, lambda: np.arange(3, dtype=np.float32))
        >>> row.changed(np.flip).read().tolist()
        [2.0, 1.0, 0.0]
        """
        return replace(self, read=lambda: change(self.read()), mapped=False)


@dataclass(frozen=True)
class Pretrained:
    """A model's file or folder, described: what to build, what to fill it with, what it reads.

    ``tensors`` are under this package's parameter names; ``tokenizer()`` reads the tokenizer.

    >>> ones = Stored("w", (2, 3), "F16", 12, lambda: np.ones((2, 3), np.float32))
    >>> Pretrained(Path("m"), "GGUF", "llama", "llama", {}, {"w": ones}, lambda: None, {}).memory
    24
    """

    path: Path
    format: str  # "GGUF"
    architecture: str  # the file's own word for it
    model: str  # in transformer.models.MODELS
    config: dict[str, Any]  # of build_model
    tensors: dict[str, Stored]
    tokenizer: Callable[[], Any]
    special: dict[str, Any]  # what the file says of bos, eos and padding ids

    @property
    def memory(self) -> int:
        """Bytes of memory the weights will take."""
        return sum(tensor.memory for tensor in self.tensors.values())


_PLAIN = {"F32": "<f4", "F16": "<f2", "BF16": "<u2", "F64": "<f8"}


def plain(
    file: MappedFile, name: str, offset: int, shape: tuple[int, ...], dtype: str
) -> Stored | None:
    """A tensor of plain numbers (F32, F16, BF16, F64) in a file; None for other kinds.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "halves"
    >>> _ = path.write_bytes(np.arange(4, dtype="<f2").tobytes())
    >>> plain(MappedFile(path), "w", 0, (2, 2), "F16").read().tolist()
    [[0.0, 1.0], [2.0, 3.0]]
    """
    if dtype not in _PLAIN:
        return None
    kind = np.dtype(_PLAIN[dtype])
    nbytes = prod(shape) * kind.itemsize
    if dtype == "F32":
        mapped = offset % 4 == 0
        return Stored(name, shape, dtype, nbytes, lambda: file.own(offset, shape, kind), mapped)
    return Stored(name, shape, dtype, nbytes, lambda: _widened(file, offset, shape, kind))


def _widened(file: MappedFile, offset: int, shape: tuple[int, ...], kind: np.dtype[Any]) -> Float32:
    """Read numbers of another width as float32, a piece at a time."""
    size = prod(shape)
    out = np.empty(size, np.float32)
    for start in range(0, size, _CHUNK):
        count = min(_CHUNK, size - start)
        place = offset + start * kind.itemsize
        piece = file.look(place, (count,), kind)
        out[start : start + count] = _from_bfloat16(piece) if kind == np.dtype("<u2") else piece
        del piece
        file.release(place, count * kind.itemsize)
    return out.reshape(shape)


def _from_bfloat16(bits: NDArray[Any]) -> Float32:
    """A bfloat16 is the upper half of a float32."""
    return (bits.astype(np.uint32) << 16).view(np.float32)


def row_pieces(values: Float32) -> Iterator[Float32]:
    """A tensor some rows at a time, (n, columns) each: what is converted of it stays small.

    >>> [part.shape for part in row_pieces(np.ones((2, 3), np.float32))]
    [(2, 3)]
    """
    columns = values.shape[-1] if values.ndim else 1
    rows = values.reshape(prod(values.shape[:-1]), columns)
    step = max(1, 2**20 // max(1, columns))
    for first in range(0, rows.shape[0], step):
        yield np.ascontiguousarray(rows[first : first + step], np.float32)


def narrowed(values: Float32, dtype: str, name: str) -> NDArray[Any]:
    """The numbers as F32, F16 or the bits of BF16, little-endian; ``name`` is for complaints.

    >>> narrowed(np.ones(2, np.float32), "F16", "w").nbytes
    4
    """
    if dtype == "F32":
        return values.astype("<f4", copy=False)
    return to_bfloat16(values) if dtype == "BF16" else to_float16(values, name)


def to_float16(values: Float32, name: str) -> NDArray[np.float16]:
    """The nearest float16; raises ValueError when a number is too large to have one.

    >>> to_float16(np.array([1e5], np.float32), "w")
    Traceback (most recent call last):
    ValueError: w holds numbers beyond 65504, the largest of f16: write it as f32 or bf16
    """
    with np.errstate(over="ignore"):
        rounded = values.astype("<f2")
    if not np.array_equal(np.isinf(rounded), np.isinf(values)):
        raise ValueError(
            f"{name} holds numbers beyond 65504, the largest of f16: write it as f32 or bf16"
        )
    return rounded


def to_bfloat16(values: Float32) -> NDArray[np.uint16]:
    """The bits of the nearest bfloat16, ties to even; NaN stays NaN.

    >>> to_bfloat16(np.array([1.0, 1.00390625], np.float32)).tolist()  # a tie goes to even
    [16256, 16256]
    """
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
    nan = (bits & 0x7FFFFFFF) > 0x7F800000
    return np.where(nan, (bits >> 16) | 0x40, rounded).astype(np.uint16)
