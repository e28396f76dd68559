"""Several answers, stops, log-probabilities, prompt caches, beams: beside doing it by hand."""

from itertools import product
from math import inf, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transformer import CharTokenizer, build_model, generate, stream, torch
from transformer.generate import PromptCache
from transformer.generate.context import Context
from transformer.generate.text import TextStream
from transformer.io.safetensors import TensorFileError, read_tensors, write_tensors
from transformer.tokenizers.base import NoSpecialTokens

V = 7
ABC = CharTokenizer("abcdefg")
SIZES = {
    "gpt": {"n_layer": 2, "n_head": 2, "n_embd": 8},
    "llama": {"n_layer": 2, "n_head": 4, "n_kv_head": 2, "n_embd": 16},
    "lstm": {"n_hidden": 16, "n_embd": 8},
    "ngram": {},
}


def model(name="gpt", block_size=40, seed=1, **more):
    torch.manual_seed(seed)
    built = build_model(name, vocab_size=V, block_size=block_size, **SIZES[name], **more).eval()
    for p in built.parameters():
        p.data.mul_(5.0)
    return built


def scores_of(m, ids):
    with torch.no_grad():
        return m(torch.tensor([ids]))[0][0, -1].numpy()


# --- reading ---


@pytest.mark.parametrize("name", list(SIZES))
@given(st.data())
@settings(max_examples=15, deadline=None)
def test_a_context_gives_the_scores_of_reading_everything(name, data):
    """However rows grew, were cut, repeated and swapped."""
    m = model(name)
    context = Context(m, [[1, 2], [3, 4]])
    for _ in range(data.draw(st.integers(1, 8))):
        n = len(context.rows)
        match data.draw(st.sampled_from(["append", "cut", "reorder", "read"])):
            case "append":
                count = data.draw(st.integers(1, 3))
                for _ in range(count):
                    context.append(
                        data.draw(st.lists(st.integers(0, V - 1), min_size=n, max_size=n))
                    )
            case "cut":
                context.truncate(data.draw(st.integers(1, len(context))))
            case "reorder":
                context.reorder(data.draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=3)))
            case "read":
                keep = data.draw(st.integers(1, len(context)))
                got = context.scores(keep).numpy()
                assert got.shape == (n, keep, V)
                with torch.no_grad():
                    whole = m(torch.tensor(context.rows))[0].numpy()
                np.testing.assert_allclose(got, whole[:, -keep:], atol=2e-4, rtol=2e-4)


@pytest.mark.parametrize("name", ["gpt", "llama"])
def test_past_block_size_the_last_tokens_are_read(name):
    m, ids = model(name, block_size=6), [1, 2, 3]
    for _ in range(12):
        ids = [*ids, int(scores_of(m, ids[-6:]).argmax())]
    assert generate(m, ids[:3], 12, temperature=0) == ids


@pytest.mark.parametrize(("name", "window"), [("llama", {"window": 4}), ("lstm", {})])
def test_what_has_no_end_goes_on_past_block_size(name, window):
    short, long = model(name, block_size=8, **window), model(name, block_size=90, **window)
    long.load_state_dict(short.state_dict())
    for prompt in ([1, 2, 3], list(range(V)) * 3):  # the second longer than block_size, too
        asked = {"temperature": 0}
        assert generate(short, prompt, 40, **asked) == generate(long, prompt, 40, **asked)


def test_each_token_is_read_once():
    m, read = model(), []
    forward = m.forward
    m.forward = lambda idx, *a, **k: read.append(tuple(idx.shape)) or forward(idx, *a, **k)
    m.register_forward_hook(lambda *_: None)  # which also takes the ordinary way
    generate(m, [1, 2, 3], 5, n=3, seed=1)
    assert read == [(1, 3)] + [(3, 1)] * 4


# --- several answers ---


