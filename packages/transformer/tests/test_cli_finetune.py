"""``gradine finetune``: adapters or all weights, conversations or text, and what comes of them."""

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from transformer import build_model, load
from transformer._engine import torch
from transformer.cli import main
from transformer.data import write_folder
from transformer.io import read_checkpoint, read_state
from transformer.tokenizers import CharTokenizer

TEXT = "question: what is two and two? answer: four. " * 40
QUIET = ["-q", "--steps", "12", "--eval-every", "6", "--eval-batches", "1", "--batch-size", "4"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a small trained run, conversations, and a text."""
    folder = tmp_path_factory.mktemp("finetune")
    (folder / "text.txt").write_text(TEXT)
    (folder / "other.txt").write_text("two and four are two and four. " * 40)
    lines = [{"prompt": f"what is {n}?", "completion": f" a {n}."} for n in ("two", "four")] * 20
    (folder / "talks.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    tiny = ["--tokenizer", "bytes", "--n-layer", "1", "--n-head", "2", "--n-embd", "16"]
    how = ["--text", str(folder / "text.txt"), "--out", str(folder / "base"), "--sample", "0"]
    size = ["--block-size", "48", "--steps", "60", "--eval-batches", "1", "-q", "--batch-size", "4"]
    assert main(["train", *how, *tiny, *size, "--lr", "0.03", "--warmup-steps", "5"]) == 0
    return folder


@pytest.fixture(autouse=True)
def _warnings_as_before() -> Any:
    with warnings.catch_warnings():
        yield


def tuned(folder: Path, out: Path, data: str, *arguments: str) -> int:
    how = ["--data", str(folder / data), "--out", str(out)]
    return main(["finetune", str(folder / "base"), *how, *QUIET, *arguments])


def weights(model: Any) -> dict[str, np.ndarray]:
    return {name: t.numpy().copy() for name, t in model.state_dict().items()}


def test_adapters_are_learned_from_answers_saved_alone_and_merged(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "tuned"
    assert tuned(folder, out, "talks.jsonl", "--lr", "0.03", "--warmup-steps", "2", "--merge") == 0
    assert capsys.readouterr().out == f"{out / 'merged'}\n"
    arrays, state = read_checkpoint(out / "last.safetensors")
    assert all("lora_" in name for name in arrays), "the frozen weights stay where they are"
    records = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert records[-1]["val_loss"] < records[0]["val_loss"] - 0.1
    assert state["config"]["block_size"] == 48, "the model's own context"

    base, adapted, merged = (
        weights(load(path)[0]) for path in (folder / "base", out, out / "merged")
    )
    changed = {name for name in base if not np.array_equal(base[name], adapted[name])}
    assert changed == {
        f"h.0.{part}.weight" for part in ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")
    }
    for name in base:
        np.testing.assert_array_equal(adapted[name], merged[name])
    for path in (out, out / "merged"):
        assert main(["generate", str(path), "-p", "what is", "-n", "5", "--seed", "1"]) == 0
    written = capsys.readouterr().out
    half = len(written) // 2
    assert written[:half] == written[half:]


def test_only_answers_count(folder: Path, tmp_path: Path) -> None:
    from transformer.train import Trainer

    assert tuned(folder, tmp_path / "tuned", "talks.jsonl", "--until", "1") == 0
    trainer = Trainer.resume(tmp_path / "tuned")
    _, tokenizer = load(folder / "base")
    for step in range(3):
        for row in trainer.material.batches.at(step)[1].tolist():
            learned = tokenizer.decode([i for i in row if i != -100])
            assert learned and "what is" not in learned


def test_a_run_with_adapters_resumes_bit_for_bit(folder: Path, tmp_path: Path) -> None:
    assert tuned(folder, tmp_path / "whole", "talks.jsonl") == 0
    assert tuned(folder, tmp_path / "cut", "talks.jsonl", "--until", "5") == 0
    assert main(["train", "--resume", str(tmp_path / "cut"), "-q", "--sample", "0"]) == 0
    one, other = (read_checkpoint(tmp_path / d / "last.safetensors")[0] for d in ("whole", "cut"))
    assert one.keys() == other.keys()
    assert all(one[name].tobytes() == other[name].tobytes() for name in one)


def test_every_weight_is_trained_on_a_text_when_asked(folder: Path, tmp_path: Path) -> None:
    assert tuned(folder, tmp_path / "full", "other.txt", "--full", "--lr", "1e-3") == 0
    state = read_state(tmp_path / "full" / "last.safetensors")
    assert state["config"]["lora_rank"] == 0 and state["val_loss"] < 5
    base, full = weights(load(folder / "base")[0]), weights(load(tmp_path / "full")[0])
    assert all(not np.array_equal(base[name], full[name]) for name in base)


def test_adapters_of_a_model_that_has_changed_are_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = build_model("gpt", vocab_size=256, block_size=16, n_layer=1, n_head=2, n_embd=8)
    from transformer.io import write_checkpoint
    from transformer.train.checkpoint import model_arrays

    base = tmp_path / "base"
    base.mkdir()
    state = read_state(folder / "base" / "best.safetensors")
    state["model_config"] |= {"block_size": 16, "n_embd": 8}
    write_checkpoint(base / "best.safetensors", model_arrays(model), state)
    how = ["--data", str(folder / "other.txt"), "--out", str(tmp_path / "tuned")]
    assert main(["finetune", str(base), *how, *QUIET]) == 0
    with torch.no_grad():
        model.wte.weight[0, 0] += 1.0
    write_checkpoint(base / "best.safetensors", model_arrays(model), state)
    assert main(["generate", str(tmp_path / "tuned")]) == 1
    said = capsys.readouterr().err
    assert "is not the model it was when adapters were trained" in said and said.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["base", "--out", "x"], 2, "--data is missing"),
        (["base", "--data", "other.txt"], 2, "--out is missing"),
        (["nowhere", "--data", "other.txt", "--out", "x"], 1, "nowhere"),
        (["base", "--data", "nowhere.txt", "--out", "x"], 1, "nowhere.txt"),
        (["base", "--data", "nowhere.jsonl", "--out", "x"], 1, "nowhere.jsonl"),
        (["base", "--data", "foreign", "--out", "x"], 1, "made with another tokenizer"),
        (["base", "--data", "other.txt", "--out", "base"], 2, "already holds a run"),
        (["base", "--data", "other.txt", "--out", "base", "--overwrite"], 1, "its own folder"),
        (
            ["base", "--data", "other.txt", "--out", "x", "--block-size", "49"],
            1,
            "look back on: 48",
        ),
        (["base", "--data", "other.txt", "--out", "x", "--lora-rank", "99"], 1, "rank 99"),
        (["base", "--data", "other.txt", "--out", "x", "--lora-targets", "q"], 1, "c_attn"),
    ],
)
def test_what_cannot_be_is_one_line(
    folder: Path,
    arguments: list[str],
    code: int,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(folder)
    other = CharTokenizer("abcdefghijklmnopqrstuvwxyz ")
    if not Path("foreign").exists():
        write_folder("foreign", [other.encode("two and two " * 30)], other)
    assert main(["finetune", *arguments]) == code
    said = capsys.readouterr()
    assert told in said.err and said.err.count("\n") == 1 and said.out == ""
    assert not Path("x").exists()
