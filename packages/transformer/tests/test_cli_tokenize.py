"""``gradine tokenize`` as a person or a script uses it."""

import hashlib
import json
import os
import pty
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from transformer import BPETokenizer, CharTokenizer, load_text, open_tokens, train_val_split
from transformer.cli import main
from transformer.data import stream
from transformer.tokenizers import ByteTokenizer, load_tokenizer

BOOK = load_text("python-reference")[:150_000] + "naïve — 日本語 🙂\n"
END = "<|endoftext|>"


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A book in a folder that is now the working one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(stream, "PIECE", 5000)  # so that it comes in many pieces
    Path("book.txt").write_bytes(BOOK.encode())
    return tmp_path / "book.txt"


def ids_of(folder: str) -> list[int]:
    """All ids in a folder of tokens."""
    train, val, *_ = open_tokens(folder, verify=True)
    return [*train[:].tolist(), *(val[:].tolist() if val else [])]


def test_characters_are_what_training_on_the_text_would_see(book: Path, capsys: Any) -> None:
    assert main(["tokenize", "book.txt", "--out", "out", "--val-fraction", "0.2"]) == 0
    train, val, tokenizer, facts = open_tokens("out", verify=True)
    assert tokenizer == CharTokenizer.from_text(BOOK)
    wanted = train_val_split(tokenizer.encode(BOOK), 0.2)
    assert [train[:].tolist(), val[:].tolist()] == [part.tolist() for part in wanted]
    assert facts["characters"] == len(BOOK) and facts["documents"] == 1
    assert facts["sources"] == [
        {
            "name": "book.txt",
            "bytes": len(BOOK.encode()),
            "characters": len(BOOK),
            "sha256": hashlib.sha256(BOOK.encode()).hexdigest(),
        }
    ]
    said = capsys.readouterr().out
    assert f"train.bin: {len(wanted[0]):,} tokens" in said and "1 document," in said


@pytest.mark.parametrize("pattern", ["gpt2", "gpt4"])
def test_bpe_in_pieces_is_what_the_whole_text_gives(book: Path, pattern: str) -> None:
    asked = ["--tokenizer", "bpe", "--vocab-size", "400", "--pattern", pattern, "-q"]
    assert main(["tokenize", "book.txt", "-o", "out", *asked]) == 0
    tokenizer = open_tokens("out")[2]
    raw = BOOK.encode()
    seen = raw[: int(len(raw) * 0.9)].decode(errors="ignore")
    assert tokenizer == BPETokenizer.train(seen, 400, pattern, [END], eos=END)
    assert ids_of("out") == [*tokenizer.encode(BOOK), tokenizer.eos_id]


def test_what_is_held_out_decides_no_token(book: Path) -> None:
    asked = ["-t", "bpe", "--vocab-size", "260", "--val-fraction", "0.5", "-q"]
    Path("a.txt").write_text("ab" * 500)
    Path("b.txt").write_text("語" * 1000)
    assert main(["tokenize", "a.txt", "b.txt", "--out", "out", *asked]) == 0
    made = open_tokens("out")[2]
    seen = "ab" * 500 + "語" * 333  # 2000 of 4000 bytes, less a character that is cut
    assert made == BPETokenizer.train([seen[:1000], seen[1000:]], 260, "gpt2", [END], eos=END)
    assert made != BPETokenizer.train("ab" * 500, 260, "gpt2", [END], eos=END)


def test_documents_end_with_their_file_and_where_a_file_says_so(book: Path) -> None:
    Path("two.txt").write_text(f"once{END}upon{END}")
    Path("empty.txt").write_text("")
    asked = ["two.txt", "empty.txt", "book.txt", "two.txt", "--out", "out", "-t", "bpe"]
    assert main(["tokenize", *asked, "--vocab-size", "300", "-q"]) == 0
    _, _, tokenizer, facts = open_tokens("out")
    text = f"once{END}upon{END}"
    assert ids_of("out") == tokenizer.encode(f"{text}{BOOK}{END}{text}")
    assert (facts["separator"], facts["separator_id"]) == (END, tokenizer.eos_id)
    assert facts["documents"] == 5 and len(facts["sources"]) == 4


def test_another_folders_tokenizer_and_hugging_faces(book: Path) -> None:
    BPETokenizer.train(BOOK, 300, special_tokens=["<s>", END], eos=END).save("hf")
    assert main(["tokenize", "book.txt", "--out", "one", "-t", "hf", "-q"]) == 0
    tokenizer = load_tokenizer("hf")
    assert ids_of("one") == [*tokenizer.encode(BOOK), tokenizer.eos_id]
    for path in ("one", "one/tokenizer.json"):
        asked = ["--out", "two", "-t", path, "--special", "<s>", "--overwrite", "-q"]
        assert main(["tokenize", "book.txt", *asked]) == 0
        assert ids_of("two") == [*tokenizer.encode(BOOK), tokenizer.special_tokens["<s>"]]
    assert load_tokenizer("two") == tokenizer


def test_standard_input_and_json(book: Path) -> None:
    for name, asked in {"b": ["-t", "bytes"], "c": ["-t", "char"]}.items():
        command = [sys.executable, "-m", "transformer", "tokenize", "-", "book.txt", "--out", name]
        done = subprocess.run(
            [*command, *asked, "--json"], input="stdin: é\n".encode(), capture_output=True
        )
        assert done.returncode == 0 and done.stderr == b""
        said = json.loads(done.stdout)
        assert said == json.loads(Path(name, "meta.json").read_text())
        assert [source["name"] for source in said["sources"]] == ["standard input", "book.txt"]
        tokenizer = open_tokens(name)[2]
        assert tokenizer.decode(ids_of(name)) == "stdin: é\n" + BOOK
        assert isinstance(tokenizer, ByteTokenizer if name == "b" else CharTokenizer)


