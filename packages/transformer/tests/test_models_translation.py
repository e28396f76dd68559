"""The encoder-decoder: its formula, padding, caches, search, and that it learns to translate."""

import itertools
from random import Random

import numpy as np
import pytest

from transformer import torch
from transformer.data.synthetic import ADJECTIVES, NOUNS, parallel_corpus
from transformer.generate.translate import translate
from transformer.models.base import IGNORE
from transformer.models.translation import BEGIN, END, EncoderDecoder, EncoderDecoderConfig
from transformer.train.inverse_root import inverse_square_root

V, SOURCE = 6, 7


def small(dtype=None, **more):
    torch.manual_seed(0)
    sizes = {"n_layer": 2, "n_head": 2, "n_embd": 4, "n_hidden": 5, "block_size": 9, "dropout": 0.0}
    config = EncoderDecoderConfig(vocab_size=V, source_vocab_size=SOURCE, **{**sizes, **more})
    return EncoderDecoder(config).to(dtype or torch.float64)


def ids(vocabulary, *shape, seed=0):
    return np.random.default_rng(seed).integers(0, vocabulary, size=shape)


def numbers(tensor):
    return tensor.detach().numpy()


# ---- the formula, one sentence at a time -----------------------------------------------------


def normed(w, name, x):
    x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    return x * w[f"{name}.weight"] + w[f"{name}.bias"]


def linear(w, name, x):
    return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]


def attended(w, name, x, source, causal, heads=2):
    q, k, v = (
        linear(w, f"{name}.{p}_proj", a) for p, a in (("q", x), ("k", source), ("v", source))
    )
    d, y = x.shape[1] // heads, np.zeros_like(x)
    for h, t in itertools.product(range(heads), range(len(x))):
        own = slice(h * d, (h + 1) * d)
        keys = range(t + 1) if causal else range(len(source))
        e = np.exp([q[t, own] @ k[s, own] / np.sqrt(d) for s in keys])
        y[t, own] = sum(e[s] / e.sum() * v[s, own] for s in keys)
    return linear(w, f"{name}.o_proj", y)


