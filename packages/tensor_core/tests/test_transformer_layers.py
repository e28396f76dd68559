"""Attention, Transformer layers and embedding bags by their own laws."""

import copy
import pickle

import numpy as np
import pytest

import tensor_core as torch
from tensor_core import nn

F = nn.functional


def near(a, b):
    np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-5, atol=1e-6)


def test_weights_are_a_distribution_over_the_keys_in_sight():
    layer = nn.MultiheadAttention(4, 2, batch_first=True)
    x = torch.randn(3, 5, 4)
    ahead = torch.ones(5, 5, dtype=torch.bool).triu(1)
    _, weights = layer(x, x, x, attn_mask=ahead, average_attn_weights=False)
    assert weights.shape == (3, 2, 5, 5)
    near(weights.sum(-1), torch.ones(3, 2, 5))
    assert not weights.masked_select(ahead).any()


def test_attention_with_weights_and_without_is_the_same():
    layer = nn.MultiheadAttention(4, 2, add_bias_kv=True, add_zero_attn=True)
    x, padding = torch.randn(5, 3, 4), torch.tensor([[False] * 4 + [True]] * 3)
    with_weights, weights = layer(x, x, x, padding)
    without, nothing = layer(x, x, x, padding, need_weights=False)
    near(with_weights, without)
    assert nothing is None and weights.shape == (3, 5, 7)


def test_what_is_padding_does_not_matter():
    encoder = nn.TransformerEncoder(
        nn.TransformerEncoderLayer(4, 2, 8, 0.0, batch_first=True), num_layers=2
    )
    x = torch.randn(2, 5, 4)
    other = x.clone()
    other[:, 3:] = 7.0
    padding = torch.arange(5)[None] >= 3
    hidden = padding.expand(2, 5)
    a, b = (encoder(v, src_key_padding_mask=hidden)[:, :3] for v in (x, other))
    near(a, b)
    near(a, encoder(x[:, :3]))


def test_a_causal_decoder_does_not_look_ahead():
    model = nn.Transformer(4, 2, 1, 2, 8, dropout=0.0, batch_first=True)
    source, target = torch.randn(2, 3, 4), torch.randn(2, 5, 4)
    mask = nn.Transformer.generate_square_subsequent_mask(5)
    whole = model(source, target, tgt_mask=mask)
    part = model(source, target[:, :3], tgt_mask=mask[:3, :3])
    near(whole[:, :3], part)


@pytest.mark.parametrize("activation", ["relu", "gelu", F.silu, F.gelu, nn.Tanh()])
def test_copies_of_a_layer_keep_its_activation(activation):
    layer = nn.TransformerEncoderLayer(4, 2, 8, 0.0, activation)
    x = torch.randn(3, 1, 4)
    near(layer(x), copy.deepcopy(layer)(x))
    near(layer(x), pickle.loads(pickle.dumps(layer))(x))


def test_layers_of_a_stack_are_copies():
    layer = nn.TransformerDecoderLayer(4, 2, 8)
    stack = nn.TransformerDecoder(layer, 2)
    first, second = (each.linear1.weight for each in stack.layers)
    assert torch.equal(first, second) and first is not second and first is not layer.linear1.weight


def test_a_stack_learns():
    torch.manual_seed(0)
    model = nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    x, y = torch.randn(8, 5, 4), torch.randn(8, 5, 4)
    losses = []
    for _ in range(40):
        loss = F.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])


def test_queries_that_see_nothing_get_zeros_while_dropping_too():
    q = torch.ones(2, 3, requires_grad=True)
    seen = torch.tensor([[True, True], [False, False]])
    y = F.scaled_dot_product_attention(q, q, q, seen, dropout_p=0.5)
    y.sum().backward()
    assert y[1].tolist() == [0.0] * 3 and torch.isfinite(q.grad).all()


def test_dropout_draws_in_the_order_of_memory():
    x = torch.ones(3, 4, 5)
    torch.manual_seed(1)
    plain = F.dropout(x, 0.5)
    torch.manual_seed(1)
    turned = F.dropout(x.permute(2, 0, 1), 0.5)
    assert torch.equal(turned.permute(1, 2, 0), plain)


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_a_bag_is_what_its_rows_make(mode):
    bag = nn.EmbeddingBag(6, 3, mode=mode, padding_idx=0)
    ids, offsets = torch.tensor([1, 2, 0, 5, 5, 3]), torch.tensor([0, 3, 3])
    y = bag(ids, offsets)
    make = {"sum": lambda x: x.sum(0), "mean": lambda x: x.mean(0), "max": lambda x: x.amax(0)}
    near(y[0], make[mode](bag.weight[torch.tensor([1, 2])]))
    assert y[1].tolist() == [0.0] * 3
    near(y[2], make[mode](bag.weight[ids[3:]]))


def test_a_table_keeps_its_norm():
    table = nn.Embedding(5, 3, max_norm=0.5)
    before = table.weight.detach().clone()
    table(torch.tensor([1, 3, 3]))
    norms = table.weight.detach().norm(dim=1)
    assert (norms[torch.tensor([1, 3])] <= 0.5 + 1e-6).all()
    others = torch.tensor([0, 2, 4])
    assert torch.equal(table.weight.detach()[others], before[others])


def test_shortening_rows_after_they_were_used_is_noticed():
    weight = (torch.ones(3, 2) * 9).requires_grad_()
    y = weight * weight
    F.embedding(torch.tensor([1]), weight, max_norm=1.0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()
