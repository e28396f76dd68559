"""Files of named arrays that cannot run code: safetensors, with a checksum and written atomically.

The library of that name writes the format and checks what is read. Here is added what a checkpoint
needs besides: the file is replaced all at once, a SHA-256 of all it holds tells a damaged one from
a whole one, and arrays can stay in the file until they are used, so that none is in memory twice.
"""

import errno
import hashlib
import json
import mmap
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from transformer.io.atomic import replace_file

_DIGEST, _METADATA = "sha256", "__metadata__"

# The format's types by NumPy's and ml_dtypes' names.
_CODES = {
    **{"float64": "F64", "float32": "F32", "float16": "F16", "bool": "BOOL"},
    **{"int64": "I64", "int32": "I32", "int16": "I16", "int8": "I8"},
    **{"uint64": "U64", "uint32": "U32", "uint16": "U16", "uint8": "U8"},
    **{"bfloat16": "BF16", "float8_e4m3fn": "F8_E4M3", "float8_e5m2": "F8_E5M2"},
}
_NAMES = {code: name for name, code in _CODES.items()}

Arrays = dict[str, NDArray[Any]]


class TensorFileError(ValueError):
    """A file that is not whole, not safetensors, or not what was written; says which and why.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "cut.safetensors"
    >>> _ = path.write_bytes(b"cut")
    >>> read_tensors(path)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    transformer.io.safetensors.TensorFileError: ...cut.safetensors: cut short, too long, or not ...
    """


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
    blocks = {name: _plain(np.asarray(array)) for name, array in arrays.items()}
    for name, block in blocks.items():
        if block.dtype.name not in _CODES:
            raise TypeError(f"write_tensors: {name} is {block.dtype}, which safetensors lacks")
    table = dict(metadata or {})
    table[_DIGEST] = _digest(blocks, table)

    def write(file: BinaryIO) -> None:
        try:
            save_file(blocks, file.name, table)  # from where the arrays are, into this very file
        except SafetensorError as error:
            raise _system_error(error) from None

    replace_file(path, write)


def read_tensors(path: str | Path, mapped: bool = False) -> tuple[Arrays, dict[str, str]]:
    """Read every array of a safetensors file, and its table of strings.

    ``mapped`` arrays stay in the file until they are used, and take no memory that the system
    could not have back; what is written to them is not written to the file. Raises
    ``TensorFileError`` when the file is cut short, is not safetensors, or differs from the
    checksum it carries, and ``ModuleNotFoundError`` for bfloat16 where ml_dtypes is missing.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "one.safetensors"
    >>> write_tensors(path, {"w": np.arange(3.0)})
    >>> arrays, _ = read_tensors(path, mapped=True)
    >>> arrays["w"].tolist()
    [0.0, 1.0, 2.0]
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
            raise TensorFileError(f"{path}: the shape of {name} cannot be: {why}") from None
    if _DIGEST in metadata and _digest(arrays, metadata) != metadata[_DIGEST]:
        raise TensorFileError(f"{path}: the contents differ from the checksum written with them")
    return arrays if mapped else {name: a.copy() for name, a in arrays.items()}, metadata


def read_metadata(path: str | Path) -> dict[str, str]:
    """Return a safetensors file's table of strings, after checking its header; reads no array.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "one.safetensors"
    >>> write_tensors(path, {"w": np.arange(3.0)}, {"format": "pt"})
    >>> read_metadata(path)["format"]
    'pt'
    """
    with open(path, "rb") as file:
        metadata: dict[str, str] = read_header(file, path)[0].get(_METADATA, {})
    return metadata


def read_header(file: BinaryIO, path: str | Path) -> tuple[dict[str, Any], int]:
    """Return the header, every promise of it checked, and where the tensors' bytes begin.

    Raises ``TensorFileError`` when a promise cannot be true.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "one.safetensors"
    >>> write_tensors(path, {"w": np.arange(3.0)})
    >>> with open(path, "rb") as file:
    ...     header, start = read_header(file, path)
    >>> header["w"]
    {'dtype': 'F64', 'shape': [3], 'data_offsets': [0, 24]}
    """
    size = os.fstat(file.fileno()).st_size
    try:
        with safe_open(path, framework="numpy"):  # checks each tensor's type, shape and place
            pass
        length = int.from_bytes(file.read(8), "little")
        return json.loads(file.read(length)), 8 + length
    except (SafetensorError, ValueError) as why:
        raise TensorFileError(
            f"{path}: cut short, too long, or not a safetensors file ({size} bytes; {why})"
        ) from None


def _system_error(error: SafetensorError) -> OSError:
    """What the system said when the library could not write."""
    found = re.search(r"os error (\d+)", str(error))
    number = int(found[1]) if found else errno.EIO
    return OSError(number, os.strerror(number) if found else str(error))


def _dtype(code: str, path: str | Path) -> np.dtype[Any]:
    if code not in _NAMES:
        raise TensorFileError(f"{path}: holds numbers of type {code}, which NumPy lacks")
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


def _plain(array: NDArray[Any]) -> NDArray[Any]:
    """An array row-major and little-endian, as in the file; where it is so already, no copy."""
    if array.dtype.byteorder == ">":
        array = array.astype(array.dtype.newbyteorder("<"))
    return np.ascontiguousarray(array).reshape(array.shape)


def _digest(arrays: Mapping[str, NDArray[Any]], metadata: Mapping[str, str]) -> str:
    """SHA-256 of all names, types, shapes, bytes and strings (but the digest itself)."""
    strings = sorted((k, v) for k, v in metadata.items() if k != _DIGEST)
    layout = [(name, a.dtype.str, tuple(a.shape)) for name, a in sorted(arrays.items())]
    total = hashlib.sha256(repr((strings, layout)).encode())
    for _, array in sorted(arrays.items()):
        total.update(array.reshape(-1).view(np.uint8).data)
    return total.hexdigest()