@pytest.mark.parametrize("name", ["gpt", "llama", "ngram"])
def test_a_sample_does_not_depend_on_how_many_there_are(name):
    m = model(name)
    four = generate(m, [1, 2], 12, n=4, seed=9)
    assert generate(m, [1, 2], 12, seed=9) == four[0]
    assert generate(m, [1, 2], 12, n=2, seed=9) == four[:2]
    assert len({tuple(ids) for ids in four}) == 4


def test_rows_that_finish_leave_and_the_others_are_as_if_they_had_not():
    m = model()
    free = generate(m, [1, 2], 25, n=6, seed=3)
    stopped = generate(m, [1, 2], 25, n=6, seed=3, stop_tokens=[4], return_details=True)
    ends = set()
    for whole, one in zip(free, stopped, strict=True):
        new = whole[2:]
        end = new.index(4) if 4 in new else 25
        ends.add(end)
        assert one.ids == new[:end]
        assert one.finish_reason == ("stop" if 4 in new else "length")
    assert len(ends) > 2  # they did end at different times


def test_prompts_of_any_lengths_are_answered_as_if_alone():
    m = model("llama")
    prompts = [[1, 2], [3], [4, 5], [6, 1, 2], [2]]
    together = generate(m, prompts, 10, seed=4)
    assert together == [generate(m, prompt, 10, seed=4) for prompt in prompts]
    texts = ["bc", "d", "ef"]
    asked = {"seed": 4, "stop": "a"}
    assert generate(m, ABC, texts, 10, **asked) == [generate(m, ABC, t, 10, **asked) for t in texts]
    twice = generate(m, ABC, texts, 10, n=2, **asked)
    assert [pair[0] for pair in twice] == generate(m, ABC, texts, 10, **asked)


def test_the_tokenizer_may_come_second():
    m = model()
    assert generate(m, ABC, "ab", 9, seed=1) == generate(m, "ab", 9, tokenizer=ABC, seed=1)
    assert len(generate(m, ABC, "ab")) == 2 + 256
    assert generate(m, None, [0, 1], 9, seed=1) == generate(m, [0, 1], 9, seed=1)
    assert 4 not in generate(m, [0, 1], 40, seed=1, stop_tokens=4)
    assert "".join(stream(m, ABC, "ab", 9, seed=1)) == generate(m, ABC, "ab", 9, seed=1)[2:]


# --- stops and reports ---


class Ends(CharTokenizer):
    stop_ids = frozenset({6})
    eos_id = 6


def test_the_tokenizers_own_stop_tokens_end_an_answer():
    m, tokenizer = model(), Ends("abcdefg")
    free = generate(m, tokenizer, [1], 40, seed=5, ignore_eos=True)
    assert 6 in free[1:] and len(free) == 41
    assert generate(m, tokenizer, [1], 40, seed=5) == free[: free.index(6)]
    text = generate(m, tokenizer, "b", 40, seed=5)
    assert text == tokenizer.decode(free[: free.index(6)])
    assert "".join(stream(m, tokenizer, "b", 40, seed=5)) == text[1:]
    found = generate(m, tokenizer, "b", 40, seed=5, return_details=True)
    assert (found.finish_reason, found.stopped_by, found.text) == ("stop", 6, text[1:])


def test_details_of_a_stop_string():
    m = model()
    plain = generate(m, ABC, "a", 30, seed=2)
    found = generate(m, ABC, "a", 30, seed=2, stop=[plain[5:7], "zz"], return_details=True)
    assert found.stopped_by == plain[5:7]
    assert found.text == plain[1 : plain.index(plain[5:7], 1)]
    assert ABC.decode(found.ids) == found.text


