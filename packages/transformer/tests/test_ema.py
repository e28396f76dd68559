"""The moving average of the weights: its formula, its use, its way through a checkpoint."""

from typing import Any

import numpy as np
import pytest

from transformer._engine import nn, torch
from transformer.io import read_tensors, write_tensors
from transformer.train.ema import EMA


def moved(model: Any, seed: int) -> None:
    """Put other weights into the model, as an optimizer would."""
    rng = np.random.default_rng(seed)
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.tensor(rng.normal(size=tuple(p.shape)).astype(np.float32)))


@pytest.mark.parametrize("warmup", [True, False])
def test_the_average_follows_the_formula(warmup: bool) -> None:
    model = nn.Linear(3, 2)
    ema = EMA(model, 0.7, warmup)
    expected = model.weight.detach().numpy().astype(np.float64)
    for t in range(20):
        moved(model, t)
        ema.update()
        decay = min(0.7, (1 + t) / (10 + t)) if warmup else 0.7
        expected = decay * expected + (1 - decay) * model.weight.detach().numpy()
    np.testing.assert_allclose(ema.arrays()["weight"], expected, rtol=1e-5)


def test_the_models_own_weights_come_back_to_the_last_bit_even_after_an_error() -> None:
    model = nn.Linear(3, 2)
    ema = EMA(model, 0.9)
    moved(model, 1)
    ema.update()
    own = model.weight.detach().numpy().copy()
    with pytest.raises(KeyboardInterrupt), ema.applied(model):
        assert (model.weight.detach().numpy() == ema.arrays()["weight"]).all()
        raise KeyboardInterrupt
    assert model.weight.detach().numpy().tobytes() == own.tobytes()
    assert (ema.arrays()["weight"] != own).any()


def test_an_average_saved_and_loaded_goes_on_to_the_last_bit(tmp_path: Any) -> None:
    model = nn.Linear(3, 2)
    unbroken = EMA(model, 0.99)
    for t in range(7):
        moved(model, t)
        unbroken.update()
    write_tensors(tmp_path / "ema", unbroken.arrays())
    resumed = EMA(model, 0.99)
    resumed.restore(read_tensors(tmp_path / "ema")[0])
    for t in range(7, 14):
        moved(model, t)
        unbroken.update()
        resumed.update()
    for name, array in unbroken.arrays().items():
        assert array.tobytes() == resumed.arrays()[name].tobytes(), name


def test_frozen_weights_are_not_averaged() -> None:
    model = nn.Linear(3, 2)
    model.weight.requires_grad_(False)
    assert EMA(model).arrays().keys() == {"bias", "updates"}


def test_what_does_not_fit_is_refused() -> None:
    ema = EMA(nn.Linear(3, 2))
    with pytest.raises(ValueError, match="no parameter bias"), ema.applied(nn.Embedding(2, 3)):
        pass
    with pytest.raises(ValueError, match="decay is 1"):
        EMA(nn.Linear(1, 1), decay=1)
