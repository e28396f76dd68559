"""Files of torch before 1.6: pickles one after the other, then the numbers."""

from __future__ import annotations

import os
import pickle
import struct
import sys
from collections.abc import Callable
from typing import IO, Any

import numpy as np

from ._pickler import Storages
from ._unpickler import Unpickler, UnpicklingError
from .storage import TypedStorage, UntypedStorage

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
PROTOCOL_VERSION = 1001


class LegacyFile:
    """One such file; ``read(unpickle)`` gives the object.

    Raises:
        UnpicklingError: it is no such file, it is damaged, or it is not to be trusted.
        EOFError: there is nothing to read.
    """

    def __init__(self, file: IO[bytes], name: str, restore: Callable[[Any, str], Any]) -> None:
        self._file = file
        self._name = name
        self._restore = restore
        here = file.tell()
        self._size = file.seek(0, os.SEEK_END)
        file.seek(here)
        self._storages: dict[str, Any] = {}
        self._views: dict[str, Any] = {}
        self._promised = 0

    def read(self, unpickle: Callable[[IO[bytes], Any], Any]) -> Any:
        """The object, by the given way of reading a pickle."""
        if self._file.tell() >= self._size:
            raise EOFError(f"load: {self._name}: there is nothing to read")
        if self._plain() != MAGIC_NUMBER:
            raise UnpicklingError("it does not begin as files of torch do")
        if self._plain() != PROTOCOL_VERSION:
            raise UnpicklingError("its format has a version nobody has defined")
        info = self._plain()
        result = unpickle(self._file, self._storage)
        for key in self._plain():
            self._fill(key, info)
        return result

    def _plain(self) -> Any:
        return Unpickler(self._file, _no_storage).load()

    def _storage(self, pid: Any) -> Any:
        if pid[0] in ("module", b"module"):
            return pid[1]
        _, kind, key, location, numel, view = pid
        dtype = getattr(kind, "_dtype", None)
        if dtype is None or type(numel) is not int or numel < 0:
            raise UnpicklingError(f"storage {key!r} is of no known type")
        if key not in self._storages:
            nbytes = numel * dtype.itemsize
            self._promised += nbytes
            if self._promised > self._size:
                raise UnpicklingError(f"storage {key!r} of {nbytes} bytes is larger than the file")
            made = self._restore(UntypedStorage(np.zeros(nbytes, np.uint8)), _text(location))
            self._storages[key] = TypedStorage(wrap_storage=made, dtype=dtype)
        whole = self._storages[key]
        if view is None:
            return whole
        view_key, offset, size = view
        if view_key not in self._views:
            part = slice(offset * dtype.itemsize, (offset + size) * dtype.itemsize)
            cut = whole._untyped_storage[part]
            self._views[view_key] = TypedStorage(wrap_storage=cut, dtype=dtype)
        return self._views[view_key]

    def _fill(self, key: Any, info: Any) -> None:
        target = self._storages.get(key)
        head = self._file.read(8)
        if target is None or len(head) != 8:
            raise UnpicklingError(f"its storage {key!r} is missing")
        (count,) = struct.unpack("<q", head)
        data = target._untyped_storage._bytes
        if count * target.dtype.itemsize != data.size:
            raise UnpicklingError(f"its storage {key!r} holds {count} numbers, not {len(target)}")
        content = self._file.read(data.size)
        if len(content) != data.size:
            raise UnpicklingError(f"its storage {key!r} ends too early")
        data[...] = np.frombuffer(content, np.uint8)
        if isinstance(info, dict) and info.get("little_endian") is False:
            target._untyped_storage.byteswap(target.dtype)


def write_legacy(file: IO[bytes], data: bytes, storages: Storages, protocol: int) -> None:
    """Write what a pickle and its storages hold in that older form."""
    sizes = {"short": 2, "int": 4, "long": 4}
    info = {
        "protocol_version": PROTOCOL_VERSION,
        "little_endian": sys.byteorder == "little",
        "type_sizes": sizes,
    }
    for head in (MAGIC_NUMBER, PROTOCOL_VERSION, info):
        pickle.dump(head, file, protocol)
    file.write(data)
    order = sorted(range(len(storages.kept)), key=str)
    pickle.dump([str(k) for k in order], file, protocol)
    for k in order:
        file.write(struct.pack("<q", storages.lengths[k]))
        file.write(storages.kept[k]._bytes.data)


def _text(value: Any) -> str:
    return value.decode("ascii") if isinstance(value, bytes) else value


def _no_storage(pid: Any) -> Any:
    raise UnpicklingError("it refers to a storage where none can be")
