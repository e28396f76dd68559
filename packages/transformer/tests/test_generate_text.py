"""Text out of ids: stop strings, and streaming that never says too much too early."""

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transformer import CharTokenizer, build_model, generate, stream, torch
from transformer.generate.text import TextStream
from transformer.tokenizers import Tokenizer
from transformer.tokenizers.base import NoSpecialTokens

ABC = CharTokenizer("abc")


class Script:
    """A model that has one thing to say, and says it: id by id, whatever it has read."""

    block_size = 1000

    def __init__(self, ids, vocab_size, prompt=1):
        self.ids, self.vocab_size, self.prompt = ids, vocab_size, prompt

    def __call__(self, idx):
        logits = torch.zeros(1, idx.shape[1], self.vocab_size)
        logits[0, -1, self.ids[idx.shape[1] - self.prompt]] = 100.0
        return logits, None

    def eval(self):
        return self

    def modules(self):
        return []


class Bytes(NoSpecialTokens):
    """A tokenizer whose tokens are bytes: a character may take up to four of them."""

    vocab_size = 256

    def encode(self, text, *, add_special=False, parse_special=True):
        return list(text.encode())

    def decode(self, ids, *, skip_special=False):
        return self.decode_bytes(ids).decode(errors="replace")

    def decode_bytes(self, ids):
        return bytes(ids)

    def to_dict(self):
        return {"type": "bytes"}


def cut(text, stops):
    """What is left of ``text`` when it is read letter by letter up to the first stop string."""
    for end in range(1, len(text) + 1):
        found = [text[:end].find(stop) for stop in stops if stop in text[:end]]
        if found:
            return text[: min(found)]
    return text


letters = st.text("abc", min_size=1, max_size=30)
stop_strings = st.lists(st.text("abc", min_size=1, max_size=4), max_size=3)


@given(letters, stop_strings)
def test_text_ends_before_the_first_stop_string(text, stops):
    said = generate(
        Script(ABC.encode(text), 3), "a", len(text), temperature=0, stop=stops, tokenizer=ABC
    )
    assert said == "a" + cut(text, stops)


@given(letters, stop_strings)
def test_ids_end_where_the_text_does(text, stops):
    script = Script(ABC.encode(text), 3)
    asked = {"temperature": 0, "stop": stops, "tokenizer": ABC}
    expected = ABC.encode("a" + cut(text, stops))
    assert generate(script, [0], len(text), **asked) == expected
    assert generate(script, torch.tensor([[0]]), len(text), **asked).tolist() == [expected]


@given(letters, stop_strings)
def test_pieces_are_as_early_as_they_can_be_and_never_too_early(text, stops):
    watcher, shown = TextStream(ABC, stops), ""
    for end, token in enumerate(ABC.encode(text), start=1):
        shown += watcher.push(token)
        so_far = text[:end]
        if watcher.stopped:
            assert shown == cut(text, stops)
            return
        held = so_far[len(shown) :]
        assert so_far.startswith(shown)
        # What is held back is the beginning of a stop string, and nothing longer is.
        beginnings = {stop[:n] for stop in stops for n in range(1, len(stop))}
        assert held == "" or held in beginnings
        assert not any(so_far.endswith(longer) for longer in beginnings if len(longer) > len(held))
    assert shown + watcher.finish() == text == cut(text, stops)


@given(st.text(max_size=12), st.lists(st.text(min_size=1, max_size=3), max_size=2))
def test_a_character_of_several_tokens_is_shown_whole(text, stops):
    tokenizer = Bytes()
    ids = tokenizer.encode(text)
    pieces = list(
        stream(Script(ids, 256), "a", len(ids), temperature=0, stop=stops, tokenizer=tokenizer)
    )
    assert "".join(pieces) == cut(text, stops)
    ends = set(accumulate(map(len, pieces), initial=0))
    assert all(0 <= end <= len(text) for end in ends)
    assert "" not in pieces


@given(st.binary(max_size=12))
def test_bytes_that_are_no_text_neither_stall_nor_get_lost(raw):
    watcher = TextStream(Bytes())
    shown = "".join([watcher.push(i) for i in raw]) + watcher.finish()
    assert [c for c in shown if c.isascii()] == [chr(b) for b in raw if b < 128]


def test_ids_end_before_the_token_the_stop_string_begins_in():
    class Pairs(Bytes):
        def decode_bytes(self, ids):
            return b"".join([b"ab", b"cd", b"ef"][i] for i in ids)

    asked = {"temperature": 0, "tokenizer": Pairs()}
    script = Script([0, 1, 2, 0], 3)
    assert generate(script, [0], 4, stop="de", **asked) == [0, 0]  # "ab" + "ab", "cd" is cut
    assert "".join(stream(script, [0], 4, stop="de", **asked)) == "abc"
    assert generate(script, [0], 4, stop="ef", **asked) == [0, 0, 1]


def gpt():
    torch.manual_seed(1)
    return build_model("gpt", vocab_size=3, block_size=5, n_layer=1, n_head=1, n_embd=8)


@given(st.integers(0, 1000), st.sampled_from([0.0, 0.7, 2.0]), st.sampled_from([None, 2]))
def test_streaming_equals_not_streaming(seed, temperature, top_k):
    model = gpt()
    asked = {"seed": seed, "temperature": temperature, "top_k": top_k, "tokenizer": ABC}
    for stop in (None, "ab", ["ca", "bb"]):
        pieces = list(stream(model, "ab", 12, stop=stop, **asked))
        assert "ab" + "".join(pieces) == generate(model, "ab", 12, stop=stop, **asked)


def test_streaming_is_lazy():
    drawn = []

    class Counting(Script):
        def __call__(self, idx):
            drawn.append(idx.shape[1])
            return super().__call__(idx)

    pieces = stream(Counting([0, 1, 2], 3), "a", 3, temperature=0, tokenizer=ABC)
    assert drawn == []
    assert next(pieces) == "a"
    assert drawn == [1]
    assert list(pieces) == ["b", "c"]


def test_a_stream_left_early_puts_the_model_back():
    model = gpt()
    pieces = stream(model, "a", 10, tokenizer=ABC, seed=0)
    next(pieces)
    assert not model.training
    assert torch.is_grad_enabled()  # what the reader does between two pieces is the reader's
    pieces.close()
    assert model.training


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"temperature": -1}, "temperature -1"),
        ({"max_new_tokens": -1}, "max_new_tokens -1"),
        ({"stop": ""}, "empty stop string"),
        ({"tokenizer": None, "prompt": [1]}, "text needs a tokenizer"),
        ({"prompt": torch.tensor([[1], [2]])}, "one sequence only, the prompt has 2"),
    ],
)
def test_a_stream_says_at_once_what_is_wrong(arguments, said):
    asked = {"prompt": "a", "max_new_tokens": 3, "tokenizer": ABC, **arguments}
    with pytest.raises(ValueError, match=said):
        stream(gpt(), **asked)  # nothing has been asked of the iterator yet


def test_the_tokenizers_here_follow_the_protocol():
    assert isinstance(Bytes(), Tokenizer)
