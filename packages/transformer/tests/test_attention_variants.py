"""Every variant of attention: the formula, no look ahead, and a cache that changes nothing.

A cache moves no output by more than 1e-12 in double precision and 2e-6 in single, counted in the
largest output where that is above 1.
"""

import itertools

import numpy as np
import pytest
from attention_by_loops import attention as by_loops
from hypothesis import given, settings
from hypothesis import strategies as st

from transformer import build_model, torch
from transformer.layers import Attention, KVCache, Latent, LayerCache, Rotary

C = 8
LLAMA3 = {
    "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 40,
}  # fmt: skip
LINEAR = {"rope_type": "linear", "factor": 4.0}
ROPE = {"theta": 10000.0, "scaling": None}
VARIANTS = {
    "multi-head": {"n_head": 4},
    "packed": {"n_head": 2, "packed": True},
    "packed in groups": {"n_head": 4, "n_kv_head": 2, "packed": True, "bias": False},
    "grouped-query": {"n_head": 4, "n_kv_head": 2},
    "multi-query": {"n_head": 4, "n_kv_head": 1, "bias": False, "out_bias": True},
    "wide heads": {"n_head": 2, "head_dim": 6, "scale": 0.7},
    "window": {"n_head": 2, "window": 2},
    "ALiBi": {"n_head": 4, "alibi": True},
    "ALiBi of six heads": {"n_head": 6, "head_dim": 2, "alibi": True},
    "rotary": {"n_head": 2, "rope": {"theta": 500.0, "scaling": None}},
    "rotary, llama3": {"n_head": 1, "rope": {"theta": 10000.0, "scaling": LLAMA3}},
    "rotary, linear": {"n_head": 2, "rope": {"theta": 10000.0, "scaling": LINEAR}},
    "QK-norm": {"n_head": 2, "qk_norm": 1e-5},
    "soft-cap": {"n_head": 4, "n_kv_head": 2, "softcap": 0.4},
    "latent": {"n_head": 2, "rope": ROPE, "latent": {"rank": 5, "rope_dim": 4, "query_rank": None}},
    "latent queries": {
        "n_head": 2, "head_dim": 3, "rope": ROPE, "bias": False, "softcap": 2.0,
        "latent": {"rank": 5, "rope_dim": 2, "query_rank": 6},
    },
    "Qwen 3": {"n_head": 4, "n_kv_head": 2, "head_dim": 4, "rope": ROPE, "qk_norm": 1e-6},
    "Gemma 2": {"n_head": 4, "n_kv_head": 2, "rope": ROPE, "softcap": 1.0, "window": 3},
    "window with ALiBi": {"n_head": 2, "window": 3, "alibi": True, "n_kv_head": 1},
}  # fmt: skip


def make(options, seed=0, **more):
    """The module of these options, no weight of it 0 or 1, in double precision."""
    given = {k: v for k, v in options.items() if k not in ("rope", "latent")} | more
    if options.get("latent"):
        given["latent"] = Latent(**options["latent"])
    if options.get("rope"):
        width = C // options["n_head"] if "head_dim" not in options else options["head_dim"]
        width = options["latent"]["rope_dim"] if options.get("latent") else width
        given["rotary"] = Rotary(width, **options["rope"])
    torch.manual_seed(seed)
    module = Attention(C, **given).double()
    with torch.no_grad():
        for p in module.parameters():
            p.add_(torch.randn(*p.shape, dtype=p.dtype) * 0.5)
    return module


def weights(module):
    return {name: p.detach().numpy() for name, p in module.named_parameters()}


