"""Attention in both versions: values, slopes, and that nothing leaks from the future."""

import importlib.util

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tensor_core.kernels import numpy_kernels

VERSIONS = {"numpy": numpy_kernels}
if importlib.util.find_spec("numba"):
    from tensor_core.kernels import numba_kernels

    VERSIONS["numba"] = numba_kernels

each_version = pytest.mark.parametrize("version", VERSIONS)
each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])
# batch, queries, keys, width of keys, width of values; small, middle and blocked
SIZES = [
    ((), 1, 1, 1, 1),
    ((3,), 5, 5, 4, 2),
    ((35, 2), 8, 8, 8, 8),
    ((2, 3), 4, 9, 8, 3),
    ((2, 3), 9, 4, 8, 3),
    ((2, 2), 40, 40, 16, 16),
    ((5,), 33, 70, 8, 8),
    ((1, 3), 300, 300, 8, 8),
    ((1,), 300, 20, 4, 4),
    ((2, 2, 2), 3, 3, 2, 2),
    ((0,), 3, 3, 2, 2),
    ((2,), 0, 3, 2, 2),
]
each_size = pytest.mark.parametrize("size", SIZES, ids=str)


def inputs(size, dtype, seed=0):
    batch, t, s, d, e = size
    rng = np.random.default_rng(seed)
    shapes = (*batch, t, d), (*batch, s, d), (*batch, s, e)
    return [rng.normal(size=shape).astype(dtype) for shape in shapes]


def plain(q, k, v, scale, causal, bias=None):
    scores = q @ k.swapaxes(-1, -2) * scale
    if bias is not None:
        scores = scores + bias
    if causal:
        scores = np.where(np.tri(*scores.shape[-2:]), scores, -np.inf)
    e = np.exp(scores - scores.max(axis=-1, keepdims=True, initial=-1e300))
    p = e / np.maximum(e.sum(axis=-1, keepdims=True), 1e-300)
    return p @ v, p


def plain_backward(g, q, k, v, p, scale):
    dp = g @ v.swapaxes(-1, -2)
    ds = scale * p * (dp - (dp * p).sum(axis=-1, keepdims=True))
    return ds @ k, ds.swapaxes(-1, -2) @ q, p.swapaxes(-1, -2) @ g


@each_version
@each_dtype
@each_size
@pytest.mark.parametrize("causal", [False, True])
def test_values_and_cotangents(version, dtype, size, causal):
    module, (q, k, v) = VERSIONS[version], inputs(size, dtype)
    y, p = module.attention_forward(q, k, v, 0.7, causal, None)
    wide = [a.astype(np.float64) for a in (q, k, v)]
    expected_y, expected_p = plain(*wide, 0.7, causal)
    tolerance = 100 * np.finfo(dtype).eps
    assert y.dtype == p.dtype == dtype and y.shape == expected_y.shape
    np.testing.assert_allclose(p, expected_p, atol=tolerance)
    np.testing.assert_allclose(y, expected_y, atol=tolerance)
    if causal:
        assert (p[..., ~np.tri(*p.shape[-2:], dtype=bool)] == 0).all()
    g = np.random.default_rng(9).normal(size=y.shape).astype(dtype)
    grads = module.attention_backward(g, q, k, v, p, y, 0.7, True, True, True)
    told = module.attention_backward(g, q, k, v, p, y, 0.7, True, True, True, causal)
    expected = plain_backward(g.astype(np.float64), *wide, expected_p, 0.7)
    for grad, again, right in zip(grads, told, expected, strict=True):
        size_of = np.abs(right).max(initial=1)
        np.testing.assert_allclose(grad, right, atol=tolerance * size_of)
        np.testing.assert_allclose(again, right, atol=tolerance * size_of)


@each_version
def test_cotangents_are_slopes(version):
    module, scale = VERSIONS[version], 0.6
    arrays = inputs(((2,), 3, 4, 2, 3), np.float64)
    y, p = module.attention_forward(*arrays, scale, True, None)
    g = np.random.default_rng(5).normal(size=y.shape)
    grads = module.attention_backward(g, *arrays, p, y, scale, True, True, True)
    for a, grad in zip(arrays, grads, strict=True):
        for i in np.ndindex(a.shape):
            middle, ends = a[i], []
            for step in (1e-6, -1e-6):
                a[i] = middle + step
                ends.append((g * plain(*arrays, scale, True)[0]).sum())
            a[i] = middle
            assert abs((ends[0] - ends[1]) / 2e-6 - grad[i]) < 1e-7


