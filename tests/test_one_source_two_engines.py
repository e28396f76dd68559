"""The same GPT source on tensor_core and on torch, each in a process of its own.

Everything is float32. What is required below is what was reached with a margin of about ten.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from side_by_side import tally

ENGINES = ("tensor_core", "torch")
PROGRAM = Path(__file__).with_name("one_engine.py")


def results_of(engine, weights, folder):
    """Run the program on an engine; its results by name."""
    out = folder / f"{engine}-{Path(weights).stem}.npz"
    environment = {
        **os.environ,
        "GRADINE_ENGINE": engine,
        "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, str(PROGRAM), str(weights), str(out)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with np.load(out) as found:
        return dict(found)


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Results of both engines: tensor_core's own weights, then torch's run from the same file."""
    folder = tmp_path_factory.mktemp("engines")
    ours = results_of("tensor_core", "-", folder)
    theirs = results_of("torch", folder / "tensor_core--.npz", folder)
    assert [str(r["engine"]) for r in (ours, theirs)] == list(ENGINES)
    return ours, theirs


def distance(a, b):
    """The largest difference, in units of the largest value."""
    return float(np.abs(a - b).max() / max(np.abs(b).max(), 1e-30))


def furthest(ours, theirs, kind):
    names = [k for k in theirs if k.startswith(f"{kind} ")]
    assert names and set(names) == {k for k in ours if k.startswith(f"{kind} ")}
    found = {k: distance(ours[k], theirs[k]) for k in names}
    worst = max(found, key=found.__getitem__)
    return found[worst], worst


def test_the_same_seed_gives_the_same_weights(pair):
    """Bit for bit, or at most one unit in the last place where a logarithm rounds otherwise."""
    ours, theirs = pair
    for key in [k for k in theirs if k.startswith("initial ")]:
        np.testing.assert_array_max_ulp(ours[key], theirs[key], maxulp=1)
        assert ours[key].dtype == theirs[key].dtype == np.float32


def test_the_same_seed_gives_the_same_batches(pair):
    np.testing.assert_array_equal(pair[0]["batches"], pair[1]["batches"])


def test_outputs(pair):
    ours, theirs = pair
    assert distance(ours["logits"], theirs["logits"]) < 5e-6
    assert distance(ours["loss"], theirs["loss"]) < 1e-6


def test_every_gradient(pair):
    away, name = furthest(*pair, "grad")
    assert away < 1e-5, f"{name} is {away:.1e} away"
    tally["GPT parameters beside torch"] += sum(k.startswith("grad ") for k in pair[0])


def test_the_same_weights_and_seed_write_the_same_text(pair):
    ours, theirs = pair
    assert str(ours["text"]) == str(theirs["text"])
    assert len(str(ours["text"])) == 124


def test_the_loss_curve(pair):
    ours, theirs = pair
    np.testing.assert_allclose(ours["losses"], theirs["losses"], rtol=2e-6)
    np.testing.assert_allclose(ours["norms"], theirs["norms"], rtol=5e-6)
    assert ours["losses"][-1] < ours["losses"][0] - 0.5, "nothing was learnt"
    away, name = furthest(ours, theirs, "trained")
    # The key's bias has no slope but rounding errors, which Adam brings to the size of a step.
    assert away < 2e-2, f"{name} is {away:.1e} away after training"
    assert str(ours["text after"])[:20] == str(theirs["text after"])[:20]
