"""Replace a file all at once: a reader sees the old one or the new one, never a piece."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO


def replace_file(path: str | Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file beside ``path``, push it to the disk, then give it the name ``path``.

    Renaming within one folder is atomic (POSIX ``rename``), so a crash, a kill or a full disk
    at any instant leaves what stood at ``path`` as it was. Raises the ``OSError`` of the step
    that failed, after removing what was half written.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "note.txt"
    >>> replace_file(path, lambda file: file.write(b"whole"))
    >>> path.read_text()
    'whole'
    """
    path = Path(path)
    # One fixed name: what a killed process left behind is overwritten, not collected.
    half_written = path.with_name(f".{path.name}.part")
    try:
        with open(half_written, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())  # the name must not reach the disk before the bytes
        os.replace(half_written, path)
    except BaseException:
        with suppress(OSError):
            half_written.unlink()
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Push a folder's list of names to the disk, where the system has such a thing."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
