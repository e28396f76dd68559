"""Byte-level BPE: any text comes back, words merge by rank, special tokens stay out of the way."""

import json
import pickle
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transformer import BPETokenizer, load_text
from transformer.tokenizers import AddedToken, Tokenizer, tokenizer_from_dict
from transformer.tokenizers.merging import NEVER, Merger, WordCache, merge_long, merge_short

texts = st.text(alphabet=st.characters()) | st.text(alphabet="aeth' \n1<|end>")
SPECIAL = ["<|end|>", "<|im_end|>", "<|pad|>"]
TRAINED = {
    name: BPETokenizer.train(load_text()[:20_000], 400, name, SPECIAL, eos="<|end|>")
    for name in ("gpt2", "gpt4", "o200k", "smollm")
}
TRAINED["ranks"] = BPETokenizer(TRAINED["gpt4"].vocab, None, "gpt4", {"<|end|>": 397})
each = pytest.mark.parametrize("tokenizer", TRAINED.values(), ids=TRAINED)


@each
@given(text=texts, parse=st.booleans())
def test_decode_undoes_encode(tokenizer, text, parse):
    ids = tokenizer.encode(text, parse_special=parse)
    assert tokenizer.decode(ids) == text
    assert tokenizer.decode_bytes(ids) == text.encode("utf-8", "surrogatepass")
    assert all(0 <= i < tokenizer.vocab_size for i in ids)
    assert tokenizer.encode(text, parse_special=parse) == ids  # now from the cache


@given(st.lists(st.text(alphabet="etha ") | st.sampled_from(SPECIAL), max_size=6))
def test_special_tokens_are_found_between_the_words(parts):
    tokenizer = TRAINED["gpt2"]
    ids = tokenizer.encode("".join(parts))
    special = {i: name for name, i in tokenizer.special_tokens.items()}
    assert [special[i] for i in ids if i in special] == [p for p in parts if p in SPECIAL]
    assert tokenizer.decode(ids, skip_special=True) == "".join(p for p in parts if p not in SPECIAL)
    plain = tokenizer.encode("".join(parts), parse_special=False)
    assert not special.keys() & set(plain)


def lowest_rank_first(word, ranks):
    """The definition, in the plainest words: merge the leftmost of the best pairs, again."""
    parts = [bytes([byte]) for byte in word]
    while True:
        pairs = [(ranks.get((a, b), NEVER), i) for i, (a, b) in enumerate(pairwise(parts))]
        best, i = min(pairs, default=(NEVER, 0))
        if best == NEVER:
            return parts
        parts[i : i + 2] = [parts[i] + parts[i + 1]]


@st.composite
def vocabularies(draw):
    """A vocabulary over three letters, its merges in any order, and a word."""
    merges, tokens = [], [b"a", b"b", b"c"]
    for _ in range(draw(st.integers(1, 12))):
        pair = draw(st.sampled_from(tokens)), draw(st.sampled_from(tokens))
        if pair[0] + pair[1] not in tokens:
            merges.append(pair)
            tokens.append(pair[0] + pair[1])
    merges = draw(st.permutations(merges))
    return {token: i for i, token in enumerate(tokens)}, merges, draw(st.text("abc", max_size=40))


@given(vocabularies())
def test_pairs_merge_by_rank_short_and_long(case):
    vocab, merges, word = case
    ranks = {pair: i for i, pair in enumerate(merges)}
    expected = [vocab[part] for part in lowest_rank_first(word.encode(), ranks)]
    pairs = {(vocab[a], vocab[b]): rank for (a, b), rank in ranks.items()}
    made = [vocab[a + b] for a, b in merges]
    for merge in (merge_short, merge_long):
        ids = [vocab[letter.encode()] for letter in word]
        assert merge(ids, lambda a, b: pairs.get((a, b), NEVER), made) == expected


