"""Safetensors files looked at in place: the names and shapes first, a tensor when it is asked for.

The format is a length, a JSON header and the bytes of all tensors (huggingface/safetensors). Large
models are cut into several such files, with an index that says which tensor is in which.
"""

import json
from collections.abc import Callable, Iterable
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

from transformer.io.atomic import replace_file
from transformer.io.json_file import read_json, write_json
from transformer.io.mapped import MappedFile
from transformer.io.safetensors import TensorFileError, read_header
from transformer.io.stored import Float32, Stored, narrowed, plain, row_pieces

SINGLE, INDEX = "model.safetensors", "model.safetensors.index.json"
_BYTES = {"F32": 4, "F16": 2, "BF16": 2}


def read_shards(folder: Path) -> dict[str, Stored]:
    """The tensors of a folder's ``model.safetensors``, or of all files its index names.

    Raises FileNotFoundError when neither is there, TensorFileError when a file is damaged.

    >>> import tempfile, transformer
    >>> folder = Path(tempfile.mkdtemp())
    >>> model = transformer.build_model("llama", vocab_size=3, n_layer=1)
    >>> transformer.save_pretrained(model, None, folder, max_shard_size=100_000)
    >>> read_shards(folder)["model.norm.weight"].read().max()
    np.float32(1.0)
    """
    if (folder / SINGLE).is_file():
        return read_stored(folder / SINGLE)
    if not (folder / INDEX).is_file():
        raise FileNotFoundError(f"{folder} holds no {SINGLE} and no {INDEX}")
    table = read_json(folder / INDEX).get("weight_map")
    if not isinstance(table, dict):
        raise TensorFileError(f"{folder / INDEX}: it has no table weight_map")
    files = {name: read_stored(_inside(folder, name)) for name in sorted(set(table.values()))}
    for tensor, file in table.items():
        if tensor not in files[file]:
            raise TensorFileError(
                f"{folder / file}: it lacks {tensor}, which {INDEX} says is there"
            )
    return {tensor: files[file][tensor] for tensor, file in table.items()}


def _inside(folder: Path, name: str) -> Path:
    """A file of the folder; an index must not point elsewhere."""
    if Path(name).name != name:
        raise TensorFileError(f"{folder / INDEX}: {name!r} is not a file of this folder")
    if not (folder / name).is_file():
        raise FileNotFoundError(f"{folder} lacks {name}, which {INDEX} names")
    return folder / name


def read_stored(path: Path) -> dict[str, Stored]:
    """The tensors of one safetensors file, none of them read yet.

    Raises TensorFileError when the file is cut short or not safetensors.

    >>> import tempfile, numpy as np
    >>> from transformer.io.safetensors import write_tensors
    >>> path = Path(tempfile.mkdtemp()) / SINGLE
    >>> write_tensors(path, {"w": np.ones((2, 3), np.float16)})
    >>> read_stored(path)["w"].shape, read_stored(path)["w"].nbytes
    ((2, 3), 12)
    """
    with open(path, "rb") as opened:
        header, start = read_header(opened, path)
    header.pop("__metadata__", None)
    file = MappedFile(path)
    return {name: _stored(file, name, start, entry) for name, entry in header.items()}


def _stored(file: MappedFile, name: str, start: int, entry: dict[str, Any]) -> Stored:
    first, end = entry["data_offsets"]
    shape, dtype = tuple(entry["shape"]), entry["dtype"]
    stored = plain(file, name, start + first, shape, dtype)
    return stored or Stored(name, shape, dtype, end - first, _refusing(file, name, dtype))


def _refusing(file: MappedFile, name: str, dtype: str) -> Callable[[], Float32]:
    def read() -> Float32:
        raise TensorFileError(
            f"{file.path}: {name} is of type {dtype}; weights of F32, F16, BF16 and F64 can be read"
        )

    return read


# --- writing -------------------------------------------------------------------------------------


def write_shards(folder: Path, tensors: Iterable[Stored], dtype: str, max_bytes: int) -> None:
    """Write tensors as ``model.safetensors``, or as several files and an index when larger.

    ``dtype`` is F32, F16 or BF16. Each tensor is read when its turn comes.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> import numpy as np
    >>> ones = Stored("w", (2, 3), "F32", 24, lambda: np.ones((2, 3), np.float32))
    >>> write_shards(folder, [ones], "BF16", max_bytes=1000)
    >>> read_shards(folder)["w"].dtype
    'BF16'
    """
    shards: list[list[Stored]] = [[]]
    size = 0
    for tensor in tensors:
        nbytes = tensor.size * _BYTES[dtype]
        if shards[-1] and size + nbytes > max_bytes:
            shards.append([])
            size = 0
        shards[-1].append(tensor)
        size += nbytes
    if len(shards) == 1:
        return write_stored(folder / SINGLE, shards[0], dtype)
    names = [f"model-{i + 1:05}-of-{len(shards):05}.safetensors" for i in range(len(shards))]
    for name, shard in zip(names, shards, strict=True):
        write_stored(folder / name, shard, dtype)
    table = {t.name: name for name, shard in zip(names, shards, strict=True) for t in shard}
    total = sum(t.size * _BYTES[dtype] for shard in shards for t in shard)
    index = {"metadata": {"total_size": total}, "weight_map": table}
    write_json(folder / INDEX, index)
    return None


def write_stored(path: Path, tensors: list[Stored], dtype: str) -> None:
    """Write one safetensors file, atomically, reading one tensor at a time.

    >>> import tempfile, numpy as np
    >>> path = Path(tempfile.mkdtemp()) / SINGLE
    >>> write_stored(path, [Stored("w", (2,), "F32", 8, lambda: np.ones(2, np.float32))], "F16")
    >>> read_stored(path)["w"].read()
    array([1., 1.], dtype=float32)
    """
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for tensor in tensors:
        first, end = end, end + prod(tensor.shape) * _BYTES[dtype]
        shape = list(tensor.shape)
        header[tensor.name] = {"dtype": dtype, "shape": shape, "data_offsets": [first, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text = text.ljust(-(-len(text) // 8) * 8)  # so that what follows is aligned

    def write(file: BinaryIO) -> None:
        file.write(len(text).to_bytes(8, "little") + text)
        for tensor in tensors:
            for piece in encoded(tensor, dtype):
                file.write(piece)

    replace_file(path, write)


def encoded(tensor: Stored, dtype: str) -> Iterable[bytes]:
    """A tensor's numbers as F32, F16 or BF16 bytes, in row-major order, some rows at a time.

    >>> import numpy as np
    >>> ones = Stored("w", (2, 3), "F32", 24, lambda: np.ones((2, 3), np.float32))
    >>> [len(piece) for piece in encoded(ones, "F16")]
    [12]
    """
    for part in row_pieces(tensor.read()):
        yield narrowed(part, dtype, tensor.name).tobytes()
