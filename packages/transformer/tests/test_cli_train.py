"""``gradine train``: every setting is a flag and a line of a file, and a wrong one is told so."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from transformer.cli import main
from transformer.cli.finetune import PANELS as FINETUNE_PANELS
from transformer.cli.flags import ADAPTERS, LEARNING, PANELS
from transformer.data import write_folder
from transformer.io import read_state
from transformer.tokenizers import CharTokenizer
from transformer.train.config import TrainConfig

TEXT = "she sells sea shells by the sea shore. " * 30
TINY = [
    *("--n-layer", "1", "--n-head", "1", "--n-embd", "8", "--block-size", "8"),
    *("--batch-size", "4", "--eval-batches", "1", "--steps", "2", "-q", "--sample", "0"),
]


@pytest.fixture(autouse=True)
def _in_a_folder_with_a_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.txt").write_text(TEXT)


def trained(*arguments: str) -> dict[str, Any]:
    """Train into a new folder and return the settings kept beside the run."""
    assert main(["train", "--text", "text.txt", *TINY, *arguments, "--out", "run"]) == 0
    kept: dict[str, Any] = json.loads(Path("run/config.json").read_text())
    return kept


def test_every_setting_has_a_flag() -> None:
    flags = {flag.name for panel in PANELS.values() for flag in panel}
    settings = {field.name for field in fields(TrainConfig)}
    assert settings - flags == {"model_settings"}, "which are --set and --model.NAME"
    assert {flag.name for flag in LEARNING + ADAPTERS} <= settings


def test_settings_are_typed_dotted_dashed_or_as_they_stand_in_a_file() -> None:
    kept = trained(
        "--model.n_embd",
        "12",
        "--model.dropout=0.25",
        "--model.name=gpt",
        "--set",
        "bias=false",
        "--grad_clip=0.5",
        "--warmup_steps",
        "1",
        "--no-nesterov",
    )
    assert kept["model"]["name"] == "gpt"
    assert (kept["model"]["n_embd"], kept["model"]["dropout"]) == (12, 0.25)
    assert kept["model"]["bias"] is False
    assert (kept["grad_clip"], kept["warmup_steps"], kept["nesterov"]) == (0.5, 1, False)


def test_a_toml_file_is_read_and_flags_go_before_it(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(
        'optimizer = "lion"\nlr = 1e-4\nema = 0.5\n[model]\nname = "ngram"\ncontext = 3\n'
    )
    arguments = ["--config", "a.toml", "--text", "text.txt", "--lr", "2e-4", "--block-size", "8"]
    quick = ["--batch-size", "4", "--steps", "2", "-q", "--sample", "0", "--out", "run"]
    assert main(["train", *arguments, *quick]) == 0
    kept = json.loads((tmp_path / "run/config.json").read_text())
    assert (kept["optimizer"], kept["lr"], kept["ema"]) == ("lion", 2e-4, 0.5)
    assert (kept["model"]["name"], kept["model"]["context"]) == ("ngram", 3)


def test_another_model_does_not_inherit_the_files_sizes() -> None:
    trained()
    how = ["--config", "run/config.json", "--model", "bigram", "--out", "other"]
    assert main(["train", *how, "-q", "--sample", "0"]) == 0
    assert read_state("other/last.safetensors")["config"]["model"] == "bigram"


def test_a_folder_of_tokens_trains_and_moves(tmp_path: Path) -> None:
    tokenizer = CharTokenizer.from_text(TEXT)
    write_folder(tmp_path / "tokens", [tokenizer.encode(TEXT)], tokenizer)
    assert main(["train", "--data", "tokens", *TINY, "--until", "1", "--out", "run"]) == 0
    (tmp_path / "tokens").rename(tmp_path / "moved")
    assert main(["train", "--resume", "run", "-q"]) == 1
    how = ["--resume", "run", "--data", "moved", "-q", "--sample", "0"]
    assert main(["train", *how]) == 0
    assert read_state("run/last.safetensors")["step"] == 2


def test_the_run_says_its_window_and_three_measures(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [a for a in TINY if a != "-q"]
    how = ["--text", "text.txt", "--tokenizer", "bytes", "--out", "run"]
    assert main(["train", *how, *arguments]) == 0
    said = capsys.readouterr().err
    assert "4 windows of 8 tokens" in said
    assert "perplexity" in said and "bits per byte" in said


def test_a_run_that_no_longer_improves_says_why_it_ended(
    capsys: pytest.CaptureFixture[str],
) -> None:
    how = ["--text", "text.txt", *(a for a in TINY if a != "-q"), "--lr", "1e-30"]
    ends = ["--weight-decay", "0", "--patience", "1", "--eval-every", "1", "--steps", "50"]
    assert main(["train", *how, *ends, "--out", "run"]) == 0
    assert "stopped at step 1: no new best in 1 evaluation\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--batchsize", "4"], 2, "--batch-size"),
        (["--optimizer", "sgdm"], 2, "sgdm"),
        (["--model.n_layers", "2"], 2, "unknown setting n_layers of gpt: did you mean n_layer?"),
        (["--model.n_layer"], 2, "--model.n_layer needs a value"),
        (["--config", "wrong.toml"], 2, "wrong.toml: unknown setting stepz: did you mean steps?"),
        (["--config", "broken.toml"], 2, "broken.toml: "),
        (["--label-smoothing", "2"], 2, "label_smoothing must be a number from 0"),
        (["--ema", "1"], 2, "ema must be"),
        (["--tokenizer", "nowhere"], 2, "there is no 'nowhere'"),
        (["--lora-rank", "4"], 2, "lora_rank=4 needs init"),
        (["--init", "nowhere"], 1, "nowhere"),
        (["--data", "tokens"], 2, "--data and --text are two things to learn from"),
        (["--init", "run", "--tokenizer", "bpe"], 2, "--init brings its own tokenizer"),
        (["--init", "run", "--n-layer", "2"], 2, "own sizes: leave out --model.n_layer"),
        (["--init", "run", "--model", "llama"], 2, "own sizes: leave out --model"),
        (["--lora-alpha", "2"], 2, "--lora-alpha is about adapters: give --lora-rank too"),
        (["--tokenizer", "bytes", "--vocab-size", "400"], 2, "--vocab-size is what bpe learns"),
    ],
)
def test_a_wrong_setting_is_one_line(
    arguments: list[str], code: int, told: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "wrong.toml").write_text("stepz = 3\n")
    (tmp_path / "broken.toml").write_text("steps =\nlr = 1\n")
    before = sorted(tmp_path.iterdir())
    assert main(["train", "--text", "text.txt", *arguments]) == code
    said = capsys.readouterr()
    assert told in said.err and said.err.count("\n") == 1 and said.out == ""
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    "sizes",
    [
        ["--n-embd", "256"],
        ["--batch-size", "100000"],
        ["--model", "llama", "--n-embd", "4", "--model.n_expert=1000", "--model.n_hidden=1000"],
        ["--model", "lstm", "--model.n_embd", "1", "--model.n_hidden", "1000"],
    ],
)
def test_a_step_too_large_for_memory_is_one_line(
    sizes: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("transformer.train.memory.available_bytes", lambda: 10**7)
    monkeypatch.setattr("transformer.train.setup.build_model", None)  # nothing is begun
    assert main(["train", "--text", "text.txt", *sizes]) == 1
    said = capsys.readouterr().err
    assert "10 MB are free: use a smaller model, batch_size" in said and said.count("\n") == 1


def test_the_result_is_told_to_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--text", "text.txt", *TINY, "--out", "run", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    state = read_state("run/last.safetensors")
    assert (facts["run"], facts["step"], facts["window"]) == ("run", 2, 8)
    assert facts["best_held_out_loss"] == state["best_loss"]


def test_no_flag_names_two_defaults() -> None:
    for panels in (PANELS, FINETUNE_PANELS):
        for flag in (flag for panel in panels.values() for flag in panel):
            (option,) = flag.parameter("").annotation.__metadata__
            assert option.help.count("(default") <= 1, flag.name


def test_help_fits_and_names_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--help"]) == 0
    said = capsys.readouterr().out
    for part in ("--model.NAME", "(default adamw)", "adamw, adam, sgd, lion or muon", "cosine"):
        assert part in " ".join(said.replace("│", " ").split())
