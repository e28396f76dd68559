"""The layers against their formulas in plain NumPy, and what they must not look at."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transformer import torch
from transformer.layers import (
    MLP,
    Attention,
    Block,
    Head,
    LayerNorm,
    PositionEmbedding,
    TokenEmbedding,
)


def weights(module):
    """Its parameters by name, as float64 arrays."""
    return {name: p.detach().numpy().astype(np.float64) for name, p in module.named_parameters()}


def random(rng, *shape):
    return rng.normal(size=shape).astype(np.float32)


def attention_formula(q, k, v):
    """One query at a time: exactly what it may see, no mask. (T, D) each -> (T, D)."""
    out = np.zeros_like(v)
    for t in range(len(q)):
        score = k[: t + 1] @ q[t] / np.sqrt(q.shape[1])
        weight = np.exp(score - score.max())
        out[t] = weight @ v[: t + 1] / weight.sum()
    return out


def close(actual, expected):
    np.testing.assert_allclose(actual.detach().numpy(), expected, rtol=2e-5, atol=2e-5)


@given(st.integers(1, 3), st.integers(1, 7), st.integers(0, 2**20))
def test_head_is_the_formula(B, T, seed):
    torch.manual_seed(seed)
    head = Head(n_embd=6, head_size=5, block_size=7)
    x = random(np.random.default_rng(seed), B, T, 6)
    w = weights(head)
    q, k, v = (x.astype(np.float64) @ w[f"{name}.weight"].T for name in ("query", "key", "value"))
    expected = [attention_formula(q[b], k[b], v[b]) for b in range(B)]
    close(head(torch.from_numpy(x)), np.stack(expected))


@given(st.integers(1, 3), st.integers(1, 7), st.sampled_from([1, 2, 4]), st.booleans())
def test_multi_head_attention_is_the_formula(B, T, H, bias):
    torch.manual_seed(B * 100 + T)
    attention = Attention(n_embd=8, n_head=H, bias=bias, packed=True)
    x = random(np.random.default_rng(T), B, T, 8)
    w, D = weights(attention), 8 // H
    qkv = x.astype(np.float64) @ w["c_attn.weight"].T + w.get("c_attn.bias", 0.0)
    heads = np.zeros((B, T, 8))
    for b in range(B):
        for h in range(H):
            at = [slice(part * 8 + h * D, part * 8 + h * D + D) for part in range(3)]
            heads[b, :, h * D : h * D + D] = attention_formula(*(qkv[b][:, a] for a in at))
    expected = heads @ w["c_proj.weight"].T + w.get("c_proj.bias", 0.0)
    close(attention(torch.from_numpy(x)), expected)


def gelu_tanh(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def gelu_exact(x):
    import math

    return x * 0.5 * (1 + np.vectorize(math.erf)(x / np.sqrt(2)))


@pytest.mark.parametrize(("name", "gelu"), [("tanh", gelu_tanh), ("none", gelu_exact)])
def test_mlp_is_the_formula(name, gelu):
    mlp = MLP(n_embd=6, gelu=name)
    x = 3 * random(np.random.default_rng(0), 2, 5, 6)
    w = weights(mlp)
    hidden = gelu(x.astype(np.float64) @ w["c_fc.weight"].T + w["c_fc.bias"])
    assert hidden.shape[-1] == 24
    close(mlp(torch.from_numpy(x)), hidden @ w["c_proj.weight"].T + w["c_proj.bias"])


@pytest.mark.parametrize("bias", [True, False])
def test_layer_norm_is_the_formula(bias):
    norm = LayerNorm(6, bias=bias)
    rng = np.random.default_rng(0)
    for p in norm.parameters():
        p.data.copy_(torch.from_numpy(random(rng, 6)))
    x = random(rng, 2, 5, 6) * 4 + 7
    w, y = weights(norm), x.astype(np.float64)
    y = (y - y.mean(-1, keepdims=True)) / np.sqrt(y.var(-1, keepdims=True) + 1e-5)
    close(norm(torch.from_numpy(x)), y * w["weight"] + w.get("bias", 0.0))
    assert ("bias" in w) == bias


def test_block_adds_each_half_to_what_came_in():
    block = Block(n_embd=8, n_head=2)
    x = torch.from_numpy(random(np.random.default_rng(0), 2, 5, 8))
    middle = x + block.attn(block.ln_1(x))
    assert (block(x) == middle + block.mlp(block.ln_2(middle))).all()
    for p in (block.attn.c_proj, block.mlp.c_proj):  # both halves silent: the stream runs through
        torch.nn.init.zeros_(p.weight)
        torch.nn.init.zeros_(p.bias)
    assert (block(x) == x).all()


@pytest.mark.parametrize(
    "layer",
    [
        lambda: Head(8, 8, block_size=9),
        lambda: Attention(8, 2),
        lambda: Block(8, 4),
    ],
)
def test_no_position_sees_a_later_one_by_a_single_bit(layer):
    layer, rng = layer(), np.random.default_rng(0)
    x = random(rng, 2, 9, 8)
    before = layer(torch.from_numpy(x)).detach().numpy()
    for t in range(1, 9):
        changed = x.copy()
        changed[:, t:] = random(rng, 2, 9 - t, 8) * 100
        after = layer(torch.from_numpy(changed)).detach().numpy()
        assert after[:, :t].tobytes() == before[:, :t].tobytes()
        assert not np.array_equal(after[:, t], before[:, t])


def test_dropout_falls_in_training_only():
    for layer in (Head(8, 8, 9, 0.5), Attention(8, 2, dropout=0.5), MLP(8, 0.5)):
        x = torch.from_numpy(random(np.random.default_rng(0), 2, 9, 8))
        assert not bool((layer(x) == layer(x)).all())
        layer.eval()
        assert bool((layer(x) == layer(x)).all())


def test_embeddings_look_up_rows():
    tokens, positions = TokenEmbedding(5, 3), PositionEmbedding(4, 3)
    table = tokens.weight.detach().numpy()
    idx = np.array([[0, 4, 2], [1, 1, 3]])
    assert np.array_equal(tokens(torch.tensor(idx)).detach().numpy(), table[idx])
    for T in (1, 3, 4):
        expected = positions.weight.detach().numpy()[:T]
        assert np.array_equal(positions(T).detach().numpy(), expected)


def test_a_position_not_reached_gets_no_gradient():
    positions = PositionEmbedding(4, 3)
    positions(2).sum().backward()
    assert positions.weight.grad.tolist() == [[1.0] * 3, [1.0] * 3, [0.0] * 3, [0.0] * 3]


@pytest.mark.parametrize("wrong", [5, -1, 1000])
def test_an_id_outside_the_vocabulary_is_named(wrong):
    with pytest.raises(IndexError) as error:
        TokenEmbedding(5, 3)(torch.tensor([[0, wrong]]))
    low, high = min(0, wrong), max(0, wrong)
    assert f"token ids from {low} to {high} do not fit a vocabulary of 5" in str(error.value)


def test_heads_that_do_not_divide_the_width():
    with pytest.raises(ValueError, match="n_head 3 does not divide n_embd 8"):
        Attention(n_embd=8, n_head=3)
