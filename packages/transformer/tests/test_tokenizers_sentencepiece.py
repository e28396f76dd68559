"""SentencePiece: joining beside the plainest algorithm, files byte by byte, what it refuses."""

import json
import struct
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transformer.tokenizers import SentencePieceTokenizer, Tokenizer, tokenizer_from_dict
from transformer.tokenizers.llama2c import load_llama2c_tokenizer, save_llama2c_tokenizer
from transformer.tokenizers.load import load_tokenizer
from transformer.tokenizers.model_file import load_sentencepiece, save_sentencepiece
from transformer.tokenizers.pieces import join_pairs

BYTES = [(f"<0x{byte:02X}>", 0.0, 6) for byte in range(256)]
HEAD = [("<unk>", 0.0, 2), ("<s>", 0.0, 3), ("</s>", 0.0, 3), *BYTES]
WORDS = [
    (text, -float(i), 1)
    for i, text in enumerate(
        ["▁t", "he", "▁the", "in", "▁a", "th", "▁", "t", "h", "e", "a", "i", "n", "▁▁", "é", "ha"]
    )
]
texts = st.text(alphabet=st.characters()) | st.text(alphabet="thein a\n<s>é▁", max_size=30)


def built(**options):
    return SentencePieceTokenizer([*HEAD, *WORDS], bos_id=1, eos_id=2, **options)


def plainest(word, scores):
    """Join the best pair, looking at all of them again each time."""
    symbols = list(word)
    while True:
        pairs = [a + b for a, b in pairwise(symbols)]
        known = [(-scores[pair], at) for at, pair in enumerate(pairs) if pair in scores]
        if not known:
            return symbols
        at = min(known)[1]
        symbols[at : at + 2] = [pairs[at]]


@given(
    st.text(alphabet="abc", max_size=40),
    st.dictionaries(st.text(alphabet="abc", min_size=2, max_size=4), st.integers(-4, 0).map(float)),
)
@settings(max_examples=300)
def test_pairs_join_as_in_the_plainest_algorithm(word, scores):
    assert join_pairs(word, scores) == plainest(word, scores)


@given(texts)
def test_decode_undoes_encode_with_bytes(text):
    tokenizer = built()
    ids = tokenizer.encode(text, parse_special=False)
    assert tokenizer.decode(ids) == text.replace("▁", " ")
    assert tokenizer.decode(tokenizer.encode(text)) == text.replace("▁", " ")


@given(texts)
def test_words_one_by_one_are_the_whole_text_at_once(text):
    tokenizer = built()
    whole = "▁" + text.replace(" ", "▁") if text else ""
    symbols = plainest(whole, {piece.text: piece.score for piece in tokenizer.pieces[259:]})
    expected = []
    for symbol in symbols:
        known = next((259 + i for i, word in enumerate(WORDS) if word[0] == symbol), None)
        as_bytes = [3 + byte for byte in symbol.encode("utf-8", "surrogatepass")]
        expected += as_bytes if known is None else [known]
    assert tokenizer.encode(text, parse_special=False) == expected


def test_a_piece_with_a_space_inside_is_found():
    tokenizer = SentencePieceTokenizer([("<unk>", 0, 2), ("a▁b", -1), ("a▁", -2), ("a",), ("b",)])
    assert tokenizer.encode("ab a b")[-1] == 1


@given(texts)
def test_json_keeps_everything(text):
    tokenizer = built(add_eos=True, stop_ids=[260], chat_template="{{ x }}")
    again = tokenizer_from_dict(json.loads(json.dumps(tokenizer.to_dict())))
    assert isinstance(again, Tokenizer)
    assert again == tokenizer and hash(again) == hash(tokenizer)
    assert again.encode(text) == tokenizer.encode(text)
    assert again.stop_ids == {2, 260}


def test_special_tokens_only_where_they_are_parsed():
    tokenizer = built(add_eos=True)
    the = tokenizer.encode("the", parse_special=False)
    assert tokenizer.encode("the</s>the") == [*the, 2, *the]
    assert 2 not in tokenizer.encode("the</s>the", parse_special=False)
    assert tokenizer.encode("the", add_special=True) == [1, *the, 2]
    assert tokenizer.decode([1, *the, 2, *the]) == "<s>the</s>the"
    assert tokenizer.decode([1, *the, 2, *the], skip_special=True) == "the the"


