"""One program, run by Python with torch and by ``python -m tensor_core``, prints the same."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent / "a_program.py"


def printed(module, environment, folder):
    """What the program prints, in a process of its own."""
    command = [sys.executable, "-W", "ignore", *module, str(PROGRAM), "--steps", "12"]
    settings = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
    done = subprocess.run(
        command, capture_output=True, text=True, env=settings, cwd=folder, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("processes", ["none", "one"])
def test_a_training_program_prints_the_same(processes, tmp_path, unused_port):
    one = {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "127.0.0.1"}
    world = {**one, "MASTER_PORT": str(unused_port)} if processes == "one" else {}
    theirs = printed([], world, tmp_path)
    ours = printed(["-m", "tensor_core"], world, tmp_path)
    assert len(theirs) == 15
    assert ours == theirs


@pytest.fixture
def unused_port():
    """A port of this machine that nobody listens on."""
    import socket

    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]
