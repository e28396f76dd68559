"""The mixture of experts beside the formula of its papers, one token at a time."""

import copy
import pickle
from threading import Thread

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transformer import torch
from transformer.layers.moe import Expert, MoE, load_balance


def layer(n_expert=4, n_active=2, n_embd=5, n_hidden=7, seed=0):
    torch.manual_seed(seed)
    return MoE(n_embd, n_hidden, n_expert, n_active).double()


def weights_of(module):
    return {name: p.detach().numpy() for name, p in module.named_parameters()}


def one_token(w, x, n_expert, n_active):
    """The output for one vector x (C,), its chances, and the experts that computed it."""
    scores = w["gate.weight"] @ x
    chances = np.exp(scores - scores.max())
    chances /= chances.sum()
    chosen = np.argsort(-chances)[:n_active]
    y = np.zeros_like(x)
    for e in chosen:
        w1, w2, w3 = (w[f"experts.{e}.w{i}.weight"] for i in (1, 2, 3))
        opened = w1 @ x
        hidden = opened / (1 + np.exp(-opened)) * (w3 @ x)
        y += chances[e] / chances[chosen].sum() * (w2 @ hidden)
    return y, chances, chosen


@settings(max_examples=25, deadline=None)
@given(
    n_expert=st.integers(1, 6), batch=st.integers(1, 3), length=st.integers(1, 5), data=st.data()
)
def test_each_token_is_the_weighted_sum_of_its_best_experts(n_expert, batch, length, data):
    n_active = data.draw(st.integers(1, n_expert))
    moe = layer(n_expert, n_active, seed=n_expert)
    x = np.random.default_rng(length).normal(size=(batch, length, 5))
    y = moe(torch.tensor(x))
    w = weights_of(moe)
    for b in range(batch):
        used, mean = np.zeros(n_expert), np.zeros(n_expert)
        for t in range(length):
            expected, chances, chosen = one_token(w, x[b, t], n_expert, n_active)
            np.testing.assert_allclose(y[b, t].detach().numpy(), expected, rtol=1e-11, atol=1e-13)
            used[chosen] += 1 / (length * n_active)
            mean += chances / length
        assert moe.aux_loss[b].item() == pytest.approx(n_expert * used @ mean, rel=1e-12)


def test_equal_experts_are_one_expert():
    moe = layer()
    expert = Expert(5, 7).double()
    for each in moe.experts:
        each.load_state_dict(expert.state_dict())
    x = torch.randn(2, 3, 5, dtype=torch.float64)
    np.testing.assert_allclose(moe(x).detach().numpy(), expert(x).detach().numpy(), atol=1e-14)


def test_the_balance_is_one_when_all_are_used_alike_and_the_count_when_one_does_everything():
    alike, one = torch.full((8, 4), 0.25), torch.tensor([[1.0, 0.0, 0.0, 0.0]] * 8)
    assert load_balance(alike, torch.arange(8).view(8, 1) % 4).item() == pytest.approx(1.0)
    assert load_balance(one, torch.zeros(8, 1, dtype=torch.int64)).item() == pytest.approx(4.0)


def test_the_balance_loss_spreads_the_tokens():
    torch.manual_seed(0)
    moe = MoE(4, 8, n_expert=4, n_active=1)
    x = torch.randn(1, 64, 4) + 2.0  # all alike: at first one or two experts get nearly all
    optimizer = torch.optim.Adam(moe.gate.parameters(), lr=0.05)

    def busiest():
        return np.bincount(moe.gate(x).argmax(-1).numpy().ravel(), minlength=4).max()

    before = busiest()
    for _ in range(100):
        moe(x)
        optimizer.zero_grad()
        moe.aux_loss.backward()
        optimizer.step()
    assert before > 40
    assert busiest() < 28  # of 64, 16 being the fair share


def test_in_training_every_expert_has_a_gradient_even_one_without_tokens():
    moe = layer(n_expert=8, n_active=1)
    moe(torch.randn(1, 1, 5, dtype=torch.float64)).sum().backward()
    busy = [int(np.any(e.w1.weight.grad.numpy())) for e in moe.experts]
    assert sum(busy) == 1
    assert all(p.grad is not None for p in moe.experts.parameters())


def test_at_rest_there_is_no_auxiliary_loss_and_the_same_output():
    moe = layer()
    x = torch.randn(2, 3, 5, dtype=torch.float64)
    y = moe(x)
    assert moe.aux_loss is not None
    assert (moe.eval()(x) == y).all()
    assert moe.aux_loss is None


def test_a_copy_has_the_weights_and_no_note_of_the_last_forward():
    moe = layer()
    x = torch.randn(2, 3, 5, dtype=torch.float64)
    y = moe(x)
    for other in (copy.deepcopy(moe), pickle.loads(pickle.dumps(moe))):
        assert other.aux_loss is None
        assert (other(x) == y).all()


def test_threads_keep_their_auxiliary_losses_apart():
    moe, found = layer(), {}
    x = torch.randn(2, 1, 4, 5, dtype=torch.float64)

    def work(i):
        moe(x[i])
        found[i] = moe.aux_loss.sum().item()

    for i in range(2):
        thread = Thread(target=work, args=(i,))
        thread.start()
        thread.join()
    assert moe.aux_loss is None  # this thread has computed nothing
    for i in range(2):
        moe(x[i])
        assert moe.aux_loss.sum().item() == found[i]
    assert found[0] != found[1]


@pytest.mark.parametrize("n_active", [0, 5])
def test_as_many_experts_as_there_are(n_active):
    with pytest.raises(ValueError, match=f"n_active is {n_active}, not from 1 to n_expert 4"):
        layer(n_active=n_active)