@given(vocabularies())
def test_without_merges_the_ids_are_the_ranks(case):
    vocab, _, word = case
    ranks = {(a, b): vocab[a + b] for a in vocab for b in vocab if a + b in vocab}
    expected = [vocab[part] for part in lowest_rank_first(word.encode(), ranks)]
    assert Merger(vocab, None)(word.encode()) == expected
    whole = [vocab[word.encode()]] if word.encode() in vocab else expected
    assert Merger(vocab, None, whole=True)(word.encode()) == whole


def test_a_word_of_a_hundred_thousand_letters():
    tokenizer = TRAINED["gpt2"]
    word = "the" * 33_333 + "語"
    ids = tokenizer.encode(word)
    assert tokenizer.decode(ids) == word
    assert ids[:50] == tokenizer.encode("the" * 40)[:50]  # which the other way of merging makes


def test_the_cache_of_words_begins_anew_when_it_is_full(monkeypatch):
    monkeypatch.setattr(WordCache, "LARGEST", 3)
    monkeypatch.setattr(WordCache, "LONGEST", 4)
    cache = WordCache(list)
    for word in ("a", "b", "abcde", "c"):
        assert cache[word] == tuple(word.encode())
    assert cache.keys() == {"a", "b", "c"}
    assert cache["d"] == (100,)
    assert cache.keys() == {"d"}


def test_what_the_model_expects_around_a_text():
    vocab = {bytes([byte]): byte for byte in range(256)}
    tokenizer = BPETokenizer(vocab, [], special_tokens={"<s>": 256}, before=[256], after=[256, 0])
    assert tokenizer.encode("a") == [97]
    assert tokenizer.encode("a", add_special=True) == [256, 97, 256, 0]
    assert tokenizer.encode("", add_special=True) == [256, 256, 0]


def test_the_tokens_that_end_an_answer():
    tokenizer = TRAINED["gpt2"]
    assert tokenizer.eos_id == tokenizer.special_tokens["<|end|>"] == 397
    assert tokenizer.bos_id is None
    assert tokenizer.stop_ids == {397, 398}  # its eos, and a token known to end turns
    named = BPETokenizer(tokenizer.vocab, None, special_tokens={"<x>": 400}, bos=0, stop=["<x>", 1])
    assert (named.bos_id, named.eos_id, named.stop_ids) == (0, None, {400, 1})


def test_added_tokens_take_white_space_and_stand_alone_when_they_say_so():
    vocab = {bytes([byte]): byte for byte in range(256)}
    added = [
        AddedToken("<mask>", 256, lstrip=True),
        AddedToken("<sep>", 257, rstrip=True),
        AddedToken("cat", 258, special=False, single_word=True),
        AddedToken("É", 259, special=False, normalized=True),
    ]
    tokenizer = BPETokenizer(vocab, [], added_tokens=added, normalizer="NFC")
    assert tokenizer.encode("a \u2003<mask> b") == [97, 256, 32, 98]
    assert tokenizer.encode("a <sep>\n\tb") == [97, 32, 257, 98]
    assert tokenizer.encode("cat.cats_cat cat") == [258, 46, *b"cats_cat", 32, 258]
    assert tokenizer.encode("E\u0301") == [259]
    assert tokenizer.encode("<mask>cat", parse_special=False) == [*b"<mask>", 258]
    assert tokenizer.special_tokens == {"<mask>": 256, "<sep>": 257}


def test_what_stands_within_a_special_token_that_is_not_parsed_is_text():
    added = [AddedToken("<x>", 256), AddedToken("x>", 257, special=False)]
    tokenizer = BPETokenizer({bytes([byte]): byte for byte in range(256)}, [], added_tokens=added)
    assert tokenizer.encode("<x>x>") == [256, 257]
    assert tokenizer.encode("<x>x>", parse_special=False) == [*b"<x>", 257]


def test_texts_that_are_changed_first():
    vocab = {bytes([byte]): byte for byte in range(256)}
    tokenizer = BPETokenizer(vocab, [], "gpt2", {"<s>": 256}, add_prefix_space=True)
    assert tokenizer.encode("a") == [*b" a"]
    assert tokenizer.encode(" a<s>b") == [*b" a", 256, *b" b"]
    assert tokenizer.encode("") == []
    composed = BPETokenizer(vocab, [], normalizer="NFC")
    assert composed.decode(composed.encode("e\u0301\ud800")) == "é\ud800"


