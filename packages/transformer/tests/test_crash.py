"""Real processes killed, stopped and starved of disk: what was saved before stays, and goes on."""

import os
import re
import resource
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from transformer.cli import main
from transformer.io import read_checkpoint, write_checkpoint
from transformer.io.lock import locked
from transformer.train import read_metrics

TEXT = "how vexingly quick daft zebras jump; " * 20
SETTINGS = (
    *("--block-size", "8", "--batch-size", "4", "--steps", "60", "--eval-every", "5"),
    *("--eval-batches", "2", "--n-layer", "1", "--n-head", "2", "--n-embd", "8"),
    *("--dropout", "0.1", "--optimizer", "muon", "--ema", "0.9", "--sample", "0"),
)
LAST, BEST = "last.safetensors", "best.safetensors"


def started(*arguments: str, **options: Any) -> "subprocess.Popen[str]":
    """A process of its own that runs ``gradine train``."""
    command = [sys.executable, "-m", "transformer", "train", *arguments]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, **options)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run nobody disturbed, with the text it learned from beside it."""
    folder = tmp_path_factory.mktemp("unbroken")
    (folder / "text").write_text(TEXT)
    out = ("--out", str(folder / "run"), "--text", str(folder / "text"))
    assert main(["train", *out, *SETTINGS]) == 0
    return folder / "run"


@pytest.fixture
def begun(unbroken: Path, tmp_path: Path) -> Path:
    """The same run, of which 5 steps are made."""
    out = ("--out", str(tmp_path / "run"), "--text", str(unbroken.parent / "text"))
    assert main(["train", *out, *SETTINGS, "--until", "5"]) == 0
    return tmp_path / "run"


def assert_same(run: Path, unbroken: Path) -> None:
    """Hold that two runs have the same checkpoints to the last bit, and the same history."""
    for name in (LAST, BEST):
        (ours, mine), (theirs, its) = read_checkpoint(run / name), read_checkpoint(unbroken / name)
        assert ours.keys() == theirs.keys()
        for key in ours:
            assert ours[key].tobytes() == theirs[key].tobytes(), (name, key)
        differ = {key for key in its if mine[key] != its[key]}
        assert differ <= {"config", "elapsed"}  # the folder's name, and time
    histories = []
    for folder in (run, unbroken):
        records = read_metrics(folder / "metrics.jsonl")
        timed = {"elapsed", "tokens_per_s", "peak_share"}
        histories.append([{k: v for k, v in r.items() if k not in timed} for r in records])
    assert histories[0] == histories[1]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_run_ended_by_a_signal_goes_on_to_the_last_bit(
    number: signal.Signals, unbroken: Path, tmp_path: Path
) -> None:
    text = str(unbroken.parent / "text")
    with started("--out", str(tmp_path / "run"), "--text", text, *SETTINGS) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("step 15/"):  # mid-epoch: an epoch has 20 steps
                process.send_signal(number)
                break
        said = process.stderr.read()
    _, state = read_checkpoint(tmp_path / "run" / LAST)
    if number == signal.SIGKILL:
        assert process.returncode == -number and state["step"] % 5 == 0
    else:
        assert process.returncode == 128 + number
        assert f"stopped at step {state['step']} of 60, which is saved" in said
    assert 10 <= state["step"] < 60
    assert main(["train", "--resume", str(tmp_path / "run"), "--sample", "0"]) == 0
    assert_same(tmp_path / "run", unbroken)


# Forks a process that saves two checkpoints of step 6, and dies at the n-th thing it does to the
# disk, half a write included; for every n, until one comes through. What is left must be whole.
EVERY_INSTANT = """
import os, shutil, signal, sys
from pathlib import Path
from safetensors.numpy import save_file
from transformer.io import read_checkpoint, safetensors as files
from transformer.train import Trainer
from transformer.train.peak import matmul_peak
matmul_peak()  # once, not in every child
run, place = Path(sys.argv[1]), Path(sys.argv[2])

