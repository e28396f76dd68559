"""A file looked at as if it lay in memory: the system reads a page when it is first touched."""

import mmap
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from transformer.io.safetensors import TensorFileError


class MappedFile:
    """Arrays that are stretches of a file, without reading them into memory.

    Two views of the file are kept. What :meth:`own` returns may be written to: the pages touched
    are copied then, and the file stays as it is, so that mapped weights can be trained.
    What :meth:`look` returns is for reading once, after which :meth:`release` gives the memory
    back. A file must not be shortened while it is mapped; replacing it by another is safe.
    Raises FileNotFoundError when there is none, TensorFileError when it is empty.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "numbers"
    >>> _ = path.write_bytes(np.arange(4, dtype="<f4").tobytes())
    >>> MappedFile(path).own(4, (3,), "<f4")
    array([1., 2., 3.], dtype=float32)
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        with open(path, "rb") as file:
            self.size = self.path.stat().st_size
            if not self.size:
                raise TensorFileError(f"{path}: the file is empty")
            self._shared = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            self._private = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)

    def own(self, offset: int, shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
        """The array that begins at byte ``offset``, for keeps: writing to it leaves the file.

        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "numbers"
        >>> _ = path.write_bytes(b"abc")
        >>> MappedFile(path).own(0, (3,), np.uint8)[:] = 0
        >>> path.read_bytes()
        b'abc'
        """
        if offset % np.dtype(dtype).alignment:  # processors and libraries want it aligned
            return self.look(offset, shape, dtype).copy()
        return self._array(self._private, offset, shape, dtype)

    def look(self, offset: int, shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
        """The array that begins at byte ``offset``, read-only.

        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "numbers"
        >>> _ = path.write_bytes(bytes([1, 2, 3]))
        >>> MappedFile(path).look(1, (2,), np.uint8).tolist()
        [2, 3]
        """
        return self._array(self._shared, offset, shape, dtype)

    def release(self, offset: int, nbytes: int) -> None:
        """Give back the memory behind bytes that :meth:`look` showed; they can be read again."""
        if not hasattr(self._shared, "madvise"):  # Windows
            return
        first = offset - offset % mmap.PAGESIZE
        length = min(offset + nbytes, self.size) - first
        if length > 0:
            self._shared.madvise(mmap.MADV_DONTNEED, first, length)

    def _array(
        self, mapping: mmap.mmap, offset: int, shape: tuple[int, ...], dtype: Any
    ) -> NDArray[Any]:
        count = int(np.prod(shape, dtype=np.int64))
        end = offset + count * np.dtype(dtype).itemsize
        if end > self.size:
            raise TensorFileError(
                f"{self.path}: cut short: a tensor ends at byte {end}, the file at {self.size}"
            )
        if not count:
            return np.empty(shape, dtype)
        return np.frombuffer(mapping, dtype, count, offset).reshape(shape)
