"""Folders of tokens: ours, nanoGPT's, and those that must not be trusted."""

import os
import pickle
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transformer import CharTokenizer, open_tokens, train_val_split
from transformer.data import write_folder
from transformer.data.nanogpt import read_meta, write_meta
from transformer.tokenizers.bytes import ByteTokenizer

TEXT = "To be, or not to be, that is the question.\n" * 20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of TEXT's characters."""
    tokenizer = CharTokenizer.from_text(TEXT)
    write_folder(tmp_path / "out", [tokenizer.encode(TEXT)], tokenizer)
    return tmp_path / "out"


def test_a_folder_comes_back(folder: Path) -> None:
    train, val, tokenizer, facts = open_tokens(folder, verify=True)
    wanted = train_val_split(tokenizer.encode(TEXT), 0.1)
    assert [train[:].tolist(), val[:].tolist()] == [part.tolist() for part in wanted]
    assert tokenizer == CharTokenizer.from_text(TEXT)
    assert (facts["dtype"], facts["vocab_size"]) == ("uint16", tokenizer.vocab_size)
    assert sorted(p.name for p in folder.iterdir()) == [
        "meta.json",
        "meta.pkl",
        "tokenizer.json",
        "train.bin",
        "val.bin",
    ]


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 300), st.floats(0, 0.99))
def test_the_cut_is_that_of_train_val_split(tmp_path_factory, n, fraction):
    out = tmp_path_factory.getbasetemp() / "cut"
    wanted = train_val_split(list(range(n)), fraction)
    tokenizer = CharTokenizer(map(chr, range(1000, 1300)))
    if len(wanted[0]) == 0:
        with pytest.raises(ValueError, match=f"{n} tokens are too few"):
            write_folder(out, range(n), tokenizer, val_fraction=fraction)
        return
    write_folder(out, range(n), tokenizer, val_fraction=fraction)
    train, val, *_ = open_tokens(out)
    assert train[:].tolist() == wanted[0].tolist()
    assert ([] if val is None else val[:].tolist()) == wanted[1].tolist()


def test_nanogpt_reads_it_as_its_own(folder: Path) -> None:
    # What nanoGPT's train.py and sample.py do with a folder of data.
    meta = pickle.loads((folder / "meta.pkl").read_bytes())
    ids = np.memmap(folder / "train.bin", dtype=np.uint16, mode="r")
    assert "".join(meta["itos"][i] for i in ids[:43]) == TEXT[:43]
    assert [meta["stoi"][c] for c in TEXT[:43]] == ids[:43].tolist()
    assert meta["vocab_size"] == len(set(TEXT))


@pytest.mark.parametrize("protocol", range(6))
def test_a_folder_that_nanogpt_prepared(tmp_path: Path, protocol: int) -> None:
    # What nanoGPT's data/shakespeare_char/prepare.py does.
    chars = sorted(set(TEXT))
    stoi = {ch: i for i, ch in enumerate(chars)}
    itos = dict(enumerate(chars))
    n = len(TEXT)
    for name, part in (("train", TEXT[: int(n * 0.9)]), ("val", TEXT[int(n * 0.9) :])):
        np.array([stoi[c] for c in part], dtype=np.uint16).tofile(tmp_path / f"{name}.bin")
    meta = {"vocab_size": len(chars), "itos": itos, "stoi": stoi}
    (tmp_path / "meta.pkl").write_bytes(pickle.dumps(meta, protocol))
    train, val, tokenizer, facts = open_tokens(tmp_path)
    assert tokenizer.decode(train[:].tolist()) + tokenizer.decode(val[:].tolist()) == TEXT
    assert facts["format"] == "nanoGPT" and train.vocab_size == len(chars)


def test_without_meta_it_is_gpt2s_vocabulary_and_says_so(tmp_path: Path) -> None:
    np.array([50256, 1, 2, 3], np.uint16).tofile(tmp_path / "train.bin")
    train, val, tokenizer, facts = open_tokens(tmp_path)
    assert (val, tokenizer, facts["vocab_size"]) == (None, None, 50257)
    assert facts["tokenizer"]["needs"] == "GPT-2's byte-level BPE"
    assert train[:1].tolist() == [50256]
    with pytest.raises(ValueError, match="vocabulary of 50257, the tokenizer has 256"):
        open_tokens(tmp_path, ByteTokenizer())
    np.array([50257], np.uint16).tofile(tmp_path / "train.bin")
    with pytest.raises(ValueError, match="id 50257 at position 0 is outside the vocabulary"):
        open_tokens(tmp_path)


