"""Files of named arrays that cannot run code: safetensors, with a checksum and written atomically.

A file is the length of its header (8 bytes), the header (JSON: each tensor's type, shape and
place) and the tensors' bytes, one after another. To that is added what a checkpoint needs: the
file is replaced all at once, and a SHA-256 of all it holds tells a damaged one from a whole one.
Arrays are written from where they are and read where they lie, so neither needs a second copy.
Source: https://huggingface.co/docs/safetensors.
"""

import hashlib
import json
import mmap
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from transformer.io.atomic import replace_file

_DIGEST, _METADATA = "sha256", "__metadata__"
_LONGEST_HEADER = 100_000_000  # bytes; more is refused by every reader of the format

# The format's types by NumPy's and ml_dtypes' names, with their bytes a number.
_TYPES = {
    **{"float64": ("F64", 8), "float32": ("F32", 4), "float16": ("F16", 2), "bool": ("BOOL", 1)},
    **{"int64": ("I64", 8), "int32": ("I32", 4), "int16": ("I16", 2), "int8": ("I8", 1)},
    **{"uint64": ("U64", 8), "uint32": ("U32", 4), "uint16": ("U16", 2), "uint8": ("U8", 1)},
    **{"bfloat16": ("BF16", 2), "float8_e4m3fn": ("F8_E4M3", 1), "float8_e5m2": ("F8_E5M2", 1)},
}
_NAMES = {code: name for name, (code, _) in _TYPES.items()}

Arrays = dict[str, NDArray[Any]]


class TensorFileError(ValueError):
    """A file that is not whole, not safetensors, or not what was written; says which and why."""


def write_tensors(
    path: str | Path, arrays: Mapping[str, NDArray[Any]], metadata: Mapping[str, str] | None = None
) -> None:
    """Write named arrays and a table of strings as one safetensors file, atomically.

    Raises ``TypeError`` for a dtype the format lacks and ``OSError`` when the disk refuses.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "two.safetensors"
    >>> write_tensors(path, {"w": np.ones((2, 3), np.float32)}, {"note": "ones"})
    >>> arrays, metadata = read_tensors(path)
    >>> arrays["w"].shape, metadata["note"]
    ((2, 3), 'ones')
    """
    arrays = {name: np.asarray(array) for name, array in arrays.items()}
    for name, array in arrays.items():
        if array.dtype.name not in _TYPES:
            raise TypeError(f"write_tensors: {name} is {array.dtype}, which safetensors lacks")
    # The widest types first: each array then lies where its type wants to be aligned.
    order = sorted(arrays, key=lambda name: (-arrays[name].dtype.itemsize, name))
    table = dict(metadata or {})
    table[_DIGEST] = _digest(arrays, table)
    header: dict[str, Any] = {_METADATA: table}
    end = 0
    for name in order:
        start, end = end, end + arrays[name].nbytes
        header[name] = {
            "dtype": _TYPES[arrays[name].dtype.name][0],
            "shape": list(arrays[name].shape),
            "data_offsets": [start, end],
        }

    def write(file: BinaryIO) -> None:
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        file.write(len(text).to_bytes(8, "little") + text)
        for name in order:
            file.write(_bytes(arrays[name]))

    replace_file(path, write)


def read_tensors(path: str | Path, mapped: bool = False) -> tuple[Arrays, dict[str, str]]:
    """Read every array of a safetensors file, and its table of strings.

    ``mapped`` arrays stay in the file until they are used, and take no memory that the system
    could not have back; what is written to them is not written to the file. Raises
    ``TensorFileError`` when the file is cut short, is not safetensors, or differs from the
    checksum it carries, and ``ModuleNotFoundError`` for bfloat16 where ml_dtypes is missing.
    """
    with open(path, "rb") as file:
        header, start = read_header(file, path)
        memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    metadata = header.pop(_METADATA, {})
    arrays: Arrays = {}
    for name, entry in sorted(header.items()):
        place = start + entry["data_offsets"][0]
        dtype = _dtype(entry["dtype"], path)
        try:
            arrays[name] = np.ndarray(entry["shape"], dtype, memory, place)
        except ValueError as why:  # no number in it, but more dimensions than there can be
            raise _damaged(path, f"the shape of {name} cannot be: {why}") from None
    if _DIGEST in metadata and _digest(arrays, metadata) != metadata[_DIGEST]:
        raise TensorFileError(f"{path}: the contents differ from the checksum written with them")
    return arrays if mapped else {name: a.copy() for name, a in arrays.items()}, metadata