def test_strangers_without_bytes_are_one_unknown_token():
    tokenizer = SentencePieceTokenizer([("<unk>", 0, 2), ("a",), ("▁",)])
    assert tokenizer.encode("a漢字 字a") == [2, 1, 0, 2, 0, 1]
    assert tokenizer.decode([2, 1, 0]) == "a \u2047 "


def test_user_defined_pieces_are_never_joined_and_unused_ones_taken_apart():
    pieces = [("<unk>", 0, 2), ("xy", 0, 4), ("xyz", 0, 4), ("a",), ("b",), ("x",), ("ya",), ("z",)]
    tokenizer = SentencePieceTokenizer(pieces, add_dummy_prefix=False)
    assert tokenizer.encode("axyazxyz") == [3, 1, 3, 7, 2]
    pieces = [("<unk>", 0, 2), ("a",), ("b",), ("ab", -1, 5), ("abb", -2, 1)]
    tokenizer = SentencePieceTokenizer(pieces, add_dummy_prefix=False)
    assert tokenizer.encode("ab") == [1, 2]
    assert tokenizer.encode("abb") == [4]


def test_user_defined_pieces_may_begin_a_new_stretch():
    pieces = [("<unk>", 0, 2), ("[X]", 0, 4), ("▁a", 0, 1), ("▁", 0, 1), ("a", 0, 1)]
    together = SentencePieceTokenizer(pieces)
    apart = SentencePieceTokenizer(pieces, user_defined_apart=True)
    assert together.encode("a[X]a") == [2, 1, 4]
    assert apart.encode("a[X]a") == apart.encode("a[X]a", parse_special=False) == [2, 1, 2]
    assert together.decode([2, 1, 4]) == apart.decode([2, 1, 2]) == "a[X]a"


def test_extra_spaces_are_removed_when_asked():
    tokenizer = built(remove_extra_whitespaces=True)
    assert tokenizer.encode("  the   a ") == tokenizer.encode("the a")
    assert tokenizer.decode(tokenizer.encode("  the   a ")) == "the a"
    assert tokenizer.encode("   ") == []


@pytest.mark.parametrize(
    ("pieces", "options", "words"),
    [
        ([("a",)], {}, "neither byte pieces nor an unknown piece"),
        ([("<unk>", 0, 2), ("a",), ("a",)], {}, "'a' stands twice, at 1 and 2"),
        ([("<unk>", 0, 2), ("",)], {}, "piece 1 is empty"),
        (BYTES[:200], {}, "56 of the 256 byte pieces"),
        ([("<unk>", 0, 2), ("<0xZZ>", 0, 6)], {}, "none of <0x00> to <0xFF>"),
        ([("<unk>", 0, 2)], {"eos_id": 7}, "eos_id 7 is outside the 1 pieces"),
    ],
)
def test_a_vocabulary_that_cannot_be_is_refused(pieces, options, words):
    with pytest.raises(ValueError, match=words):
        SentencePieceTokenizer(pieces, **options)


def test_an_id_outside_is_refused():
    with pytest.raises(ValueError, match="id 275 is outside the vocabulary of 275 pieces"):
        built().decode([275])


def test_a_model_file_written_by_hand(tmp_path):
    def field(number, body):
        return bytes([number << 3 | 2, len(body)]) + body

    def piece(text, score, kind):
        body = field(1, text.encode()) + b"\x15" + struct.pack("<f", score)
        return field(1, body + (b"" if kind == 1 else bytes([0x18, kind])))

    data = piece("<unk>", 0, 2) + piece("▁a", -1.5, 1) + piece("</s>", 0, 3)
    data += field(2, b"\x18\x02" + b"\xc8\x02" + b"\xff" * 9 + b"\x01")  # bpe, bos_id -1
    data += field(3, b"\x18\x00")  # no dummy prefix; extra spaces go, by default
    data += field(9, b"a field of later versions")
    (tmp_path / "tiny.model").write_bytes(data)
    tokenizer = load_tokenizer(tmp_path / "tiny.model")
    assert tokenizer.pieces == (("<unk>", 0.0, 2), ("▁a", -1.5, 1), ("</s>", 0.0, 3))
    assert (tokenizer.bos_id, tokenizer.eos_id) == (None, 2)
    assert not tokenizer.add_dummy_prefix and tokenizer.remove_extra_whitespaces