@each_version
@each_dtype
@pytest.mark.parametrize("size", [((2, 3), 5, 7, 4, 4), ((2, 2), 40, 50, 8, 8)], ids=str)
def test_bias_and_rows_that_see_nothing(version, dtype, size):
    module, (q, k, v) = VERSIONS[version], inputs(size, dtype)
    (_, heads), t, s, *_ = size
    bias = np.random.default_rng(2).normal(size=(heads, t, s)).astype(dtype)
    bias[:, 1, 2:] = -np.inf
    bias[0, 2] = -np.inf
    y, p = module.attention_forward(q, k, v, 0.5, False, bias)
    expected_y, expected_p = plain(*(a.astype(np.float64) for a in (q, k, v)), 0.5, False, bias)
    np.testing.assert_allclose(p, expected_p, atol=100 * np.finfo(dtype).eps)
    np.testing.assert_allclose(y, expected_y, atol=100 * np.finfo(dtype).eps)
    assert (y[:, 0, 2] == 0).all() and (p[:, 0, 2] == 0).all() and (p[:, :, 1, 2:] == 0).all()
    grads = module.attention_backward(y, q, k, v, p, y, 0.5, True, True, True)
    assert all(np.isfinite(grad).all() for grad in grads)


@each_version
@pytest.mark.parametrize("size", [(64, 4, 8, 8), (3, 2, 40, 16)], ids=str)
def test_views_of_one_packed_array(version, size):
    module, (b, h, t, d) = VERSIONS[version], size
    packed = np.random.default_rng(0).normal(size=(b, t, 3, h, d)).astype(np.float32)
    q, k, v = (packed[:, :, i].transpose(0, 2, 1, 3) for i in range(3))
    y, p = module.attention_forward(q, k, v, 0.3, True, None)
    copies = [np.ascontiguousarray(a) for a in (q, k, v)]
    again, p_again = module.attention_forward(*copies, 0.3, True, None)
    np.testing.assert_allclose(y, again, atol=1e-6)
    assert y.transpose(0, 2, 1, 3).flags.c_contiguous  # the heads join without a copy
    grads = module.attention_backward(y, q, k, v, p, y, 0.3, True, True, True)
    others = module.attention_backward(again, *copies, p_again, again, 0.3, True, True, True)
    for a, b_ in zip(grads, others, strict=True):
        np.testing.assert_allclose(a, b_, atol=1e-5)


@each_version
@pytest.mark.parametrize("needs", [(a, b, c) for a in (0, 1) for b in (0, 1) for c in (0, 1)])
@pytest.mark.parametrize("size", [((2,), 3, 3, 2, 2), ((2,), 30, 30, 8, 8)], ids=str)
def test_only_what_is_needed(version, needs, size):
    module, (q, k, v) = VERSIONS[version], inputs(size, np.float32)
    y, p = module.attention_forward(q, k, v, 0.3, True, None)
    full = module.attention_backward(y, q, k, v, p, y, 0.3, True, True, True)
    some = module.attention_backward(y, q, k, v, p, y, 0.3, *map(bool, needs))
    for need, a, b in zip(needs, full, some, strict=True):
        assert (b is None) == (not need)
        if need:
            np.testing.assert_array_equal(a, b)


WILD = st.sampled_from([0.0, -0.0, 1.0, -3.0, 1e30, -1e30, np.inf, -np.inf, np.nan])


@each_version
@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([((2,), 6, 6, 4, 4), ((2, 2), 30, 30, 8, 8), ((1,), 300, 300, 4, 4),
                     ((1,), 20, 40, 4, 4), ((1,), 40, 20, 4, 4)]),
    st.floats(0, 1), WILD, WILD, st.sampled_from([np.float32, np.float64]),
)  # fmt: skip
def test_the_future_does_not_change_a_single_bit(version, size, where, key, value, dtype):
    module, (q, k, v) = VERSIONS[version], inputs(size, dtype)
    cut = int(where * (k.shape[-2] - 1))  # queries 0 to cut see keys 0 to cut
    with np.errstate(all="ignore"):
        before, p_before = module.attention_forward(q, k, v, 0.5, True, None)
        k[..., cut + 1 :, :] = key
        v[..., cut + 1 :, ::2] = value
        q[..., cut + 1 :, :] = key
        after, p_after = module.attention_forward(q, k, v, 0.5, True, None)
    rows = slice(0, cut + 1)
    for a, b in ((before, after), (p_before, p_after)):
        assert a[..., rows, :].tobytes() == b[..., rows, :].tobytes()


@each_version
@pytest.mark.parametrize("size", [((2,), 6, 6, 4, 4), ((2,), 40, 40, 8, 8)], ids=str)
def test_a_nan_reaches_those_who_see_it(version, size):
    module, (q, k, v) = VERSIONS[version], inputs(size, np.float32)
    v[0, 3, 1] = np.nan
    y, _ = module.attention_forward(q, k, v, 0.5, True, None)
    hit = np.isnan(y)
    assert hit[0, 3:, 1].all() and hit.sum() == len(y[0, 3:, 1])
    k[1, 2] = np.nan
    y, _ = module.attention_forward(q, k, v, 0.5, True, None)
    assert np.isnan(y[1, 2:]).all() and np.isfinite(y[1, :2]).all()


@each_version
def test_large_scores_do_not_overflow(version):
    for size in (((2,), 4, 4, 2, 2), ((2,), 40, 40, 2, 2)):
        q, k, v = inputs(size, np.float32)
        y, p = VERSIONS[version].attention_forward(1e4 * q, 1e4 * k, v, 1.0, True, None)
        assert np.isfinite(y).all() and np.allclose(p.sum(axis=-1), 1)