@each
def test_json_and_pickle_keep_everything(tokenizer):
    assert isinstance(tokenizer, Tokenizer)
    written = json.loads(json.dumps(tokenizer.to_dict()))
    for again in (tokenizer_from_dict(written), pickle.loads(pickle.dumps(tokenizer))):
        assert again == tokenizer
        assert hash(again) == hash(tokenizer)
        assert again.encode("the end<|end|>") == tokenizer.encode("the end<|end|>")
        assert again.stop_ids == tokenizer.stop_ids
    assert tokenizer != "BPETokenizer"


def test_json_keeps_every_setting():
    vocab = {bytes([byte]): byte for byte in range(256)}
    tokenizer = BPETokenizer(
        vocab,
        [],
        ("gpt2", r"\d"),
        added_tokens=[AddedToken("\ud800 x", 256, False, True, True, True, True)],
        bos="a",
        eos=7,
        stop=[8, "b"],
        chat_template="{{ x }}",
        before=[1],
        after=[2],
        normalizer="NFKC",
        add_prefix_space=True,
        ignore_merges=True,
    )
    again = tokenizer_from_dict(json.loads(json.dumps(tokenizer.to_dict())))
    assert vars(again)["_bytes_of"] == vars(tokenizer)["_bytes_of"]
    for name in ("splits", "added_tokens", "bos_id", "eos_id", "stop_ids", "chat_template"):
        assert getattr(again, name) == getattr(tokenizer, name)
    for name in ("before", "after", "normalizer", "add_prefix_space", "ignore_merges", "merges"):
        assert getattr(again, name) == getattr(tokenizer, name)
    assert again == tokenizer


def test_decode_names_an_id_that_is_no_token():
    tokenizer = BPETokenizer({b"a": 0, b"b": 5}, [])
    assert tokenizer.vocab_size == 6
    for wrong in (-1, 3, 6):
        with pytest.raises(ValueError, match=rf"id {wrong} is no token .* of 6 \(2 tokens\)"):
            tokenizer.decode([0, wrong])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (({b"a": 0, b"b": 0}, []), r"id 0 means both b'a' and b'b'"),
        (({b"a": -1}, []), "the id of b'a' is -1, no number from 0 on"),
        (({b"a": 0}, [(b"a", b"b")]), r"merge 0, b'a' \+ b'b': b'b' is not in the vocabulary"),
        (({b"a": 0, b"b": 1}, [(b"a", b"b")]), "b'ab' is not in the vocabulary"),
        (({b"a": 0}, [], "gpt2", {"<s>": 0}), "id 0 means both b'a' and b'<s>'"),
    ],
)
def test_a_vocabulary_that_is_none(arguments, said):
    with pytest.raises(ValueError, match=said):
        BPETokenizer(*arguments)


def test_names_and_bytes_that_are_not_in_the_vocabulary():
    with pytest.raises(ValueError, match=r"eos='<\|x\|>' is not in the vocabulary"):
        BPETokenizer({b"a": 0}, [], eos="<|x|>")
    with pytest.raises(ValueError, match="bos=3 is not in the vocabulary"):
        BPETokenizer({b"a": 0}, [], bos=3)
    with pytest.raises(ValueError, match="no token for the byte 0xc3"):
        BPETokenizer({b"a": 0}, []).encode("aé")


@pytest.mark.parametrize(
    "values",
    [{}, {"type": "char"}, {"type": "bpe"}, {"type": "bpe", "vocab": {}, "merges": ["ab"]}],
)
def test_from_dict_refuses_what_to_dict_did_not_write(values):
    with pytest.raises(ValueError, match=r"BPETokenizer\.from_dict: "):
        BPETokenizer.from_dict(values)


@settings(max_examples=20)
@given(st.lists(texts, max_size=4))
def test_texts_learnt_from_come_back(learnt):
    tokenizer = BPETokenizer.train(learnt, 300)
    for text in learnt:
        assert tokenizer.decode(tokenizer.encode(text)) == text