def test_logprobs_are_the_models_own():
    m = model()
    asked = {"temperature": 0.5, "top_k": 2, "logit_bias": {1: 3.0}, "seed": 8}
    found = generate(m, [1, 2], 6, logprobs=3, return_details=True, **asked)
    ids = [1, 2]
    for new, logprob, top in zip(found.ids, found.logprobs, found.top_logprobs, strict=True):
        x = scores_of(m, ids).astype(np.float64)
        logs = x - np.log(np.exp(x - x.max()).sum()) - x.max()
        assert logprob == pytest.approx(logs[new], abs=1e-4)
        assert list(top) == np.argsort(-logs)[:3].tolist()
        np.testing.assert_allclose(list(top.values()), np.sort(logs)[::-1][:3], atol=1e-4)
        ids.append(new)
    plain = generate(m, [1, 2], 6, return_details=True, **asked)
    assert (plain.ids, plain.logprobs) == (found.ids, None)


def test_penalties_by_their_definitions():
    m = model()
    ids = [1, 2, 2]
    for _ in range(15):
        x = scores_of(m, ids).astype(np.float64)
        for i in set(ids):
            x[i] = x[i] * 1.3 if x[i] < 0 else x[i] / 1.3
        counts = np.bincount(ids[3:], minlength=V)
        x -= 0.7 * counts + 0.4 * (counts > 0)
        ids.append(int(x.argmax()))
    asked = {"repetition_penalty": 1.3, "frequency_penalty": 0.7, "presence_penalty": 0.4}
    assert generate(m, [1, 2, 2], 15, temperature=0, **asked) == ids


def test_a_forbidden_token_is_never_written():
    free = generate(model(), [1], 60, seed=1)
    bias = {i: float("-inf") for i in {*free[1:20]}}
    if len(bias) == V:
        bias.popitem()
    assert not set(generate(model(), [1], 60, seed=1, logit_bias=bias)[1:]) & set(bias)


# --- text ---


class Words(NoSpecialTokens):
    """Words that carry the space before them, which the first of a text loses."""

    vocab_size = 3
    pieces = (b" one", b" two", b"\xf0\x9f")

    def decode_bytes(self, ids):
        return b"".join(self.pieces[i] for i in ids).removeprefix(b" ")

    def decode(self, ids, *, skip_special=False):
        return self.decode_bytes(ids).decode(errors="replace")


def test_the_space_before_a_word_that_follows_a_prompt_is_kept():
    text = TextStream(Words(), prompt=[0])
    assert [text.push(1), text.push(0), text.finish()] == [" two", " one", ""]
    assert TextStream(Words()).push(1) == "two"


@given(st.binary(max_size=20), st.integers(0, 20))
def test_any_bytes_stream_as_they_decode_at_once(raw, cut):
    """Also when the prompt ends within a character: the new text then begins with it."""

    class Bytes(Words):
        def decode_bytes(self, ids):
            return bytes(ids)

    before, new = raw[:cut], raw[cut:]
    text = TextStream(Bytes(), prompt=list(before))
    shown = "".join([text.push(i) for i in new]) + text.finish()
    begun = text.__class__(Bytes())
    first = "".join([begun.push(i) for i in before])  # what was certain of the prompt
    assert first + shown == raw.decode(errors="replace")


# --- prompt caches ---


@pytest.mark.parametrize("name", ["gpt", "llama", "lstm"])
def test_a_prompt_cache_changes_nothing_but_what_is_read(name, tmp_path):
    m, path = model(name), tmp_path / "prompt.cache"
    first, second = [1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 0, 2, 2]
    for prompt in (first, first, second, first[:3], [5]):
        plain = generate(m, prompt, 8, seed=1)
        assert generate(m, prompt, 8, seed=1, prompt_cache=path) == plain
        kept = PromptCache.load(path, m)
        assert kept.ids == prompt
        assert generate(m, prompt, 8, seed=1, n=3, prompt_cache=kept)[0] == plain


def test_a_prompt_cache_spares_the_reading(tmp_path):
    m, read = model(), []
    generate(m, [1, 2, 3, 4, 5, 6], 1, seed=1, prompt_cache=tmp_path / "c")
    forward = m.forward
    m.forward = lambda idx, *a, **k: read.append(idx.tolist()) or forward(idx, *a, **k)
    m.register_forward_hook(lambda *_: None)
    generate(m, [1, 2, 3, 4, 0, 0], 1, seed=1, prompt_cache=tmp_path / "c")
    assert read == [[[0, 0]]]


