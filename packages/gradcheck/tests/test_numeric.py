"""Numeric derivatives and the honesty of their error estimates."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcheck import check_vjp
from gradcheck.forward import Forward
from gradcheck.numeric import DENSE, measure

SMOOTH = {
    "exp": (np.exp, np.exp),
    "sin": (np.sin, np.cos),
    "cube": (lambda x: x**3, lambda x: 3 * x * x),
    "arctan": (np.arctan, lambda x: 1 / (1 + x * x)),
    "fast": (lambda x: np.sin(300 * x), lambda x: 300 * np.cos(300 * x)),
    "offset": (lambda x: np.tanh(x) + 1e6, lambda x: 1 / np.cosh(x) ** 2),
}


def forward(f, x, bounds=None):
    return Forward(lambda primals: (f(primals[0]),), [np.asarray(x, float)], bounds)


@pytest.mark.parametrize("name", SMOOTH)
@settings(max_examples=60, deadline=None)
@given(size=st.floats(-8, 1.2), sign=st.sampled_from([-1.0, 1.0]))
def test_the_error_estimate_covers_the_error(name, size, sign):
    f, df = SMOOTH[name]
    x = np.array([sign * 10**size])
    with np.errstate(all="ignore"):
        point = forward(f, x)
        slopes = measure(point, point.coordinates(0))
    # Four times the estimate and the rounding of the exact value: the bound of every verdict.
    assert abs(slopes.low - df(x)) <= 4 * slopes.error + 1e-14 * abs(df(x))
    assert not slopes.kink.any()


@pytest.mark.parametrize("x", [1e4, 1e-7, 0.0, -3.5, 1e10])
def test_both_ladders_are_needed_and_used(x):
    scale = 1e7 if x == 1e-7 else 1.0
    with np.errstate(all="ignore"):
        point = forward(lambda v: np.sin(scale * v), [x])
        slopes = measure(point, point.coordinates(0))
    exact = scale * np.cos(scale * x)
    assert abs(slopes.low[0, 0] - exact) <= 4 * slopes.error[0, 0] <= 1e-3 * abs(exact)


@pytest.mark.parametrize("x", [2.0, 0.5])
def test_a_kink_is_bounded_by_its_one_sided_slopes(x):
    point = forward(lambda v: np.abs(v - x) + 3 * v, [x])
    slopes = measure(point, point.coordinates(0))
    assert slopes.kink.all()
    assert abs(slopes.low[0, 0] - 2) < 1e-9
    assert abs(slopes.high[0, 0] - 4) < 1e-9


def test_a_jump_is_no_kink():
    with np.errstate(all="ignore"):
        point = forward(np.floor, [2.0, 2.5])
        slopes = measure(point, point.coordinates(0))
    assert np.diagonal(slopes.jump).tolist() == [True, False]


def test_no_value_is_taken_outside_the_declared_domain():
    seen = []

    def f(x):
        seen.append(x.copy())
        return np.sqrt(1 - x)

    point = forward(f, [0.25, 0.9375, 1.0], [(0.0, 1.0)])
    with np.errstate(all="ignore"):
        slopes = measure(point, point.coordinates(0))
    assert min(x.min() for x in seen) >= 0
    assert max(x.max() for x in seen) <= 1
    exact = -0.5 / np.sqrt(0.75), -0.5 / np.sqrt(0.0625)
    for k, value in enumerate(exact):
        assert abs(slopes.low[k, k] - value) <= 4 * slopes.error[k, k] < 1e-6


def test_at_an_edge_the_slope_is_one_sided():
    point = forward(lambda x: np.exp(x), [0.0], [(0.0, None)])
    slopes = measure(point, point.coordinates(0))
    assert abs(slopes.low[0, 0] - 1) <= 4 * slopes.error[0, 0] < 1e-8


def test_what_hides_below_the_steps_is_admitted_on_a_second_look():
    def f(x):
        return np.sin(x) + 1e-9 * np.sin(1e9 * x)

    point = forward(f, [1.0])
    slopes = measure(point, point.coordinates(0), DENSE)
    exact = np.cos(1.0) + np.cos(1e9)
    assert abs(slopes.low[0, 0] - exact) <= 4 * slopes.error[0, 0]


def test_the_primals_come_back_unchanged():
    x = np.array([0.1, 1e4, -0.0])
    point = forward(np.cos, x)
    measure(point, point.coordinates(0))
    assert point.flat[0].tobytes() == x.tobytes()


WAVES = np.arange(3.0)[:, None]


def beside_nothing(x):
    """Three sums, and eight numbers that are zero but for the rounding of what cancels in them."""
    sums = np.exp(2 * np.sin(3 * x + WAVES)).sum(axis=1)
    weights = np.exp(np.sin(x) * np.cos(np.arange(x.size)))
    weights /= weights.sum()
    terms = np.cos(np.arange(x.size)) * (x + np.arange(8.0)[:, None])
    mean = (weights * terms).sum(axis=1, keepdims=True)
    return np.concatenate([sums, (weights * (terms - mean)).sum(axis=1)])


def beside_nothing_rule(g, y, x):
    angles = 3 * x + WAVES
    return g[:3] @ (6 * np.cos(angles) * np.exp(2 * np.sin(angles)))


@pytest.mark.parametrize("seed", range(6))
def test_outputs_that_are_rounding_alone_do_not_hide_the_others(seed):
    x = np.random.default_rng(seed).normal(size=600)
    assert check_vjp(beside_nothing, beside_nothing_rule, [x], seed=seed).verdict == "pass"

    def wrong(g, y, x):
        grad = beside_nothing_rule(g, y, x)
        grad[17] *= 1.001
        return grad

    assert check_vjp(beside_nothing, wrong, [x], seed=seed).verdict == "fail"