def test_a_terminal_gets_a_bar_and_a_pipe_gets_none(book: Path) -> None:
    ours, theirs = pty.openpty()
    at_once = "from transformer.cli import main, progress; progress.AFTER = 0; import sys; "
    program = at_once + "sys.exit(main(sys.argv[1:]))"  # others wait a second
    command = [sys.executable, "-c", program, "tokenize", "book.txt", "--out", "out"]
    done = subprocess.run(command, stderr=theirs, stdout=subprocess.PIPE)
    os.close(theirs)
    shown = os.read(ours, 100_000).decode()
    assert done.returncode == 0 and "encoding" in shown and "reading" in shown
    done = subprocess.run([*command, "--overwrite"], capture_output=True)
    assert done.returncode == 0 and done.stderr == b""


@pytest.mark.parametrize(
    ("asked", "code", "message"),
    [
        (["no.txt"], 1, "there is no file 'no.txt'"),
        (["."], 1, "'.' is a folder; give the files in it"),
        (["book.txt", "bad.txt"], 1, "bad.txt is not UTF-8: byte 0xff at offset 3"),
        (["book.txt", "bad.txt", "-t", "bytes"], 1, "byte 0xff at offset 3"),
        (["empty.txt"], 1, "there is no text in the files"),
        (["empty.txt", "-t", "bpe"], 1, "0 tokens are too few to learn from"),
        (["book.txt", "-t", "gpt5"], 2, "--tokenizer gpt5: it is none of char, bytes and bpe"),
        (["book.txt", "-t", "book.txt"], 1, "no file of a tokenizer"),
        (["book.txt", "--special", "<s>"], 2, "--special <s>: the tokenizer char has no such"),
        (["book.txt", "-t", "bytes", "--special", "<s>"], 2, "(it has no special tokens)"),
        (["book.txt", "-t", "abc"], 1, "encode: the character"),
        (["book.txt", "--vocab-size", "9"], 2, "--vocab-size"),
        (["book.txt", "--pattern", "gpt9"], 2, "--pattern"),
        (["book.txt", "--val-fraction", "1"], 2, "--val-fraction"),
        (["book.txt", "--vocab-size", "500"], 2, "--vocab-size is for -t bpe, which learns"),
        (["book.txt", "-t", "abc", "--pattern", "gpt4"], 2, "--pattern is for -t bpe, which l"),
        (["book.txt", "--out", "abc.txt"], 2, "--out abc.txt is a file, and must be a folder"),
    ],
)
def test_what_cannot_be_is_said_in_one_line_and_leaves_nothing(
    book: Path, capsys: Any, asked: list[str], code: int, message: str
) -> None:
    Path("bad.txt").write_bytes(b"abc\xffdef")
    Path("empty.txt").write_bytes(b"")
    Path("abc.txt").write_text("abc" * 10)
    assert main(["tokenize", "abc.txt", "--out", "abc", "-q"]) == 0
    assert main(["tokenize", "--out", "out", *asked]) == code
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1
    assert not Path("out").exists()


def test_tokens_are_replaced_only_when_asked(book: Path, capsys: Any) -> None:
    assert main(["tokenize", "book.txt", "--out", "out"]) == 0
    before = Path("out/train.bin").read_bytes()
    assert main(["tokenize", "book.txt", "--out", "out", "-t", "bytes"]) == 2
    assert "out holds tokens already: give another --out, or --overwrite" in capsys.readouterr().err
    assert Path("out/train.bin").read_bytes() == before
    assert main(["tokenize", "book.txt", "--out", "out", "-t", "bytes", "--overwrite"]) == 0
    assert ids_of("out") == list(BOOK.encode())


def test_killed_while_it_reads_it_leaves_the_old_tokens(book: Path) -> None:
    command = [sys.executable, "-m", "transformer", "tokenize", "-", "--out", "out", "-t", "bytes"]
    subprocess.run(command, input=b"the old text", check=True, capture_output=True)
    running = subprocess.Popen([*command, "--overwrite"], stdin=subprocess.PIPE)
    assert running.stdin is not None
    running.stdin.write(b"x" * (4 << 20))  # comes back when all but a pipe's length is read
    running.kill()
    running.communicate()
    assert bytes(ids_of("out")) == b"the old text"
    assert Path("out/.part").exists(), "it was at work"
    subprocess.run([*command, "--overwrite"], input=b"the new text", check=True)
    assert bytes(ids_of("out")) == b"the new text" and not Path("out/.part").exists()


def test_a_disk_that_takes_no_more_is_said_in_one_line_and_loses_nothing(book: Path) -> None:
    command = [sys.executable, "-m", "transformer", "tokenize", "-", "--out", "out", "-t", "bytes"]
    subprocess.run(command, input=b"the old text", check=True, capture_output=True)
    done = subprocess.run(
        [*command, "--overwrite"],
        input=b"x" * 200_000,
        capture_output=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
    )
    said = done.stderr.decode()
    assert done.returncode == 1 and said.count("\n") == 1
    assert "out: File too large; the tokens could not be written, the folder is as it was" in said
    assert bytes(ids_of("out")) == b"the old text"
    assert not Path("out/.part").exists()


def test_help_teaches_by_example(capsys: Any) -> None:
    assert main(["tokenize", "--help"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "gradine tokenize book.txt --out book-tokens" in said
    for name in ("--vocab-size", "--pattern", "--special", "--val-fraction", "--overwrite"):
        assert name in said
