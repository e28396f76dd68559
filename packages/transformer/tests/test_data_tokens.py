"""Token files: what is written, what is read back, what is refused."""

import hashlib
import itertools
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transformer import Batches, TokenFile, get_batch, torch, write_tokens
from transformer.io import atomic


@pytest.mark.parametrize(("vocab", "dtype"), [(2, "<u2"), (65536, "<u2"), (65537, "<u4")])
def test_the_file_is_nanogpts_little_endian_ids_and_nothing_else(tmp_path, vocab, dtype):
    ids = [0, 1, vocab - 1, 1]
    written = write_tokens(tmp_path / "train.bin", ids, vocab)
    raw = (tmp_path / "train.bin").read_bytes()
    assert np.frombuffer(raw, dtype).tolist() == ids
    assert written == (4, np.dtype(dtype).name, hashlib.sha256(raw).hexdigest())
    file = TokenFile(tmp_path / "train.bin", written.dtype, vocab)
    assert file[:].tolist() == ids and file[:].dtype == torch.int64


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 299), max_size=9)), st.data())
def test_ids_may_come_one_by_one_or_in_sequences_of_any_kind(tmp_path_factory, lists, data):
    path = tmp_path_factory.getbasetemp() / "kinds.bin"
    flat = list(itertools.chain.from_iterable(lists))
    kinds = [
        lists,
        flat,
        iter(flat),
        np.array(flat, np.int64),
        torch.tensor(flat, dtype=torch.int64),
        (np.array(part, np.uint16) for part in lists),
        (torch.tensor(part, dtype=torch.int64) for part in lists),
    ]
    assert write_tokens(path, data.draw(st.sampled_from(kinds)), 300).tokens == len(flat)
    assert np.fromfile(path, "<u2").tolist() == flat


def test_writing_and_reading_hold_a_piece_at_a_time(tmp_path):
    n = 2_000_000  # 4 MB on the disk, 16 MB as int64
    thousand = list(range(1000))
    tracemalloc.start()
    write_tokens(tmp_path / "a.bin", (thousand for _ in range(n // 1000)), 1000)
    file = TokenFile(tmp_path / "a.bin", vocab_size=1000)
    file.check()
    batches = Batches(file, 8, 64)
    for step in range(20):
        batches.at(step)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4_000_000, "the file itself does not fit into this"
    assert len(file) == n


@pytest.mark.parametrize("bad", [-1, 300, 70000])
def test_an_id_outside_the_vocabulary_is_named_and_the_old_file_stays(tmp_path, bad):
    path = tmp_path / "train.bin"
    write_tokens(path, [1, 2], 300)
    with pytest.raises(ValueError, match=rf"id {bad} at position 100001 is outside .* of 300 \("):
        write_tokens(path, (bad if i == 100_001 else 0 for i in range(200_000)), 300)
    assert TokenFile(path)[:].tolist() == [1, 2]
    assert list(tmp_path.iterdir()) == [path]


def test_numbers_that_are_no_ids(tmp_path):
    with pytest.raises(TypeError, match="whole numbers, got float64"):
        write_tokens(tmp_path / "a.bin", [1.5, 2.0], 10)
    with pytest.raises(ValueError, match=r"vocab_size must be from 1 to 2\^32, got 0"):
        write_tokens(tmp_path / "a.bin", [1], 0)


def test_a_crash_while_writing_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "train.bin"
    write_tokens(path, [7], 10)

    def crash(*_):
        raise OSError("no space left")

    monkeypatch.setattr(atomic.os, "fsync", crash)
    with pytest.raises(OSError, match="no space left"):
        write_tokens(path, range(10), 10)
    assert TokenFile(path)[:].tolist() == [7]


def test_indexing_is_a_sequences(tmp_path):
    write_tokens(tmp_path / "a.bin", range(100, 150), 150)
    file = TokenFile(tmp_path / "a.bin", vocab_size=150)
    ids = list(range(100, 150))
    assert len(file) == 50 and (file[0], file[49], file[-2]) == (100, 149, 148)
    for part in (slice(3, 9), slice(-4, None), slice(None, None, 7), slice(9, 3)):
        assert file[part].tolist() == ids[part]
    at = torch.tensor([[0, 3], [49, 1]])
    assert file[at].tolist() == [[100, 103], [149, 101]]
    with pytest.raises(IndexError):
        file[50]
    x, y = get_batch(file, 3, 8, torch.Generator().manual_seed(0))
    assert (y == x + 1).all() and x.dtype == torch.int64
    in_memory = Batches(torch.tensor(ids), 4, 8, seed=2).at(9)[0]
    assert Batches(file, 4, 8, seed=2).at(9)[0].tolist() == in_memory.tolist()


def test_files_that_are_none(tmp_path):
    path = tmp_path / "train.bin"
    with pytest.raises(FileNotFoundError, match="no token file"):
        TokenFile(path)
    path.write_bytes(b"")
    with pytest.raises(ValueError, match=r"train\.bin is empty"):
        TokenFile(path)
    path.write_bytes(b"\1\0\2")
    with pytest.raises(ValueError, match=r"3 bytes, no whole number of uint16 ids: it is cut off"):
        TokenFile(path)
    with pytest.raises(ValueError, match="uint16 or uint32, not 'float32'"):
        TokenFile(path, "float32")


def test_ids_beyond_the_vocabulary_are_found_when_read_and_when_looked_for(tmp_path):
    write_tokens(tmp_path / "a.bin", [1, 2, 40, 3], 50)
    file = TokenFile(tmp_path / "a.bin", vocab_size=10)
    assert file[:2].tolist() == [1, 2]
    for read in (lambda: file[2], lambda: file[:], lambda: Batches(file, 1, 3).at(0)):
        with pytest.raises(ValueError, match=r"a\.bin holds token id 40, outside .* of 10"):
            read()
    with pytest.raises(ValueError, match=r"a\.bin: token id 40 at position 2 is outside"):
        file.check()