def test_a_larger_vocabulary_is_kept_in_four_bytes(tmp_path: Path) -> None:
    tokenizer = CharTokenizer(map(chr, [*range(40, 50000), *range(60000, 80000)]))
    made = write_folder(tmp_path, [[0, 69_959] * 10], tokenizer)
    assert made["dtype"] == "uint32" and (tmp_path / "train.bin").stat().st_size == 18 * 4
    train, val, again, _ = open_tokens(tmp_path)
    assert train[:2].tolist() == [0, 69_959] and len(val) == 2 and again == tokenizer


class Evil:
    """What a pickle may do to whoever loads it."""

    def __reduce__(self):
        return os.mkdir, ("broken-into",)


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_that_runs_a_program_is_refused_by_name(tmp_path, monkeypatch, protocol):
    monkeypatch.chdir(tmp_path)
    Path("meta.pkl").write_bytes(pickle.dumps({"stoi": Evil()}, protocol))
    Path("train.bin").write_bytes(bytes(8))
    with pytest.raises(ValueError, match=r"meta\.pkl wants to run (posix|nt)\.mkdir: refused"):
        open_tokens(tmp_path)
    assert not Path("broken-into").exists()
    pickle.loads(Path("meta.pkl").read_bytes())
    assert Path("broken-into").exists(), "it would have run"


@pytest.mark.parametrize(
    "value",
    [
        [],
        {"itos": {}, "stoi": {}},
        {"itos": ["a"], "stoi": {"a": 0}, "vocab_size": 1},
        {"itos": {0: "a"}, "stoi": {"a": 0}, "vocab_size": 2},
        {"itos": {0: "a", 1: "b"}, "stoi": {"a": 0, "b": 0}, "vocab_size": 2},
        {"itos": {0: "ab"}, "stoi": {"ab": 0}, "vocab_size": 1},
        {"itos": {0: 5}, "stoi": {5: 0}, "vocab_size": 1},
        {"itos": {0: "a"}, "stoi": {"a": 0}, "vocab_size": 10**15},
    ],
)
def test_a_pickle_that_is_no_vocabulary(tmp_path: Path, value: object) -> None:
    (tmp_path / "meta.pkl").write_bytes(pickle.dumps(value))
    with pytest.raises(ValueError, match=r"(meta\.pkl|single character)"):
        read_meta(tmp_path / "meta.pkl")


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 10_000), st.binary(min_size=1, max_size=5))
def test_a_damaged_pickle_is_an_error_in_one_sentence_or_still_a_vocabulary(
    tmp_path_factory, raw, at, patch
):
    path = tmp_path_factory.getbasetemp() / "meta.pkl"
    write_meta(path, CharTokenizer("abcdef"))
    good = path.read_bytes()
    at %= len(good)
    for damaged in (raw, good[:at], good[:at] + patch + good[at + len(patch) :]):
        path.write_bytes(damaged)
        try:
            assert isinstance(read_meta(path), CharTokenizer)
        except ValueError as error:
            assert "\n\n" not in str(error)


