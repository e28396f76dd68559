"""Saving and loading in torch's own ``.pt`` files, without torch."""

from __future__ import annotations

import io
import mmap as _mmap
import os
import pickle
import sys
from contextlib import nullcontext
from enum import Enum
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from ._foreign import ForeignUnpickler
from ._legacy_file import LegacyFile, write_legacy
from ._locations import default_restore_location, location_tag, restorer
from ._opened import is_path, reading, replacing, shown
from ._pickler import Storages, pickled
from ._safe_globals import (
    add_safe_globals,
    clear_safe_globals,
    get_safe_globals,
    get_unsafe_globals_in_checkpoint,
    safe_globals,
)
from ._size import device as Device
from ._unpickler import Unpickler, UnpicklingError
from .storage import TypedStorage, UntypedStorage

if TYPE_CHECKING:
    from ._archive import Reader

__all__ = [
    "LoadEndianness",
    "add_safe_globals",
    "clear_safe_globals",
    "default_restore_location",
    "get_crc32_options",
    "get_default_load_endianness",
    "get_safe_globals",
    "get_unsafe_globals_in_checkpoint",
    "load",
    "location_tag",
    "safe_globals",
    "save",
    "set_crc32_options",
    "set_default_load_endianness",
]

DEFAULT_PROTOCOL = 2
_ZIP = b"PK\x03\x04"


class LoadEndianness(Enum):
    """The order of a number's bytes in files that do not say."""

    NATIVE = 1
    LITTLE = 2
    BIG = 3


class _Options:
    crc32 = True
    endianness: LoadEndianness | None = None


def set_crc32_options(compute_crc32: bool) -> None:
    """Whether loading checks the checksums of records; files are always saved with them."""
    _Options.crc32 = bool(compute_crc32)


def get_crc32_options() -> bool:
    """Whether loading checks the checksums of records."""
    return _Options.crc32


def set_default_load_endianness(endianness: LoadEndianness | None) -> None:
    """Say which byte order files have that do not say themselves.

    Raises:
        TypeError: it is neither ``None`` nor a ``LoadEndianness``.
    """
    if not isinstance(endianness, LoadEndianness | None):
        raise TypeError("Invalid argument type in function set_default_load_endianness")
    _Options.endianness = endianness


def get_default_load_endianness() -> LoadEndianness | None:
    """The byte order files are taken to have that do not say; ``None`` is little."""
    return _Options.endianness


# -- saving ----------------------------------------------------------------------------------------


def save(
    obj: Any,
    f: Any,
    pickle_module: Any = pickle,
    pickle_protocol: int = DEFAULT_PROTOCOL,
    _use_new_zipfile_serialization: bool = True,
    _disable_byteorder_record: bool = False,
) -> None:
    """Write an object to a file (a path, or an object with ``write``) that torch loads too.

    Tensors keep type, strides, shared memory and ``requires_grad``. A path is replaced when all
    is written: an error, a full disk or a crash leaves what was there before.

    Raises:
        RuntimeError: the folder does not exist; tensors view the same memory as different types.
        OSError: the file cannot be written.

    >>> import tensor_core as torch
    >>> import io
    >>> file = io.BytesIO()
    >>> torch.save({"step": 3, "weight": torch.ones(2)}, file)
    >>> _ = file.seek(0)
    >>> torch.load(file)
    {'step': 3, 'weight': tensor([1., 1.])}
    """
    if pickle_module is not pickle:
        raise ValueError(f"save: only Python's own pickle module is supported, not {pickle_module}")
    if not is_path(f) and not hasattr(f, "write"):
        raise AttributeError(f"save: expected 'f' to be string, path, or a file-like object with "
                             f"a 'write' attribute, not {type(f).__name__}")  # fmt: skip
    storages = Storages()
    new = _use_new_zipfile_serialization
    data = pickled(obj, pickle_protocol, storages.key, old=not new)  # before the file is touched
    stem = os.path.splitext(os.path.basename(os.fspath(f)))[0] if is_path(f) else ""
    with replacing(f) if is_path(f) else nullcontext(f) as file:
        if new:
            _write(file, stem or "archive", data, storages, not _disable_byteorder_record)
        else:
            write_legacy(file, data, storages, pickle_protocol)


def _write(file: IO[bytes], folder: str, data: bytes, storages: Storages, order: bool) -> None:
    from ._archive import Writer

    archive = Writer(file, folder)
    archive.write("data.pkl", data)
    if order:
        archive.write("byteorder", sys.byteorder.encode())
    for i, untyped in enumerate(storages.kept):
        archive.write(f"data/{i}", untyped._bytes)
    archive.close()


# -- loading ---------------------------------------------------------------------------------------


