"""Files of named arrays that cannot run code: safetensors, with a checksum and written atomically.

The library reads and writes the format; here are added what a checkpoint needs besides: the file
is replaced all at once, and a SHA-256 of all it holds tells a damaged one from a whole one.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from transformer.io.atomic import replace_file

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
    for name, block in blocks.items():
        if block.dtype.kind not in "fiub" or block.dtype == np.longdouble:
            raise TypeError(f"write_tensors: {name} is {block.dtype}, which safetensors lacks")
    table = dict(metadata or {})
    table[_DIGEST] = _digest(blocks, table)
    replace_file(path, lambda file: file.write(save(blocks, table)))


def read_tensors(path: str | Path) -> tuple[Arrays, dict[str, str]]:
    """Read every array of a safetensors file, and its table of strings.

    Raises ``TensorFileError`` when the file is cut short, is not safetensors, or differs from the
    checksum it carries.
    """
    with _opened(path) as file:
        metadata: dict[str, str] = file.metadata() or {}
        arrays = {name: np.array(file.get_tensor(name)) for name in sorted(file.keys())}
    if _DIGEST in metadata and _digest(arrays, metadata) != metadata[_DIGEST]:
        raise TensorFileError(f"{path}: the contents differ from the checksum written with them")
    return arrays, metadata


def read_metadata(path: str | Path) -> dict[str, str]:
    """Return a safetensors file's table of strings, after checking its header; reads no array."""
    with _opened(path) as file:
        return file.metadata() or {}


@contextmanager
def _opened(path: str | Path) -> Iterator[Any]:
    size = Path(path).stat().st_size  # a missing file is named by the system's own error
    try:
        with safe_open(path, framework="numpy") as file:
            yield file
    except SafetensorError as error:
        raise TensorFileError(
            f"{path}: cut short, too long, or not a safetensors file ({size} bytes; {error})"
        ) from None


def _digest(arrays: Mapping[str, NDArray[Any]], metadata: Mapping[str, str]) -> str:
    """SHA-256 of all names, types, shapes, bytes and strings (but the digest itself)."""
    strings = sorted((k, v) for k, v in metadata.items() if k != _DIGEST)
    layout = [(name, a.dtype.str, a.shape) for name, a in sorted(arrays.items())]
    total = hashlib.sha256(repr((strings, layout)).encode())
    for _, block in sorted(arrays.items()):
        total.update(block.reshape(-1).view(np.uint8).data)
    return total.hexdigest()
