"""The zip archive of a ``.pt`` file: stored records, each aligned, read without trusting any."""

from __future__ import annotations

import os
import struct
import zipfile
import zlib
from typing import IO, Any

import numpy as np

_LOCAL_HEADER = 30  # bytes before a member's name
_ZIP64_EXTRA = 20
_PADDING = b"FB"  # the kind of extra field torch aligns with


class Reader:
    """The records of an archive that torch, or :class:`Writer`, has written.

    Raises:
        RuntimeError: it is damaged, or holds what no such archive holds. The message names the
            file.
    """

    def __init__(self, file: IO[bytes], name: str, check: bool = True) -> None:
        self.name = name
        self._file = file
        self._check = check
        self._size = file.seek(0, os.SEEK_END)
        self._taken = 0
        try:
            archive = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
            raise self.broken(f"it is no whole zip archive: {error}") from None
        members = archive.infolist()
        self.folder = members[0].filename.split("/")[0] if members else ""
        self._members = {m.filename: m for m in members}

    def broken(self, reason: str) -> RuntimeError:
        """The error to raise: the file and what is wrong with it."""
        return RuntimeError(f"load: {self.name}: {reason}; the file is damaged or incomplete")

    def __contains__(self, record: str) -> bool:
        return f"{self.folder}/{record}" in self._members

    def place(self, record: str) -> tuple[int, int]:
        """Where a record's bytes begin in the file, and how many there are."""
        member = self._members.get(f"{self.folder}/{record}")
        if member is None:
            raise self.broken(f"it has no record {record!r}")
        if member.compress_type != zipfile.ZIP_STORED or member.flag_bits & 1:
            raise RuntimeError(
                f"load: {self.name}: record {record!r} is compressed or encrypted, which "
                "torch.save never does; unpack the archive and pack it again with zip -0"
            )
        if member.header_offset < 0:
            raise self.broken(f"record {record!r} is not where the archive says")
        self._file.seek(member.header_offset)
        header = self._file.read(_LOCAL_HEADER)
        if len(header) < _LOCAL_HEADER or header[:4] != b"PK\x03\x04":
            raise self.broken(f"record {record!r} is not where the archive says")
        name, extra = struct.unpack("<26xHH", header)
        start = member.header_offset + _LOCAL_HEADER + name + extra
        if start + member.file_size > self._size or member.file_size != member.compress_size:
            raise self.broken(
                f"record {record!r} has {member.file_size} bytes and ends beyond the file's end"
            )
        return start, member.file_size

    def read(self, record: str) -> bytes:
        """The bytes of a record."""
        return self.bytes_of(record).tobytes()

    def bytes_of(self, record: str, expected: int | None = None) -> np.ndarray:
        """The bytes of a record as an array of its own. Shape: (size,), uint8."""
        start, size = self.place(record)
        self.expect(record, size, expected)
        self._taken += size
        if self._taken > self._size:  # records that overlap would fill any memory
            raise self.broken("its records together are larger than the file")
        data = np.empty(size, np.uint8)
        self._file.seek(start)
        file: Any = self._file
        filled = file.readinto(data.data) if size else 0
        if filled != size:
            raise self.broken(f"record {record!r} ends too early")
        wanted = self._members[f"{self.folder}/{record}"].CRC
        if self._check and zlib.crc32(data.data) != wanted:
            raise RuntimeError(
                f"load: {self.name}: the checksum of record {record!r} is wrong: the file is "
                "damaged, or was saved after set_crc32_options(False); in that case call "
                "torch.serialization.set_crc32_options(False) before loading too"
            )
        return data

    def expect(self, record: str, size: int, expected: int | None) -> None:
        """Make sure that a record is as large as its tensor is said to be."""
        if expected is not None and size != expected:
            raise self.broken(f"record {record!r} has {size} bytes instead of {expected}")


class Writer:
    """Writes records one after the other, the same bytes for the same content.

    Each record's bytes begin at a multiple of ``alignment``, so that they can be mapped.
    """

    def __init__(self, file: IO[bytes], folder: str, alignment: int = 64) -> None:
        self._archive = zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True)
        self._folder = folder
        self._alignment = alignment
        self._digest = [0, 0]

    def write(self, record: str, data: Any) -> None:
        """Add a record: bytes, or an array of bytes."""
        content = memoryview(data)
        member = zipfile.ZipInfo(f"{self._folder}/{record}", (1980, 1, 1, 0, 0, 0))
        member.file_size = content.nbytes
        large = content.nbytes * 1.05 > zipfile.ZIP64_LIMIT
        encoded = member.filename.encode()
        start = self._archive.start_dir + _LOCAL_HEADER + len(encoded)
        start += 4 + (_ZIP64_EXTRA if large else 0)  # the extra fields, one of them the padding
        gap = -start % self._alignment
        member.extra = struct.pack("<2sH", _PADDING, gap) + b"Z" * gap
        with self._archive.open(member, "w", force_zip64=large) as target:
            target.write(content)
        self._digest[0] = zlib.crc32(encoded, self._digest[0])
        self._digest[1] = zlib.crc32(content, self._digest[1])

    def close(self) -> None:
        """Add the version and the identity of the content, and the table of records."""
        identity = "".join(f"{part:020d}" for part in self._digest)
        self.write("version", b"3\n")
        self.write(".data/serialization_id", identity.encode())
        self._archive.close()
