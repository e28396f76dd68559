"""Replacing a file: the old one or the new one, whatever happens in between."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from transformer.io import replace_file

# Replaces a file once per name of a system call, dying right before that call's n-th use.
DIES = """
import os, signal, sys
from transformer.io import replace_file
path, call = sys.argv[1:]
def die(*arguments):
    os.kill(os.getpid(), signal.SIGKILL)
def write(file):
    file.write(b"new " * 5000)
    file.flush()
    if call == "write":
        die()
    file.write(b"new " * 5000)
if call != "write":
    setattr(os, call, die)
replace_file(path, write)
"""


@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
def test_a_kill_leaves_the_old_file(call: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    done = subprocess.run([sys.executable, "-c", DIES, str(path), call])
    assert done.returncode == -signal.SIGKILL
    assert path.read_bytes() == b"old"
    replace_file(path, lambda file: file.write(b"new"))
    assert [p.name for p in tmp_path.iterdir()] == ["file"], "nothing left lying about"


REPLACES = """
import os, signal, sys
from pathlib import Path
from transformer.io.atomic import replace_files
folder, dies_at = sys.argv[1:]
steps = iter(range(100))
def counted(function):
    def step(*arguments, **named):
        if next(steps) == int(dies_at):
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **named)
    return step
Path.unlink, os.replace = counted(Path.unlink), counted(os.replace)
with replace_files(folder, "index", stale="part-.*") as new:
    for name in ("part-1", "part-2", "index"):
        (new / name).write_text("new")
"""


def test_a_kill_never_leaves_a_folder_half_old_half_new(tmp_path: Path) -> None:
    for dies_at in range(8):
        folder = tmp_path / str(dies_at)
        folder.mkdir()
        for name in ("part-1", "part-9", "index", "other"):
            (folder / name).write_text("old")
        done = subprocess.run([sys.executable, "-c", REPLACES, str(folder), str(dies_at)])
        texts = {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}
        old = {"part-1": "old", "part-9": "old", "index": "old", "other": "old"}
        new = {"part-1": "new", "part-2": "new", "index": "new", "other": "old"}
        assert texts in (old, new) or "index" not in texts, dies_at
        assert (texts == new) == (done.returncode == 0)
    assert texts == new, "the last one was not to die"


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    (tmp_path / ".file.part").symlink_to("/dev/full")  # the system's own full disk
    with pytest.raises(OSError, match="No space left") as caught:
        replace_file(path, lambda file: file.write(b"new"))
    assert caught.value.filename == str(path)
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_an_error_while_writing_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def write(file: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replace_file(path, write)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]
