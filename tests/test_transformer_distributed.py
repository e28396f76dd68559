"""Real runs of the command on one process, two processes (torchrun) and two threads."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from transformer.io import read_checkpoint
from transformer.train import read_metrics

TEXT = "the cat sat on the mat and the dog sat on the log. " * 40
SETTINGS = (
    *("--block-size", "8", "--batch-size", "5", "--steps", "8", "--eval-every", "4"),
    *("--eval-batches", "3", "--n-layer", "1", "--n-head", "2", "--n-embd", "8", "--seed", "3"),
    *("--accumulate", "2", "--lr", "0.03", "--warmup-steps", "2", "--sample", "0"),
)
TORCHRUN = ("torch.distributed.run", "--nproc-per-node", "2", "-m", "transformer")


def train(folder: Path, name: str, program: tuple[str, ...], *more: str) -> tuple[int, str]:
    """Run the command; its exit code and what it said."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
        "OMP_NUM_THREADS": "1",
        "MASTER_PORT": "0",  # whichever is free
        "PYTHONWARNINGS": "ignore",
    }
    out = ("--out", str(folder / name), "--text", str(folder / "text"))
    command = [sys.executable, "-m", *program, "train", *out, *SETTINGS, *more]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=folder)
    return done.returncode, done.stderr


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The same run in three ways, and one that cannot be; side by side, since most is waiting."""
    folder = tmp_path_factory.mktemp("runs")
    (folder / "text").write_text(TEXT)
    ways = {
        "one": (("transformer",), "--engine", "torch"),
        "processes": (TORCHRUN, "--engine", "torch"),
        "threads": (("transformer",), "--engine", "tensor_core", "--workers", "2"),
        "refused": (TORCHRUN, "--engine", "tensor_core"),
    }
    with ThreadPoolExecutor(2) as pool:
        jobs = {name: pool.submit(train, folder, name, *way) for name, way in ways.items()}
        return folder, {name: job.result() for name, job in jobs.items()}


@pytest.mark.parametrize("name", ["processes", "threads"])
def test_the_loss_curve_is_that_of_one_worker(runs, name):
    folder, results = runs
    for each in ("one", name):
        assert results[each][0] == 0, results[each][1]
    one, several = (read_metrics(folder / each / "metrics.jsonl") for each in ("one", name))
    assert [r["step"] for r in several] == [r["step"] for r in one] == list(range(9))
    held_out = [r["val_loss"] for r in one if "val_loss" in r]  # the same windows each time
    assert held_out[-1] < held_out[0] - 0.1, "nothing was learnt"
    for ours, theirs in zip(several, one, strict=True):
        for key in {"loss", "grad_norm", "val_loss"} & theirs.keys():
            assert ours[key] == pytest.approx(theirs[key], rel=2e-5), (ours["step"], key)
        assert ours.get("lr") == theirs.get("lr")


def test_several_processes_write_one_run_that_one_process_continues(runs):
    folder, results = runs
    assert results["processes"][1].count("lowest loss") == 1
    names = {"best.safetensors", "last.safetensors", "config.json", "metrics.jsonl"}
    assert set(os.listdir(folder / "processes")) - {"loss.png"} == names
    assert sorted(os.listdir(folder)) == ["one", "processes", "text", "threads"]
    _, state = read_checkpoint(folder / "processes" / "last.safetensors")
    _, expected = read_checkpoint(folder / "one" / "last.safetensors")
    assert state["step"] == 8 and state["engine"] == "torch"
    assert state["best_loss"] == pytest.approx(expected["best_loss"], rel=2e-5)


def test_the_numpy_engine_says_that_it_works_in_one_process(runs):
    code, said = runs[1]["refused"]
    assert code == 1
    assert "torchrun started 2 processes, but the engine tensor_core works in one" in said
    assert "--engine torch" in said and "Traceback" not in said.split("torch/distributed")[0]
