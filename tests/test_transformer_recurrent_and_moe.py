"""Recurrent models and the mixture of experts beside torch's layers and Mixtral's own code."""

import numpy as np
import pytest
import torch
from side_by_side import tally

import tensor_core
from transformer import build_model
from transformer.layers.moe import MoE, load_balance

KINDS = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
CELLS = {"rnn": torch.nn.RNNCell, "lstm": torch.nn.LSTMCell, "gru": torch.nn.GRUCell}
V, C, H, L = 7, 3, 4, 2


def twins(name):
    """A model, and torch's layer with the same weights."""
    tensor_core.manual_seed(0)
    model = build_model(name, vocab_size=V, n_embd=C, n_hidden=H, n_layer=L).double()
    layer = KINDS[name](C, H, num_layers=L, batch_first=True).double()
    state = {k: torch.from_numpy(v.numpy().copy()) for k, v in model.rnn.state_dict().items()}
    layer.load_state_dict(state)
    return model, layer


def arrays(*tensors):
    return [torch.from_numpy(t.detach().numpy().copy()) for t in tensors]


@pytest.mark.parametrize("name", KINDS)
def test_logits_and_gradients_are_those_of_torchs_layer(name):
    model, layer = twins(name)
    idx = np.random.default_rng(0).integers(0, V, (3, 6))
    y = np.random.default_rng(1).integers(0, V, (3, 6))
    logits, loss = model(tensor_core.tensor(idx), tensor_core.tensor(y))
    loss.backward()
    table, w, b = arrays(model.wte.weight, model.lm_head.weight, model.lm_head.bias)
    theirs = layer(table[torch.from_numpy(idx)])[0] @ w.T + b
    np.testing.assert_allclose(logits.detach().numpy(), theirs.detach().numpy(), rtol=1e-11)
    torch.nn.functional.cross_entropy(theirs.view(-1, V), torch.from_numpy(y).view(-1)).backward()
    for key, p in layer.named_parameters():
        ours = model.rnn.get_parameter(key).grad.numpy()
        np.testing.assert_allclose(ours, p.grad.numpy(), rtol=1e-9, atol=1e-12, err_msg=key)
    tally["recurrent models beside torch"] += 1


@pytest.mark.parametrize("name", CELLS)
def test_the_formula_for_one_step_is_torchs_cell(name):
    model, layer = twins(name)
    cell = CELLS[name](C, H).double()
    weights = [p.detach() for p in layer.parameters()][:4]
    with torch.no_grad():
        for mine, given in zip(cell.parameters(), weights, strict=True):
            mine.copy_(given)
    torch.manual_seed(1)
    x, h, c = (torch.randn(3, n, dtype=torch.float64) for n in (C, H, H))
    expected = cell(x, (h, c)) if name == "lstm" else (cell(x, h),)
    state = (h, c) if name == "lstm" else (h,)
    ours = type(model).step(
        tensor_core.from_numpy(x.numpy()),
        tuple(tensor_core.from_numpy(s.numpy()) for s in state),
        *[model.rnn.get_parameter(k).detach() for k, _ in list(layer.named_parameters())[:4]],
    )
    for a, b in zip(ours, expected, strict=True):
        np.testing.assert_allclose(a.numpy(), b.detach().numpy(), rtol=1e-12, atol=1e-14)


def test_the_mixture_is_mixtrals():
    from transformers import MixtralConfig
    from transformers.models.mixtral.modeling_mixtral import (
        MixtralSparseMoeBlock,
        load_balancing_loss_func,
    )

    experts, active = 4, 2
    config = MixtralConfig(
        hidden_size=C, intermediate_size=H, num_local_experts=experts, num_experts_per_tok=active,
        router_jitter_noise=0.0,
    )  # fmt: skip
    tensor_core.manual_seed(0)
    ours, theirs = MoE(C, H, experts, active).double(), MixtralSparseMoeBlock(config).double()
    w = {k: torch.from_numpy(v.numpy().copy()) for k, v in ours.state_dict().items()}
    joined = {
        "gate.weight": w["gate.weight"],
        "experts.gate_up_proj": torch.stack(
            [torch.cat([w[f"experts.{e}.w{i}.weight"] for i in (1, 3)]) for e in range(experts)]
        ),
        "experts.down_proj": torch.stack([w[f"experts.{e}.w2.weight"] for e in range(experts)]),
    }
    theirs.load_state_dict(joined)
    x = np.random.default_rng(0).normal(size=(1, 10, C))
    y = theirs(torch.from_numpy(x))
    y = y[0] if isinstance(y, tuple) else y
    found = ours(tensor_core.from_numpy(x)).detach().numpy()
    # Their router computes its chances in single precision, whatever the layer's.
    np.testing.assert_allclose(found, y.detach().numpy(), rtol=1e-5, atol=1e-7)
    scores = torch.from_numpy(x.reshape(-1, C)) @ w["gate.weight"].T
    theirs_loss = load_balancing_loss_func((scores,), experts, active)
    assert ours.aux_loss.item() == pytest.approx(theirs_loss.item() / active, rel=1e-6)


def test_the_balance_has_torchs_gradient():
    scores = np.random.default_rng(0).normal(size=(6, 4))
    chosen = np.argsort(-scores, axis=1)[:, :2].copy()
    a = tensor_core.tensor(scores, requires_grad=True)
    load_balance(tensor_core.softmax(a, dim=-1), tensor_core.from_numpy(chosen)).backward()
    b = torch.tensor(scores, requires_grad=True)
    used = torch.nn.functional.one_hot(torch.from_numpy(chosen).reshape(-1), 4).double().mean(0)
    (4 * (used * torch.softmax(b, dim=-1).mean(0)).sum()).backward()
    np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-10, atol=1e-14)