class Deadly:
    def __init__(self, dies):
        self.left = dies
    def instant(self):
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
    def around(self, call):
        def called(*arguments, **options):
            self.instant()
            result = call(*arguments, **options)
            self.instant()
            return result
        return called
    def save(self, arrays, name, table):
        self.instant()
        save_file(arrays, name, table)
        with open(name, "r+b") as file:
            whole = file.read()
            file.truncate(file.seek(len(whole) // 2))
            self.instant()
            file.write(whole[len(whole) // 2 :])
        self.instant()

for dies in range(1, 1000):
    shutil.copytree(run, place)
    child = os.fork()
    if child == 0:
        trainer = Trainer.resume(place)
        trainer.best_loss = float("inf")  # so that both are saved
        deadly = Deadly(dies)
        files.save_file = deadly.save
        os.fsync, os.replace = deadly.around(os.fsync), deadly.around(os.replace)
        trainer.run(until=10)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, -signal.SIGKILL), code
    steps = [read_checkpoint(place / f"{name}.safetensors")[1]["step"] for name in ("last", "best")]
    assert steps in ([5, 5], [5, 10], [10, 10]), steps
    resumed = Trainer.resume(place)
    resumed.run(until=10)
    last, best = (read_checkpoint(place / f"{name}.safetensors") for name in ("last", "best"))
    assert last[1]["step"] == 10 and best[1]["best_loss"] == last[1]["best_loss"]
    print(*steps, b"".join(a.tobytes() for _, a in sorted(last[0].items())).hex()[-40:])
    assert not list(place.glob(".*")), list(place.glob(".*"))
    shutil.rmtree(place)
    if code == 0:
        break
"""


def test_a_kill_at_each_instant_of_saving_leaves_whole_checkpoints(tmp_path: Path) -> None:
    (tmp_path / "text").write_text(TEXT)
    out = ("--out", str(tmp_path / "run"), "--text", str(tmp_path / "text"))
    small = ("--model", "bigram", "--block-size", "8", "--optimizer", "adamw", "--sample", "0")
    often = ("--steps", "60", "--eval-every", "5", "--eval-batches", "2", "--until", "5")
    assert main(["train", *out, *small, *often]) == 0
    done = subprocess.run(
        [sys.executable, "-c", EVERY_INSTANT, str(tmp_path / "run"), str(tmp_path / "place")],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert len(lines) >= 20
    assert {(last, best) for last, best, _ in lines} == {("5", "5"), ("5", "10"), ("10", "10")}
    assert len({weights for _, _, weights in lines}) == 1, "resumed runs all reach the same"


# Saves over and over, each time other numbers, all alike.
SAVES = """
import sys
import numpy as np
from transformer.io import write_checkpoint
for n in range(1, 100_000):
    arrays = {name: np.full(2**16, n, np.float32) for name in "ab"}
    write_checkpoint(sys.argv[1], arrays, {"n": n})
    print(n, flush=True)
"""


def test_kills_at_random_instants_leave_a_whole_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / LAST
    for kill in range(20):
        with subprocess.Popen(
            [sys.executable, "-c", SAVES, str(path)], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            for _ in range(kill + 1):  # the line comes after a save: the next has begun by now
                written = int(process.stdout.readline())
            process.kill()
        arrays, state = read_checkpoint(path)
        assert state["n"] >= written
        assert all((array == state["n"]).all() for array in arrays.values())


def test_a_full_disk_ends_the_run_in_one_line_and_keeps_the_checkpoint(begun: Path) -> None:
    before = (begun / LAST).read_bytes()
    room = len(before) // 2
    limit = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (room, room))
    with started("--resume", str(begun), "--sample", "0", preexec_fn=limit) as process:
        said = process.communicate()[1].splitlines()
    assert process.returncode == 1
    assert re.search(r"step \d+ cannot be saved: File too large; step 5 is still saved", said[-1])
    assert not any("Traceback" in line for line in said)
    assert (begun / LAST).read_bytes() == before
    assert not list(begun.glob(".*"))


def flipped(place: int, raw: bytes) -> bytes:
    return raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]


def damages(raw: bytes) -> dict[str, tuple[bytes, str]]:
    """Damaged versions of a file, and what must be said of each."""
    body = 8 + int.from_bytes(raw[:8], "little")
    digest = raw.index(b'"sha256":"') + 10
    cut = {f"cut to {n}": (raw[:n], "cut short") for n in
           (0, 1, 7, 8, 9, body // 2, body - 1, body, body + 1, len(raw) - 1)}  # fmt: skip
    changed = {
        "length of the header": (flipped(2, raw), "or not a safetensors file"),
        "header": (flipped(9, raw), "not a safetensors file|differ from the checksum|not a check"),
        "step": (raw.replace(rb"\"step\": 60", rb"\"step\": 61"), "differ from the checksum"),
        "checksum": (flipped(digest, raw), "differ from the checksum"),
        "no checksum": (raw.replace(b'"sha256"', b'"sha257"'), "the checksum .* is gone"),
        "first byte": (flipped(body, raw), "differ from the checksum"),
        "last byte": (flipped(len(raw) - 1, raw), "differ from the checksum"),
        "longer": (raw + b"\0", "too long"),
    }
    return cut | changed


def test_a_damaged_checkpoint_is_refused_by_name_and_reason(
    unbroken: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = (unbroken / LAST).read_bytes()
    path = tmp_path / LAST
    for what, (raw, reason) in damages(whole).items():
        assert raw != whole, what
        path.write_bytes(raw)
        for command in (["train", "--resume", str(tmp_path)], ["generate", str(tmp_path)]):
            assert main(command) == 1, (what, command)
            said = capsys.readouterr().err
            assert str(path) in said and re.search(reason, said), (what, command, said)
            assert said.count("\n") == 1, said
    assert os.listdir(tmp_path) == [LAST]


def test_a_checkpoint_of_a_newer_program_is_refused(
    unbroken: Path, tmp_path: Path, monkeypatch: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    arrays, state = read_checkpoint(unbroken / LAST)
    with monkeypatch.context() as later:
        later.setattr("transformer.io.checkpoint.VERSION", 99)
        write_checkpoint(tmp_path / LAST, arrays, state)
    assert main(["train", "--resume", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert "newer version" in said and "format 99" in said and LAST in said


def test_a_folder_being_written_is_refused_and_what_a_kill_left_is_not(
    begun: Path, unbroken: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = str(unbroken.parent / "text")
    resume = ["train", "--resume", str(begun), "--until", "10", "--sample", "0"]
    again = ["train", "--out", str(begun), "--text", text, *SETTINGS, "--overwrite"]
    before = {name: (begun / name).read_bytes() for name in os.listdir(begun)}
    with locked(begun):
        for command in (resume, again):
            capsys.readouterr()
            assert main(command) == 1
            said = capsys.readouterr().err
            assert f"another process ({os.getpid()}) is writing this run" in said
        assert {name: (begun / name).read_bytes() for name in before} == before
    for leftover in (f".{LAST}.part", f".{BEST}.part", ".lock"):
        (begun / leftover).write_bytes(b"half")
    assert main(resume) == 0
    assert read_checkpoint(begun / LAST)[1]["step"] == 10
    assert not list(begun.glob(".*"))


def test_an_overwritten_run_is_never_half_the_old_one(
    begun: Path, unbroken: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Killed before its first save, the new run must not leave its best beside the old last."""
    text = str(unbroken.parent / "text")
    again = ["--out", str(begun), "--text", text, *SETTINGS, "--overwrite"]
    dies = f"""
import os, signal
from transformer.cli import main
os.fsync = lambda handle: os.kill(os.getpid(), signal.SIGKILL)
main(["train", *{again!r}])
"""
    done = subprocess.run([sys.executable, "-c", dies])
    assert done.returncode == -signal.SIGKILL
    assert not (begun / LAST).exists() and not (begun / BEST).exists()
    assert main(["train", *again]) == 0
    assert_same(begun, unbroken)
