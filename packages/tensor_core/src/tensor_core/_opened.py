"""Opening what files are saved to and loaded from, without ever leaving half a file."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any


def is_path(f: Any) -> bool:
    """Whether it names a file rather than being one."""
    return isinstance(f, str | os.PathLike)


def shown(f: Any) -> str:
    """How messages call a file."""
    if is_path(f):
        return repr(os.fspath(f))
    return repr(getattr(f, "name", None) or f"<{type(f).__name__}>")


@contextmanager
def reading(f: Any) -> Iterator[IO[bytes]]:
    """A file to read and seek in, by path or as it is.

    Raises:
        AttributeError: it is neither a path nor an object with ``read`` and ``seek``.
    """
    if is_path(f):
        with open(f, "rb") as file:
            yield file
        return
    if not hasattr(f, "read") or not hasattr(f, "seek"):
        raise AttributeError(
            f"load: {shown(f)} has no read or seek. You can only torch.load from a file that is "
            "seekable. Please pre-load the data into a buffer like io.BytesIO."
        )
    if hasattr(f, "readinto") and hasattr(f, "readline"):
        yield f
    else:
        yield io.BytesIO(f.read())


@contextmanager
def replacing(path: Any) -> Iterator[IO[bytes]]:
    """A new file that takes the place of ``path`` when the block ends without an error.

    The old file stays as it was until then. What is no ordinary file, such as a pipe or a device,
    is written to directly.

    Raises:
        RuntimeError: the folder does not exist.
        OSError: the disk is full or cannot be written to; the message says which file stays.
    """
    target = os.path.realpath(os.fspath(path))
    folder, name = os.path.split(target)
    if not os.path.isdir(folder):
        raise RuntimeError(f"save: Parent directory {folder} does not exist.")
    old = None
    with suppress(FileNotFoundError):
        old = os.stat(target)
    try:
        if old is not None and not stat.S_ISREG(old.st_mode):
            with open(target, "wb") as file:
                yield file
            return
        fresh = os.path.join(folder, f".{name}.{os.urandom(6).hex()}.tmp")
        try:
            with open(fresh, "xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            if old is not None:
                os.chmod(fresh, stat.S_IMODE(old.st_mode))
            os.replace(fresh, target)
        except BaseException:
            with suppress(OSError):
                os.unlink(fresh)
            raise
    except OSError as error:
        kept = "nothing was written" if old is None else "what was there before is unchanged"
        reason = f"save: cannot write {target!r}: {error.strerror}; {kept}"
        raise type(error)(error.errno, reason) from error