def embedded(w, name, row, C=4):
    angle = [[t / 10000 ** (i // 2 * 2 / C) for i in range(C)] for t in range(len(row))]
    where = [[np.cos(a) if i % 2 else np.sin(a) for i, a in enumerate(row)] for row in angle]
    return w[f"{name}_embedding.weight"][row] * np.sqrt(C) + np.array(where)


def by_hand(model, source, before):
    """The scores (T, V) for one source and the words before each."""
    w = {k: numbers(p) for k, p in model.state_dict().items()}
    pre = model.config.pre_norm

    def added(x, name, part):
        norm = f"{name}.norm"
        return x + part(normed(w, norm, x)) if pre else normed(w, norm, x + part(x))

    def mlp(name):
        return lambda x: linear(w, f"{name}.w2", np.maximum(linear(w, f"{name}.w1", x), 0))

    x = embedded(w, "source", source)
    for i in range(model.config.n_layer):
        at = f"encoder.{i}"
        x = added(x, f"{at}.look", lambda x: attended(w, f"{at}.attn", x, x, False))  # noqa: B023
        x = added(x, f"{at}.think", mlp(f"{at}.mlp"))
    read = normed(w, "encoder_norm", x) if pre else x
    x = embedded(w, "target", before)
    for i in range(model.config.n_layer):
        at = f"decoder.{i}"
        x = added(x, f"{at}.look_back", lambda x: attended(w, f"{at}.attn", x, x, True))  # noqa: B023
        cross = f"{at}.cross_attn"
        x = added(x, f"{at}.look_over", lambda x: attended(w, cross, x, read, False))  # noqa: B023
        x = added(x, f"{at}.think", mlp(f"{at}.mlp"))
    return (normed(w, "decoder_norm", x) if pre else x) @ w["target_embedding.weight"].T


@pytest.mark.parametrize("pre_norm", [False, True])
def test_the_formula_of_the_paper(pre_norm):
    model = small(pre_norm=pre_norm)
    source, target = ids(SOURCE, 2, 4), ids(V, 2, 3)
    logits, loss = model.eval()(torch.tensor(source), torch.tensor(target))
    total = 0.0
    for b in range(2):
        expected = by_hand(model, source[b], [BEGIN, *target[b, :-1]])
        np.testing.assert_allclose(numbers(logits)[b], expected, rtol=1e-10, atol=1e-12)
        log_p = expected - np.log(np.exp(expected).sum(-1, keepdims=True))
        total -= log_p[range(3), target[b]].sum()
    assert loss.item() == pytest.approx(total / 6, rel=1e-11)


def test_label_smoothing_in_training_only():
    model = small(label_smoothing=0.3)
    source, target = torch.tensor(ids(SOURCE, 2, 4)), torch.tensor([[2, 3, 1], [5, 1, IGNORE]])
    logits, loss = model(source, target)
    scores = numbers(logits).reshape(-1, V)[:5]  # the sixth is filled up
    log_p = scores - np.log(np.exp(scores).sum(-1, keepdims=True))
    plain = -log_p[range(5), [2, 3, 1, 5, 1]].mean()
    assert loss.item() == pytest.approx(0.7 * plain - 0.3 * log_p.mean(), rel=1e-12)
    assert model.eval()(source, target)[1].item() == pytest.approx(plain, rel=1e-12)


# ---- padding, causality, caches --------------------------------------------------------------


@pytest.mark.parametrize("pre_norm", [False, True])
def test_filling_up_changes_no_score_and_no_loss(pre_norm):
    model = small(pre_norm=pre_norm).eval()
    source, target = ids(SOURCE, 1, 3), ids(V, 1, 4)
    logits, loss = model(torch.tensor(source), torch.tensor(target))
    longer, more = ids(SOURCE, 2, 6, seed=1), ids(V, 2, 7, seed=1)
    longer[0], more[0] = IGNORE, IGNORE
    longer[0, :3], more[0, :4] = source, target
    found, _ = model(torch.tensor(longer), torch.tensor(more))
    np.testing.assert_allclose(numbers(found)[0, :4], numbers(logits)[0], atol=1e-12, rtol=0)
    filled = model(torch.tensor(longer[:1]), torch.tensor(more[:1]))[1]
    assert filled.item() == pytest.approx(loss.item(), rel=1e-12)


def test_no_score_sees_a_later_word_by_a_single_bit_but_all_see_the_source():
    model, source, target = small(), ids(SOURCE, 2, 5), ids(V, 2, 6)
    before = numbers(model(torch.tensor(source), torch.tensor(target))[0])
    for t in range(6):
        changed = target.copy()
        changed[:, t:] = (changed[:, t:] + 1) % V
        after = numbers(model(torch.tensor(source), torch.tensor(changed))[0])
        assert after[:, : t + 1].tobytes() == before[:, : t + 1].tobytes()
        assert t == 5 or not np.array_equal(after[:, t + 1], before[:, t + 1])
    changed = source.copy()
    changed[:, 4] = (changed[:, 4] + 1) % SOURCE
    after = numbers(model(torch.tensor(changed), torch.tensor(target))[0])
    assert (after != before).any(axis=2).all()


def test_a_cache_changes_nothing_however_the_words_come():
    model, idx = small(), torch.tensor(ids(V, 2, 5))
    with torch.no_grad():
        encoded, mask = model.encode(torch.tensor([[1, 2, 3], [4, 5, IGNORE]]))
        whole = numbers(model.decode(idx, encoded, mask))
        for count in range(5):
            for cuts in itertools.combinations(range(1, 5), count):
                cache, pieces = model.new_cache(), []
                for a, b in itertools.pairwise([0, *cuts, 5]):
                    pieces.append(numbers(model.decode(idx[:, a:b], encoded, mask, cache)))
                np.testing.assert_allclose(np.concatenate(pieces, 1), whole, atol=1e-12, rtol=0)


# ---- search ------------------------------------------------------------------------------------


def log_probability(model, source, words):
    """Of one translation, its end included if it has one within the model's sight."""
    target = torch.tensor([words])
    scores = numbers(model.eval()(torch.tensor([source]), target)[0])[0]
    log_p = scores - np.log(np.exp(scores).sum(-1, keepdims=True))
    return log_p[range(len(words)), words].sum()


def sharpened(seed):
    """A model whose guesses differ, as a trained one's do."""
    model = small(n_layer=1)
    torch.manual_seed(seed)
    with torch.no_grad():
        for p in model.parameters():
            p.add_(torch.randn(*p.shape, dtype=p.dtype) * 0.7)
    return model


@pytest.mark.parametrize("seed", range(3))
def test_greedy_takes_the_likeliest_word_each_time(seed):
    model, sources = sharpened(seed), ids(SOURCE, 4, 3, seed=seed)
    found = translate(model, torch.tensor(sources), max_length=6)
    for source, words in zip(sources, found, strict=True):
        expected: list[int] = []
        while len(expected) < 6:
            probed = torch.tensor([[*expected, END]])
            best = int(model(torch.tensor(source[None]), probed)[0][0, -1].argmax())
            if best == END:
                break
            expected.append(best)
        assert words == expected


@pytest.mark.parametrize("penalty", [0.0, 0.6, 2.0])
@pytest.mark.parametrize("seed", range(3))
def test_with_beams_enough_the_search_is_exhaustive(seed, penalty):
    model, source, longest = sharpened(seed), [1, 5, 2], 3
    inner = [i for i in range(V) if i != END]
    all_of_them = [
        [*words, END] for n in range(longest) for words in itertools.product(inner, repeat=n)
    ] + [list(words) for words in itertools.product(inner, repeat=longest)]

    def score(words):
        return log_probability(model, source, words) / ((5 + len(words)) / 6) ** penalty

    best = max(all_of_them, key=score)
    found = translate(
        model, torch.tensor([source]), beams=200, max_length=longest, length_penalty=penalty
    )
    assert found == [[word for word in best if word != END]]


def test_more_beams_find_nothing_less_likely():
    model, source = sharpened(4), [1, 5, 2]

    def likelihood(beams):
        options = {"beams": beams, "max_length": 6, "length_penalty": 0.0}
        words = translate(model, torch.tensor([source]), **options)[0]
        return log_probability(model, source, [*words, END] if len(words) < 6 else words)

    assert likelihood(1) <= likelihood(60) + 1e-9


def test_translating_leaves_the_model_in_training():
    model = small(dropout=0.5)
    sources = torch.tensor(ids(SOURCE, 3, 4))
    assert translate(model, sources) == translate(model, sources)
    assert model.training


# ---- learning ----------------------------------------------------------------------------------


def agreeing(random):
    """Three or four nouns, the first a number: all come back to front, in its number's form."""
    number, nouns = random.randrange(3), random.choices(range(5), k=random.randrange(3, 5))
    return [number, *(3 + n for n in nouns)], [*(2 + 3 * n + number for n in nouns[::-1]), END]


def filled(rows):
    longest = max(map(len, rows))
    return torch.tensor([row + [IGNORE] * (longest - len(row)) for row in rows])


@pytest.mark.parametrize("pre_norm", [False, True])
def test_a_grammar_is_learnt_from_examples(pre_norm):
    random = Random(0)
    pairs = {str(pair): pair for pair in (agreeing(random) for _ in range(1500))}
    assert len(pairs) > 900  # of 2250 sentences there are
    known, unseen = list(pairs.values())[:-100], list(pairs.values())[-100:]
    torch.manual_seed(0)
    model = EncoderDecoder(
        EncoderDecoderConfig(
            vocab_size=17,
            source_vocab_size=8,
            block_size=6,
            n_layer=1,
            n_head=4,
            n_embd=32,
            n_hidden=64,
            dropout=0.0,
            pre_norm=pre_norm,
        )
    )
    optimizer = torch.optim.Adam(model.parameters(), betas=(0.9, 0.98), eps=1e-9)
    for step in range(300):
        for group in optimizer.param_groups:
            group["lr"] = 0.5 * inverse_square_root(step, 32, warmup_steps=60)
        source, target = zip(*random.sample(known, 48), strict=True)
        _, loss = model(filled(source), filled(target))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    sources = filled([source for source, _ in unseen])
    for beams in (1, 2):
        found = translate(model, sources, beams=beams)
        right = sum(row == target[:-1] for row, (_, target) in zip(found, unseen, strict=True))
        assert right > 95


def test_every_sentence_of_the_invented_language_keeps_its_grammar():
    stems = dict.fromkeys(NOUNS.values(), "o") | dict.fromkeys(ADJECTIVES.values(), "a")
    corpus = parallel_corpus(500)
    assert len({" ".join(english) for english, _ in corpus}) == 500
    assert corpus == parallel_corpus(500) != parallel_corpus(500, seed=1)
    for english, there in corpus:
        endings = []
        for word in there:
            stem = max((s for s in stems if word.startswith(s)), key=len, default=None)
            if stem is not None:
                assert word[len(stem)] == stems[stem]
                endings.append(word[len(stem) + 1 :])
        of_one, of_other = itertools.groupby(endings)  # each phrase agrees in itself
        assert of_one[0] in ("", "j") and of_other[0] in ("n", "jn")
        assert there[-1].endswith("j") == (of_one[0] == "j")
        assert ("ne" in there) == ("not" in english) and ("la" in there) == ("the" in english)


def test_the_learning_rate_of_the_paper():
    rates = [inverse_square_root(step, 512, 4000) for step in range(20000)]
    assert np.argmax(rates) == 3999
    assert rates[3999] == pytest.approx((512 * 4000) ** -0.5)
    np.testing.assert_allclose(np.diff(rates[:4000]), rates[0], rtol=1e-9)  # a straight line
    assert rates[15999] == pytest.approx(rates[3999] / 2)  # 4 times as far, half as fast


# ---- errors ------------------------------------------------------------------------------------


def test_errors_name_the_sizes():
    model = small()
    source, target = torch.tensor(ids(SOURCE, 2, 4)), torch.tensor(ids(V, 2, 3))
    with pytest.raises(ValueError, match=r"source must have shape .* block_size of 9, got \(2, 10"):
        model(torch.tensor(ids(SOURCE, 2, 10)), target)
    with pytest.raises(ValueError, match=r"target must have shape .*, got \(2, 11\)"):
        model(source, torch.tensor(ids(V, 2, 11)))
    with pytest.raises(ValueError, match="a source sentence has no word, only -100"):
        model(torch.tensor([[1, 2], [IGNORE, IGNORE]]), target)
    with pytest.raises(IndexError, match="do not fit a vocabulary of 7"):
        model(source + SOURCE, target)
    with pytest.raises(ValueError, match="max_length 10 from 1 to the block_size of 9"):
        translate(model, source, max_length=10)
    with pytest.raises(ValueError, match="beams 0 must be 1 or more"):
        translate(model, source, beams=0)
    with pytest.raises(ValueError, match=r"length_penalty -1.0 must be 0 or more"):
        translate(model, source, length_penalty=-1.0)


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        ({"n_head": 3}, "n_embd 4 must be even and divisible by n_head 3"),
        ({"n_head": 1, "n_embd": 5}, "n_embd 5 must be even"),
        ({"label_smoothing": 1.0}, r"label_smoothing is 1.0, not in \[0, 1\)"),
        ({"source_vocab_size": 0}, "source_vocab_size is 0, not a whole number of at least 1"),
    ],
)
def test_sizes_that_cannot_be(sizes, said):
    with pytest.raises(ValueError, match=said):
        small(**sizes) if "source_vocab_size" not in sizes else EncoderDecoderConfig(V, **sizes)