def read_metadata(path: str | Path) -> dict[str, str]:
    """Return a safetensors file's table of strings, after checking its header; reads no array."""
    with open(path, "rb") as file:
        metadata: dict[str, str] = read_header(file, path)[0].get(_METADATA, {})
    return metadata


def read_header(file: BinaryIO, path: str | Path) -> tuple[dict[str, Any], int]:
    """Return the header, every promise of it checked, and where the tensors' bytes begin.

    Raises ``TensorFileError`` when a promise cannot be true.
    """
    size = file.seek(0, 2)
    file.seek(0)
    length = int.from_bytes(file.read(8), "little")
    start = 8 + length
    if size < 8 or length > _LONGEST_HEADER or start > size:
        raise _damaged(path, f"{size} bytes, of which {start} should be its header")
    try:
        header = json.loads(file.read(length).decode(), object_pairs_hook=_without_repeats)
        end = _end_of(header)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as why:
        raise _damaged(path, f"{size} bytes; its header cannot be: {why!r}") from None
    if start + end != size:
        how = "cut short" if start + end > size else "too long"
        raise TensorFileError(f"{path}: {how}: {size} bytes, its header says {start + end}")
    return header, start


def _damaged(path: str | Path, why: str) -> TensorFileError:
    return TensorFileError(f"{path}: cut short, or not a safetensors file ({why})")


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        raise ValueError("a name stands in it twice")
    return table


def _end_of(header: dict[str, Any]) -> int:
    """Return where the tensors' bytes end; raises when they overlap, leave gaps or do not fit."""
    table = header.get(_METADATA, {})
    if any(type(value) is not str for value in table.values()):
        raise ValueError(f"{_METADATA} holds more than strings")
    end = 0
    entries = {name: entry for name, entry in header.items() if name != _METADATA}
    for name, entry in sorted(entries.items(), key=lambda item: item[1]["data_offsets"]):
        before, (start, end) = end, entry["data_offsets"]
        shape, itemsize = entry["shape"], _itemsize(entry["dtype"])
        if any(type(n) is not int or n < 0 for n in [*shape, start, end]):
            raise ValueError(f"{name} has a shape or place that is no whole number")
        if start != before or end - start != prod(shape) * itemsize:
            raise ValueError(f"{name} does not lie where its neighbours and its shape want it")
    return end


def _itemsize(code: str) -> int:
    if code not in _NAMES:
        raise ValueError(f"there is no type {code!r}")
    return _TYPES[_NAMES[code]][1]


def _dtype(code: str, path: str | Path) -> np.dtype[Any]:
    name = _NAMES[code]
    if not hasattr(np, name):
        try:
            import ml_dtypes
        except ModuleNotFoundError:
            raise ModuleNotFoundError(
                f'{path} holds {name}: pip install "gradine-transformer[pretrained]" to read it'
            ) from None
        return np.dtype(getattr(ml_dtypes, name))
    return np.dtype(name).newbyteorder("<")


def _bytes(array: NDArray[Any]) -> memoryview:
    """Return an array's bytes, row-major and little-endian; where they are so already, no copy."""
    if array.dtype.byteorder == ">":
        array = array.astype(array.dtype.newbyteorder("<"))
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def _digest(arrays: Mapping[str, NDArray[Any]], metadata: Mapping[str, str]) -> str:
    """SHA-256 of all names, types, shapes, bytes and strings (but the digest itself)."""
    strings = sorted((k, v) for k, v in metadata.items() if k != _DIGEST)
    layout = [
        (name, a.dtype.str.replace(">", "<"), tuple(a.shape)) for name, a in sorted(arrays.items())
    ]
    total = hashlib.sha256(repr((strings, layout)).encode())
    for _, array in sorted(arrays.items()):
        total.update(_bytes(array))
    return total.hexdigest()
