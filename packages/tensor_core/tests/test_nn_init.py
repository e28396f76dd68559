"""Initialisation: the distributions asked for, from the generator given."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tensor_core as torch
from tensor_core.nn import init


def test_fans():
    assert init._calculate_fan_in_and_fan_out(torch.empty(5, 3)) == (3, 5)
    assert init._calculate_fan_in_and_fan_out(torch.empty(5, 3, 2, 4)) == (24, 40)
    with pytest.raises(ValueError, match="fewer than 2 dimensions"):
        init.xavier_uniform_(torch.empty(3))
    with pytest.raises(ValueError, match="Mode sideways"):
        init.kaiming_normal_(torch.empty(3, 3), mode="sideways")


@pytest.mark.parametrize(
    ("name", "gain"),
    [("linear", 1), ("conv2d", 1), ("sigmoid", 1), ("tanh", 5 / 3), ("relu", math.sqrt(2))],
)
def test_gains(name, gain):
    assert init.calculate_gain(name) == gain
    with pytest.raises(ValueError, match="Unsupported nonlinearity"):
        init.calculate_gain(name + "?")


@pytest.mark.parametrize(
    ("fill", "std"),
    [
        (init.xavier_normal_, math.sqrt(2 / (200 + 300))),
        (init.xavier_uniform_, math.sqrt(2 / (200 + 300))),
        (init.kaiming_normal_, math.sqrt(2 / 300)),
        (init.kaiming_uniform_, math.sqrt(2 / 300)),
        (init.normal_, 1.0),
        (init.uniform_, math.sqrt(1 / 12)),
    ],
)
def test_spread_and_generator(fill, std):
    generator = torch.Generator()
    generator.manual_seed(3)
    w = torch.empty(200, 300)
    assert fill(w, generator=generator) is w
    assert w.numpy().std() == pytest.approx(std, rel=0.02)
    generator.manual_seed(3)
    assert np.array_equal(fill(torch.empty(200, 300), generator=generator).numpy(), w.numpy())


@given(st.floats(-2, 2), st.floats(0.1, 2), st.floats(-3, 1), st.floats(0.1, 3), st.integers(0, 99))
def test_truncated_normal_stays_inside(mean, std, low, width, seed):
    generator = torch.Generator()
    generator.manual_seed(seed)
    high = low + width
    if not low - 2 * std <= mean <= high + 2 * std:
        with pytest.warns(UserWarning, match="more than 2 std"):
            w = init.trunc_normal_(torch.empty(50), mean, std, low, high, generator)
    else:
        w = init.trunc_normal_(torch.empty(50), mean, std, low, high, generator)
    assert np.float32(low) <= w.min().item() and w.max().item() <= np.float32(high)


def test_truncated_normal_has_the_right_mean_and_spread():
    torch.manual_seed(0)
    for low, high in [(-2.0, 2.0), (1.5, 3.0)]:  # either way of rejection
        w = init.trunc_normal_(torch.empty(40000), 0.0, 1.0, low, high).numpy()
        grid = np.linspace(low, high, 20001)
        density = np.exp(-(grid**2) / 2)
        mean = (grid * density).sum() / density.sum()
        assert w.mean() == pytest.approx(mean, abs=0.02)


@pytest.mark.parametrize("shape", [(4, 4), (3, 5), (5, 3), (4, 3, 2)])
def test_orthogonal(shape):
    q = init.orthogonal_(torch.empty(*shape), gain=2.0).numpy().reshape(shape[0], -1)
    small = q @ q.T if q.shape[0] <= q.shape[1] else q.T @ q
    np.testing.assert_allclose(small, 4 * np.eye(len(small)), atol=1e-5)


def test_constants():
    w = torch.nn.Parameter(torch.empty(2, 3))
    assert init.ones_(w).sum().item() == 6 and init.zeros_(w).sum().item() == 0
    assert init.constant_(w, 2.5).tolist() == [[2.5] * 3] * 2
    assert init.eye_(w).tolist() == [[1, 0, 0], [0, 1, 0]]
    assert w.is_leaf and w.requires_grad


def test_empty_tensors_and_old_names_warn():
    with pytest.warns(UserWarning, match="no-op"):
        init.kaiming_uniform_(torch.empty(0, 3))
    with pytest.warns(FutureWarning, match="deprecated in favor of `nn.init.kaiming_uniform_`"):
        init.kaiming_uniform(torch.empty(2, 3))
