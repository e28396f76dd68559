"""Schedules: the rates they are defined by."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tensor_core as torch
from tensor_core.optim import SGD
from tensor_core.optim import lr_scheduler as S

BASES = (0.7, 0.3)


def optimizer():
    return SGD([{"params": [torch.zeros(1)], "lr": lr} for lr in BASES])


def rates(make, epochs):
    """The rates of both groups at every epoch."""
    o = optimizer()
    schedule, out = make(o), []
    for _ in range(epochs):
        out.append([group["lr"] for group in o.param_groups])
        assert schedule.get_last_lr() == out[-1]
        o.step()
        schedule.step()
    return out


def check(make, factor, epochs=15):
    """``factor(epoch)`` times the initial rates."""
    for epoch, got in enumerate(rates(make, epochs)):
        assert got == pytest.approx([base * factor(epoch) for base in BASES], abs=1e-12), epoch


gammas = st.floats(0.1, 1.0)
lengths = st.integers(1, 12)


@given(lengths, gammas)
def test_steps(size, gamma):
    check(lambda o: S.StepLR(o, size, gamma), lambda t: gamma ** (t // size))


@given(st.lists(st.integers(1, 12), max_size=4), gammas)
def test_milestones(milestones, gamma):
    passed = lambda t: sum(m <= t for m in milestones)  # noqa: E731
    check(lambda o: S.MultiStepLR(o, milestones, gamma), lambda t: gamma ** passed(t))


@given(gammas)
def test_exponential(gamma):
    check(lambda o: S.ExponentialLR(o, gamma), lambda t: gamma**t)


@given(lengths, st.floats(0.1, 1), st.floats(0.1, 1))
def test_linear(total, start, end):
    line = lambda t: start + (end - start) * min(t, total) / total  # noqa: E731
    check(lambda o: S.LinearLR(o, start, end, total), line)


@given(lengths, st.floats(0.1, 1))
def test_constant(total, factor):
    check(lambda o: S.ConstantLR(o, factor, total), lambda t: factor if t < total else 1.0)


@given(lengths, st.floats(0.5, 3))
def test_polynomial(total, power):
    check(lambda o: S.PolynomialLR(o, total, power), lambda t: (1 - min(t, total) / total) ** power)


@given(lengths)
def test_cosine(total):
    wave = lambda t: (1 + math.cos(math.pi * t / total)) / 2  # noqa: E731
    check(lambda o: S.CosineAnnealingLR(o, total), wave, epochs=2 * total + 3)
    low = rates(lambda o: S.CosineAnnealingLR(o, total, eta_min=0.1), total + 1)[-1]
    assert low == pytest.approx([0.1, 0.1])


def test_warm_restarts():
    runs = [(0, 3), (1, 3), (2, 3), *[(t, 6) for t in range(6)], (0, 12), (1, 12)]
    wave = [(1 + math.cos(math.pi * t / length)) / 2 for t, length in runs]
    check(lambda o: S.CosineAnnealingWarmRestarts(o, 3, 2), lambda t: wave[t], len(wave))
    o = optimizer()
    schedule = S.CosineAnnealingWarmRestarts(o, 3, 2)
    schedule.step(7.5)
    assert schedule.T_i == 6 and schedule.T_cur == 4.5
    with pytest.raises(ValueError, match="T_0"):
        S.CosineAnnealingWarmRestarts(o, 0)


def test_lambda_one_or_one_a_group():
    check(lambda o: S.LambdaLR(o, lambda t: 1 / (t + 1)), lambda t: 1 / (t + 1))
    o = optimizer()
    S.LambdaLR(o, [lambda t: 2.0, lambda t: 3.0])
    assert [g["lr"] for g in o.param_groups] == pytest.approx([1.4, 0.9])
    with pytest.raises(ValueError, match="Expected 2 lr_lambdas, but got 1"):
        S.LambdaLR(o, [lambda t: 1.0])


def test_one_after_the_other():
    def warm_then_decay(o):
        parts = [S.LinearLR(o, 0.25, 1.0, 4), S.ExponentialLR(o, 0.5)]
        return S.SequentialLR(o, parts, [4])

    check(warm_then_decay, lambda t: 0.25 + 0.75 * t / 4 if t < 4 else 0.5 ** (t - 4))


def test_all_at_once():
    def both(o):
        return S.ChainedScheduler([S.ConstantLR(o, 0.5, 3), S.ExponentialLR(o, 0.9)])

    check(both, lambda t: (0.5 if t < 3 else 1.0) * 0.9**t)


def test_sequences_are_checked():
    o = optimizer()
    with pytest.raises(ValueError, match="one more than"):
        S.SequentialLR(o, [S.StepLR(o, 1)], [1])
    with pytest.raises(ValueError, match="different optimizer"):
        S.SequentialLR(o, [S.StepLR(optimizer(), 1)], [])
    with pytest.raises(ValueError, match="need a metric"):
        S.ChainedScheduler([S.ReduceLROnPlateau(o)])


def test_a_rate_changed_by_hand_stays_changed():
    o = optimizer()
    schedule = S.ExponentialLR(o, 0.5)
    o.param_groups[0]["lr"] = 8.0
    o.step()
    schedule.step()
    assert schedule.get_last_lr() == [4.0, 0.15]


def test_plateau():
    o = SGD([torch.zeros(1)], lr=1.0)
    schedule = S.ReduceLROnPlateau(o, factor=0.5, patience=1, cooldown=1, min_lr=0.2)
    got = []
    for loss in (3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 1.0, 1.0, 1.0, 1.0, 1.0):
        schedule.step(loss)
        got.append(schedule.get_last_lr()[0])
    assert got == [1.0, 1.0, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25, 0.2, 0.2, 0.2]


@pytest.mark.parametrize(
    ("mode", "threshold_mode", "better", "worse"),
    [
        ("min", "rel", 0.89, 0.91),
        ("max", "rel", 1.11, 1.09),
        ("min", "abs", 0.89, 0.91),
        ("max", "abs", 1.11, 1.09),
    ],
)
def test_plateau_thresholds(mode, threshold_mode, better, worse):
    schedule = S.ReduceLROnPlateau(optimizer(), mode, threshold=0.1, threshold_mode=threshold_mode)
    assert schedule.is_better(better, 1.0) and not schedule.is_better(worse, 1.0)


@pytest.mark.parametrize(
    "make",
    [
        lambda o: S.CosineAnnealingLR(o, 7),
        lambda o: S.SequentialLR(o, [S.ConstantLR(o), S.StepLR(o, 2)], [4]),
        lambda o: S.LambdaLR(o, lambda t: 0.5**t),
        lambda o: S.CosineAnnealingWarmRestarts(o, 2),
    ],
)
def test_state_goes_on_where_it_was(make):
    expected = rates(make, 8)
    o = optimizer()
    schedule = make(o)
    for _ in range(3):
        o.step()
        schedule.step()
    later = optimizer()
    resumed = make(later)
    later.load_state_dict(o.state_dict())
    resumed.load_state_dict(schedule.state_dict())
    for epoch in range(3, 8):
        assert [g["lr"] for g in later.param_groups] == pytest.approx(expected[epoch])
        later.step()
        resumed.step()


def test_last_epoch_resumes_and_needs_the_initial_rate():
    o = optimizer()
    with pytest.raises(KeyError, match="initial_lr"):
        S.StepLR(o, 2, last_epoch=3)
    S.ExponentialLR(o, 0.5)
    o.param_groups[0]["lr"] = 1.0
    assert S.ExponentialLR(o, 0.5, last_epoch=3).get_last_lr()[0] == 0.5


def test_stepping_before_the_optimizer_warns():
    schedule = S.StepLR(optimizer(), 2)
    with pytest.warns(UserWarning, match="before optimizer.step"):
        schedule.step()
    with pytest.raises(TypeError, match="not an Optimizer"):
        S.StepLR(3, 2)