def test_a_prompt_cache_in_memory_holds_the_answer_too():
    m = model()
    kept = PromptCache(m)
    ids = generate(m, [1, 2], 6, seed=1, prompt_cache=kept)
    assert kept.ids == ids[:-1]  # the last was written, not read
    assert generate(m, [*ids, 3], 6, seed=2, prompt_cache=kept) == generate(m, [*ids, 3], 6, seed=2)


def test_a_prompt_cache_of_another_model_is_refused(tmp_path):
    path = tmp_path / "prompt.cache"
    generate(model(), [1, 2], 1, prompt_cache=path)
    changed = model()
    next(changed.parameters()).data[0, 0] += 1e-3
    for other in (changed, model(seed=2), model(block_size=41), model("llama")):
        with pytest.raises(ValueError, match=r"prompt.cache was written by another model"):
            generate(other, [1, 2], 1, prompt_cache=path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-9])
    with pytest.raises(ValueError, match="cut short"):
        generate(model(), [1, 2], 1, prompt_cache=path)
    with pytest.raises(ValueError, match="Bigram keeps no cache"):
        generate(build_model("bigram", vocab_size=V), [1], 1, prompt_cache=tmp_path / "none")


# --- beams ---


def all_texts(m, prompt, length, eos):
    """Every continuation, ended by ``eos`` or the length, with its log-probability."""
    found = {}
    for ids in product(range(V), repeat=length):
        ids = ids[: ids.index(eos) + 1] if eos in ids else ids
        if ids not in found:
            total = 0.0
            for n, i in enumerate(ids):
                x = scores_of(m, [*prompt, *ids[:n]]).astype(np.float64)
                total += x[i] - x.max() - np.log(np.exp(x - x.max()).sum())
            found[ids] = total
    return found


@pytest.mark.parametrize("penalty", [0.0, 1.0, 2.5])
def test_beams_wide_enough_find_the_best_texts_there_are(penalty):
    m, prompt, eos = model(), [1, 2], 3
    texts = all_texts(m, prompt, 3, eos)
    ranked = sorted(texts, key=lambda ids: -texts[ids] / len(ids) ** penalty)
    asked = {"num_beams": V**3, "n": 5, "length_penalty": penalty, "early_stopping": "never"}
    found = generate(m, prompt, 3, stop_tokens=[eos], return_details=True, **asked)
    for best, one in zip(ranked, found, strict=False):
        assert one.ids == [i for i in best if i != eos]
        assert one.score == pytest.approx(texts[best] / len(best) ** penalty, abs=1e-4)


def test_one_beam_is_greedy_and_a_stop_string_ends_one():
    m = model()
    plain = generate(m, ABC, "ab", 12, temperature=0)
    found = generate(m, ABC, "ab", 12, num_beams=3, stop=plain[6:8], return_details=True)
    assert plain[6:8] not in found.text


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"top_p": 1.5}, "top_p 1.5 is a share of 1"),
        ({"min_p": -0.1}, "min_p -0.1 is a share"),
        ({"repetition_penalty": 0}, "repetition_penalty 0 must be above 0"),
        ({"frequency_penalty": float("nan")}, "frequency_penalty nan must be finite"),
        ({"logit_bias": {9: 1.0}}, r"names the ids \[9\], the vocabulary has 0 to 6"),
        ({"n": 0}, "n 0 must be 1 or more"),
        ({"logprobs": -1}, "logprobs -1"),
        ({"num_beams": 2, "n": 3}, "2 beams give no 3 answers"),
        ({"num_beams": 2, "seed": 1}, "beam search goes without seed or generator"),
        ({"num_beams": 2, "early_stopping": "no"}, "early_stopping is True, False or 'never'"),
        ({"n": 2, "on_token": print}, "on_token can watch one sequence only"),
        ({"logit_bias": dict.fromkeys(range(V), -inf)}, "every token is forbidden"),
        ({"logit_bias": dict.fromkeys(range(V), -inf), "temperature": 0}, "is forbidden"),
        ({"logit_bias": {1: inf}}, "logit_bias of 1 is inf: a number, or -inf"),
        ({"prompt_cache": PromptCache(model(seed=2))}, "the prompt_cache is another model's"),
    ],
)
def test_settings_that_cannot_be(asked, said):
    with pytest.raises(ValueError, match=said):
        generate(model(), [1, 2], 3, **asked)


