"""Evaluation: the numbers of a computation written out by hand, for every window and stride."""

from math import exp, log
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transformer import build_model
from transformer._engine import torch
from transformer.data import TokenFile, write_tokens
from transformer.train import Score, Team, evaluate, perplexity
from transformer.train.evaluation import score_windows, spread_windows

LONGEST = 8


@pytest.fixture(scope="module")
def model() -> Any:
    torch.manual_seed(1)
    sizes = {"n_layer": 1, "n_head": 2, "n_embd": 8, "block_size": LONGEST, "dropout": 0.5}
    return build_model("gpt", vocab_size=7, **sizes)


def surprise(model: Any, context: np.ndarray, token: int) -> float:
    """Return -log p(token | context) in float64, from one forward pass over the context alone."""
    model.eval()
    with torch.no_grad():
        scores = model(torch.tensor([context.tolist()]))[0].numpy()[0, -1].astype(np.float64)
    return float(np.log(np.exp(scores - scores.max()).sum()) + scores.max() - scores[token])


def by_hand(model: Any, ids: np.ndarray, window: int, stride: int) -> float:
    """Return the summed surprise: each token from the first window in which it can be predicted."""
    total = 0.0
    for at in range(1, len(ids)):
        start = 0
        while start + window < at:  # token `at` is a target of windows that reach it
            start += stride
        total += surprise(model, ids[start:at], int(ids[at]))
    return total


@settings(max_examples=25, deadline=None)
@given(
    length=st.integers(2, 30),
    window=st.integers(1, LONGEST),
    stride=st.integers(1, LONGEST),
    batch_size=st.integers(1, 4),
    seed=st.integers(0, 99),
)
def test_sliding_windows_equal_a_computation_by_hand(
    model: Any, length: int, window: int, stride: int, batch_size: int, seed: int
) -> None:
    stride = min(stride, window)
    ids = np.random.default_rng(seed).integers(0, 7, length)
    told: list[int] = []
    model.train()
    score = perplexity(model, ids, window, stride, batch_size=batch_size, progress=told.append)
    assert model.training, "left in the mode it was in"
    assert score.tokens == length - 1 == told[-1]
    assert score.nats == pytest.approx(by_hand(model, ids, window, stride), rel=1e-5)
    assert (score.window, score.stride) == (window, stride)


def test_a_score_is_told_three_ways() -> None:
    score = Score(nats=12.0, tokens=8, bytes=20, window=4, stride=2)
    assert score.loss == 1.5
    assert score.perplexity == pytest.approx(exp(1.5))
    assert score.bits_per_byte == pytest.approx(12 / log(2) / 20)
    assert Score(12.0, 8, None, 4, 2).bits_per_byte is None


@pytest.mark.parametrize(
    ("ids", "window", "stride", "told"),
    [
        ([1], None, None, "at least 2 tokens"),
        ([[1, 2]], None, None, "at least 2 tokens"),
        ([1, 2, 3], 9, None, "window must be from 1 to the model's 8 tokens, not 9"),
        ([1, 2, 3], 4, 5, "stride must be from 1 to the window's 4 tokens, not 5"),
        ([1, 2, 3], 4, 0, "stride must be"),
    ],
)
def test_what_cannot_be_scored_is_told(
    model: Any, ids: Any, window: int | None, stride: int | None, told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        perplexity(model, ids, window, stride)


def test_spread_windows_reach_from_the_first_token_to_the_last(tmp_path: Any) -> None:
    ids = np.arange(50) % 7
    write_tokens(tmp_path / "ids.bin", ids, vocab_size=7)
    for data in (ids, torch.from_numpy(ids), TokenFile(tmp_path / "ids.bin")):
        pairs = spread_windows(data, batch_size=2, block_size=5, batches=3)
        assert [tuple(x.shape) for x, _ in pairs] == [(2, 5)] * 3
        assert pairs[0][0][0].tolist() == ids[:5].tolist()
        assert pairs[-1][1][-1].tolist() == ids[-5:].tolist()


def test_the_mean_is_over_counted_targets_however_uneven(model: Any) -> None:
    draws = np.random.default_rng(0).integers(0, 7, (2, 3, 4, 5))
    pairs = [
        (torch.from_numpy(x.copy()), torch.from_numpy(y.copy()))
        for x, y in zip(*draws, strict=True)
    ]
    pairs[0][1][:, 1:] = -100
    pairs[1][1][:] = -100
    surprises = [
        surprise(model, x[row, : at + 1].numpy(), int(y[row, at]))
        for x, y in pairs
        for row in range(4)
        for at in range(5)
        if int(y[row, at]) != -100
    ]
    with Team(2) as team:
        for shared in (None, team):
            mean, counted = score_windows(model, pairs, team=shared)
            assert counted == len(surprises) == 4 + 20
            assert mean == pytest.approx(np.mean(surprises), rel=1e-5)
    with pytest.raises(ValueError, match="not one target counts"):
        score_windows(model, pairs[1:2])


def test_evaluate_is_the_mean_over_spread_windows(model: Any) -> None:
    ids = np.random.default_rng(3).integers(0, 7, 40)
    rows = [ids[start : start + 6] for start in (0, 6, 13, 20, 27, 34)]  # 34 / 5 apart
    wanted = np.mean(
        [surprise(model, r[: at + 1], int(r[at + 1])) for r in rows for at in range(5)]
    )
    got = evaluate(model, ids, batch_size=2, block_size=5, batches=3)
    assert got == pytest.approx(wanted, rel=1e-5)
