"""How the tests that cross packages run: one thread each, and a count of what was checked."""

import os
import sys
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is first imported
sys.path.insert(0, str(Path(__file__).parent))  # side_by_side.py is imported by its bare name

import pytest
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


# Where the loops of tensor_core.kernels are at work: these run once with each version of them.
# Single ops and layers are marked one by one, in test_every_op.py and test_every_layer.py.
OF_KERNELS = {
    *("test_autocast_against_torch", "test_ctc_against_torch", "test_half_against_torch"),
    *("test_layers_against_torch", "test_losses_against_torch", "test_modules_against_torch"),
    *("test_nn_against_torch", "test_nn_utils_against_torch", "test_one_network_three_ways"),
    *("test_one_source_two_engines", "test_ops_on_random_shapes", "test_optim_against_torch"),
    *("test_optim_more_against_torch", "test_random_against_torch", "test_random_indexing"),
    *("test_recurrent_against_torch", "test_runner_against_torch"),
    *("test_transformer_modules_against_torch", "test_views_and_in_place"),
}


@pytest.hookimpl(tryfirst=True)  # before -m looks at the marks
def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.stem in OF_KERNELS:
            item.add_marker("kernels")


def pytest_terminal_summary(terminalreporter):
    """Say how much was checked, and how much of it could not be judged."""
    if not tally:
        return
    terminalreporter.section("checked against finite differences and torch")
    for what in sorted(set(tally) - {"inconclusive verdicts"}):
        terminalreporter.write_line(f"{tally[what]:>8}  {what}")
    terminalreporter.write_line(f"{tally['inconclusive verdicts']:>8}  inconclusive verdicts")
