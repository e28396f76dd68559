"""Text in pieces: no character, separator or token is cut that should not be."""

import io
import tracemalloc
from itertools import chain

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from transformer import BPETokenizer, CharTokenizer, load_text
from transformer.data.files import TextFiles
from transformer.data.stream import Reading, documents, encoded, recut
from transformer.tokenizers import PATTERNS, ByteTokenizer
from transformer.tokenizers.patterns import words_of

END = "<|end|>"
CORPUS = load_text("python-reference")
LEARNED = {
    name: BPETokenizer.train(CORPUS[:60_000], 600, name, [END], eos=END) for name in PATTERNS
}
# Letters, digits, marks, quotes and all kinds of white space: what patterns treat differently.
NASTY = "abLs1 7\n\r\t'_.;/{}-\u3000\u00a0語é\u0301ß🙂\u2028" + END


def pieces(text: str, sizes: "list[int]") -> "list[str]":
    """The text in pieces of these sizes, again and again."""
    found, at = [], 0
    while at < len(text):
        size = sizes[len(found) % len(sizes)]
        found.append(text[at : at + size])
        at += size
    return found


SIZES = st.lists(st.integers(1, 400), min_size=1, max_size=4)
TEXTS = st.lists(st.text(NASTY, max_size=30) | st.sampled_from(CORPUS[:9000].split("\n")))


@given(TEXTS, SIZES, st.sampled_from(sorted(PATTERNS)), st.integers(1, 300))
@settings(max_examples=300, deadline=None)
def test_bpe_in_pieces_gives_the_ids_of_the_whole(lines, sizes, name, size):
    text, tokenizer = "\n".join(lines), LEARNED[name]
    ids = chain.from_iterable(encoded(pieces(text, sizes), tokenizer, size=size))
    assert list(ids) == tokenizer.encode(text, parse_special=False)


@pytest.mark.parametrize("name", sorted(PATTERNS))
@pytest.mark.parametrize("size", [200, 5000])
def test_a_real_text_in_pieces_gives_the_ids_of_the_whole(name, size):
    tokenizer, text = LEARNED[name], CORPUS[: 60 * size][:100_000]
    parts = list(encoded(pieces(text, [999, 17]), tokenizer, size=size))
    assert len(parts) > len(text) / size / 20, "it was cut"
    assert list(chain.from_iterable(parts)) == tokenizer.encode(text, parse_special=False)


@given(TEXTS, SIZES, st.sampled_from([CharTokenizer(sorted({*NASTY, *CORPUS})), ByteTokenizer()]))
def test_characters_and_bytes_are_cut_anywhere(lines, sizes, tokenizer):
    text = "\n".join(lines)
    parts = list(encoded(pieces(text, sizes), tokenizer, size=10))
    assert list(chain.from_iterable(parts)) == tokenizer.encode(text)
    assert all(len(tokenizer.decode(part)) <= 10 + max(sizes) for part in parts)


class Prefixed:
    """Writes a space before every text, as SentencePiece's tokenizers do; tokens are words."""

    vocab_size = 1 << 16

    def encode(self, text: str, *, add_special: bool, parse_special: bool) -> "list[str]":
        words = (" " + text).split(" ")
        return words[1:]


@given(TEXTS, SIZES, st.integers(1, 300))
def test_a_tokenizer_that_begins_every_text_with_a_space(lines, sizes, size):
    text = "\n".join(lines)
    parts = encoded(pieces(text, sizes), Prefixed(), size=size)
    assert list(chain.from_iterable(parts)) == text.split(" ") * bool(text)


def test_where_there_is_no_place_to_cut_the_document_is_held_whole():
    tokenizer, text = LEARNED["gpt2"], "x" * 5000
    assert list(encoded(pieces(text, [100]), tokenizer, size=100)) == [tokenizer.encode(text)]


@given(st.text("ab<|en d>", max_size=80), SIZES)
@example("a" + END + END + "b" + END, [1])
def test_documents_end_at_the_separator_wherever_it_is_cut(text, sizes):
    text = text.replace("b", END)
    found, now = [], ""
    for piece in documents(pieces(text, sizes), END):
        if piece is None:
            found.append(now)
            now = ""
        else:
            assert piece != ""
            now += piece
    assert now == ""
    wanted = text.split(END)
    assert found == (wanted if wanted[-1] else wanted[:-1])


@given(TEXTS, SIZES)
def test_a_document_ends_in_its_separators_id(lines, sizes):
    text, tokenizer = END.join(lines), LEARNED["gpt4"]
    parts = encoded(documents(pieces(text, sizes), END), tokenizer, tokenizer.eos_id, size=100)
    whole = tokenizer.encode(text)  # here the text of the special token is parsed
    if text and not text.endswith(END):
        whole.append(tokenizer.eos_id)
    assert list(chain.from_iterable(parts)) == whole


def test_other_special_tokens_in_a_text_are_text():
    tokenizer = BPETokenizer.train("", 258, special_tokens=[END, "<|im_start|>"])
    (ids,) = encoded(["<|im_start|>"], tokenizer)
    assert len(ids) == 12 and tokenizer.decode(ids) == "<|im_start|>"


@given(TEXTS, st.integers(150, 400))
def test_a_tokenizer_learns_the_same_from_pieces(lines, size):
    text = "\n".join(lines)
    for name in ("gpt2", "o200k"):
        cut = recut(pieces(text, [50]), words_of(name), size)
        words = chain.from_iterable(map(words_of(name), cut))
        assert list(words) == list(words_of(name)(text))


@given(st.text(NASTY), st.integers(1, 9))
def test_no_character_is_cut_in_reading(text, piece):
    reading = Reading("a.txt")
    assert "".join(reading.text(io.BytesIO(text.encode()), piece)) == text
    assert (reading.bytes, reading.characters) == (len(text.encode()), len(text))


@given(st.text(NASTY, max_size=20), st.text(NASTY, max_size=20), st.integers(1, 9))
@example("ab", "", 1)
def test_what_is_not_utf8_is_named_with_its_place(before, after, piece):
    raw = before.encode() + b"\xff" + after.encode()
    with pytest.raises(ValueError) as error:
        list(Reading("a.txt").text(io.BytesIO(raw), piece))
    place = len(before.encode())
    assert f"a.txt is not UTF-8: byte 0xff at offset {place};" in str(error.value)


def test_half_a_character_at_the_end():
    with pytest.raises(ValueError, match="byte 0xe8 at offset 2"):
        list(Reading("a.txt").text(io.BytesIO("ab語".encode()[:-1]), 2))


@pytest.mark.parametrize("tokenizer", [ByteTokenizer(), LEARNED["gpt2"]])
def test_a_file_is_held_a_piece_at_a_time(tmp_path, tokenizer):
    path = tmp_path / "long.txt"
    line = "the quick brown fox jumps over the lazy dog 12345\n"
    path.write_text(line * 40_000)  # 2 MB
    tokenizer.encode(line)
    tracemalloc.start()
    files = TextFiles([path], piece=1 << 14)
    count = sum(map(len, encoded(files.pieces(), tokenizer, size=1 << 14)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert files.read == path.stat().st_size == 2_000_000
    assert count > 250_000
    assert peak < 1_000_000, "half of the text alone"
