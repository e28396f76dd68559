"""Rank files: merging by rank beside the plainest algorithm, and what a file must not hold."""

import base64
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transformer.tokenizers import BPETokenizer
from transformer.tokenizers.load import load_tokenizer
from transformer.tokenizers.tiktoken import ENCODINGS, load_tiktoken, read_ranks, save_tiktoken

TOKENS = [bytes([b]) for b in range(256)] + [b"th", b"he", b"the", b" t", b" the", b"aa", b"aaaa"]
RANKS = {token: i for i, token in enumerate(TOKENS)}


def write(path, ranks):
    lines = (base64.b64encode(token) + b" %d" % i for token, i in ranks.items())
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def by_rank(word):
    """Merge the pair of the lowest rank, looking at all of them again each time."""
    parts = [bytes([byte]) for byte in word]
    while True:
        pairs = [a + b for a, b in pairwise(parts)]
        known = [(RANKS[pair], at) for at, pair in enumerate(pairs) if pair in RANKS]
        if not known:
            return [RANKS[part] for part in parts]
        at = min(known)[1]
        parts[at : at + 2] = [pairs[at]]


@given(st.text(alphabet="the a漢\n") | st.text(alphabet=st.characters()))
def test_words_are_merged_by_rank(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "mine.tiktoken"
    tokenizer = load_tiktoken(path if path.exists() else write(path, RANKS), pattern=r"(?s:.+)")
    word = text.encode("utf-8", "surrogatepass")
    expected = [RANKS[word]] if word in RANKS else by_rank(word)
    assert tokenizer.encode(text) == expected
    assert tokenizer.decode(expected) == text


@pytest.mark.parametrize("name", ENCODINGS)
def test_an_encoding_is_known_by_the_name_of_its_file(tmp_path, name):
    path = write(tmp_path / f"{name}.tiktoken", RANKS)
    tokenizer, (pattern, specials) = load_tokenizer(path), ENCODINGS[name]
    assert tokenizer == BPETokenizer(RANKS, None, pattern, specials, eos="<|endoftext|>")
    assert tokenizer.encode("the<|endoftext|>")[-1] == tokenizer.eos_id == min(specials.values())
    assert load_tiktoken(path, special_tokens={}).special_tokens == {}


def test_a_file_comes_back_as_it_was_saved(tmp_path):
    trained = BPETokenizer.train("the theme of these others then " * 3, 300)
    save_tiktoken(trained, tmp_path / "r50k_base.tiktoken")
    assert read_ranks(tmp_path / "r50k_base.tiktoken") == trained.vocab
    loaded = load_tiktoken(tmp_path / "r50k_base.tiktoken")
    assert loaded.encode("these others") == trained.encode("these others")


def test_merges_in_another_order_than_ids_are_refused(tmp_path):
    vocab = {bytes([b]): b for b in range(256)} | {b"ab": 257, b"bc": 256}
    tokenizer = BPETokenizer(vocab, [(b"a", b"b"), (b"b", b"c")])
    with pytest.raises(ValueError, match="not in the order of its merges"):
        save_tiktoken(tokenizer, tmp_path / "t.tiktoken")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("YQ== 0\nYQ== 1\n", r"line 2: the token b'a' stands there twice"),
        ("YQ== 0\nYg== 0\n", "2 tokens share 1 ranks"),
        ("YQ== 0\nYg==\n", "line 2: b'Yg==' is not a token"),
        ("YQ== 0\n*** 1\n", "line 2"),
        ("YQ== zero\n", "line 1"),
        ("\n", "is empty"),
    ],
)
def test_a_damaged_file_is_refused_with_its_line(tmp_path, content, words):
    (tmp_path / "t.tiktoken").write_text(content)
    with pytest.raises(ValueError, match=words):
        load_tiktoken(tmp_path / "t.tiktoken", "gpt2")


def test_an_unknown_encoding_is_refused(tmp_path):
    path = write(tmp_path / "mine.tiktoken", RANKS)
    with pytest.raises(ValueError, match=r"'mine' is no encoding known here .*cl100k_base"):
        load_tiktoken(path)
    with pytest.raises(ValueError, match="'cl99' is no encoding"):
        load_tiktoken(path, "cl99", pattern="gpt4")
