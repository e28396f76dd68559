"""The safetensors format: named arrays in one file that can be mapped and cannot run code.

Layout: eight bytes with the header's length (little endian), the header (JSON: name -> dtype,
shape and byte range), then the arrays, one after another without gaps. The header may carry
``__metadata__``, a table of strings; :func:`write_tensors` keeps a SHA-256 of the whole there.
"""

import hashlib
import json
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from transformer.io.atomic import replace_file

_DTYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": "<u2",  # NumPy has no bfloat16: its bits are widened to float32 after reading
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "|i1",
    "U64": "<u8",
    "U32": "<u4",
    "U16": "<u2",
    "U8": "|u1",
    "BOOL": "|b1",
}
_NAMES = {np.dtype(code): name for name, code in _DTYPES.items() if name != "BF16"}
_LARGEST_HEADER = 100_000_000  # the format's own limit: a damaged length must not fill memory
_DIGEST = "sha256"

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
    blocks = {name: np.asarray(a, order="C") for name, a in sorted(arrays.items())}
    header = _header_of(blocks)
    header["__metadata__"] = dict(metadata or {})
    header["__metadata__"][_DIGEST] = _digest(header, blocks.values())
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # arrays start at a multiple of eight, as mapping likes it

    def write(file: BinaryIO) -> None:
        file.write(len(text).to_bytes(8, "little"))
        file.write(text)
        for block in blocks.values():
            file.write(_bytes_of(block))

    replace_file(path, write)


def read_tensors(path: str | Path) -> tuple[Arrays, dict[str, str]]:
    """Read every array of a safetensors file, and its table of strings.

    bfloat16 arrays come back as float32 of the same values. Raises ``TensorFileError`` when the
    file is cut short, is not safetensors, or differs from the checksum it carries.
    """
    path = Path(path)
    header, start = _parse_header(path)
    metadata: dict[str, str] = header.get("__metadata__", {})
    data = np.memmap(path, np.uint8, mode="r", offset=start) if _size(header) else np.empty(0, "u1")
    arrays = {name: _array_of(data, entry) for name, entry in _entries(header)}
    if _DIGEST in metadata and _digest(header, [data]) != metadata[_DIGEST]:
        raise TensorFileError(f"{path}: the contents differ from the checksum written with them")
    return arrays, metadata


def read_header(path: str | Path) -> dict[str, Any]:
    """Return a safetensors file's header alone: name -> dtype, shape, data_offsets.

    Checks that the file is as long as its header says; reads no array.
    """
    return _parse_header(Path(path))[0]


def _header_of(blocks: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    header: dict[str, Any] = {}
    end = 0
    for name, block in blocks.items():
        if block.dtype not in _NAMES:
            raise TypeError(f"write_tensors: {name} is {block.dtype}, which safetensors lacks")
        start, end = end, end + block.nbytes
        header[name] = {
            "dtype": _NAMES[block.dtype],
            "shape": list(block.shape),
            "data_offsets": [start, end],
        }
    return header


def _parse_header(path: Path) -> tuple[dict[str, Any], int]:
    """Return the header and where the arrays start, after checking that all bytes are there."""
    size = path.stat().st_size
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > min(size - 8, _LARGEST_HEADER):
            raise TensorFileError(f"{path}: cut short or not a safetensors file ({size} bytes)")
        text = file.read(length)
    try:
        header = json.loads(text)
        _check_layout(header)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TensorFileError(f"{path}: the header is damaged ({error})") from None
    expected = 8 + length + _size(header)
    if size != expected:
        trouble = "cut short" if size < expected else "too long"
        raise TensorFileError(f"{path}: {trouble} ({size} bytes where {expected} were written)")
    return header, 8 + length


def _check_layout(header: dict[str, Any]) -> None:
    """Raise ``ValueError`` unless the arrays fill the data part one after another."""
    position = 0
    for name, entry in sorted(_entries(header), key=lambda item: item[1]["data_offsets"]):
        start, end = entry["data_offsets"]
        if entry["dtype"] not in _DTYPES:
            raise ValueError(f"{name} has the unknown dtype {entry['dtype']}")
        wanted = prod(entry["shape"]) * np.dtype(_DTYPES[entry["dtype"]]).itemsize
        if start != position or end - start != wanted:
            raise ValueError(f"{name} does not fill the bytes {start} to {end}")
        position = end


def _entries(header: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(name, entry) for name, entry in header.items() if name != "__metadata__"]


def _size(header: dict[str, Any]) -> int:
    return max((entry["data_offsets"][1] for _, entry in _entries(header)), default=0)


def _array_of(data: NDArray[np.uint8], entry: dict[str, Any]) -> NDArray[Any]:
    start, end = entry["data_offsets"]
    raw = np.array(data[start:end]).view(_DTYPES[entry["dtype"]]).reshape(entry["shape"])
    if entry["dtype"] == "BF16":  # the upper half of a float32
        return np.asarray((raw.astype(np.uint32) << 16).view(np.float32))
    return raw


def _bytes_of(block: NDArray[Any]) -> memoryview:
    return block.reshape(-1).view(np.uint8).data


def _digest(header: dict[str, Any], blocks: Any) -> str:
    """SHA-256 of the header (without the digest itself) and of the arrays."""
    metadata = {k: v for k, v in header.get("__metadata__", {}).items() if k != _DIGEST}
    text = json.dumps({**header, "__metadata__": metadata}, sort_keys=True)
    total = hashlib.sha256(text.encode())
    for block in blocks:
        total.update(_bytes_of(block))
    return total.hexdigest()
