"""Pictures of runs: they show something, in the kind asked for, and say what is missing."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pytest

from transformer.train import plot_runs, read_metrics
from transformer.train.plot import _local_mean


def make_run(folder: Path, steps: int = 50, shift: float = 0.0) -> Path:
    folder.mkdir()
    records: list[dict[str, Any]] = [{"step": 0, "val_loss": 4.0 + shift}]
    for step in range(1, steps + 1):
        records.append({"step": step, "loss": shift + 4 / step**0.3})
        if step % 10 == 0:
            records[-1]["val_loss"] = records[-1]["loss"] + 0.1
    (folder / "metrics.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records))
    return folder


def with_norms(run: Path) -> Path:
    path = run / "metrics.jsonl"
    records = [json.loads(line) for line in path.read_text().splitlines()]
    for record in records[1:]:
        record |= {"grad_norm": 1 / record["step"], "lr": 1e-3}
    path.write_text("".join(json.dumps(r) + "\n" for r in records))
    return run


def blue(pixels: np.ndarray) -> int:
    """Count the pixels of the first run's colour, #1f5fa8."""
    return int((np.abs(pixels[..., :3] - np.array([0x1F, 0x5F, 0xA8]) / 255) < 0.02).all(-1).sum())


def test_a_png_shows_the_curves(tmp_path: Path) -> None:
    plot_runs([make_run(tmp_path / "a")], tmp_path / "a.png")
    pixels = matplotlib.image.imread(tmp_path / "a.png")
    assert pixels.shape[:2] == (600, 960)
    assert blue(pixels) > 500
    assert len(np.unique(pixels.reshape(-1, pixels.shape[2]), axis=0)) > 20


def test_an_svg_names_every_run_and_both_axes(tmp_path: Path) -> None:
    import matplotlib

    runs = [make_run(tmp_path / "one"), make_run(tmp_path / "two", shift=0.5)]
    with matplotlib.rc_context({"svg.fonttype": "none"}):  # text as text
        plot_runs(runs, tmp_path / "both.svg")
    text = (tmp_path / "both.svg").read_text()
    for part in ("one: training", "two: held out (best", "step", "loss (nats per token)"):
        assert part in text


def test_gradient_norm_and_learning_rate_stand_below(tmp_path: Path) -> None:
    import matplotlib

    run = with_norms(make_run(tmp_path / "one"))
    plot_runs([run], tmp_path / "one.png")
    pixels = matplotlib.image.imread(tmp_path / "one.png")
    assert blue(pixels[:400]) > 300 and blue(pixels[450:]) > 30, "two panels"
    with matplotlib.rc_context({"svg.fonttype": "none"}):
        plot_runs([run, make_run(tmp_path / "two")], tmp_path / "both.svg")
    text = (tmp_path / "both.svg").read_text()
    assert "gradient norm" in text and "learning rate" in text


def test_a_run_of_one_evaluation_can_be_drawn(tmp_path: Path) -> None:
    plot_runs([make_run(tmp_path / "a", steps=0)], tmp_path / "a.pdf")
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")


def test_what_cannot_be_drawn_is_named(tmp_path: Path) -> None:
    run = make_run(tmp_path / "a")
    with pytest.raises(ValueError, match=r"a\.gif: .* \.png, \.svg or \.pdf"):
        plot_runs([run], tmp_path / "a.gif")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="empty has no history"):
        plot_runs([tmp_path / "empty"], tmp_path / "a.png")


def test_a_missing_matplotlib_is_told_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "transformer.train.plot.find_spec",
        lambda name: None if name == "matplotlib" else find(name),
    )
    with pytest.raises(ModuleNotFoundError, match=r"gradine-transformer\[plot\]"):
        plot_runs([make_run(tmp_path / "a")], tmp_path / "a.png")


def test_the_local_mean_is_the_mean_of_the_neighbours() -> None:
    losses = [5.0, 1.0, 3.0, 7.0]
    assert _local_mean(losses, 0) == losses
    assert _local_mean(losses, 1) == pytest.approx([3.0, 3.0, 11 / 3, 5.0])


def test_a_damaged_line_is_named_and_a_cut_last_one_left_out(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1}\n{"step": 2}\n{"st')
    assert [record["step"] for record in read_metrics(path)] == [1, 2]
    path.write_text('{"step": 1}\n{"st\n{"step": 3}\n')
    with pytest.raises(ValueError, match="line 2"):
        read_metrics(path)
