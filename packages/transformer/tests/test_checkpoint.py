"""Checkpoints: whole or refused, and never a mixture, whatever kills the program while it saves."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import SafetensorError
from safetensors.numpy import save_file

from transformer import build_model
from transformer.io import TensorFileError, find_checkpoint, read_checkpoint, read_state
from transformer.train import TrainConfig, Trainer, load_model

TEXT = "pack my box with five dozen liquor jugs. " * 30
SETTINGS: dict[str, Any] = {
    "model": "bigram-embedded",
    "model_settings": {"n_embd": 4},
    "block_size": 4,
    "batch_size": 2,
    "steps": 400,
    "eval_every": 1,  # saves at every step
    "eval_batches": 1,
}

# Trains and tells every step; with a number, dies at that use of os.fsync or os.replace.
CHILD = f"""
import os, signal, sys
from transformer.train import TrainConfig, Trainer
out, dies = sys.argv[1], int(sys.argv[2])
uses = 0
def deadly(call):
    def called(*arguments):
        global uses
        uses += 1
        if uses == dies:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*arguments)
    return called
if dies:
    os.fsync, os.replace = deadly(os.fsync), deadly(os.replace)
trainer = Trainer.from_config(TrainConfig(**{SETTINGS!r}, out=out), {TEXT!r})
trainer.run(listeners=[lambda record: print(record["step"], flush=True)])
"""


def begin(out: Path | None = None) -> Trainer:
    return Trainer.from_config(TrainConfig(**SETTINGS, out=None if out is None else str(out)), TEXT)


def assert_continues(run: Path, steps: int = 3) -> None:
    """Hold that the run's checkpoint goes on exactly as an unbroken run does from there."""
    resumed = Trainer.resume(run, TEXT)
    unbroken = begin()
    resumed.run(until := resumed.step + steps)
    unbroken.run(until)
    assert resumed.best_loss == unbroken.best_loss
    for p, q in zip(resumed.model.parameters(), unbroken.model.parameters(), strict=True):
        assert (p.detach().numpy() == q.detach().numpy()).all()


@pytest.mark.parametrize("line", [3, 17, 60])
def test_a_kill_in_the_midst_leaves_a_checkpoint_that_continues(line: int, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path), "0"], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        for _ in range(line):
            child.stdout.readline()
        child.kill()
    assert child.returncode == -signal.SIGKILL
    assert read_state(tmp_path / "last.safetensors")["step"] >= line - 2
    assert_continues(tmp_path)


# A step's saves: best (fsync of the file, replace, fsync of the folder), then last, the same;
# one replace for the history comes before all.
@pytest.mark.parametrize("dies", range(8, 14))
def test_a_kill_at_each_instant_of_saving_is_survived(dies: int, tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", CHILD, str(tmp_path), str(dies)])
    assert done.returncode == -signal.SIGKILL
    best, last = (read_state(tmp_path / f"{name}.safetensors") for name in ("best", "last"))
    assert last["step"] in (0, 1)
    assert best["step"] >= last["step"] and best["best_loss"] <= last["best_loss"]
    assert_continues(tmp_path)


@pytest.mark.parametrize("name", ["last.safetensors", "best.safetensors"])
def test_a_full_disk_leaves_the_checkpoint_before(
    name: str, tmp_path: Path, monkeypatch: Any
) -> None:
    trainer = begin(tmp_path)
    trainer.run(until=5)

    def full(arrays: Any, path: Any, metadata: Any) -> None:  # as the library says it
        save_file(arrays, path, metadata)
        if str(path).endswith(f".{name}.part"):
            os.truncate(path, 100)
            raise SafetensorError("I/O error: No space left on device (os error 28)")

    monkeypatch.setattr("transformer.io.safetensors.save_file", full)
    with pytest.raises(OSError, match=r"step \d+ cannot be saved: No space left .* still saved"):
        Trainer.resume(tmp_path, TEXT).run()
    monkeypatch.undo()
    assert sorted(os.listdir(tmp_path)) == [
        "best.safetensors",
        "config.json",
        "last.safetensors",
        "metrics.jsonl",
    ]
    assert_continues(tmp_path)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda raw: raw[:-1], "cut short"),
        (lambda raw: raw[: len(raw) // 2], "cut short"),
        (lambda raw: raw[:5], "cut short"),
        (lambda raw: b"", "cut short"),
        (lambda raw: raw + b"x", "too long"),
        (lambda raw: raw[:-1] + bytes([raw[-1] ^ 1]), "differ from the checksum"),
        (lambda raw: raw.replace(rb"\"step\": 2", rb"\"step\": 9"), "differ from the checksum"),
        (lambda raw: b"not a checkpoint at all", "or not a safetensors file"),
    ],
)
def test_a_damaged_checkpoint_is_refused_by_name(damage: Any, reason: str, tmp_path: Path) -> None:
    begin(tmp_path).run(until=2)
    for name in ("last.safetensors", "best.safetensors"):
        path = tmp_path / name
        whole = path.read_bytes()
        path.write_bytes(damage(whole))
        assert path.read_bytes() != whole
        with pytest.raises(TensorFileError, match=f"{re.escape(str(path))}: .*{reason}"):
            read_checkpoint(path)
    with pytest.raises(TensorFileError):
        Trainer.resume(tmp_path, TEXT)
    with pytest.raises(TensorFileError):
        load_model(tmp_path)


def test_the_checkpoint_of_a_newer_program_is_refused(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("transformer.io.checkpoint.VERSION", 2)
    begin(tmp_path).run(until=1)
    monkeypatch.undo()
    with pytest.raises(TensorFileError, match="newer version"):
        load_model(tmp_path)


def test_a_missing_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"there is no run .*nowhere"):
        find_checkpoint(tmp_path / "nowhere", "last.safetensors")
    with pytest.raises(FileNotFoundError, match=r"holds no best\.safetensors or last\.safetensors"):
        load_model(tmp_path)


def test_the_best_weights_are_loaded(tmp_path: Path) -> None:
    trainer = begin(tmp_path)
    trainer.run(until=20)
    model, tokenizer, state = load_model(tmp_path)
    assert state["val_loss"] == trainer.best_loss
    assert tokenizer.encode("jugs") == trainer.tokenizer.encode("jugs")
    trainer.model.load_state_dict(model.state_dict())
    assert trainer.evaluate() == trainer.best_loss
    assert not model.training


def test_other_weights_than_the_models_are_refused(tmp_path: Path) -> None:
    from transformer.train.checkpoint import unpack_model

    begin(tmp_path).run(until=1)
    arrays, _ = read_checkpoint(tmp_path / "last.safetensors")
    other = build_model("bigram-embedded", vocab_size=3, block_size=4, n_embd=4)
    with pytest.raises(RuntimeError):
        unpack_model(arrays, other)


def test_a_checkpoint_is_an_ordinary_safetensors_file(tmp_path: Path) -> None:
    import safetensors.numpy

    trainer = begin(tmp_path)
    trainer.run(until=2)
    arrays = safetensors.numpy.load_file(tmp_path / "last.safetensors")
    for name, p in trainer.model.named_parameters():
        np.testing.assert_array_equal(arrays[f"model.{name}"], p.detach().numpy())
        assert arrays[f"optimizer.{name}.exp_avg"].shape == tuple(p.shape)
