"""The character tokenizer: round trips, the vocabulary, what it says about strangers."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transformer.tokenizers import CharTokenizer, Tokenizer, tokenizer_from_dict

# Any code points, lone surrogates included: a text may come from anywhere.
texts = st.text(alphabet=st.characters(), min_size=1)


@given(texts)
def test_decode_undoes_encode(text):
    tokenizer = CharTokenizer.from_text(text)
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text
    assert len(ids) == len(text)
    assert set(ids) == set(range(tokenizer.vocab_size))


@given(texts, texts)
def test_ids_are_ranks_of_the_sorted_characters(text, other):
    tokenizer = CharTokenizer.from_text(text)
    order = sorted(set(text))
    known = [c for c in other if c in order]
    assert tokenizer.encode("".join(known)) == [order.index(c) for c in known]


@given(texts, st.none() | st.characters())
def test_json_keeps_everything(text, unknown):
    tokenizer = CharTokenizer.from_text(text, unknown=unknown)
    again = tokenizer_from_dict(json.loads(json.dumps(tokenizer.to_dict())))
    assert again == tokenizer
    assert hash(again) == hash(tokenizer)
    assert again.encode(text) == tokenizer.encode(text)


@given(texts, texts)
def test_unknown_replaces_strangers_and_only_them(text, other):
    tokenizer = CharTokenizer.from_text(text, unknown="?")
    expected = "".join(c if c in text or c == "?" else "?" for c in other)
    assert tokenizer.decode(tokenizer.encode(other)) == expected


def test_unknown_for_one_call():
    tokenizer = CharTokenizer.from_text("abc")
    assert tokenizer.decode(tokenizer.encode("a-b", unknown="c")) == "acb"
    with pytest.raises(ValueError, match="at position 1"):
        tokenizer.encode("a-b")
    with pytest.raises(ValueError, match="replacement '!' is itself not in the vocabulary of 3"):
        tokenizer.encode("a-b", unknown="!")


def test_a_stranger_is_named_with_code_point_and_position():
    tokenizer = CharTokenizer.from_text("hello")
    with pytest.raises(ValueError) as error:
        tokenizer.encode("hell\N{EM DASH}o\N{EM DASH}")
    assert "'\N{EM DASH}' (U+2014) at position 4" in str(error.value)
    assert "4 characters" in str(error.value)
    assert "unknown=" in str(error.value)


@pytest.mark.parametrize("wrong", [-1, 3, 100])
def test_decode_names_an_id_outside_the_vocabulary(wrong):
    with pytest.raises(ValueError, match=rf"id {wrong} is outside .* 3 characters \(ids 0 to 2\)"):
        CharTokenizer.from_text("abc").decode([0, wrong])


@pytest.mark.parametrize(
    ("chars", "said"),
    [
        (["a", "bc"], "'bc' is not a single character"),
        (["a", ""], "'' is not a single character"),
        ("abca", r"'a' \(U\+0061\) stands twice"),
    ],
)
def test_the_vocabulary_is_distinct_single_characters(chars, said):
    with pytest.raises(ValueError, match=said):
        CharTokenizer(chars)


def test_from_text_refuses_no_text():
    with pytest.raises(ValueError, match="text is empty"):
        CharTokenizer.from_text("")


def test_unknown_must_be_in_the_vocabulary():
    with pytest.raises(ValueError, match=r"replacement '\?' is itself not in the vocabulary"):
        CharTokenizer("abc", unknown="?")


@pytest.mark.parametrize(
    "values", [{}, {"type": "bpe"}, {"type": "char"}, {"type": "char", "chars": "abc"}]
)
def test_from_dict_refuses_another_kind(values):
    with pytest.raises(ValueError, match=r"CharTokenizer\.from_dict: expected"):
        CharTokenizer.from_dict(values)


def test_the_table_names_the_kinds_it_knows():
    with pytest.raises(ValueError, match="unknown type 'morse'; known: char"):
        tokenizer_from_dict({"type": "morse"})


def test_it_is_a_tokenizer():
    assert isinstance(CharTokenizer("ab"), Tokenizer)
    assert not isinstance("ab", Tokenizer)
    assert CharTokenizer("ab") != "ab"
    assert repr(CharTokenizer("ab")) == "CharTokenizer(2 characters, unknown=None)"
