"""``gradine eval``: the numbers of a computation of one's own, for people and for programs."""

import json
from math import exp, log
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from transformer import load
from transformer._engine import torch
from transformer.cli import main
from transformer.data import write_folder
from transformer.tokenizers import CharTokenizer

TEXT = "she sells sea shells by the sea shore – daily. " * 30


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a small trained run, a text, and its tokens."""
    folder = tmp_path_factory.mktemp("eval")
    (folder / "text.txt").write_text(TEXT)
    (folder / "other.txt").write_text("the sea shore sells shells – " * 3)
    (folder / "strange.txt").write_text("Ω and Ω")
    tiny = ["--n-layer", "1", "--n-head", "1", "--n-embd", "8", "--block-size", "8", "-q"]
    how = ["--text", str(folder / "text.txt"), "--out", str(folder / "run"), "--sample", "0"]
    assert main(["train", *how, *tiny, "--steps", "20", "--eval-batches", "1"]) == 0
    tokenizer = CharTokenizer.from_text(TEXT)
    write_folder(folder / "tokens", [tokenizer.encode(TEXT)], tokenizer)
    other = CharTokenizer("abcdefghijklmnopqrstuvwxyz ")
    write_folder(folder / "foreign", [other.encode("she sells sea shells " * 9)], other)
    return folder


def surprise(run: Path, text: str, window: int, stride: int) -> tuple[float, int]:
    """Return the summed -log p of all characters but the first, and how many these are."""
    model, tokenizer = load(run)
    ids = tokenizer.encode(text)
    total = 0.0
    for at in range(1, len(ids)):
        start = 0
        while start + window < at:
            start += stride
        with torch.no_grad():
            scores = model(torch.tensor([ids[start:at]]))[0].numpy()[0, -1].astype(np.float64)
        total += float(np.log(np.exp(scores).sum()) - scores[ids[at]])
    return total, len(ids) - 1


def asked(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main(["eval", *arguments, "--json"]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    facts: dict[str, Any] = json.loads(said.out)
    return facts


@pytest.mark.parametrize(("window", "stride"), [(8, 4), (8, 8), (5, 2)])
def test_a_text_is_scored_as_by_hand(
    folder: Path, capsys: pytest.CaptureFixture[str], window: int, stride: int
) -> None:
    text = (folder / "other.txt").read_text()
    nats, tokens = surprise(folder / "run", text, window, stride)
    sizes = ["--window", str(window), "--stride", str(stride), "--batch-size", "3"]
    facts = asked(capsys, str(folder / "run"), str(folder / "other.txt"), *sizes)
    assert facts["tokens"] == tokens and facts["bytes"] == len(text[1:].encode())
    assert facts["loss"] == pytest.approx(nats / tokens, rel=1e-5)
    assert facts["perplexity"] == pytest.approx(exp(nats / tokens), rel=1e-4)
    assert facts["bits_per_byte"] == pytest.approx(nats / log(2) / facts["bytes"], rel=1e-5)
    assert (facts["window"], facts["stride"]) == (window, stride)


def test_a_run_is_judged_by_what_it_held_out(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    held_out = TEXT[int(len(TEXT) * 0.9) :]
    nats, tokens = surprise(folder / "run", held_out, 8, 4)
    facts = asked(capsys, str(folder / "run"))
    assert (facts["tokens"], facts["window"], facts["stride"]) == (tokens, 8, 4)
    assert facts["loss"] == pytest.approx(nats / tokens, rel=1e-5)
    by_tokens = asked(capsys, str(folder / "run"), str(folder / "tokens"))
    assert by_tokens["loss"] == facts["loss"]
    shorter = asked(capsys, str(folder / "run"), "--limit", "10")
    assert shorter["tokens"] == 9


def test_a_run_on_tokens_without_a_held_out_file_is_judged_by_their_tail(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tokenizer = CharTokenizer.from_text(TEXT)
    write_folder(tmp_path / "tokens", [tokenizer.encode(TEXT)], tokenizer, val_fraction=0)
    how = ["--data", str(tmp_path / "tokens"), "--out", str(tmp_path / "run"), "--model", "bigram"]
    how += ["--steps", "2", "--eval-batches", "1", "--block-size", "8", "-q", "--sample", "0"]
    assert main(["train", *how]) == 0
    tail = len(TEXT) - int(len(TEXT) * 0.9)
    assert asked(capsys, str(tmp_path / "run"))["tokens"] == tail - 1


def test_it_is_told_to_people_too(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", str(folder / "run"), str(folder / "other.txt")]) == 0
    said = capsys.readouterr()
    for part in ("nats per token", "perplexity", "bits per byte", "8 tokens, stride 4"):
        assert part in said.out
    assert said.err == "", "no bar where it is not a terminal"


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["nowhere"], 1, "nowhere"),
        (["RUN", "nowhere.txt"], 1, "nowhere.txt"),
        (["RUN", "strange.txt"], 1, "Ω"),
        (["RUN", "foreign"], 1, "made with another tokenizer"),
        (["RUN", "other.txt", "--window", "9"], 1, "window must be from 1 to the model's 8"),
        (["RUN", "other.txt", "--stride", "9"], 1, "stride must be from 1"),
        (["RUN/best.safetensors"], 2, "give a file too"),
    ],
)
def test_what_cannot_be_scored_is_one_line(
    folder: Path,
    arguments: list[str],
    code: int,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(folder)
    assert main(["eval", *(a.replace("RUN", "run") for a in arguments)]) == code
    said = capsys.readouterr()
    assert told in said.err and said.err.count("\n") == 1 and said.out == ""