def test_a_short_pickle_takes_no_memory_to_speak_of(tmp_path: Path) -> None:
    # Seven bytes that tell Python's unpickler to make room for two thousand million objects.
    (tmp_path / "meta.pkl").write_bytes(b"\x80\x04}r\xff\xff\xff\x7f.")
    tracemalloc.start()
    with pytest.raises(ValueError, match="holds no vocabulary"):
        read_meta(tmp_path / "meta.pkl")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_what_was_cut_off_altered_or_lost_is_refused_by_name(folder: Path) -> None:
    kept = {path.name: path.read_bytes() for path in folder.iterdir()}

    def refused(name: str, raw: bytes | None, message: str, kind: type = ValueError) -> None:
        (folder / name).unlink()
        if raw is not None:
            (folder / name).write_bytes(raw)
        with pytest.raises(kind, match=message):
            open_tokens(folder)
        (folder / name).write_bytes(kept[name])

    train = kept["train.bin"]
    refused("train.bin", train[:-2], r"train\.bin has 773 tokens, meta\.json says 774")
    refused("train.bin", train[:-1], r"no whole number of uint16")
    refused("train.bin", b"", r"train\.bin is empty")
    refused("train.bin", None, r"no token file .*train\.bin", FileNotFoundError)
    refused("val.bin", None, r"no token file .*val\.bin", FileNotFoundError)
    refused("train.bin", b"\3" + train[1:], r"train\.bin was altered")
    refused("tokenizer.json", kept["tokenizer.json"] + b" ", r"tokenizer\.json is not the")
    refused("tokenizer.json", None, r"tokenizer\.json is missing", FileNotFoundError)
    refused("meta.json", b"{", r"meta\.json is damaged")
    refused("meta.json", b"[1, 2]", r"meta\.json is damaged")
    refused("meta.json", kept["meta.json"].replace(b'"version": 1', b'"version": 7'), "version 7")
    refused("meta.json", kept["meta.json"].replace(b"uint16", b"uint64"), "not 'uint64'")
    open_tokens(folder)


def test_ids_beyond_the_vocabulary_even_where_no_sum_tells(tmp_path: Path) -> None:
    write_meta(tmp_path / "meta.pkl", CharTokenizer("ab"))
    np.array([0, 1, 2], np.uint16).tofile(tmp_path / "train.bin")
    with pytest.raises(ValueError, match="id 2 at position 2 is outside the vocabulary of 2"):
        open_tokens(tmp_path)
    train, *_ = open_tokens(tmp_path, verify=False)
    with pytest.raises(ValueError, match="holds token id 2, outside the vocabulary of 2"):
        train[:]


def test_no_folder_of_tokens(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"holds no tokens .*gradine tokenize"):
        open_tokens(tmp_path)


def test_a_failure_leaves_the_folder_as_it_was(folder: Path) -> None:
    kept = {path.name: path.read_bytes() for path in folder.iterdir()}

    def ids():
        yield [1] * 1000
        raise RuntimeError("the source went away")

    with pytest.raises(RuntimeError):
        write_folder(folder, ids(), CharTokenizer("ab"))
    with pytest.raises(ValueError, match="id 2 at position 1 is outside"):
        write_folder(folder, [1, 2], CharTokenizer("ab"))
    with pytest.raises(ValueError, match="0 tokens are too few"):
        write_folder(folder, [], CharTokenizer("ab"))
    with pytest.raises(ValueError, match=r"val_fraction must be in \[0, 1\), got 1"):
        write_folder(folder, [], CharTokenizer("ab"), val_fraction=1)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == kept


@pytest.mark.parametrize("renames", range(5))
def test_a_crash_between_two_renames_is_noticed(folder, monkeypatch, renames):
    put, done = os.replace, []

    def crash(source, target):
        if Path(source).parent.name == ".part" and Path(target).parent == folder:
            if len(done) == renames:
                raise KeyboardInterrupt
            done.append(target)
        put(source, target)

    monkeypatch.setattr(os, "replace", crash)
    with pytest.raises(KeyboardInterrupt):
        write_folder(folder, [0, 1] * 500, CharTokenizer("ab"))
    monkeypatch.undo()
    if renames == 0:
        assert open_tokens(folder)[2] == CharTokenizer.from_text(TEXT), "the old one, whole"
        return
    with pytest.raises(ValueError, match=r"tokenizer\.json is not|says (900|100)"):
        open_tokens(folder)


def test_making_it_anew_leaves_nothing_of_the_old(folder: Path) -> None:
    write_folder(folder, [1, 2, 3], ByteTokenizer(), val_fraction=0)
    assert {p.name for p in folder.iterdir()} == {"meta.json", "tokenizer.json", "train.bin"}
    train, val, tokenizer, _ = open_tokens(folder)
    assert (train[:].tolist(), val, tokenizer) == ([1, 2, 3], None, ByteTokenizer())
