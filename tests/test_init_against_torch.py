"""Starting values beside torch: the same bits for the same seed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from side_by_side import BOTH, array

INITS = {
    "uniform_": {"a": -2.0, "b": 0.5},
    "normal_": {"mean": 3.0, "std": 0.5},
    "trunc_normal_": {"std": 0.02},
    "xavier_uniform_": {"gain": 1.5},
    "xavier_normal_": {},
    "kaiming_uniform_": {"a": 0.3, "mode": "fan_out"},
    "kaiming_normal_": {"nonlinearity": "relu"},
}


@pytest.mark.parametrize("name", INITS)
@pytest.mark.parametrize("given_generator", [True, False])
@pytest.mark.parametrize("shape", [(3, 4), (40, 7), (2, 3, 4)])
def test_initialisation_is_the_same_bit_for_bit(name, given_generator, shape):
    filled = []
    for library in BOTH:
        library.manual_seed(42)
        generator = library.Generator().manual_seed(5) if given_generator else None
        w = library.empty(*shape)
        filled.append(array(getattr(library.nn.init, name)(w, **INITS[name], generator=generator)))
    assert np.array_equal(*filled)


@settings(deadline=None, max_examples=40)
@given(
    st.floats(-1, 1), st.floats(0.1, 2), st.floats(-3, 2), st.floats(0.05, 3), st.integers(0, 999)
)
@pytest.mark.filterwarnings("ignore:.*more than 2 std")
@pytest.mark.filterwarnings("ignore:.*mean is more than 2 std")
def test_truncated_normal_draws_alike(mean, std, low, width, seed):
    """Either way of rejection; where a logarithm's last bit decides, both still draw as often."""
    filled = []
    for library in BOTH:
        library.manual_seed(seed)
        w = library.nn.init.trunc_normal_(library.empty(50), mean, std, low, low + width)
        filled.append(array(w))
    assert np.array_equal(*filled)


@pytest.mark.parametrize("shape", [(4, 4), (3, 7), (7, 3), (4, 2, 3)])
def test_orthogonal(shape):
    filled = []
    for library in BOTH:
        library.manual_seed(1)
        filled.append(array(library.nn.init.orthogonal_(library.empty(*shape), gain=0.5)))
    np.testing.assert_allclose(*filled, atol=1e-6)