def test_a_model_file_keeps_everything_and_notices_damage(tmp_path):
    file, tokenizer = tmp_path / "t.model", built(whitespace_suffix=True, unknown_surface="?")
    save_sentencepiece(tokenizer, file)
    assert load_sentencepiece(file) == tokenizer
    whole = file.read_bytes()
    for end in range(0, len(whole) - 1, 97):
        file.write_bytes(whole[:end])
        with pytest.raises(ValueError, match=r"t\.model"):
            load_sentencepiece(file)


@pytest.mark.parametrize(
    ("tail", "words"),
    [
        (b"\x12\x02\x18\x01", "type 'unigram'"),
        (b"\x12\x02\x18\x02\x1a\x0d\x0a\x08nmt_nfkc\x12\x01x", "normalisation 'nmt_nfkc'"),
        (b"\x12\x02\x18\x02\x1a\x02\x28\x00", "escape_whitespaces=false"),
    ],
)
def test_models_of_other_kinds_are_refused(tmp_path, tail, words):
    (tmp_path / "m.model").write_bytes(b"\x0a\x09\x0a\x05<unk>\x18\x02" + tail)
    with pytest.raises(ValueError, match=words):
        load_sentencepiece(tmp_path / "m.model")


def c_program(text, vocab, scores):
    """What ``encode`` of llama2.c's run.c does, step by step."""
    number = {token: i for i, token in enumerate(vocab)}
    ids = [number[" "]] if text else []
    for char in text:
        as_bytes = [3 + byte for byte in char.encode("utf-8", "surrogatepass")]
        ids += [number[char]] if char in number else as_bytes
    while True:
        best, at = -1e10, -1
        for i in range(len(ids) - 1):
            joined = number.get(vocab[ids[i]] + vocab[ids[i + 1]])
            if joined is not None and scores[joined] > best:
                best, at, new = scores[joined], i, joined
        if at < 0:
            return ids
        ids[at : at + 2] = [new]


def write_llama2c(path, vocab, scores):
    out = struct.pack("<i", max(len(token.encode()) for token in vocab))
    for token, score in zip(vocab, scores, strict=True):
        out += struct.pack("<fi", score, len(token.encode())) + token.encode()
    path.write_bytes(out)
    return out


def llama2c_vocab():
    vocab = ["<unk>", "\n<s>\n", "\n</s>\n", *(text for text, _, _ in BYTES)]
    vocab += [text.replace("▁", " ") for text, _, _ in WORDS]
    return vocab, [0.0] * 259 + [score for _, score, _ in WORDS]


@given(texts)
@settings(max_examples=60)
def test_llama2c_files_give_the_ids_of_the_c_program(text):
    vocab, scores = llama2c_vocab()
    tokenizer = SentencePieceTokenizer(
        [*HEAD, *((t.replace("▁", " "), s, 1) for t, s, _ in WORDS)], space=" ", bos_id=1, eos_id=2
    )
    assert tokenizer.encode(text, parse_special=False) == c_program(text, vocab, scores)
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_llama2c_files_are_read_and_written(tmp_path):
    vocab, scores = llama2c_vocab()
    written = write_llama2c(tmp_path / "tok.bin", vocab, scores)
    tokenizer = load_tokenizer(tmp_path / "tok.bin")
    assert tokenizer.encode("the in", add_special=True) == [1, *c_program("the in", vocab, scores)]
    assert tokenizer.special_tokens == {"<s>": 1, "</s>": 2}
    save_llama2c_tokenizer(tokenizer, tmp_path / "again.bin")
    assert (tmp_path / "again.bin").read_bytes() == written
    save_llama2c_tokenizer(built(), tmp_path / "pieces.bin")
    assert (tmp_path / "pieces.bin").read_bytes() == written
    for end in range(0, len(written) - 1, 53):
        (tmp_path / "cut.bin").write_bytes(written[:end])
        try:
            shorter = load_llama2c_tokenizer(tmp_path / "cut.bin")
        except ValueError as error:
            assert "not a llama2.c tokenizer.bin" in str(error)
        else:  # cut between two pieces, which the format cannot show
            assert shorter.pieces == tokenizer.pieces[: shorter.vocab_size]


def test_what_llama2c_cannot_say_is_refused(tmp_path):
    with pytest.raises(ValueError, match="add_dummy_prefix=False"):
        save_llama2c_tokenizer(built(add_dummy_prefix=False), tmp_path / "t.bin")
    with pytest.raises(ValueError, match="piece 1 is another"):
        save_llama2c_tokenizer(SentencePieceTokenizer([("<unk>", 0, 2), ("a",)]), tmp_path / "t")
