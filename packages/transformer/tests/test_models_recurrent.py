"""RNN, LSTM and GRU: their formulas, their memory between calls, what they can learn."""

import itertools

import numpy as np
import pytest

from transformer import CharTokenizer, build_model, generate, torch
from transformer.layers.state import StateCache

KINDS = ("rnn", "lstm", "gru")
V, T = 11, 7


def small(name, n_layer=2, dtype=None, **more):
    torch.manual_seed(0)
    sizes = {"vocab_size": V, "block_size": T, "n_embd": 4, "n_hidden": 5, "n_layer": n_layer}
    return build_model(name, **{**sizes, **more}).to(dtype or torch.float64)


def ids(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, V, size=shape)


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def formula(name, x, h, c, w, u, b, d):
    """The new h and c of one row, gate by gate, as the papers have it."""
    n = len(h)
    from_x = [w[k : k + n] @ x + b[k : k + n] for k in range(0, len(w), n)]
    from_h = [u[k : k + n] @ h + d[k : k + n] for k in range(0, len(u), n)]
    if name == "rnn":
        return np.tanh(from_x[0] + from_h[0]), c
    if name == "gru":
        r, z = (sigmoid(from_x[k] + from_h[k]) for k in (0, 1))
        return (1 - z) * np.tanh(from_x[2] + r * from_h[2]) + z * h, c
    i, f, o = (sigmoid(from_x[k] + from_h[k]) for k in (0, 1, 3))
    c = f * c + i * np.tanh(from_x[2] + from_h[2])
    return o * np.tanh(c), c


def read_slowly(name, model, row):
    """The logits (T, V) for one row of tokens, by loops."""
    w = {k: p.detach().numpy() for k, p in model.named_parameters()}
    layers = range(model.config.n_layer)
    h = c = np.zeros((len(layers), model.config.n_hidden))
    logits = []
    for token in row:
        x, h, c = w["wte.weight"][token], h.copy(), c.copy()
        for k in layers:
            of_layer = [w[f"rnn.{part}_l{k}"] for part in ("weight_ih", "weight_hh")]
            of_layer += [w[f"rnn.{part}_l{k}"] for part in ("bias_ih", "bias_hh")]
            h[k], c[k] = formula(name, x, h[k], c[k], *of_layer)
            x = h[k]
        logits.append(w["lm_head.weight"] @ x + w["lm_head.bias"])
    return np.array(logits)


@pytest.mark.parametrize("n_layer", [1, 3])
@pytest.mark.parametrize("name", KINDS)
def test_the_formula_step_by_step(name, n_layer):
    model, x = small(name, n_layer), ids(2, T)
    logits = model(torch.tensor(x))[0].detach().numpy()
    for b in range(2):
        np.testing.assert_allclose(logits[b], read_slowly(name, model, x[b]), rtol=1e-11)


@pytest.mark.parametrize("name", KINDS)
def test_parameters_are_counted(name):
    gates = {"rnn": 1, "gru": 3, "lstm": 4}[name]
    layers = gates * (5 * 4 + 5 * 5 + 2 * 5) + gates * (5 * 5 + 5 * 5 + 2 * 5)
    assert small(name).num_parameters() == V * 4 + layers + 5 * V + V


def test_a_new_lstm_remembers():
    model = small("lstm")
    for layer in range(2):
        given = model.rnn.get_parameter(f"bias_ih_l{layer}").detach().numpy()
        other = model.rnn.get_parameter(f"bias_hh_l{layer}").detach().numpy()
        assert (given + other)[5:10].tolist() == [1.0] * 5  # rows of the forget gate
        assert not np.any((given + other)[:5] == 1.0)


def in_pieces(model, x, cuts, cache=None):
    """The logits of ``x``, read with a cache in the pieces between the cuts."""
    cache = model.new_cache() if cache is None else cache
    with torch.no_grad():
        pieces = [
            model(torch.tensor(x[:, a:b]), cache=cache)[0].numpy()
            for a, b in itertools.pairwise([0, *cuts, x.shape[1]])
        ]
    return np.concatenate(pieces, axis=1)


@pytest.mark.parametrize("name", KINDS)
def test_a_cache_changes_nothing_however_the_text_is_cut(name):
    model, x = small(name), ids(2, T)
    whole = model(torch.tensor(x))[0].detach().numpy()
    for count in range(T):
        for cuts in itertools.combinations(range(1, T), count):
            np.testing.assert_allclose(in_pieces(model, x, cuts), whole, atol=1e-12, rtol=0)
    single, one = small(name, dtype=torch.float32), range(1, T)
    whole = single(torch.tensor(x))[0].detach().numpy()
    np.testing.assert_allclose(in_pieces(single, x, one), whole, atol=1e-6, rtol=0)


@pytest.mark.parametrize("keep", [1, 2, 9])
@pytest.mark.parametrize("name", KINDS)
def test_what_is_truncated_was_never_read(name, keep):
    model, x, other = small(name), ids(2, T), ids(2, T, seed=1)
    for length in range(T + 1):
        for cuts in ((), (3,), (2, 5), range(1, T)):
            cache = StateCache(keep)
            in_pieces(model, x, cuts, cache)
            cache.truncate(length)
            assert cache.length == length
            joined = np.concatenate([x[:, :length], other[:, length:]], axis=1)
            if length == T:
                continue
            whole = model(torch.tensor(joined))[0].detach().numpy()
            found = in_pieces(model, other[:, length:], (), cache)
            assert found.shape == (2, T - length, V)
            np.testing.assert_allclose(found, whole[:, length:], atol=1e-12, rtol=0)
            assert cache.length == T


