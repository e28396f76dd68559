"""A folder for one process at a time, for as long as that process lives."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_NAME = ".lock"


@contextmanager
def locked(folder: str | Path) -> Iterator[None]:
    """Within the block no other process gets past this line for the same ``folder``.

    The system itself keeps the lock, and lets go of it when the process ends, however it ends: a
    file ``.lock`` left behind by a kill locks nothing. Raises ``BlockingIOError`` naming the
    folder and the process that has it.

    >>> import tempfile
    >>> with locked(tempfile.mkdtemp()) as nothing:
    ...     print(nothing)
    None
    """
    path = Path(folder) / _NAME
    handle = _opened(path)
    try:
        os.ftruncate(handle, 0)
        os.write(handle, str(os.getpid()).encode())
        yield
    finally:
        # While it is still ours: a file that another process has made since must stay.
        with suppress(OSError):  # Windows keeps files that are open
            path.unlink()
        os.close(handle)


def _opened(path: Path) -> int:
    """Return a handle on the file of that name, locked."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _lock(handle)
            # Who had it before us may have removed it after we opened it: then it locks nothing.
            if _is_named(handle, path):
                return handle
        except BlockingIOError:
            holder = os.pread(handle, 20, 0).decode(errors="replace") if os.name == "posix" else ""
            os.close(handle)
            raise BlockingIOError(
                errno.EAGAIN,
                f"another process{f' ({holder})' * bool(holder)} is writing this run: wait until "
                "it ends, or choose another folder",
                str(path.parent),
            ) from None
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _is_named(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> None:
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError(error.errno, error.strerror) from None
else:
    import fcntl

    def _lock(handle: int) -> None:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError as error:  # some network folders have no locks: better unguarded than unused
            if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS):
                raise
