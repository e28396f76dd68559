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


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    (tmp_path / ".file.part").symlink_to("/dev/full")  # the system's own full disk
    with pytest.raises(OSError, match="No space left"):
        replace_file(path, lambda file: file.write(b"new"))
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
