"""What a run may be told besides text and model: tokens, tokenizers, optimizers, averages, ends."""

import json
import shutil
from dataclasses import replace
from math import exp, log
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from transformer.data import write_folder, write_tokens
from transformer.io import read_checkpoint, write_checkpoint
from transformer.io.lock import locked
from transformer.tokenizers import BPETokenizer, CharTokenizer
from transformer.train import TrainConfig, Trainer, load_model, read_metrics

TEXT = "the cat sat on the mat and the dog sat on the log – so it is. " * 40
SMALL = TrainConfig(
    model_settings={"n_layer": 1, "n_head": 2, "n_embd": 8},
    block_size=8,
    batch_size=6,
    steps=8,
    lr=1e-2,
    warmup_steps=2,
    eval_every=4,
    eval_batches=2,
)


def begin(out: Path | None, text: str | None = TEXT, **changes: Any) -> Trainer:
    config = replace(SMALL, out=None if out is None else str(out), **changes)
    return Trainer.from_config(config, text)


def arrays_of(run: Path) -> dict[str, np.ndarray]:
    return dict(read_checkpoint(run / "last.safetensors")[0])


def assert_same_arrays(a: Path, b: Path) -> None:
    one, other = arrays_of(a), arrays_of(b)
    assert one.keys() == other.keys()
    for name in one:
        assert one[name].tobytes() == other[name].tobytes(), name


@pytest.mark.parametrize(
    "settings",
    [
        {"optimizer": "sgd", "lr": 0.1},
        {"optimizer": "adam", "schedule": "linear"},
        {"optimizer": "lion", "lr": 1e-3},
        {"optimizer": "muon", "schedule": "wsd"},
        {"ema": 0.9, "label_smoothing": 0.1},
        {"tokenizer": "bpe", "vocab_size": 300},
        {"tokenizer": "bytes", "accumulate": 2},
    ],
    ids=["sgd", "adam", "lion", "muon", "ema-smoothing", "bpe", "bytes"],
)
def test_every_kind_of_run_resumes_bit_for_bit(settings: Any, tmp_path: Path) -> None:
    begin(tmp_path / "whole", **settings).run()
    begin(tmp_path / "cut", **settings).run(until=3)
    Trainer.resume(tmp_path / "cut", TEXT).run(until=5)
    Trainer.resume(tmp_path / "cut", TEXT).run()
    assert_same_arrays(tmp_path / "whole", tmp_path / "cut")
    records = read_metrics(tmp_path / "cut" / "metrics.jsonl")
    assert records[-1]["val_loss"] < records[0]["val_loss"]


def test_tokens_from_a_folder_train_as_their_text_does_also_in_later_epochs(tmp_path: Path) -> None:
    tokenizer = CharTokenizer.from_text(TEXT)
    write_folder(tmp_path / "tokens", [tokenizer.encode(TEXT)], tokenizer)
    long = {"steps": 60, "eval_every": 30}  # an epoch has 44 steps
    begin(tmp_path / "text", **long).run()
    from_folder = {"text": None, "data": str(tmp_path / "tokens"), **long}
    trainer = begin(tmp_path / "folder", **from_folder)
    assert len(trainer.material.batches) < 60
    trainer.run()
    assert_same_arrays(tmp_path / "text", tmp_path / "folder")

    begin(tmp_path / "cut", **from_folder).run(until=25)
    Trainer.resume(tmp_path / "cut").run(until=53)
    shutil.move(tmp_path / "tokens", tmp_path / "moved")
    Trainer.resume(tmp_path / "cut", data=str(tmp_path / "moved")).run()
    assert_same_arrays(tmp_path / "text", tmp_path / "cut")

    other = TEXT.replace("cat", "tac")
    write_folder(tmp_path / "other", [tokenizer.encode(other)], tokenizer)
    with pytest.raises(ValueError, match=r"other is not the one .* was trained on"):
        Trainer.resume(tmp_path / "cut", data=str(tmp_path / "other"))


def test_a_folder_without_a_tokenizer_trains_and_has_no_bits_per_byte(tmp_path: Path) -> None:
    ids = np.random.default_rng(0).integers(0, 50257, 400)
    write_tokens(tmp_path / "train.bin", ids, vocab_size=50257)  # as nanoGPT prepares GPT-2's
    trainer = begin(
        tmp_path / "run",
        text=None,
        data=str(tmp_path),
        steps=1,
        model="bigram-embedded",
        model_settings={"n_embd": 2},
    )
    trainer.run()
    assert trainer.tokenizer is None and len(trainer.material.held_out) == 40
    record = read_metrics(tmp_path / "run" / "metrics.jsonl")[0]
    assert "val_bits_per_byte" not in record
    model, tokenizer, _ = load_model(tmp_path / "run")
    assert tokenizer is None and model.config.vocab_size == 50257


def test_a_tokenizer_may_come_from_a_file(tmp_path: Path) -> None:
    BPETokenizer.train([TEXT], 280).save(tmp_path / "tokenizer.json")
    trainer = begin(None, tokenizer=str(tmp_path / "tokenizer.json"))
    assert trainer.model.config.vocab_size == 280
    with pytest.raises(ValueError, match="there is no 'nowhere'"):
        begin(None, tokenizer="nowhere")


def test_a_trained_bpe_never_saw_what_is_held_out() -> None:
    trainer = begin(None, text=TEXT + "zqzqzqzq " * 25, tokenizer="bpe", vocab_size=300)
    assert trainer.tokenizer is not None
    assert len(trainer.tokenizer.encode("the cat")) < 5
    assert len(trainer.tokenizer.encode("zqzqzqzq")) == 8


