"""Limiting gradients, parameters as a vector, padded sequences."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tensor_core as torch
from tensor_core.nn import utils


def with_grads(*grads):
    params = []
    for grad in grads:
        p = torch.zeros(*np.shape(grad), requires_grad=True)
        p.grad = torch.tensor(grad)
        params.append(p)
    return params


@given(
    st.lists(st.lists(st.floats(-100, 100, width=32), min_size=1, max_size=5), max_size=4),
    st.sampled_from([1.0, 2.0, 3.0, math.inf]),
    st.floats(0.1, 50),
)
def test_clip_by_norm(grads, order, limit):
    params = with_grads(*grads)
    flat = np.array([x for grad in grads for x in grad], np.float64)
    norm = np.linalg.norm(flat, order) if flat.size else 0.0
    got = utils.clip_grad_norm_(params, limit, order)
    assert got.item() == pytest.approx(norm, rel=1e-5)
    scale = min(1.0, limit / (norm + 1e-6))
    after = [x for p in params for x in p.grad.tolist()]
    np.testing.assert_allclose(after, flat * scale, rtol=1e-5, atol=1e-30)


def test_clip_leaves_short_gradients_and_those_that_are_none():
    (p,) = with_grads([0.5])
    before = p.grad
    utils.clip_grad_norm_([p, torch.zeros(1, requires_grad=True)], 1.0)
    assert p.grad is before and before.tolist() == [0.5]
    assert utils.clip_grad_norm_([], 1.0).item() == 0.0
    assert utils.clip_grad_norm_(p, 0.25).item() == 0.5
    assert p.grad.item() == pytest.approx(0.25, rel=1e-5)


def test_a_norm_that_is_not_finite():
    params = with_grads([math.inf])
    with pytest.raises(RuntimeError, match="non-finite"):
        utils.clip_grad_norm_(params, 1.0, error_if_nonfinite=True)
    assert params[0].grad.item() == math.inf


def test_norm_of_a_large_gradient_is_exact_enough_and_repeats():
    big = np.random.default_rng(0).normal(size=(1100, 1000)).astype(np.float32)
    p = torch.zeros(1100, 1000, requires_grad=True)
    p.grad = torch.from_numpy(big.T.copy()).T  # not contiguous
    norms = {utils.clip_grad_norm_(p, 1e9).item() for _ in range(3)}
    assert len(norms) == 1
    assert norms.pop() == pytest.approx(np.linalg.norm(big.astype(np.float64)), rel=1e-6)
    utils.clip_grad_norm_(p, 1.0)
    assert utils.get_total_norm([p.grad]).item() == pytest.approx(1.0, rel=1e-5)


def test_clip_by_value():
    params = with_grads([3.0, -3.0], [0.5])
    utils.clip_grad_value_(params, 1.0)
    assert [p.grad.tolist() for p in params] == [[1, -1], [0.5]]


def test_parameters_to_vector_and_back():
    layer = torch.nn.Linear(2, 3)
    vector = utils.parameters_to_vector(layer.parameters())
    assert vector.shape == (9,)
    utils.vector_to_parameters(torch.arange(9).float(), layer.parameters())
    assert layer.weight.tolist() == [[0, 1], [2, 3], [4, 5]] and layer.bias.tolist() == [6, 7, 8]
    with pytest.raises(TypeError):
        utils.vector_to_parameters([1.0], layer.parameters())


def test_pad_sequence():
    a, b = torch.ones(2, 2), torch.ones(3, 2)
    assert utils.rnn.pad_sequence([a, b]).shape == (3, 2, 2)
    out = utils.rnn.pad_sequence([a, b], batch_first=True, padding_value=9.0)
    assert out[0].tolist() == [[1, 1], [1, 1], [9, 9]]
    left = utils.rnn.pad_sequence([torch.ones(1), torch.ones(2)], True, 0.0, "left")
    assert left.tolist() == [[0, 1], [1, 1]]
