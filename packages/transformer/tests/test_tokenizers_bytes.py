"""Bytes as tokens, text as bytes: every string comes back, and half characters are marked."""

import codecs
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transformer import ByteTokenizer, CharTokenizer
from transformer.tokenizers import Tokenizer, tokenizer_from_dict
from transformer.tokenizers.byte_alphabet import ALPHABET, BYTE_ORDER, from_printable, printable
from transformer.tokenizers.utf8 import to_bytes, to_text

texts = st.text(alphabet=st.characters())  # lone surrogates included


@given(texts)
def test_decode_undoes_encode(text):
    tokenizer = ByteTokenizer()
    ids = tokenizer.encode(text, add_special=True, parse_special=False)
    assert tokenizer.decode(ids, skip_special=True) == text
    assert bytes(ids) == tokenizer.decode_bytes(ids) == text.encode("utf-8", "surrogatepass")


@given(st.binary())
def test_any_bytes_decode_as_python_replaces_but_for_surrogates(data):
    text = to_text(data)
    if not any("\ud800" <= char <= "\udfff" for char in text):
        assert text == data.decode("utf-8", "replace")
    else:
        assert b"\xed" in data


@given(texts, st.integers(0, 20))
def test_pieces_of_a_text_join_to_its_bytes(text, cut):
    tokenizer = ByteTokenizer()
    ids = tokenizer.encode(text)
    parts = tokenizer.decode_bytes(ids[:cut]), tokenizer.decode_bytes(ids[cut:])
    assert b"".join(parts) == to_bytes(text)


def test_a_stream_of_tokens_decodes_at_the_boundaries_of_characters():
    tokenizer, reader = ByteTokenizer(), codecs.getincrementaldecoder("utf-8")("replace")
    pieces = [reader.decode(tokenizer.decode_bytes([i])) for i in tokenizer.encode("aé語👍")]
    assert pieces == ["a", "", "é", "", "", "語", "", "", "", "👍"]


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"a\xff\xfeb", "a\ufffd\ufffdb"),
        (b"\xe8\xaa", "\ufffd"),
        (b"\xe8\xaaa", "\ufffda"),
        (b"\xed\xa0\x80\xed\xb0\x80", "\ud800\udc00"),
        (b"\xed\xa0", "\ufffd\ufffd"),
        (b"\xc0\x80", "\ufffd\ufffd"),
    ],
)
def test_what_is_no_utf8(data, text):
    assert to_text(data) == text


@pytest.mark.parametrize("wrong", [-1, 256, 10**9])
def test_an_id_that_is_no_byte_is_named(wrong):
    with pytest.raises(ValueError, match=rf"id {wrong} is no byte \(ids 0 to 255\)"):
        ByteTokenizer().decode([65, wrong])


def test_json_keeps_it():
    again = tokenizer_from_dict(json.loads(json.dumps(ByteTokenizer().to_dict())))
    assert again == ByteTokenizer()
    assert hash(again) == hash(ByteTokenizer())
    assert again != CharTokenizer("ab")
    assert repr(again) == "ByteTokenizer()"
    with pytest.raises(ValueError, match="expected type 'bytes', got 'char'"):
        ByteTokenizer.from_dict({"type": "char"})


@pytest.mark.parametrize("tokenizer", [ByteTokenizer(), CharTokenizer("abc")])
def test_tokenizers_without_special_tokens_say_so(tokenizer):
    assert isinstance(tokenizer, Tokenizer)
    assert tokenizer.special_tokens == {}
    assert (tokenizer.bos_id, tokenizer.eos_id, tokenizer.chat_template) == (None, None, None)
    assert tokenizer.stop_ids == frozenset()
    assert tokenizer.encode("abc", add_special=True) == tokenizer.encode("abc")
    assert tokenizer.decode_bytes(tokenizer.encode("abc")) == b"abc"


@given(st.binary())
def test_printable_characters_stand_for_bytes(data):
    assert from_printable(printable(data)) == data
    assert printable(data).isprintable()
    assert not set(printable(data)) & set(" \t\r\n")


def test_the_order_of_the_first_ids_is_the_order_of_the_characters():
    assert [*map(printable, (bytes([b]) for b in BYTE_ORDER))] == sorted(ALPHABET)
    assert sorted(BYTE_ORDER) == [*range(256)]
    assert from_printable("<a b>") == b"<a b>"  # a space stands for no byte
    assert from_printable("語") == "語".encode()
