"""Whole runs of ``gradine train``: the two engines learn the same, and read each other's runs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TEXT = "the quick brown fox jumps over the lazy dog; she sells sea shells by the sea shore. " * 20
SETTINGS = """
text = "text.txt"
steps = 12
eval_every = 6
eval_batches = 2
block_size = 16
batch_size = 6
accumulate = 2
warmup_steps = 3
workers = 1
lr = 3e-3
"""
RUNS = {
    "gpt-muon-wsd-average": """
        optimizer = "muon"
        schedule = "wsd"
        ema = 0.8
        label_smoothing = 0.1
        tokenizer = "bpe"
        vocab_size = 300
        [model]
        name = "gpt"
        n_layer = 2
        n_head = 2
        n_embd = 16
    """,
    "llama-lion-linear": """
        optimizer = "lion"
        schedule = "linear"
        tokenizer = "bytes"
        [model]
        name = "llama"
        n_layer = 2
        n_head = 2
        n_kv_head = 1
        n_embd = 16
        n_hidden = 32
    """,
}


def gradine(folder: Path, *arguments: str) -> str:
    """Run a command in ``folder`` and return what it prints; it must succeed."""
    command = [sys.executable, "-m", "transformer", *arguments]
    one_thread = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=one_thread)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", RUNS)
def test_both_engines_learn_the_same_and_read_each_others_runs(name: str, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text(TEXT)
    (tmp_path / "run.toml").write_text(SETTINGS + RUNS[name])
    histories, scores = [], []
    for engine, other in (("tensor_core", "torch"), ("torch", "tensor_core")):
        how = ["--config", "run.toml", "--engine", engine, "--out", engine, "-q", "--json"]
        told = json.loads(gradine(tmp_path, "train", *how))
        lines = (tmp_path / engine / "metrics.jsonl").read_text().splitlines()
        histories.append([json.loads(line) for line in lines])
        assert told["step"] == 12 and told["best_held_out_loss"] < histories[-1][0]["val_loss"]
        judged = gradine(tmp_path, "eval", engine, "text.txt", "--engine", other, "--json")
        scores.append(json.loads(judged)["loss"])
    for one, two in zip(*histories, strict=True):
        for key in {"loss", "grad_norm", "val_loss", "val_bits_per_byte", "lr"} & one.keys():
            assert one[key] == pytest.approx(two[key], rel=2e-3), (one["step"], key)
    assert scores[0] == pytest.approx(scores[1], rel=1e-3)