@pytest.mark.parametrize("tokenizer", ["char", "bytes", "bpe"])
def test_bits_per_byte_are_over_the_bytes_of_the_counted_targets(tokenizer: str) -> None:
    records: list[dict[str, Any]] = []
    trainer = begin(None, tokenizer=tokenizer, vocab_size=300, steps=1)
    trainer.run(listeners=[records.append])
    tokens = length = 0
    for _, y in trainer.material.windows:
        for row in y.tolist():
            tokens += len(row)
            length += len(trainer.material.tokenizer.decode_bytes(row))
    last = records[-1]
    assert last["val_bits_per_byte"] == pytest.approx(last["val_loss"] * tokens / length / log(2))
    assert last["val_perplexity"] == pytest.approx(exp(last["val_loss"]))


def test_the_average_is_what_is_evaluated_and_loaded(tmp_path: Path) -> None:
    trainer = begin(tmp_path, ema=0.5, steps=20, lr=0.05)
    trainer.run()
    arrays = arrays_of(tmp_path)
    average, weights = arrays["ema.ln_f.weight"], arrays["model.ln_f.weight"]
    assert not np.array_equal(average, weights)
    model, _, state = load_model(tmp_path / "last.safetensors")
    assert np.array_equal(model.ln_f.weight.detach().numpy(), average)
    trainer.ema = None
    trainer.model.load_state_dict(model.state_dict())
    assert trainer.evaluate() == state["val_loss"], "the loss told is the average's"


def test_label_smoothing_is_for_training_alone() -> None:
    plain, smooth = begin(None), begin(None, label_smoothing=0.2)
    assert plain.evaluate() == smooth.evaluate()
    told: list[list[dict[str, Any]]] = [[], []]
    for trainer, records in zip((plain, smooth), told, strict=True):
        trainer.run(until=1, listeners=[records.append])
    assert told[0][1]["loss"] != told[1][1]["loss"]


def test_patience_ends_a_run_that_no_longer_improves(tmp_path: Path) -> None:
    still = {"lr": 1e-30, "weight_decay": 0.0, "steps": 100, "eval_every": 2, "patience": 3}
    trainer = begin(tmp_path, **still)
    trainer.run()
    assert trainer.stopped_early and trainer.step == 2 * 3
    resumed = Trainer.resume(tmp_path, TEXT)
    resumed.run()
    assert resumed.step == 6, "it stays ended"
    again = Trainer.resume(tmp_path, TEXT, patience=4)
    again.run()
    assert again.step == 8


@pytest.mark.parametrize("settings", [{}, {"model": "ngram", "model_settings": {}}])
def test_the_settings_kept_beside_a_run_reproduce_it(settings: Any, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text(TEXT)
    how = {"text": str(tmp_path / "text.txt"), "out": str(tmp_path / "first"), "schedule": "wsd"}
    Trainer.from_config(replace(SMALL, **{**how, **settings})).run()
    kept = TrainConfig.from_file(tmp_path / "first" / "config.json")
    assert kept.workers == 1, "what auto chose on this machine"
    assert kept.model_settings.get("n_embd"), "also what was left to its default"
    Trainer.from_config(replace(kept, out=str(tmp_path / "again"))).run()
    assert_same_arrays(tmp_path / "first", tmp_path / "again")


def test_a_checkpoint_from_before_these_settings_still_resumes(tmp_path: Path) -> None:
    begin(tmp_path).run(until=4)
    path = tmp_path / "last.safetensors"
    arrays, state = read_checkpoint(path)
    arrays = {name: np.array(array) for name, array in arrays.items()}
    arrays["generator"] = np.zeros(5056, np.uint8)  # of batches drawn one after another
    before = ["text", "model", "model_settings", "out", "block_size", "batch_size", "accumulate"]
    before += ["steps", "seed", "lr", "min_lr", "warmup_steps", "schedule", "weight_decay"]
    before += ["betas", "grad_clip", "val_fraction", "eval_every", "eval_batches", "workers"]
    for name in ("since_best", "base_sha256", "bytes_per_token", "version"):
        del state[name]
    state["config"] = {name: state["config"][name] for name in before}
    write_checkpoint(path, arrays, {**state, "characters_per_token": 1.0})
    trainer = Trainer.resume(tmp_path, TEXT)
    trainer.run()
    assert trainer.step == 8
    begin(tmp_path / "whole").run()
    assert_same_arrays(tmp_path, tmp_path / "whole")


def test_the_history_tells_the_share_of_the_machines_peak(tmp_path: Path) -> None:
    begin(tmp_path, grad_clip=1e-3).run()
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines][1:]
    assert all(0 < record["peak_share"] < 1 for record in records)
    assert all(record["clipped"] is True for record in records)


def test_a_step_too_large_for_memory_is_refused_before_it_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transformer.train.memory.available_bytes", lambda: 8 * 10**9)
    large = {"model_settings": {"n_layer": 48, "n_embd": 1600, "n_head": 25}, "out": "kept"}
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MemoryError, match=r"needs about \d\d.* GB, 8 GB are free: use a smaller"):
        Trainer.from_config(replace(SMALL, **large), TEXT)
    assert list(tmp_path.iterdir()) == []


def test_two_programs_do_not_write_into_one_run(tmp_path: Path) -> None:
    trainer = begin(tmp_path)
    with locked(tmp_path), pytest.raises(BlockingIOError, match="another process"):
        trainer.run()
    trainer.run()
    assert not (tmp_path / ".lock").exists()
