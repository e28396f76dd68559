"""``gradine chat`` on a terminal and in a pipe, and ``gradine bench``."""

import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from transformer import BPETokenizer, ByteTokenizer, build_model, torch
from transformer.cli import main
from transformer.io.gguf_export import save_gguf
from transformer.tokenizers.chat import CHATML_TOKENS

bench = import_module("transformer.cli.bench")
COMMAND = [sys.executable, "-m", "transformer"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of a model that says nothing sensible, and says it for ever."""
    words = "hello there, how are you? " * 9
    tokenizer = BPETokenizer.train(words, 270, special_tokens=CHATML_TOKENS)
    torch.manual_seed(2)
    sizes = {"n_layer": 1, "n_head": 2, "n_embd": 16, "block_size": 4000}
    path = tmp_path_factory.mktemp("models") / "tiny.gguf"
    save_gguf(build_model("llama", vocab_size=270, **sizes), tokenizer, path)
    return path


Said = pytest.CaptureFixture[str]


def test_a_piped_input_is_one_message_or_a_turn_a_line(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    asked = ["chat", str(model), "-n", "12", "--seed", "1"]

    def piped(text: str, *more: str) -> str:
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))
        assert main([*asked, *more]) == 0
        said = capsys.readouterr()
        assert said.err == "" and said.out.endswith("\n")
        return said.out

    once = piped("hello\nthere\n")
    lines = piped("hello\n\nthere\n", "--lines")
    assert lines.startswith(piped("hello")) and lines != once
    done = subprocess.run([*COMMAND, *asked], input=b"hello\nthere\n", capture_output=True)
    assert (done.returncode, done.stderr, done.stdout.decode()) == (0, b"", once)


class Terminal:
    """A person at a terminal: types, and reads until something appears."""

    def __init__(self, *command: str) -> None:
        self.side, inner = pty.openpty()
        environment = {**os.environ, "TERM": "dumb"}
        self.child = subprocess.Popen(
            command,
            stdin=inner,
            stdout=inner,
            stderr=inner,
            env=environment,
            start_new_session=True,
            # As terminals start programs; what runs in the background has SIGINT ignored.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        os.close(inner)
        self.seen = ""

    def until(self, pattern: str) -> str:
        while not (found := re.search(pattern, self.seen, re.S)):
            self.seen += os.read(self.side, 4096).decode(errors="replace")
        shown, self.seen = self.seen[: found.end()], self.seen[found.end() :]
        return shown

    def type(self, text: str) -> None:
        os.write(self.side, text.encode())


def test_a_conversation_at_a_terminal(model: Path, tmp_path: Path) -> None:
    terminal = Terminal(*COMMAND, "chat", str(model), "--seed", "1", "-n", "3000")
    terminal.until("/help for help.*> ")
    terminal.type("/help\n")
    assert "/save FILE" in terminal.until("stops an answer.*> ")
    terminal.type("/nonsense\n")
    terminal.until("/nonsense is no command here.*> ")
    terminal.type("hello\n")
    terminal.until("hello\r\n.{40}")  # the answer is under way
    os.kill(terminal.child.pid, signal.SIGINT)
    terminal.until("\n> ")
    terminal.type(f"/save {tmp_path / 'talk.jsonl'}\n")
    terminal.until("saved in.*> ")
    terminal.type("/reset\n")
    terminal.until("a new conversation.*> ")
    terminal.type("never sent")
    terminal.until("never sent")
    os.kill(terminal.child.pid, signal.SIGINT)  # nothing to stop: the line is given up
    # Python notices a signal between two waits for keys with the next line only.
    terminal.type("\n")
    terminal.until("\n> ")
    terminal.type(f"/save {tmp_path / 'nothing.jsonl'}\n")
    terminal.until("saved in.*> ")
    terminal.type("\x04")
    assert terminal.child.wait() == 0
    os.close(terminal.side)
    assert "never sent" not in (tmp_path / "nothing.jsonl").read_text()
    (line,) = (tmp_path / "talk.jsonl").read_text().splitlines()
    user, assistant = json.loads(line)["messages"]
    assert user == {"role": "user", "content": "hello"}
    assert assistant["role"] == "assistant" and len(assistant["content"]) >= 30


def test_what_cannot_chat_is_told_in_one_line(tmp_path: Path, capsys: Said) -> None:
    path = tmp_path / "bytes.gguf"
    sizes = {"n_layer": 1, "n_head": 1, "n_embd": 32}
    save_gguf(build_model("llama", vocab_size=256, **sizes), ByteTokenizer(), path)
    for name, told in {str(path): "no chat template", "no-such-model": "no-such-model"}.items():
        assert main(["chat", name]) == 1
        said = capsys.readouterr().err
        assert told in said and said.count("\n") == 1


def test_bench_tells_speeds_and_shares(model: Path, capsys: Said) -> None:
    asked = ["--prompt", "16", "-n", "4", "--batch-size", "1", "--threads", "1"]
    assert main(["bench", str(model), *asked, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["threads"] == 1 and facts["engine"] in ("tensor_core", "torch")
    for name in ("prompt_tokens_per_s", "tokens_per_s", "train_tokens_per_s", "matmul_gflops"):
        assert facts[name] > 0
    for name in ("prompt_share_of_peak", "train_share_of_peak"):
        assert 0 < facts[name] < 1
    assert main(["bench", str(model), *asked, "--no-train"]) == 0
    shown = capsys.readouterr().out
    assert "reading" in shown and "writing" in shown and "learning" not in shown


def test_help_shows_examples(capsys: Said) -> None:
    for command in ("chat", "bench"):
        assert main([command, "--help"]) == 0
        assert f"gradine {command} " in capsys.readouterr().out


def test_bench_repeats_nothing_that_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, runs = iter(range(0, 100, 7)), []
    monkeypatch.setattr(bench, "perf_counter", lambda: next(clock))
    assert bench._fastest(lambda: runs.append(1)) == 7
    assert len(runs) == 1


@pytest.mark.parametrize(("encoding", "text"), [("ascii", "é"), ("utf-8", "\ud820")])
def test_what_cannot_be_shown_is_a_question_mark(
    encoding: str, text: str, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Byte by byte, a model may write half a UTF-16 pair."""
    shown = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(shown, encoding=encoding))
    assert main(["generate", str(model), "-p", text, "-n", "0"]) == 0
    sys.stdout.flush()
    assert shown.getvalue() == b"?\n"