@pytest.mark.parametrize("name", KINDS)
def test_rows_of_a_cache_may_be_repeated_dropped_and_swapped(name):
    model, x, rows = small(name), ids(3, 4), [2, 0, 2, 2]
    for back in (4, 2):  # with a state at the end, and with tokens to be read again
        cache = model.new_cache()
        in_pieces(model, x, (), cache)
        cache.truncate(back)
        cache.reorder(rows)
        found = in_pieces(model, ids(4, 3, seed=1), (1,), cache)
        joined = np.concatenate([x[rows, :back], ids(4, 3, seed=1)], axis=1)
        whole = model(torch.tensor(joined))[0].detach().numpy()
        np.testing.assert_allclose(found, whole[:, back:], atol=1e-12, rtol=0)


@pytest.mark.parametrize("back", [5, 4, 0])
@pytest.mark.parametrize("name", KINDS)
def test_a_cache_goes_through_arrays(name, back):
    model, x, new = small(name), ids(2, 5), ids(2, 2, seed=1)
    old, again = model.new_cache(), model.new_cache()
    in_pieces(model, x, (3,), old)
    old.truncate(back)
    arrays = old.arrays()
    assert all(isinstance(a, np.ndarray) for a in arrays.values())
    again.restore(arrays)
    assert again.length == back
    expected = in_pieces(model, new, (), old)
    for a in arrays.values():
        a[...] = 0  # the arrays are nobody's memory
    assert np.array_equal(in_pieces(model, new, (), again), expected)


def test_an_empty_cache_goes_through_arrays_too():
    cache = small("gru").new_cache()
    cache.restore(cache.arrays())
    assert cache.length == 0
    cache.reorder([0, 0])
    assert cache.arrays() == {}


@pytest.mark.parametrize("name", KINDS)
def test_with_a_cache_there_is_no_last_position(name):
    """Three times block_size, and many more tokens than the cache had room for at first."""
    model, x = small(name), ids(1, 3 * T)
    longer = small(name, block_size=3 * T)
    whole = longer(torch.tensor(x))[0].detach().numpy()
    found = in_pieces(model, x, range(1, 3 * T))
    np.testing.assert_allclose(found, whole, atol=1e-12, rtol=0)
    cache = model.new_cache()
    in_pieces(model, ids(1, 200), range(1, 200), cache)
    assert cache.length == 200
    assert np.array_equal(cache.arrays()["tokens"], ids(1, 200))


@pytest.mark.parametrize("name", KINDS)
def test_the_last_logits_alone(name):
    model, x = small(name), torch.tensor(ids(2, T))
    whole = model(x)[0].detach().numpy()
    for n in (1, 3, T, T + 5):
        found = model(x, logits_to_keep=n)[0].detach().numpy()
        np.testing.assert_allclose(found, whole[:, -min(n, T) :], atol=1e-13)


@pytest.mark.parametrize("name", KINDS)
def test_dropout_falls_between_layers_in_training_only(name):
    model, x = small(name, dropout=0.5), torch.tensor(ids(2, T))
    assert not bool((model(x)[0] == model(x)[0]).all())
    model.eval()
    assert bool((model(x)[0] == model(x)[0]).all())
    model.train()  # one token with a cache goes another way
    cache = model.new_cache()
    model(x, cache=cache)
    again = model.new_cache()
    again.restore(cache.arrays())
    one = torch.tensor(ids(2, 1))
    assert not bool((model(one, cache=cache)[0] == model(one, cache=again)[0]).all())


def test_no_gradient_flows_through_a_cache():
    model, x = small("lstm"), torch.tensor(ids(1, 2))
    cache = model.new_cache()
    model(x, cache=cache)
    assert not any(s.requires_grad for s in cache.state())


def test_errors_of_a_cache():
    model = small("gru")
    cache = model.new_cache()
    in_pieces(model, ids(2, 3), (), cache)
    for length in (4, -1):
        with pytest.raises(ValueError, match=f"cannot be cut to {length} tokens, it holds 3"):
            cache.truncate(length)
    with pytest.raises(ValueError, match="holds a batch of 2 and was given one of 3"):
        cache.append(torch.tensor(ids(3, 1)), cache.state())
    with pytest.raises(ValueError, match="keep is 0"):
        StateCache(0)


TEXT = "the cat sat on the mat and the rat sat on the cat "


@pytest.mark.parametrize("name", KINDS)
def test_a_text_is_learnt_by_heart(name):
    tokenizer = CharTokenizer.from_text(TEXT)
    data = tokenizer.encode(TEXT)
    sizes = {"n_layer": 1, "n_embd": 16, "n_hidden": 48, "block_size": len(data) - 1}
    model = small(name, vocab_size=tokenizer.vocab_size, dtype=torch.float32, **sizes)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    x, y = torch.tensor([data[:-1]]), torch.tensor([data[1:]])
    for _ in range(1000):
        _, loss = model(x, y)
        # Below ln 2 for the text as a whole, each character is likelier than all others together.
        if loss.item() * len(y[0]) < np.log(2):
            break
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    else:
        raise AssertionError(f"still at a loss of {loss.item():.3f} after 1000 steps")
    assert generate(model, "th", len(TEXT) - 2, temperature=0, tokenizer=tokenizer) == TEXT
