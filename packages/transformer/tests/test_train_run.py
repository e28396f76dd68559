"""Whole runs: they learn, they resume bit for bit, they stop when told to or when they must."""

import json
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from transformer.io import read_checkpoint
from transformer.train import TrainConfig, Trainer, TrainingDiverged, read_metrics

TEXT = "the cat sat on the mat and the dog sat on the log. " * 40
SMALL = TrainConfig(
    model="gpt",
    model_settings={"n_layer": 1, "n_head": 2, "n_embd": 8},
    block_size=8,
    batch_size=6,
    steps=12,
    lr=1e-2,
    warmup_steps=3,
    eval_every=4,
    eval_batches=2,
    seed=3,
)


def arrays_of(run: Path) -> dict[str, np.ndarray]:
    return read_checkpoint(run / "last.safetensors")[0]


def assert_same_run(a: Path, b: Path) -> None:
    """Hold that two runs ended in the same state, to the last bit, with the same history."""
    one, other = arrays_of(a), arrays_of(b)
    assert one.keys() == other.keys()
    assert {name.split(".")[0] for name in one} >= {"model", "optimizer"}
    for name in one:
        assert one[name].tobytes() == other[name].tobytes(), name
    histories = []
    for run in (a, b):
        records = read_metrics(run / "metrics.jsonl")
        for record in records:
            record.pop("elapsed")
            record.pop("tokens_per_s", None)
            record.pop("peak_share", None)
        histories.append(records)
    assert histories[0] == histories[1]


def begin(out: Path | None, **changes: Any) -> Trainer:
    config = replace(SMALL, out=None if out is None else str(out), **changes)
    return Trainer.from_config(config, TEXT)


def test_a_run_learns() -> None:
    records: list[dict[str, Any]] = []
    trainer = begin(None, steps=60, lr=3e-2)
    trainer.run(listeners=[records.append])
    held_out = [record["val_loss"] for record in records if "val_loss" in record]
    assert held_out[0] == pytest.approx(np.log(trainer.tokenizer.vocab_size), rel=0.1)
    assert held_out[-1] < held_out[0] - 1
    assert trainer.best_loss == min(held_out)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"workers": 2, "model_settings": {**SMALL.model_settings, "dropout": 0.2}},
        {"accumulate": 3, "model_settings": {**SMALL.model_settings, "dropout": 0.2}},
        {"model": "ngram", "model_settings": {"context": 3}, "schedule": "constant"},
    ],
    ids=["plain", "workers-dropout", "accumulate-dropout", "ngram"],
)
@pytest.mark.parametrize("cuts", [(6,), (1, 4, 11)])
def test_resuming_changes_no_bit(settings: Any, cuts: tuple[int, ...], tmp_path: Path) -> None:
    begin(tmp_path / "whole", **settings).run()
    begin(tmp_path / "cut", **settings).run(until=cuts[0])
    for until in (*cuts[1:], None):
        Trainer.resume(tmp_path / "cut", TEXT).run(until)
    assert_same_run(tmp_path / "whole", tmp_path / "cut")


def test_resuming_from_an_older_checkpoint_repeats_the_steps_since(tmp_path: Path) -> None:
    """What a kill leaves behind: a checkpoint of step 4 and a history that goes further."""
    begin(tmp_path / "whole").run()
    begin(tmp_path / "cut").run(until=4)
    old = (tmp_path / "cut" / "last.safetensors").read_bytes()
    Trainer.resume(tmp_path / "cut", TEXT).run(until=7)
    (tmp_path / "cut" / "last.safetensors").write_bytes(old)
    with open(tmp_path / "cut" / "metrics.jsonl", "a") as file:
        file.write('{"step": 8, "lo')
    Trainer.resume(tmp_path / "cut", TEXT).run()
    assert_same_run(tmp_path / "whole", tmp_path / "cut")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_after_the_step_in_hand(number: int, tmp_path: Path) -> None:
    begin(tmp_path / "whole").run()
    handler = signal.getsignal(number)
    trainer = begin(tmp_path / "cut")
    trainer.run(listeners=[lambda r: signal.raise_signal(number) if r["step"] == 6 else None])
    assert (trainer.step, trainer.stopped_by) == (6, number)
    assert signal.getsignal(number) is handler
    Trainer.resume(tmp_path / "cut", TEXT).run()
    assert_same_run(tmp_path / "whole", tmp_path / "cut")


def test_a_second_signal_acts_at_once(tmp_path: Path) -> None:
    def twice(record: dict[str, Any]) -> None:
        if record["step"] == 6:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)

    # A shell that starts us in the background has SIGINT ignored; Python would leave it so.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            begin(tmp_path).run(listeners=[twice])
    finally:
        signal.signal(signal.SIGINT, before)
    assert Trainer.resume(tmp_path, TEXT).step == 4


def test_a_resumed_run_may_be_lengthened(tmp_path: Path) -> None:
    begin(tmp_path).run()
    longer = Trainer.resume(tmp_path, TEXT, steps=15)
    longer.run()
    assert longer.step == 15
    assert [r["step"] for r in read_metrics(tmp_path / "metrics.jsonl")] == list(range(16))
    with pytest.raises(ValueError, match="keeps its block_size"):
        Trainer.resume(tmp_path, TEXT, block_size=4)


def test_another_text_is_refused_on_resuming(tmp_path: Path) -> None:
    begin(tmp_path).run(until=4)
    with pytest.raises(ValueError, match=r"is not the one .* was trained on"):
        Trainer.resume(tmp_path, TEXT.replace("cat", "act"))


def test_the_history_tells_every_step(tmp_path: Path) -> None:
    begin(tmp_path, grad_clip=0.5).run()
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    assert [record["step"] for record in records] == list(range(13))
    assert [record["step"] for record in records if "val_loss" in record] == [0, 4, 8, 12]
    for record in records[1:]:
        assert record["clipped"] == (record["grad_norm"] > 0.5)
        assert record["loss"] > 0 and record["tokens_per_s"] > 0
    rates = [record["lr"] for record in records[1:]]
    assert rates[2] == 1e-2 and rates[-1] == pytest.approx(1e-3)
    elapsed = [record["elapsed"] for record in records]
    assert elapsed == sorted(elapsed)


def test_a_diverging_run_stops_and_keeps_the_last_good_checkpoint(tmp_path: Path) -> None:
    trainer = begin(tmp_path, steps=100)
    trainer.run(until=8)
    files = [tmp_path / name for name in ("last.safetensors", "best.safetensors")]
    good = [file.read_bytes() for file in files]
    trainer = Trainer.resume(tmp_path, TEXT, lr=1e30, schedule="constant")
    with np.errstate(all="ignore"), pytest.raises(TrainingDiverged) as caught:
        trainer.run()
    assert [file.read_bytes() for file in files] == good
    message = str(caught.value)
    for part in ("stopped at step", "gradient's norm", "learning rate 1e+30", "of step 8 was left"):
        assert part in message
    assert Trainer.resume(tmp_path, TEXT).step == 8


def test_a_text_too_short_for_the_model_is_refused() -> None:
    with pytest.raises(ValueError, match=r"held-out part .* has 7 tokens.*block_size=8"):
        Trainer.from_config(SMALL, "0123456" * 10)


def test_an_unknown_model_setting_is_told_the_nearest() -> None:
    with pytest.raises(ValueError, match="n_heads of gpt: did you mean n_head"):
        begin(None, model_settings={"n_heads": 2})


def test_nothing_is_written_without_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    begin(None).run()
    assert list(tmp_path.iterdir()) == []
