"""Speculation: the same text when greedy, the same distribution when not, whatever is guessed."""

from collections import Counter
from itertools import pairwise, product

import numpy as np
import pytest

from transformer import CharTokenizer, build_model, generate, torch
from transformer.generate.sampling import probabilities
from transformer.generate.settings import Sampling
from transformer.generate.speculative import Lookup

V = 5
SIZES = {"n_layer": 1, "n_head": 2, "n_embd": 8}


def model(seed, name="gpt", vocab_size=V, block_size=32, sharp=10.0, **sizes):
    torch.manual_seed(seed)
    sizes = SIZES if name == "gpt" else sizes
    built = build_model(name, vocab_size=vocab_size, block_size=block_size, **sizes).eval()
    for p in built.parameters():
        p.data.mul_(sharp)
    return built


@pytest.mark.parametrize("name", ["gpt", "ngram", "lstm"])
@pytest.mark.parametrize("guesses", [1, 4, 9])
def test_greedy_text_is_the_same(name, guesses):
    target = model(1, name)
    prompt = [1, 2, 3, 1, 2]
    expected = generate(target, prompt, 60, temperature=0)  # past block_size
    asked = {"temperature": 0, "guesses": guesses, "return_details": True}
    for help in ({"draft": model(2)}, {"draft": target}, {"lookup": True}):
        found = generate(target, prompt, 60, **help, **asked)
        assert prompt + found.ids == expected
        assert 0 <= found.acceptance_rate <= 1
        if help.get("draft") is target:
            assert found.acceptance_rate == 1


@pytest.mark.parametrize("penalty", [{"repetition_penalty": 1.5}, {"frequency_penalty": 2.0}])
def test_penalties_see_the_guesses_before_them(penalty):
    target = model(1, sharp=4.0)
    expected = generate(target, [1, 2], 25, temperature=0, **penalty)
    for help in ({"draft": model(2)}, {"lookup": True}):
        assert generate(target, [1, 2], 25, temperature=0, **penalty, **help) == expected


def away(counts, chances, constraints=1):
    """How far counts are from the draws expected, by chi-square, in standard deviations."""
    expected = np.array(list(chances.values())) * sum(counts.values())
    seen = np.array([counts.get(what, 0) for what in chances])
    rare = expected < 5  # pooled, as the test's approximation asks
    e = np.append(expected[~rare], expected[rare].sum())
    s = np.append(seen[~rare], seen[rare].sum())
    if e[-1] == 0:
        assert s[-1] == 0, "what cannot be drawn was drawn"
        e, s = e[:-1], s[:-1]
    degrees = len(e) - constraints
    spread = 2 / (9 * degrees)  # the cube root is nearly normal (Wilson and Hilferty, 1931)
    return (((s - e) ** 2 / e).sum() / degrees) ** (1 / 3) / spread**0.5 - (
        1 - spread
    ) / spread**0.5


SETTINGS = [
    {},
    {"temperature": 0.6, "top_k": 3},
    {"top_p": 0.8, "temperature": 1.5},
    {"min_p": 0.1, "logit_bias": {1: 0.5}},
    {"typical_p": 0.7},
]


def bigrams(target, sampling):
    """The probability of each next token after each token."""
    logits = target(torch.arange(V).unsqueeze(1))[0][:, -1].detach()
    return probabilities(logits, sampling, [[]] * V, 0).numpy().astype(np.float64)


@pytest.mark.parametrize("asked", SETTINGS)
@pytest.mark.parametrize("help", ["draft", "lookup"])
def test_every_next_token_is_drawn_from_the_models_distribution(asked, help):
    """Of a model that sees one token, every pair in a long text is a draw we know all about."""
    target, draft = (model(seed, "bigram", block_size=1000, sharp=1.0) for seed in (4, 5))
    given = {"draft": draft} if help == "draft" else {"lookup": True}
    found = generate(target, [1, 2], 600, seed=2, guesses=3, return_details=True, **given, **asked)
    assert 0.03 < found.acceptance_rate < 0.95  # some kept, some refused
    chances, others = (bigrams(m, Sampling(**asked)) for m in (target, draft))
    pairs = Counter(pairwise([2, *found.ids]))
    firsts = Counter([2, *found.ids[:-1]])

    def joint(table):  # of a pair, given how often each token came first
        return {
            (i, j): firsts[i] / len(found.ids) * table[i, j] for i, j in product(range(V), repeat=2)
        }

    assert away(pairs, joint(chances), constraints=V) < 4
    # The check can fail: the draft's own distribution is another.
    assert away(pairs, joint(0.99 * others + 0.01 / V)) > 10