def values(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def close(found, expected, precision=1e-12):
    """Equal up to ``precision``, counted in the largest value if that is above 1."""
    largest = max(1.0, float(np.abs(expected).max()))
    np.testing.assert_allclose(found, expected, rtol=0, atol=precision * largest)


# ---- formulas ----------------------------------------------------------------------------------


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("name", VARIANTS)
def test_the_formula(name, causal):
    options = {**VARIANTS[name], "causal": causal}
    module, x = make(options), values(2, 6, C)
    found = module(torch.tensor(x)).detach().numpy()
    for b in range(2):
        close(found[b], by_loops(weights(module), x[b], options))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_formula_of_any_combination(data):
    pick = data.draw
    heads = pick(st.sampled_from([1, 2, 3, 4, 6]), "n_head")
    options = {
        "n_head": heads,
        "n_kv_head": pick(st.sampled_from([d for d in range(1, heads + 1) if heads % d == 0])),
        "head_dim": pick(st.sampled_from([2, 4])),
        "causal": pick(st.booleans()),
        "window": pick(st.none() | st.integers(1, 5)),
        "alibi": pick(st.booleans()),
        "qk_norm": pick(st.sampled_from([None, 1e-6, 0.1])),
        "softcap": pick(st.sampled_from([None, 0.5, 30.0])),
        "scale": pick(st.sampled_from([None, 0.3])),
        "bias": pick(st.booleans()),
        "packed": pick(st.booleans()),
    }
    rope = pick(st.sampled_from([None, ROPE, {"theta": 50.0, "scaling": LLAMA3}]))
    B, T = pick(st.integers(1, 2)), pick(st.integers(1, 6))
    seen = pick(st.none() | st.just("some"))
    options |= {} if rope is None else {"rope": rope}
    module, x = make(options), values(B, T, C, seed=T)
    mask = None if seen is None else values(T, T, seed=1) > 0
    if mask is not None:
        np.fill_diagonal(mask, True)  # no query is left with nothing
    found = module(torch.tensor(x), mask=None if mask is None else torch.tensor(mask))
    for b in range(B):
        close(found.detach().numpy()[b], by_loops(weights(module), x[b], options, seen=mask))


@pytest.mark.parametrize("more", [{}, {"n_kv_head": 1}, {"softcap": 0.5}, {"qk_norm": 1e-5}])
def test_cross_attention_with_a_mask_of_its_own_a_row(more):
    options = {"n_head": 2, "causal": False, **more}
    module = make(options, n_source=5)
    x, source = values(3, 4, C), values(3, 6, 5, seed=1)
    kept = np.arange(6) < np.array([6, 1, 4])[:, None]  # (B, S)
    mask = torch.tensor(kept[:, None, None, :])
    found = module(torch.tensor(x), torch.tensor(source), mask=mask).detach().numpy()
    for b in range(3):
        seen = np.broadcast_to(kept[b], (4, 6))
        close(found[b], by_loops(weights(module), x[b], options, source[b], seen))
    plain = module(torch.tensor(x), torch.tensor(source)).detach().numpy()
    close(plain[2], by_loops(weights(module), x[2], options, source[2]))


@pytest.mark.parametrize("name", ["multi-head", "grouped-query", "soft-cap", "ALiBi", "latent"])
def test_dropout_changes_no_mean_and_nothing_at_rest(name):
    module, x = make(VARIANTS[name], dropout=0.3), values(1, 3, C)
    many = torch.tensor(np.repeat(x, 4000, axis=0))  # each row draws for itself
    drawn = module(many).detach().numpy()
    still = module.eval()(torch.tensor(x)).detach().numpy()[0]
    close(still, by_loops(weights(module), x[0], VARIANTS[name]))
    spread = drawn.std(axis=0)
    assert spread.min() > 0.05
    assert (np.abs(drawn.mean(axis=0) - still) < 5 * spread / 4000**0.5).all()


def test_distance_is_all_that_rotary_scores_know():
    q, k = values(2, 4)
    rotary = Rotary(4)

    def score(t, s):
        a, b = (torch.tensor(v.reshape(1, 1, 1, 4)) for v in (q, k))
        return float((rotary(a, t) * rotary(b, s)).sum())

    for t, s, by in [(0, 0, 9), (3, 1, 1000), (500, 2, 77777)]:
        assert score(t, s) == pytest.approx(score(t + by, s + by), abs=1e-10)


# ---- no look ahead -----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", VARIANTS)
def test_no_position_sees_a_later_one_by_a_single_bit(name, dtype):
    module = make(VARIANTS[name]).to(getattr(torch, dtype))
    x = values(2, 9, C).astype(dtype)
    before = module(torch.tensor(x)).detach().numpy()
    for t in range(1, 9):
        changed = x.copy()
        changed[:, t:] = 3 * values(2, 9 - t, C, seed=t)
        after = module(torch.tensor(changed)).detach().numpy()
        assert np.array_equal(after[:, :t], before[:, :t])
        assert not np.array_equal(after[:, t], before[:, t])


@pytest.mark.parametrize("name", [n for n, o in VARIANTS.items() if "window" in o])
def test_no_position_sees_back_past_its_window(name):
    module, window, x = make(VARIANTS[name]), VARIANTS[name]["window"], values(1, 9, C)
    before = module(torch.tensor(x)).detach().numpy()
    for t in range(9):
        changed = x.copy()
        changed[:, t] += 1
        after = module(torch.tensor(changed)).detach().numpy()
        reached = np.flatnonzero((after != before).any(axis=(0, 2))).tolist()
        assert reached == list(range(t, min(t + window, 9)))


MODELS = {
    "gpt": {"n_head": 2},
    "gpt without bias": {"n_head": 4, "bias": False, "gelu": "none"},
    "llama": {"n_head": 2},
    "llama in groups": {"n_head": 4, "n_kv_head": 2, "qk_norm": True, "head_dim": 6},
    "llama with a window": {"n_head": 2, "n_kv_head": 1, "window": 3},
    "llama stretched": {"n_head": 2, "rope_scaling": LLAMA3, "attention_bias": True},
    "rnn": {"n_hidden": 6},
    "lstm": {"n_hidden": 6},
    "gru": {"n_hidden": 6},
}
V, T = 11, 8


def model(name, dtype="float64", **more):
    torch.manual_seed(0)
    sizes = {"vocab_size": V, "block_size": T, "n_layer": 2, "n_embd": C, **MODELS.get(name, {})}
    built = build_model(name.split()[0], **{**sizes, **more}).to(getattr(torch, dtype))
    with torch.no_grad():  # as sharp as a trained one's
        for p in built.parameters():
            p.add_(torch.randn(*p.shape, dtype=p.dtype) * 0.3)
    return built.eval()


def ids(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, V, size=shape)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", MODELS)
def test_no_logit_sees_a_later_token_by_a_single_bit(name, dtype):
    built, x = model(name, dtype), ids(2, T)
    before = built(torch.tensor(x))[0].detach().numpy()
    for t in range(1, T):
        changed = x.copy()
        changed[:, t:] = (changed[:, t:] + 1 + ids(2, T - t, seed=t) % (V - 1)) % V
        after = built(torch.tensor(changed))[0].detach().numpy()
        assert np.array_equal(after[:, :t], before[:, :t])
        assert not np.array_equal(after[:, t], before[:, t])


# ---- caches ------------------------------------------------------------------------------------


def in_pieces(module, x, cuts, cache):
    with torch.no_grad():
        pieces = [
            module(torch.tensor(x[:, a:b]), cache=cache).numpy()
            for a, b in itertools.pairwise([0, *cuts, x.shape[1]])
        ]
    return np.concatenate(pieces, axis=1)


@pytest.mark.parametrize("name", VARIANTS)
def test_a_cache_changes_no_output_however_the_sequence_is_cut(name):
    module, x = make(VARIANTS[name]), values(2, 6, C)
    whole = module(torch.tensor(x)).detach().numpy()
    for count in range(6):
        for cuts in itertools.combinations(range(1, 6), count):
            cache = LayerCache(VARIANTS[name].get("window"))
            close(in_pieces(module, x, cuts, cache), whole)
    single = module.to(torch.float32)
    cache = LayerCache(VARIANTS[name].get("window"))
    found = in_pieces(single, x.astype(np.float32), range(1, 6), cache)
    close(found, whole, 2e-6)


def through(built, x, cuts, cache):
    """The logits of ``x`` (B, T), read with a cache in the pieces between the cuts."""
    with torch.no_grad():
        pieces = [
            built(torch.tensor(x[:, a:b]), cache=cache)[0].numpy()
            for a, b in itertools.pairwise([0, *cuts, x.shape[1]])
        ]
    return np.concatenate(pieces, axis=1)


@pytest.mark.parametrize("name", MODELS)
def test_a_cache_changes_no_logit_however_the_text_is_cut(name):
    built, x = model(name), ids(2, 6)
    whole = built(torch.tensor(x))[0].detach().numpy()
    for count in range(6):
        for cuts in itertools.combinations(range(1, 6), count):
            close(through(built, x, cuts, built.new_cache()), whole)
    single = model(name, "float32")
    whole = single(torch.tensor(x))[0].detach().numpy()
    found = through(single, x, range(1, 6), single.new_cache())
    close(found, whole, 2e-6)


@settings(max_examples=40, deadline=None)
@given(name=st.sampled_from(list(MODELS)), data=st.data())
def test_reading_forgetting_and_choosing_rows_in_any_order(name, data):
    """Whatever was done to a cache, what it says next is what the tokens it holds say."""
    built = model(name)
    cache, held = built.new_cache(), np.zeros((2, 0), dtype=np.int64)
    for step in range(data.draw(st.integers(2, 6))):
        action = data.draw(st.sampled_from(["read", "read", "forget", "rows", "store"]))
        if action == "forget":
            length = data.draw(st.integers(0, held.shape[1]))
            cache.truncate(length)
            held = held[:, :length]
        elif action == "rows" and held.shape[1]:
            rows = data.draw(st.lists(st.integers(0, len(held) - 1), min_size=1, max_size=3))
            cache.reorder(rows)
            held = held[rows]
        elif action == "store" and held.shape[1]:
            arrays, cache = cache.arrays(), built.new_cache()
            cache.restore(arrays)
        elif action == "read" and held.shape[1] < T and (held.shape[1] or len(held) == 2):
            new = ids(len(held), data.draw(st.integers(1, T - held.shape[1])), seed=step)
            found = through(built, new, (), cache)
            held = np.concatenate([held, new], axis=1)
            whole = built(torch.tensor(held))[0].detach().numpy()
            close(found, whole[:, -new.shape[1] :])
        assert cache.length == held.shape[1]


@pytest.mark.parametrize("piece", [1, 7])
def test_a_window_goes_on_for_as_long_as_one_likes(piece):
    """Old keys are dropped from the cache; what the window reaches stays."""
    x = ids(2, 300)
    built, longer = model("llama with a window"), model("llama with a window", block_size=300)
    whole = longer(torch.tensor(x))[0].detach().numpy()
    cache = built.new_cache()
    close(through(built, x, range(piece, 300, piece), cache), whole)
    assert cache.length == 300
    assert cache.layers[0].buffers[0].shape[2] <= 160  # and not 300
    cache.truncate(290)
    cache.reorder([1, 0, 1])
    new = ids(3, 5, seed=1)
    joined = np.concatenate([x[[1, 0, 1], :290], new], axis=1)
    expected = longer(torch.tensor(joined))[0].detach().numpy()[:, 290:]
    close(through(built, new, (2,), cache), expected)
    with pytest.raises(ValueError, match=r"truncate: tokens before .* were dropped"):
        cache.truncate(5)


def test_what_a_latent_cache_holds_is_short():
    module = make(VARIANTS["latent"])
    cache = LayerCache()
    in_pieces(module, values(2, 6, C), (), cache)
    assert [b.shape[3] for b in cache.buffers] == [5, 4]  # rank and shared dimensions, no heads
    assert [b.shape[1] for b in cache.buffers] == [1, 1]


def test_a_cache_is_of_one_batch_until_it_begins_again():
    model = build_model("llama", vocab_size=11, n_layer=2, n_embd=16, n_head=2).eval()
    cache, four = model.new_cache(), torch.tensor([[1], [2], [3], [4]])
    with torch.no_grad():
        model(four, cache=cache)
        with pytest.raises(ValueError, match=r"holds a batch of 4 and was given one of 1: reorder"):
            model(four[:1], cache=cache)
        cache.truncate(0)
        expected, _ = model(four[:2])
        assert torch.equal(model(four[:2], cache=cache)[0], expected)


def test_a_cache_is_for_inference():
    with pytest.raises(RuntimeError, match=r"wrap the call in torch\.no_grad"):
        model("gpt")(torch.tensor(ids(1, 2)), cache=KVCache(2))


# ---- errors ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"n_head": 3}, "n_head 3 does not divide n_embd 8"),
        ({"n_head": 4, "n_kv_head": 3}, "n_kv_head 3 does not divide n_head 4"),
        ({"n_head": 2, "window": 0}, "window 0 must be at least 1"),
        ({"n_head": 2, "rotary": Rotary(6)}, "rotary is for heads of 6, these have 4"),
        ({"n_head": 2, "latent": Latent(5, 4)}, r"give rotary=Rotary\(4\)"),
        ({"n_head": 2, "latent": Latent(5, 4), "rotary": Rotary(4), "packed": True}, "leave out"),
        ({"n_head": 2, "n_source": 5, "packed": True}, "packed maps read one sequence"),
        ({"n_head": 2, "n_source": 5}, "causal, rotary, alibi and window have no meaning"),
    ],
)
def test_variants_that_do_not_go_together(options, said):
    with pytest.raises(ValueError, match=said):
        Attention(C, **options)


def test_scalings_nobody_knows():
    with pytest.raises(ValueError, match="scaling of the kind 'yarn' is not known"):
        Rotary(4, scaling={"rope_type": "yarn", "factor": 2.0})
    with pytest.raises(ValueError, match="head_dim 5 must be even"):
        Rotary(5)


@pytest.mark.parametrize("softcap", [None, 2.0])
def test_a_query_that_may_look_at_nothing_gets_zeros_and_no_slope(softcap):
    torch.manual_seed(0)
    attention = Attention(8, 2, causal=False, softcap=softcap)
    x = torch.randn(1, 3, 8, requires_grad=True)
    mask = torch.tensor([[True, False, True], [False, False, False], [True, True, True]])
    y = attention(x, mask=mask)  # (1, 3, 8)
    np.testing.assert_array_equal(y[0, 1].detach().numpy(), attention.o_proj.bias.detach().numpy())
    y.sum().backward()
    assert all(bool(p.grad.isfinite().all()) for p in [x, *attention.parameters()])
