"""Tokens and batches on both engines, and beside nanoGPT, tokenizers and sentencepiece."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import sentencepiece
import tokenizers
import torch

from transformer import BPETokenizer, load_text, open_tokens
from transformer.cli import main
from transformer.data import stream, write_folder
from transformer.tokenizers.chat import CHATML_TOKENS

BOOK = load_text("python-reference")[:120_000]
ENGINES = ("tensor_core", "torch")
PROGRAM = """
import json, sys
from transformer import Batches, Conversations, engine_name, open_tokens, torch
train, val, tokenizer, _ = open_tokens(sys.argv[1])
chats = Conversations.from_files(sys.argv[2], tokenizer, 40)
found = {}
for name, data in {"file": train, "memory": train[:], "chats": chats}.items():
    for order in ("shuffled", "random", "sequential"):
        batches = Batches(data, 6, 40, seed=11, order=order)
        rows = [batches.at(step) for step in (0, 3, 12345)]
        parts = [batches.rows(3, slice(rank, None, 4)) for rank in range(4)]
        assert all(t.dtype == torch.int64 for pair in rows + parts for t in pair)
        found[f"{name} {order}"] = [[t.tolist() for t in pair] for pair in rows + parts]
print(json.dumps([engine_name(), found]))
"""


def batches_on(engine: str, *arguments: "str | Path"):
    """What the program prints on an engine."""
    environment = {
        **os.environ,
        "GRADINE_ENGINE": engine,
        "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
    }
    command = [sys.executable, "-c", PROGRAM, *map(str, arguments)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    named, found = json.loads(done.stdout)
    assert named == engine
    return found


def test_both_engines_learn_from_the_same_batches_in_the_same_order(tmp_path: Path) -> None:
    special = [*CHATML_TOKENS, "<|endoftext|>"]
    tokenizer = BPETokenizer.train(BOOK, 400, special_tokens=special, eos=special[-1])
    write_folder(tmp_path / "out", [tokenizer.encode(BOOK)], tokenizer)
    chats = tmp_path / "chats.jsonl"
    lines = [{"prompt": f"{i}?", "completion": f"{i} " * (i % 7 + 1)} for i in range(40)]
    chats.write_text("\n".join(map(json.dumps, lines)))
    ours, theirs = (batches_on(engine, tmp_path / "out", chats) for engine in ENGINES)
    assert ours == theirs
    for order in ("shuffled", "random", "sequential"):
        assert ours[f"file {order}"] == ours[f"memory {order}"]
    (x, y), *parts = ours["chats shuffled"][1], *ours["chats shuffled"][3:]
    for rank, (some_x, some_y) in enumerate(parts):
        assert (some_x, some_y) == (x[rank::4], y[rank::4])


def test_nanogpts_own_reading_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "book.txt").write_text(BOOK)
    asked = ["--out", str(tmp_path / "out"), "-t", "bytes", "-q"]
    assert main(["tokenize", str(tmp_path / "book.txt"), *asked]) == 0
    train, val, *_ = open_tokens(tmp_path / "out")
    for file, part in (("train.bin", train), ("val.bin", val)):
        data = np.memmap(tmp_path / "out" / file, dtype=np.uint16, mode="r")
        for i in torch.randint(len(data) - 64, (20,)).tolist():
            x = torch.from_numpy(data[i : i + 64].astype(np.int64))
            assert x.tolist() == part[i : i + 64].tolist()
    assert bytes(train[:].tolist() + val[:].tolist()) == BOOK.encode()


@pytest.mark.parametrize("prefix", [False, True])
def test_in_pieces_as_tokenizers_encodes_the_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prefix: bool
) -> None:
    theirs = tokenizers.ByteLevelBPETokenizer(add_prefix_space=prefix)
    theirs.train_from_iterator([BOOK], vocab_size=500, special_tokens=["<|endoftext|>"])
    theirs.save(str(tmp_path / "tokenizer.json"))
    whole = theirs.encode(BOOK).ids
    assert tokenized(tmp_path, monkeypatch, "tokenizer.json") == whole


def test_in_pieces_as_sentencepiece_encodes_the_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "book.txt").write_text(BOOK)
    sentencepiece.SentencePieceTrainer.train(
        input=str(tmp_path / "book.txt"),
        model_prefix=str(tmp_path / "sp"),
        model_type="bpe",
        vocab_size=600,
        byte_fallback=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        minloglevel=2,
    )
    theirs = sentencepiece.SentencePieceProcessor(model_file=str(tmp_path / "sp.model"))
    ids = tokenized(tmp_path, monkeypatch, "sp.model")
    assert ids == [*theirs.encode(BOOK), theirs.eos_id()]
    assert theirs.decode(ids) == BOOK


def tokenized(folder: Path, monkeypatch: pytest.MonkeyPatch, tokenizer: str) -> "list[int]":
    """The ids of BOOK, read and encoded some 3000 characters at a time."""
    monkeypatch.setattr(stream, "PIECE", 3000)
    (folder / "book.txt").write_text(BOOK)
    asked = ["--out", str(folder / "out"), "-t", str(folder / tokenizer), "-q"]
    assert main(["tokenize", str(folder / "book.txt"), *asked]) == 0
    train, val, *_ = open_tokens(folder / "out")
    return [*train[:].tolist(), *val[:].tolist()]
