"""Replace a file all at once: a reader sees the old one or the new one, never a piece."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
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
    except BaseException as error:
        with suppress(OSError):
            half_written.unlink()
        if isinstance(error, OSError) and error.errno and error.filename is None:
            error.filename = str(path)  # a full disk does not say what it has no room for
        raise
    _sync_folder(path.parent)


@contextmanager
def replace_files(folder: str | Path, last: str, stale: str) -> Iterator[Path]:
    """A place for new files of a folder, which take their names when all are written.

    What is in the folder stays as it was until then. Then the file ``last``, without which the
    folder is nothing, is removed first and comes back last, so that old and new files are never
    taken for one whole; old files whose whole name matches ``stale`` are removed. Raises the
    ``OSError`` of the step that failed, after removing what was half written.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "old.txt").write_text("")
    >>> with replace_files(folder, "index", stale=r".*\\.txt") as new:
    ...     _ = (new / "index").write_text("")
    >>> [path.name for path in folder.iterdir()]
    ['index']
    """
    folder = Path(folder)
    there_before = folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    new = folder / ".part"  # one fixed name, as above
    shutil.rmtree(new, ignore_errors=True)
    try:
        new.mkdir()
        yield new
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        if not there_before:
            with suppress(OSError):
                folder.rmdir()
        raise
    (folder / last).unlink(missing_ok=True)
    for old in folder.iterdir():
        if re.fullmatch(stale, old.name) and old.is_file():
            old.unlink()
    for file in sorted(new.iterdir(), key=lambda path: path.name == last):
        os.replace(file, folder / file.name)
    new.rmdir()
    _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    """Push a folder's list of names to the disk, where the system has such a thing."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
