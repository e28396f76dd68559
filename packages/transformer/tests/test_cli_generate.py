"""``gradine generate``: every option reaches the writing, and errors are one line."""

import json
import math
from pathlib import Path

import pytest

from transformer.cli import main

TEXT = "she sells sea shells by the sea shore. " * 40
SIZES = ["--n-layer", "1", "--n-head", "1", "--n-embd", "16", "--block-size", "32"]


def trained(folder: Path, seed: str, text: str = TEXT) -> Path:
    source = folder.with_suffix(".txt")
    source.write_text(text)
    asked = ["--text", str(source), "--out", str(folder), "--seed", seed, "-q", "--sample", "0"]
    asked += ["--steps", "60", "--lr", "1e-2", "--batch-size", "8", "--eval-batches", "1"]
    assert main(["train", *asked, *SIZES]) == 0
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("runs") / "run", "1")


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("runs") / "other", "2")


def written(capsys: pytest.CaptureFixture[str], run: Path, *asked: str) -> str:
    assert main(["generate", str(run), "-p", "she s", *asked]) == 0
    return capsys.readouterr().out


def test_guessing_ahead_changes_no_greedy_text(
    run: Path, other: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cold = ["-n", "24", "-t", "0"]
    plain = written(capsys, run, *cold)
    assert plain.startswith("she s") and len(plain) == 5 + 24 + 1
    assert written(capsys, run, *cold, "--lookup") == plain
    assert written(capsys, run, *cold, "--draft", str(other), "--guesses", "2") == plain


def test_json_holds_all_there_is_to_know(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["-n", "6", "--samples", "3", "--seed", "4", "--logprobs", "2", "--json"]
    found = json.loads(written(capsys, run, *asked))
    assert found["prompt"] == "she s" and len(found["prompt_ids"]) == 5
    assert len(found["answers"]) == 3
    for answer in found["answers"]:
        assert len(answer["ids"]) == len(answer["logprobs"]) == 6
        assert all(len(top) == 2 for top in answer["top_logprobs"])
        assert all(math.exp(p) <= 1 for p in answer["logprobs"])
        assert answer["finish_reason"] == "length"
    alone = written(capsys, run, "-n", "6", "--seed", "4")
    assert alone == "she s" + found["answers"][0]["text"] + "\n"


def test_several_texts_are_told_apart(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = written(capsys, run, "-n", "6", "--samples", "2", "--seed", "4")
    assert shown.startswith("--- 1 of 2\nshe s") and "\n--- 2 of 2\nshe s" in shown


def test_logprobs_are_a_line_each(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = written(capsys, run, "-n", "4", "-t", "0", "--logprobs", "2").splitlines()
    assert len(lines) == 1 + 4
    token, logprob, best, same = lines[1].split()[:4]
    assert token == best and float(logprob) == float(same.rstrip(","))


def test_choices_reach_the_sampler(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cold = written(capsys, run, "-n", "20", "-t", "0")
    for narrow in (["--top-k", "1"], ["--top-p", "0"], ["--min-p", "1"]):
        assert written(capsys, run, "-n", "20", "-t", "3", "--seed", "1", *narrow) == cold
    hot = [written(capsys, run, "-n", "20", "-t", "3", "--seed", "1")]
    for asked in (
        ["--typical-p", "0.2"],
        ["--repetition-penalty", "3"],
        ["--presence-penalty", "5"],
        ["--frequency-penalty", "5"],
        ["--logit-bias", "0=50"],
    ):
        hot.append(written(capsys, run, "-n", "20", "-t", "3", "--seed", "1", *asked))
    assert len(set(hot)) == len(hot)


def test_a_prompt_cache_is_kept_and_used(
    run: Path, other: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cache = str(tmp_path / "prompt.cache")
    plain = written(capsys, run, "-n", "9", "--seed", "3")
    for _ in range(2):
        assert written(capsys, run, "-n", "9", "--seed", "3", "--prompt-cache", cache) == plain
    assert main(["generate", str(other), "-p", "she", "--prompt-cache", cache]) == 1
    said = capsys.readouterr().err
    assert "was written by another model" in said and said.count("\n") == 1


def test_beams_write_the_likelier_text(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def total(*asked: str) -> float:
        found = json.loads(written(capsys, run, "-n", "8", "--json", *asked))
        return found["answers"][0].get("score") or sum(found["answers"][0]["logprobs"]) / 8

    assert total("--beams", "4") >= total("-t", "0", "--logprobs", "0") - 1e-4


@pytest.mark.parametrize(
    ("asked", "code", "told"),
    [
        (["-p", "she " * 20], 1, "the prompt has 80 tokens and the model reads 32 at most"),
        (["--logit-bias", "x"], 2, "--logit-bias takes ID=NUMBER"),
        (["--logit-bias", "99=1"], 1, "names the ids [99]"),
        (["--top-p", "2"], 2, "--top-p"),
        (["--lookup", "--draft", "RUN"], 1, "a draft model or lookup, not both"),
        (["--draft", "no-such-run"], 1, "no-such-run"),
        (["--beams", "2", "--seed", "1"], 1, "beam search goes without seed"),
    ],
)
def test_errors_are_one_line(
    asked: list[str], code: int, told: str, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["generate", str(run), *(str(run) if a == "RUN" else a for a in asked)]) == code
    said = capsys.readouterr()
    assert said.out == "" and told in said.err
    assert said.err.count("\n") == 1 and said.err.startswith("gradine: ")


def test_a_draft_of_another_vocabulary_is_refused(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stranger = trained(tmp_path / "stranger", "1", TEXT.replace("s", "z"))
    assert main(["generate", str(run), "-p", "she", "--draft", str(stranger)]) == 1
    assert "its tokenizer has another vocabulary" in capsys.readouterr().err
