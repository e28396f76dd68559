"""What holds for every model: shapes, loss, causality, gradients, errors, the table."""

import dataclasses

import numpy as np
import pytest

from transformer import build_model, torch
from transformer.models import MODELS

V, T = 11, 9
SMALL = {
    "bigram": {},
    "bigram-embedded": {"n_embd": 6},
    "ngram": {"context": 3, "n_embd": 4, "n_hidden": 7, "direct": True},
    "mlp": {"context": 2, "n_embd": 4, "n_hidden": 7},
    "rnn": {"n_layer": 2, "n_embd": 6, "n_hidden": 7},
    "lstm": {"n_layer": 2, "n_embd": 6, "n_hidden": 7},
    "gru": {"n_layer": 2, "n_embd": 6, "n_hidden": 7},
    "head": {"n_embd": 6, "head_size": 5},
    "gpt": {"n_layer": 2, "n_head": 2, "n_embd": 8},
    "llama": {"n_layer": 2, "n_head": 4, "n_kv_head": 2, "n_embd": 16, "qk_norm": True},
}


def small(name, **more):
    torch.manual_seed(0)
    return build_model(name, vocab_size=V, block_size=T, **{**SMALL[name], **more})


@pytest.mark.parametrize("name", MODELS)
def test_the_estimate_of_its_size_is_near_the_truth(name):
    sizes = {"vocab_size": 300, "block_size": 16}
    model = build_model(name, **sizes)
    assert 0.8 < model.config.estimated_parameters() / model.num_parameters() < 1.4


def test_every_expert_counts_in_the_estimate():
    sizes = {"vocab_size": 300, "n_layer": 2, "n_embd": 64, "tie_embeddings": False}
    model = build_model("llama", **sizes, n_hidden=96, n_expert=5, n_kv_head=1, head_dim=24)
    assert model.config.estimated_parameters() == pytest.approx(model.num_parameters(), rel=0.02)


def ids(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, V, size=shape)


def test_every_model_of_the_table_is_tried_here():
    assert set(SMALL) == set(MODELS)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("length", [1, 4, T])
def test_logits_for_every_position_and_their_mean_loss(name, length):
    model, x, y = small(name), ids(3, length), ids(3, length, seed=1)
    logits, loss = model(torch.tensor(x), torch.tensor(y))
    assert tuple(logits.shape) == (3, length, V)
    assert loss.shape == ()
    scores = logits.detach().numpy().astype(np.float64)
    log_p = scores - np.log(np.exp(scores).sum(-1, keepdims=True))
    expected = -np.take_along_axis(log_p, y[:, :, None], axis=-1).mean()
    assert loss.item() == pytest.approx(expected, rel=1e-5)
    alone, none = model(torch.tensor(x))
    assert none is None
    assert (alone == logits).all()


@pytest.mark.parametrize("name", MODELS)
def test_no_logit_sees_a_later_token_by_a_single_bit(name):
    model, x = small(name), ids(2, T)
    before = model(torch.tensor(x))[0].detach().numpy()
    for t in range(1, T):
        changed = x.copy()
        changed[:, t:] = (changed[:, t:] + 1 + ids(2, T - t, seed=t) % (V - 1)) % V
        after = model(torch.tensor(changed))[0].detach().numpy()
        assert after[:, :t].tobytes() == before[:, :t].tobytes()
        assert not np.array_equal(after[:, t], before[:, t])


@pytest.mark.parametrize("name", MODELS)
def test_rows_of_a_batch_do_not_see_each_other(name):
    model, x = small(name), ids(3, T)
    together = model(torch.tensor(x))[0].detach().numpy()
    for row in range(3):
        alone = model(torch.tensor(x[row : row + 1]))[0].detach().numpy()
        np.testing.assert_allclose(alone[0], together[row], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_every_parameter_gets_a_gradient(name):
    model = small(name)
    model(torch.tensor(ids(8, T)), torch.tensor(ids(8, T, seed=1)))[1].backward()
    for path, p in model.named_parameters():
        assert p.grad is not None, path
        assert np.abs(p.grad.numpy()).max() > 0, path


@pytest.mark.parametrize("name", MODELS)
def test_a_model_can_be_rebuilt_from_its_name_config_and_state(name):
    model = small(name)
    assert MODELS[model.name][0] is type(model)
    again = build_model(model.name, **dataclasses.asdict(model.config))
    assert again.config == model.config
    assert again.block_size == T
    again.load_state_dict(model.state_dict())
    x = torch.tensor(ids(2, T))
    assert (again(x)[0] == model(x)[0]).all()


@pytest.mark.parametrize("name", MODELS)
def test_errors_name_the_sizes(name):
    model = small(name)
    with pytest.raises(ValueError, match=r"idx has 10 tokens, .* block_size of 9: crop it"):
        model(torch.tensor(ids(2, 10)))
    with pytest.raises(ValueError, match=r"idx must have shape \(B, T\) .* got \(4,\)"):
        model(torch.tensor(ids(4)))
    with pytest.raises(ValueError, match=r"T from 1 to 9, got \(2, 0\)"):
        model(torch.tensor(ids(2, 0)))
    with pytest.raises(ValueError, match=r"targets \(2, 3\) must have the shape of idx \(2, 4\)"):
        model(torch.tensor(ids(2, 4)), torch.tensor(ids(2, 3)))
    with pytest.raises(IndexError, match="token ids from 0 to 11 do not fit a vocabulary of 11"):
        model(torch.tensor([[0, 11]]))


@pytest.mark.parametrize("name", MODELS)
def test_each_row_of_a_probability_table_sums_to_one(name):
    scores = small(name)(torch.tensor(ids(2, T)))[0]
    total = torch.softmax(scores, dim=-1).sum(dim=-1).detach().numpy()
    np.testing.assert_allclose(total, 1.0, rtol=1e-5)


def test_build_model_names_what_there_is():
    with pytest.raises(ValueError, match=r"no model 'gtp'; there are bigram, .*gpt"):
        build_model("gtp", vocab_size=5)
    with pytest.raises(TypeError, match="'bigram' has no n_layer; it has vocab_size, block_size"):
        build_model("bigram", vocab_size=5, n_layer=2)
    with pytest.raises(TypeError, match="'gpt' needs vocab_size"):
        build_model("gpt", n_layer=2)


@pytest.mark.parametrize(
    ("name", "sizes", "said"),
    [
        ("bigram", {"vocab_size": 0}, "BigramConfig: vocab_size is 0, not a whole number"),
        ("gpt", {"n_layer": 2.0}, "GPTConfig: n_layer is 2.0, not a whole number"),
        ("gpt", {"n_layer": True}, "GPTConfig: n_layer is True"),
        ("gpt", {"n_embd": 30, "n_head": 4}, "n_head 4 does not divide n_embd 30"),
        ("gpt", {"dropout": 1.0}, r"dropout is 1.0, not in \[0, 1\)"),
        ("gpt", {"gelu": "erf"}, "gelu is 'tanh' or 'none', got 'erf'"),
        ("ngram", {"context": 5, "block_size": 4}, "context 5 is more than block_size 4"),
        ("head", {"head_size": -1}, "SingleHeadConfig: head_size is -1"),
    ],
)
def test_sizes_that_cannot_be(name, sizes, said):
    with pytest.raises(ValueError, match=said):
        build_model(name, **{"vocab_size": 5, **sizes})