def test_texts_of_a_model_with_a_cache_have_its_distribution():
    """Penalties, too: every pair of tokens after one prompt, beside asking the model about each."""
    asked = {"presence_penalty": 1.0, "temperature": 1.2}
    target, draft, prompt = model(4, sharp=5.0), model(5, sharp=5.0), [1, 2, 3]
    answers = generate(target, prompt, 2, seed=1, n=300, guesses=2, draft=draft, **asked)
    chances = {}
    for i, j in product(range(V), repeat=2):
        rows = [prompt, [*prompt, i]]
        logits = [target(torch.tensor([row]))[0][:, -1].detach() for row in rows]
        p, q = (
            probabilities(x, Sampling(**asked), [row], 3)[0]
            for x, row in zip(logits, rows, strict=True)
        )
        chances[i, j] = p[i].item() * q[j].item()
    assert away(Counter(tuple(a[3:]) for a in answers), chances) < 4


def test_the_longest_and_latest_place_is_looked_up():
    assert Lookup(3).propose([1, 2, 9, 1, 2, 8, 7, 1, 2], 4) == ([8, 7, 1, 2], [None] * 4)
    assert Lookup(3).propose([3, 1, 2, 9, 1, 2, 8, 3, 1, 2], 1) == ([9], [None])
    assert Lookup(1).propose([3, 1, 2, 9, 1, 2, 8, 3, 1, 2], 1) == ([8], [None])
    assert Lookup().propose([1, 2, 3], 4) == ([], [])
    assert Lookup().propose([1], 4) == ([], [])


def test_repeating_text_is_guessed_well():
    target = build_model("bigram", vocab_size=3)
    with torch.no_grad():
        next(target.parameters()).copy_(torch.eye(3).roll(1, 1) * 50)  # 0 1 2 0 1 2 ...
    asked = {"lookup": True, "return_details": True, "temperature": 0}
    found = generate(target, [0, 1, 2, 0], 30, **asked)
    assert found.ids == [1, 2, 0] * 10
    assert found.acceptance_rate == 1


def test_stops_and_reports_are_those_of_plain_decoding():
    target, tokenizer = model(1, sharp=6.0), CharTokenizer("abcde")
    plain = generate(target, [1, 2], 20, temperature=0, logprobs=2, return_details=True)
    stop = plain.ids[7]
    for help in ({"draft": model(2)}, {"lookup": True}):
        found = generate(target, [1, 2], 20, temperature=0, logprobs=2, return_details=True, **help)
        assert found.ids == plain.ids
        np.testing.assert_allclose(found.logprobs, plain.logprobs, atol=1e-5)
        assert [list(t) for t in found.top_logprobs] == [list(t) for t in plain.top_logprobs]
        cut = generate(
            target, [1, 2], 20, temperature=0, stop_tokens=[stop], return_details=True, **help
        )
        assert cut.ids == plain.ids[: plain.ids.index(stop)]
        text = "".join(tokenizer.decode([i]) for i in plain.ids)
        asked = {"temperature": 0, "stop": text[5:7], "tokenizer": tokenizer}
        assert generate(target, "bc", 20, **asked, **help) == generate(target, "bc", 20, **asked)


def test_another_vocabulary_is_refused():
    with pytest.raises(ValueError, match="draft model has a vocabulary of 6, the model one of 5"):
        generate(model(1), [1, 2], 5, draft=model(1, vocab_size=6))


def test_a_draft_and_lookup_together_are_refused():
    with pytest.raises(ValueError, match="a draft model or lookup, not both"):
        generate(model(1), [1, 2], 5, draft=model(1), lookup=True)
