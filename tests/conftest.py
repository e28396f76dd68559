"""How the tests that cross packages run: one thread each, and a count of what was checked."""

import os
import sys
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is first imported
sys.path.insert(0, str(Path(__file__).parent))  # side_by_side.py is imported by its bare name

import torch
from hypothesis import HealthCheck, settings
from side_by_side import tally

torch.set_num_threads(1)

# Off CI every run draws other examples, so that the property tests keep finding things;
# GRADINE_EXAMPLES asks for more of them.
settings.register_profile(
    "crossing",
    deadline=None,
    max_examples=int(os.environ.get("GRADINE_EXAMPLES", "60")),
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.differing_executors],
)
settings.load_profile("crossing")


def pytest_terminal_summary(terminalreporter):
    """Say how much was checked, and how much of it could not be judged."""
    if not tally:
        return
    terminalreporter.section("checked against finite differences and torch")
    for what in sorted(set(tally) - {"inconclusive verdicts"}):
        terminalreporter.write_line(f"{tally[what]:>8}  {what}")
    terminalreporter.write_line(f"{tally['inconclusive verdicts']:>8}  inconclusive verdicts")
