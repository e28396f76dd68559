"""The command line, as a person or a script uses it: real processes, real files, exit codes."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import matplotlib.image
import pytest

from transformer.cli import main
from transformer.io import read_checkpoint

TEXT = "she sells sea shells by the sea shore. " * 60
TINY = [
    *("--n-layer", "1", "--n-head", "1", "--n-embd", "8", "--block-size", "8"),
    *("--batch-size", "4", "--eval-batches", "1"),
]
QUIET = ["-q", "--sample", "0"]


def gradine(*arguments: str, **how: Any) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "transformer", *arguments]
    return subprocess.run(command, capture_output=True, text=True, **how)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a small trained run."""
    folder = tmp_path_factory.mktemp("cli")
    (folder / "text.txt").write_text(TEXT)
    arguments = ["--text", "text.txt", "--out", "run", "--steps", "30", "--eval-every", "10"]
    done = gradine("train", *arguments, *TINY, "--sample", "50", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "step 30/30" in done.stderr and "lowest loss on held-out text" in done.stderr
    assert 50 <= len(done.stdout) <= 52, "standard output is the sample alone"
    return folder / "run"


def test_training_leaves_a_run_and_a_picture(run: Path) -> None:
    assert {p.name for p in run.iterdir()} == {
        "best.safetensors",
        "config.json",
        "last.safetensors",
        "loss.png",
        "metrics.jsonl",
    }
    assert matplotlib.image.imread(run / "loss.png").std() > 0.01


def test_generate_writes_the_same_for_a_seed_and_goes_on_from_the_prompt(run: Path) -> None:
    asked = ["generate", str(run), "--prompt", "she ", "-n", "40", "--seed", "7"]
    first, second = gradine(*asked), gradine(*asked)
    assert first.returncode == 0 and first.stderr == ""
    assert first.stdout == second.stdout
    assert first.stdout.startswith("she ") and len(first.stdout) == len("she ") + 40 + 1


def test_generate_reads_its_prompt_and_heeds_temperature_top_k_and_stop(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = gradine("generate", str(run), "--prompt", "-", "-n", "5", input="sea")
    assert done.stdout.startswith("sea") and len(done.stdout) == 3 + 5 + 1
    texts = []
    for how in (["--temperature", "0"], ["--top-k", "1"]):
        assert main(["generate", str(run), "-p", "se", "-n", "30", *how]) == 0
        texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1], "both take the likeliest"
    stop = texts[0][5]
    cold = ["generate", str(run), "-p", "se", "-n", "30", "-t", "0", "--stop", stop]
    assert main(cold) == 0
    written = capsys.readouterr().out
    assert stop not in written[2:] and texts[0].startswith(written.rstrip("\n"))


def test_info_tells_people_and_programs(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(run), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["model"] == "gpt" and facts["step"] == facts["steps"] == 30
    assert facts["model_config"]["n_embd"] == 8
    arrays, _ = read_checkpoint(run / "last.safetensors")
    # The scores reuse the token embedding: written twice, counted once.
    twice = arrays["model.lm_head.weight"].size
    sizes = [a.size for name, a in arrays.items() if name.startswith("model.")]
    assert facts["parameters"] == sum(sizes) - twice
    assert main(["info", str(run)]) == 0
    assert "30" in capsys.readouterr().out


def test_plot_compares_runs(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "both.png"
    assert main(["plot", str(run), str(run), "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"{out}\n"
    assert matplotlib.image.imread(out).std() > 0.01


def test_text_comes_from_standard_input_and_settings_from_a_file(run: Path, tmp_path: Path) -> None:
    settings = ["--config", str(run / "config.json"), "--text", "-", "--steps", "2"]
    done = gradine("train", *settings, *QUIET, input=TEXT, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    made = json.loads((tmp_path / "runs/gpt-1/config.json").read_text())
    assert (made["text"], made["steps"], made["model"]["n_embd"]) == ("-", 2, 8)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_says_how_to_resume_and_loses_no_bit(
    number: int, code: int, tmp_path: Path
) -> None:
    (tmp_path / "text.txt").write_text(TEXT)
    settings = ["--text", "text.txt", *TINY, "--steps", "1000000", "--eval-every", "50"]
    command = [sys.executable, "-m", "transformer", "train", *settings, "--out", "cut"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as child:
        assert child.stderr is not None
        while not child.stderr.readline().startswith("step 50/"):
            assert child.poll() is None
        child.send_signal(number)
        last_words = child.stderr.read()
    assert child.returncode == code
    assert "which is saved; continue with: gradine train --resume cut" in last_words
    _, state = read_checkpoint(tmp_path / "cut/last.safetensors")
    until = ["--until", str(state["step"] + 20), *QUIET]
    assert gradine("train", "--resume", "cut", *until, cwd=tmp_path).returncode == 0
    whole = gradine("train", *settings, "--out", "whole", *until, cwd=tmp_path)
    assert whole.returncode == 0
    one, other = (read_checkpoint(tmp_path / d / "last.safetensors")[0] for d in ("cut", "whole"))
    assert all(one[name].tobytes() == other[name].tobytes() for name in one)


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["train", "--stepz", "4"], 2, "--stepz"),
        (["train", "--steps", "many"], 2, "--steps"),
        (["train", "--steps", "0"], 2, "steps must be a whole number of at least 1, not 0"),
        (["train", "--model", "gtp"], 2, "gtp"),
        (["train", "--set", "n_layer"], 2, "--set takes NAME=VALUE"),
        (["train", "--set", "n_layers=2"], 2, "did you mean n_layer?"),
        (["train", "--n-head", "3"], 2, "n_head 3"),
        (["train", "--workers", "few"], 2, "--workers takes auto or a number"),
        (["train", "--text", "no-such-text"], 1, "no-such-text"),
        (["train", "--resume", "no-such-run"], 1, "there is no run no-such-run"),
        (["train", "--resume", "RUN", "--block-size", "4"], 2, "keeps its block_size"),
        (["train", "--resume", "RUN", "--quick"], 2, "leave out --quick"),
        (["train", "--out", "RUN"], 2, "already holds a run"),
        (["train", "--config", "no-such-file"], 1, "no-such-file"),
        (["generate", "no-such-run"], 1, "there is no file, folder or model 'no-such-run'"),
        (["generate", "RUN", "--prompt", "Ω"], 1, "Ω"),
        (["generate", "RUN", "--temperature", "-1"], 2, "--temperature"),
        (["info", "."], 1, "holds no last.safetensors"),
        (["plot", "."], 1, "no history"),
        (["frobnicate"], 2, "frobnicate"),
    ],
)
def test_an_error_is_one_line_and_an_exit_code(
    arguments: list[str],
    code: int,
    told: str,
    run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    before = {p: p.stat().st_mtime_ns for p in run.iterdir()}
    assert main([str(run) if a == "RUN" else a for a in arguments]) == code
    said = capsys.readouterr()
    assert said.out == "" and told in said.err
    assert said.err.count("\n") == 1 and said.err.startswith("gradine: ")
    assert before == {p: p.stat().st_mtime_ns for p in run.iterdir()}
    assert list(tmp_path.iterdir()) == []


def test_a_diverging_run_is_one_line_and_keeps_its_checkpoint(run: Path, tmp_path: Path) -> None:
    settings = ["--config", str(run / "config.json"), "--text", "-", "--out", "wild", "-q"]
    wild = ["--lr", "1e30", "--schedule", "constant", "--warmup-steps", "0", "--grad-clip", "0"]
    done = gradine("train", *settings, *wild, input=TEXT, cwd=tmp_path)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and "learning rate 1e+30" in done.stderr
    assert "the checkpoint of step 0 was left as it is" in done.stderr
    assert read_checkpoint(tmp_path / "wild/last.safetensors")[1]["step"] == 0


def test_an_interruption_before_the_first_step_is_no_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("transformer.train.material.load_text", interrupted)
    assert main(["train", "--quick"]) == 130
    assert "Traceback" not in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_reader_that_leaves_ends_the_writing_quietly(run: Path) -> None:
    command = [sys.executable, "-m", "transformer", "generate", str(run), "-n", "100000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None and child.stderr is not None
        assert len(child.stdout.read(10)) == 10
        child.stdout.close()
        assert child.stderr.read() == b""
    assert child.returncode == 1


def test_debug_shows_where_an_error_arose() -> None:
    quiet, loud = gradine("info", "no-such-run"), gradine("info", "no-such-run", "--debug")
    assert "Traceback" not in quiet.stderr and quiet.stderr.count("\n") == 1
    assert "Traceback" in loud.stderr and loud.returncode == 1


def test_a_damaged_run_is_one_line(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = (run / "last.safetensors").read_bytes()
    (tmp_path / "last.safetensors").write_bytes(whole[:-10])
    for arguments in (["train", "--resume", str(tmp_path)], ["generate", str(tmp_path)]):
        assert main(arguments) == 1
        said = capsys.readouterr().err
        assert "last.safetensors: cut short" in said and said.count("\n") == 1


def test_help_of_every_command_shows_examples(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("train", "generate", "plot", "info"):
        assert main([command, "--help"]) == 0
        assert f"gradine {command} " in capsys.readouterr().out


def test_an_unknown_engine_is_refused_before_anything_is_loaded() -> None:
    done = gradine("train", "--engine", "abacus")
    assert done.returncode == 2 and "abacus" in done.stderr
    wrong = {**os.environ, "GRADINE_ENGINE": "abacus"}
    done = gradine("train", "--quick", env=wrong)
    assert done.returncode == 1 and "abacus" in done.stderr and done.stderr.count("\n") == 1
