"""Learning merges: the most frequent pair each time, whatever the order and size of the texts."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transformer import BPETokenizer, load_text
from transformer.tokenizers.bpe_training import count_words
from transformer.tokenizers.byte_alphabet import BYTE_ORDER

WORDS = st.text(alphabet="aab b", max_size=30)


def counted_anew(texts, wanted, least=1):
    """The definition: count all pairs of all words, merge the best one everywhere, again."""
    words = [
        [BYTE_ORDER.index(byte) for byte in word.encode()] for word in count_words(texts, "gpt2")
    ]
    weights = [*count_words(texts, "gpt2").values()]
    merges = []
    while len(merges) < wanted:
        counts = Counter()
        for word, weight in zip(words, weights, strict=True):
            for pair in pairwise(word):
                counts[pair] += weight
        pair = min(counts, key=lambda pair: (-counts[pair], pair), default=None)
        if pair is None or counts[pair] < least:
            break
        words = [merged(word, pair, 256 + len(merges)) for word in words]
        merges.append(pair)
    return merges


def merged(word, pair, new):
    out = []
    for symbol in word:
        if out and (out[-1], symbol) == pair:
            out[-1] = new
        else:
            out.append(symbol)
    return out


def learnt(tokenizer):
    """The merges as pairs of ids."""
    return [(tokenizer.vocab[left], tokenizer.vocab[right]) for left, right in tokenizer.merges]


@settings(max_examples=200)
@given(st.lists(WORDS, max_size=5), st.integers(0, 12), st.integers(1, 3))
def test_merges_are_those_of_counting_anew(texts, wanted, least):
    tokenizer = BPETokenizer.train(texts, 256 + wanted, min_frequency=least)
    assert learnt(tokenizer) == counted_anew(texts, wanted, least)
    assert tokenizer.vocab_size == 256 + len(tokenizer.merges)


def test_merges_of_real_text_are_those_of_counting_anew():
    text = load_text()[:30_000]
    assert learnt(BPETokenizer.train(text, 330)) == counted_anew([text], 74)


def test_the_order_of_the_texts_does_not_matter():
    texts = load_text()[:20_000].split("\n")
    forward = BPETokenizer.train(texts, 400)
    assert BPETokenizer.train(reversed(texts), 400) == forward


def test_texts_may_come_one_at_a_time():
    parts = [f"line {i} of many\n" for i in range(200)]
    tokenizer = BPETokenizer.train((part for part in parts), 300)
    assert tokenizer.merges == BPETokenizer.train(parts, 300).merges
    assert {b" many", b"line"} <= tokenizer.vocab.keys()


def test_special_tokens_come_last_and_are_not_learnt_from():
    text = "<|end|>".join(["to be", "or not", "to be"] * 5)
    tokenizer = BPETokenizer.train(text, 300, special_tokens=["<|end|>", "<|pad|>"], eos="<|end|>")
    last = tokenizer.vocab_size - 2
    assert tokenizer.special_tokens == {"<|end|>": last, "<|pad|>": last + 1}
    assert tokenizer.eos_id == last
    assert not any(b"<" in left + right or b"|" in left + right for left, right in tokenizer.merges)
    assert tokenizer.merges == BPETokenizer.train(["to be", "or not", "to be"] * 5, 298).merges


def test_the_vocabulary_ends_when_there_is_nothing_left_to_merge():
    tokenizer = BPETokenizer.train("abc abc", 5000)
    assert [left + right for left, right in tokenizer.merges] == [b"ab", b"abc", b" abc"]
    assert tokenizer.vocab_size == 259
    assert BPETokenizer.train([], 5000).vocab_size == 256
    assert BPETokenizer.train("", 256).merges == []


def test_progress_is_told_merge_by_merge():
    told = []
    BPETokenizer.train("to be to be", 258, on_merge=lambda *progress: told.append(progress))
    assert told == [(1, 2), (2, 2)]


@pytest.mark.parametrize(
    ("size", "special", "said"),
    [
        (255, [], "vocab_size=255 has no room for the 256 bytes and 0 special tokens; give 256"),
        (257, ["<a>", "<b>"], "2 special tokens; give 258 or more"),
        (300, ["<a>", "<a>"], "special tokens must differ"),
        (300, [""], "not be empty"),
    ],
)
def test_what_cannot_be_trained(size, special, said):
    with pytest.raises(ValueError, match=said):
        BPETokenizer.train("text", size, special_tokens=special)
