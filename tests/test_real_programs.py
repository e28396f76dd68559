"""Programs in tests/real_programs, as readers write them, print the same on both engines.

Each runs unchanged in two processes of its own at once: ``python program.py`` with torch, and
``python -m tensor_core program.py``, where importing torch
itself would end the process. Words, sampled text and whole
numbers must be the same, other numbers the same to rounding.
"""

import math
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAMS = sorted((Path(__file__).parent / "real_programs").glob("*.py"))
NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*(?:e[-+]?\d+)?|inf|nan)(?!\w)")
RELATIVE, ABSOLUTE = 1e-4, 1e-6
BOTH = {"torch": [], "tensor_core": ["-m", "tensor_core"]}


def started(engine, program, folder):
    """The process that runs a program, its hands tied to one thread."""
    command = [sys.executable, "-W", "ignore", *BOTH[engine], str(program)]
    one = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    environment = {**os.environ, **one}
    if engine == "tensor_core":
        environment["PYTHONPATH"] = os.pathsep.join(
            [str(folder), environment.get("PYTHONPATH", "")]
        )
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, env=environment, cwd=folder, **pipes)


def printed(program, folder):
    """What a program printed on each engine, as lines."""
    (folder / "torch.py").write_text("raise SystemExit('PyTorch itself was imported')")
    running = {engine: started(engine, program, folder) for engine in BOTH}
    said = {engine: process.communicate() for engine, process in running.items()}
    for engine, process in running.items():
        assert process.returncode == 0, f"{engine}: {said[engine][1]}"
    return [said[engine][0].splitlines() for engine in BOTH]


def difference(theirs, ours):
    """What tells two lines apart, or nothing."""
    if " ".join(NUMBER.sub("#", theirs).split()) != " ".join(NUMBER.sub("#", ours).split()):
        return "words"
    for a, b in zip(NUMBER.findall(theirs), NUMBER.findall(ours), strict=True):
        exact = not re.search(r"[.e]", a)
        if a != b and (
            exact or not math.isclose(float(a), float(b), rel_tol=RELATIVE, abs_tol=ABSOLUTE)
        ):
            return f"{a} and {b}"
    return ""


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.stem)
def test_prints_the_same_on_both_engines(program, tmp_path):
    theirs, ours = printed(program, tmp_path)
    for number, (a, b) in enumerate(zip(theirs, ours, strict=False), 1):
        apart = difference(a, b)
        assert not apart, f"line {number}: {apart}\ntorch: {a}\nours:  {b}"
    assert len(ours) == len(theirs)
    assert sum("loss" in line for line in theirs) >= 15


@pytest.mark.parametrize(
    ("theirs", "ours", "apart"),
    [
        ("loss 0.50000000", "loss 0.50001000", ""),
        ("loss 0.50000000", "loss 0.50010000", "0.50000000 and 0.50010000"),
        ("loss 1e-9", "loss 3e-9", ""),
        ("step 3 nan", "step 3 nan", ""),
        ("step 3", "step 4", "3 and 4"),
        ("tensor([ 1.0000, -0.5])", "tensor([1.0000,  -0.5])", "words"),
        ("fox", "box", "words"),
    ],
)
def test_the_comparison_sees(theirs, ours, apart):
    """A comparison that never finds anything would prove nothing."""
    assert difference(theirs, ours) == apart