@pytest.mark.parametrize(
    ("given", "asked", "said"),
    [
        ([[1]], {"temprature": 1}, "no argument 'temprature'; did you mean temperature"),
        ([], {}, "no prompt given"),
        ([[1], 3, 4], {}, "too many arguments"),
        ([[1], 3], {"max_new_tokens": 3}, "max_new_tokens is given twice"),
        ([ABC, "a"], {"tokenizer": ABC}, "tokenizer is given twice"),
        ([[1], 2.5], {}, "max_new_tokens must be a whole number, got 2.5"),
        ([[1]], {"temperature": "hot"}, "temperature must be a number, got 'hot'"),
        ([[1]], {"top_k": 2.5}, "top_k must be a whole number, got 2.5"),
        ([[1]], {"seed": "x"}, "seed must be a whole number, got 'x'"),
        ([[1]], {"logit_bias": [1]}, r"logit_bias is a dict \{id: number\}, got \[1\]"),
        ([[1]], {"logit_bias": {"a": 1}}, "got 'a': 1"),
        ([ABC, "a"], {"stop": [1]}, "stop is a string or several, got 1"),
        ([[1]], {"stop_tokens": "a"}, "stop_tokens are ids, got 'a'; stop takes text"),
        ([[1]], {"on_token": 3}, "on_token must be a function"),
        ([[1]], {"draft": "smollm2"}, "the draft must be a model, got str; transformer.load"),
        ([["a", [1]]], {}, "the prompt must be .* got list of list, str"),
        ([[True]], {}, "got list of bool"),
        ([b"ab"], {}, "got bytes"),
    ],
)
def test_arguments_that_do_not_fit(given, asked, said):
    with pytest.raises(TypeError, match=said):
        generate(model(), *given, **asked)


def test_what_is_no_model_is_told():
    with pytest.raises(TypeError, match="the model must be a model, got str"):
        generate("smollm2", ABC, "a")


@pytest.mark.parametrize("temperature", [0, 1])
def test_a_model_whose_weights_are_not_finite_writes_nothing(temperature):
    m = model()
    m.lm_head.weight.data.fill_(nan)
    with pytest.raises(ValueError, match="best score is nan: the model's weights are not finite"):
        generate(m, [1, 2], 3, temperature=temperature)


def test_numpys_numbers_are_numbers():
    ids, m = [np.int64(1), np.int64(2)], model()
    asked = {"temperature": np.float32(1), "seed": np.int64(1), "top_k": np.int32(3)}
    assert generate(m, ids, np.int64(3), **asked) == generate(m, [1, 2], 3, seed=1, top_k=3)


def test_a_prompt_cache_needs_a_folder_before_anything_is_read(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*none"):
        generate(model(), [1, 2], 3, prompt_cache=tmp_path / "none" / "kept")


@pytest.mark.parametrize("lost", ["cache.first", "cache.1.k"])
def test_a_prompt_cache_that_lacks_parts_is_refused(lost, tmp_path):
    m, path = model(), tmp_path / "kept"
    generate(m, [1, 2, 3], 3, prompt_cache=path)
    arrays, metadata = read_tensors(path)
    write_tensors(path, {k: np.array(v) for k, v in arrays.items() if k != lost}, metadata)
    with pytest.raises(TensorFileError, match="the prompt cache lacks parts; delete it"):
        generate(m, [1, 2, 3], 3, prompt_cache=path)
