"""The learning rate of every step."""

from math import cos, pi

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transformer.train.config import TrainConfig
from transformer.train.schedule import learning_rate


def test_values_worked_out_by_hand() -> None:
    config = TrainConfig(lr=2.0, min_lr=0.4, warmup_steps=2, steps=7)
    half = [1 + cos(pi * done) for done in (0, 1 / 4, 2 / 4, 3 / 4, 1)]
    wanted = [1.0, 2.0, *(0.4 + 0.8 * h for h in half)]
    assert [learning_rate(step, config) for step in range(7)] == pytest.approx(wanted)


def test_the_default_end_is_a_tenth() -> None:
    config = TrainConfig(lr=3e-3, warmup_steps=10, steps=100)
    assert learning_rate(99, config) == pytest.approx(3e-4)


def test_constant_stays_after_the_warmup() -> None:
    config = TrainConfig(lr=1.0, warmup_steps=4, steps=50, schedule="constant")
    rates = [learning_rate(step, config) for step in (0, 3, 4, 49, 500)]
    assert rates == [0.25, 1.0, 1.0, 1.0, 1.0]


def test_linear_falls_evenly() -> None:
    config = TrainConfig(lr=1.0, min_lr=0.2, warmup_steps=2, steps=7, schedule="linear")
    wanted = [0.5, 1.0, 1.0, 0.8, 0.6, 0.4, 0.2]
    assert [learning_rate(step, config) for step in range(7)] == pytest.approx(wanted)


def test_wsd_stays_and_falls_at_the_end() -> None:
    config = TrainConfig(
        lr=1.0, min_lr=0.0, warmup_steps=2, steps=20, schedule="wsd", decay_fraction=0.2
    )
    wanted = [0.5, *[1.0] * 15, 0.75, 0.5, 0.25, 0.0]
    assert [learning_rate(step, config) for step in range(20)] == pytest.approx(wanted)


@given(
    steps=st.integers(1, 300),
    warmup=st.integers(0, 400),
    lowest=st.floats(0, 1),
    schedule=st.sampled_from(["cosine", "linear", "wsd"]),
    share=st.floats(0.01, 1),
)
def test_it_rises_then_falls_and_keeps_its_bounds(
    steps: int, warmup: int, lowest: float, schedule: str, share: float
) -> None:
    config = TrainConfig(
        lr=1.0,
        min_lr=lowest,
        warmup_steps=warmup,
        steps=steps,
        schedule=schedule,
        decay_fraction=share,
    )
    rates = [learning_rate(step, config) for step in range(steps + 5)]
    rising, falling = rates[:warmup], rates[warmup:]
    assert rising == sorted(rising)
    assert falling == sorted(falling, reverse=True)
    assert all(0 < rate <= 1 for rate in rising)
    assert all(lowest - 1e-12 <= rate <= 1 for rate in falling)
    if steps > warmup + 1:
        assert rates[steps - 1] == pytest.approx(lowest)
