"""A folder's lock: one process at a time, and none that is gone."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from transformer.io.lock import locked

HOLDS = """
import sys
from transformer.io.lock import locked
with locked(sys.argv[1]):
    print("here", flush=True)
    sys.stdin.read()
"""

# Takes the lock as often as told, and counts, unguarded by anything else.
COUNTS = """
import sys
from pathlib import Path
from transformer.io.lock import locked
count = Path(sys.argv[1]) / "count"
for _ in range(int(sys.argv[2])):
    while True:
        try:
            with locked(sys.argv[1]):
                count.write_text(str(int(count.read_text()) + 1))
            break
        except BlockingIOError:
            pass
"""


def test_another_process_is_named_and_its_death_frees_the_folder(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None and child.stdout.readline() == "here\n"
        message = (
            rf"another process \({child.pid}\) is writing this run.*{re.escape(str(tmp_path))}"
        )
        with pytest.raises(BlockingIOError, match=message), locked(tmp_path):
            pass
        child.kill()
    assert child.returncode == -signal.SIGKILL
    assert os.listdir(tmp_path) == [".lock"]
    with locked(tmp_path):
        pass
    assert os.listdir(tmp_path) == []


def test_never_two_at_once(tmp_path: Path) -> None:
    (tmp_path / "count").write_text("0")
    command = [sys.executable, "-c", COUNTS, str(tmp_path), "200"]
    children = [subprocess.Popen(command) for _ in range(3)]
    assert [child.wait() for child in children] == [0, 0, 0]
    assert (tmp_path / "count").read_text() == "600"


def test_it_is_given_back_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError), locked(tmp_path):
        raise KeyError
    with locked(tmp_path):
        pass
