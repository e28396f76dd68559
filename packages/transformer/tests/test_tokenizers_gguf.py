"""GGUF's metadata as a tokenizer and back: kinds of tokens, what is added, what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transformer.tokenizers import (
    AddedToken,
    BPETokenizer,
    ByteTokenizer,
    CharTokenizer,
    SentencePieceTokenizer,
)
from transformer.tokenizers.byte_alphabet import printable
from transformer.tokenizers.gguf import gguf_fields, tokenizer_from_gguf
from transformer.tokenizers.gguf_patterns import IGNORES_MERGES, pattern_of
from transformer.tokenizers.patterns import words_of

TEXT = "the theme of these others; then 12345 thence. " * 4
texts = st.text(alphabet=st.characters()) | st.text(alphabet="the in 1234.\n<|end|>é")


def gpt2_fields(**more):
    """A byte-level vocabulary as a GGUF file has it, with three tokens beside the bytes."""
    tokens = ["<|end|>", *(printable(bytes([b])) for b in range(256)), "th", "the", "<tool>"]
    fields = {
        "model": "gpt2",
        "pre": "smollm",
        "tokens": tokens,
        "token_type": [3, *[1] * 258, 4],
        "merges": ["t h", "th e"],
        "eos_token_id": 0,
        "add_bos_token": False,
    }
    return {f"tokenizer.ggml.{name}": value for name, value in (fields | more).items()}


def llama_fields(**more):
    pieces = [("<unk>", 0.0, 2), ("<s>", 0.0, 3), ("</s>", 0.0, 3)]
    pieces += [(f"<0x{b:02X}>", 0.0, 6) for b in range(256)] + [("▁t", -1.0, 1), ("▁", -2.0, 1)]
    pieces += [("t", -3.0, 1), ("[X]", 0.0, 4), ("<|im_end|>", 0.0, 3)]
    names = ("tokens", "scores", "token_type")
    columns = dict(zip(names, map(list, zip(*pieces, strict=True)), strict=True))
    fields = {"model": "llama", **columns, **more}
    return {f"tokenizer.ggml.{name}": value for name, value in fields.items()}


def test_a_byte_level_vocabulary():
    tokenizer = tokenizer_from_gguf(gpt2_fields())  # the byte b is the token 1 + b
    assert tokenizer.encode("the<|end|>12<tool>") == [258, 0, 1 + ord("1"), 1 + ord("2"), 259]
    assert tokenizer.encode("<|end|>", parse_special=False) == [1 + byte for byte in b"<|end|>"]
    assert tokenizer.encode("<tool>", parse_special=False) == [259]  # user-defined: always
    assert (tokenizer.special_tokens, tokenizer.stop_ids) == ({"<|end|>": 0}, {0})


def test_a_token_that_ends_a_turn_is_special_whatever_its_kind():
    tokenizer = tokenizer_from_gguf(gpt2_fields(eot_token_id=259))
    assert tokenizer.special_tokens == {"<|end|>": 0, "<tool>": 259}
    assert tokenizer.stop_ids == {0, 259}


@pytest.mark.parametrize(
    ("more", "around"),
    [
        ({"bos_token_id": 0}, ([], [])),
        ({"bos_token_id": 0, "add_bos_token": True}, ([0], [])),
        ({"bos_token_id": 0, "add_bos_token": None, "pre": "llama-bpe"}, ([0], [])),
        ({"bos_token_id": 0, "add_bos_token": None, "pre": "gpt-2"}, ([], [])),
        ({"add_eos_token": True}, ([], [0])),
    ],
)
def test_what_is_added_around_a_text(more, around):
    fields = {k: v for k, v in gpt2_fields(**more).items() if v is not None}
    ids = tokenizer_from_gguf(fields).encode("the", add_special=True)
    assert ids == [*around[0], 258, *around[1]]


def test_a_sentencepiece_vocabulary():
    tokenizer = tokenizer_from_gguf(llama_fields())
    assert tokenizer.encode("t[X]t", add_special=True) == [1, 259, 262, 261]
    assert tokenizer.encode("é", add_special=True) == [1, 260, 3 + 0xC3, 3 + 0xA9]
    assert (tokenizer.bos_id, tokenizer.eos_id, tokenizer.stop_ids) == (1, 2, {2, 263})
    bare = tokenizer_from_gguf(llama_fields(add_space_prefix=False, add_bos_token=False))
    assert bare.encode("t", add_special=True) == [261]


@given(texts)
def test_vocabularies_trained_here_come_back(text):
    for pattern in ("gpt2", "llama3", "qwen2", "o200k", "smollm"):
        trained = _TRAINED[pattern]
        again = tokenizer_from_gguf(gguf_fields(trained))
        assert again.encode(text, add_special=True) == trained.encode(text, add_special=True)
        assert again == trained


def _trained(pattern):
    plain = BPETokenizer.train(TEXT, 290, pattern, ["<|end|>", "<|start|>"])
    added = [AddedToken("<tool>", 300, special=False), *plain.added_tokens]
    return BPETokenizer(
        plain.vocab | {f"[PAD{i}]".encode(): i for i in range(plain.vocab_size, 300)},
        plain.merges,
        pattern,
        added_tokens=added,
        bos="<|start|>",
        eos="<|end|>",
        before=[plain.special_tokens["<|start|>"]],
        chat_template="{{ messages }}",
        ignore_merges=pattern == "llama3",
    )


_TRAINED = {name: _trained(name) for name in ("gpt2", "llama3", "qwen2", "o200k", "smollm")}


@given(texts)
def test_other_tokenizers_come_back(text):
    pieces = tokenizer_from_gguf(llama_fields(add_eos_token=True, eot_token_id=262))
    assert tokenizer_from_gguf(gguf_fields(pieces)) == pieces
    spaces = SentencePieceTokenizer(
        [(t.replace("▁", " "), s, k) for t, s, k in pieces.pieces], space=" ", bos_id=1, eos_id=2
    )
    plain = text.replace("▁", "")
    assert tokenizer_from_gguf(gguf_fields(spaces)).encode(plain) == spaces.encode(plain)
    in_bytes = tokenizer_from_gguf(gguf_fields(ByteTokenizer()))
    assert in_bytes.encode(text) == ByteTokenizer().encode(text)
    ranks = BPETokenizer(_TRAINED["gpt2"].vocab, None, ignore_merges=False)
    assert tokenizer_from_gguf(gguf_fields(ranks)).encode(text) == ranks.encode(text)


@pytest.mark.parametrize(
    ("pre", "text", "words"),
    [
        ("default", "a1234 b, c", ["a", "123", "4", " b", ",", " c"]),
        ("falcon", "x=12345", ["x", "=", "123", "45"]),
        ("tekken", "HelloWorld 12", ["Hello", "World", " ", "1", "2"]),
        ("deepseek-v3", "x12345漢字 y", ["x", "123", "45", "漢字", " y"]),
        ("deepseek-coder", "a\n1b", ["a", "\n", "1", "b"]),
        ("viking", "ab 12, c", ["ab", " ", "1", "2", ",", " c"]),
        ("qwen35", "a\u0301b 12", ["a\u0301b", " ", "1", "2"]),
    ],
)
def test_where_words_are_cut(pre, text, words):
    assert list(words_of(pattern_of(pre))(text)) == words


def test_names_that_ignore_merges_are_names():
    assert {"llama-bpe", "tekken"} <= IGNORES_MERGES
    assert all(pattern_of(name) for name in IGNORES_MERGES)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (gpt2_fields(pre="gpt-7"), "'gpt-7', and where such .* known: .*llama-bpe.*smollm"),
        (gpt2_fields(model="bert"), "of the kind 'bert'"),
        ({}, "of the kind None"),
        (gpt2_fields(tokens=[]), "no tokenizer.ggml.tokens"),
        (gpt2_fields(token_type=[1]), "260 tokens, but 1 entries"),
        (gpt2_fields(merges=["th"]), "'th' is no merge"),
        (gpt2_fields(merges=["t zz"]), "zz"),
        (gpt2_fields(tokens=["a", "a"], token_type=[1, 1], eos_token_id=None), "stands twice"),
        (llama_fields(scores=[0.0]), "264 tokens needs as many tokenizer.ggml.scores, not 1"),
    ],
)
def test_metadata_that_cannot_be_is_refused(fields, words):
    with pytest.raises(ValueError, match=words):
        tokenizer_from_gguf(fields)


def test_a_vocabulary_without_merges_is_refused():
    fields = gpt2_fields()
    del fields["tokenizer.ggml.merges"]
    with pytest.raises(ValueError, match=r"needs tokenizer\.ggml\.merges"):
        tokenizer_from_gguf(fields)


def test_what_gguf_cannot_say_is_refused():
    trained = BPETokenizer.train(TEXT, 260)
    with pytest.raises(ValueError, match="none for the patterns"):
        gguf_fields(BPETokenizer(trained.vocab, trained.merges, r"\S+|\s+"))
    with pytest.raises(ValueError, match="stand beside every text"):
        gguf_fields(BPETokenizer(trained.vocab, trained.merges, after=[7]))
    with pytest.raises(ValueError, match="normalised to NFKC"):
        gguf_fields(BPETokenizer(trained.vocab, trained.merges, normalizer="NFKC"))
    with pytest.raises(TypeError, match="no vocabulary for a CharTokenizer"):
        gguf_fields(CharTokenizer("ab"))
    suffix = SentencePieceTokenizer([("<unk>", 0, 2)], whitespace_suffix=True)
    with pytest.raises(ValueError, match="space follows a word"):
        gguf_fields(suffix)