def load(
    f: Any,
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    **pickle_load_args: Any,
) -> Any:
    """Read what :func:`save`, or torch's, has written to a path or file.

    By default only what weights are made of is read, and nothing in the file is run;
    ``weights_only=False`` reads any object and must be kept for files you trust. ``mmap`` maps
    the numbers of a path instead of reading them. ``map_location="cpu"`` reads tensors that were
    saved on another device. A path that ends in ``.safetensors`` is read as such a file.

    Raises:
        pickle.UnpicklingError: the file names something that is not allowed, or is damaged.
        RuntimeError: the archive is damaged; a tensor is of another device.
        EOFError: the file is empty.

    >>> import tensor_core as torch
    >>> import io
    >>> file = io.BytesIO()
    >>> torch.save(torch.arange(3), file)
    >>> _ = file.seek(0)
    >>> torch.load(file)
    tensor([0, 1, 2])
    """
    if weights_only is None:
        weights_only = pickle_module is None
    if weights_only and pickle_module is not None:
        raise RuntimeError("Can not safely load weights when explicit pickle_module is specified")
    if is_path(f) and os.fspath(f).endswith(".safetensors"):
        return _load_safetensors(f, map_location)
    with reading(f) as file:
        start = file.tell()
        head = file.read(4)
        file.seek(start)
        source = _Source(shown(f), restorer(map_location), weights_only, pickle_module)
        if head != _ZIP:
            if mmap:
                raise RuntimeError(
                    f"load: {shown(f)}: mmap can only be used with files saved with "
                    "`torch.save(_use_new_zipfile_serialization=True)`"
                )
            legacy = LegacyFile(file, shown(f), source.restore)
            return source.guarded(lambda: legacy.read(source.unpickle))
        if mmap and not is_path(f):
            raise ValueError("load: f must be a file path in order to use the mmap argument")
        from ._archive import Reader as Archive  # zipfile is slow to import

        archive = Archive(file, shown(f), _Options.crc32)
        mapped = _mmap.mmap(file.fileno(), 0, access=_mmap.ACCESS_COPY) if mmap else None
        return source.guarded(lambda: _load_zip(source, archive, mapped))


def _load_safetensors(path: Any, map_location: Any) -> Any:
    from .safetensors import load_file

    if not isinstance(map_location, str | bytes | Device | None):
        raise RuntimeError(
            f"load: {shown(path)}: a safetensors file is loaded to one device; map_location must "
            f"be its name, not a {type(map_location).__name__}"
        )
    try:
        return load_file(path, str(map_location or "cpu"))
    except ImportError as error:  # torch's type of error
        raise RuntimeError(str(error)) from error


class _Source:
    """Where an object comes from, and how far it is trusted."""

    def __init__(self, name: str, restore: Any, weights_only: bool, pickle_module: Any) -> None:
        self.name = name
        self.restore = restore
        self._weights_only = weights_only
        self._pickle_module = pickle_module or pickle

    def unpickle(self, file: Any, storage: Any) -> Any:
        """Read one pickle, in the way that was asked for."""
        if self._weights_only:
            return Unpickler(file, storage).load()
        return ForeignUnpickler(file, storage, self._pickle_module).load()

    def guarded(self, action: Any) -> Any:
        """Run, and name the file in what goes wrong."""
        try:
            return action()
        except UnpicklingError as error:
            what = "Weights only load failed. " if self._weights_only else ""
            raise UnpicklingError(f"{what}load: {self.name}: {error}") from None


def _load_zip(source: _Source, archive: Reader, mapped: Any) -> Any:
    if "constants.pkl" in archive:
        raise RuntimeError(
            f"load: {source.name}: it is a TorchScript archive, which only torch itself can run"
        )
    swap = _byte_order(archive) != sys.byteorder
    storages: dict[str, Any] = {}

    def storage(pid: Any) -> Any:
        _, kind, key, location, numel = pid
        dtype = getattr(kind, "_dtype", None)
        if (dtype is None and kind is not UntypedStorage) or type(numel) is not int or numel < 0:
            raise UnpicklingError(f"storage {key!r} is of no known type")
        if key not in storages:
            nbytes = numel * (dtype.itemsize if dtype else 1)
            data = _bytes(archive, f"data/{key}", nbytes, mapped)
            untyped = UntypedStorage(data)
            if swap and dtype:
                untyped.byteswap(dtype)
            place = location.decode() if isinstance(location, bytes) else location
            storages[key] = source.restore(untyped, place)
        if dtype is None:
            return storages[key]
        return TypedStorage(wrap_storage=storages[key], dtype=dtype)

    return source.unpickle(io.BytesIO(archive.read("data.pkl")), storage)


def _bytes(archive: Reader, record: str, nbytes: int, mapped: Any) -> np.ndarray:
    if mapped is None:
        return archive.bytes_of(record, nbytes)
    start, size = archive.place(record)
    archive.expect(record, size, nbytes)
    return np.frombuffer(mapped, np.uint8, size, start)


def _byte_order(archive: Reader) -> str:
    if "byteorder" in archive:
        order = archive.read("byteorder").decode("ascii", "replace")
        if order not in ("little", "big"):
            raise ValueError(f"load: {archive.name}: Unknown endianness type: {order}")
        return order
    default = _Options.endianness
    return {LoadEndianness.BIG: "big", LoadEndianness.NATIVE: sys.byteorder}.get(default, "little")  # type: ignore[arg-type]
