"""Every kernel, in both versions, against plain float64 formulas and finite differences."""

import importlib.util
import math
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tensor_core import kernels
from tensor_core.kernels import numpy_kernels

VERSIONS = {"numpy": numpy_kernels}
if importlib.util.find_spec("numba"):
    from tensor_core.kernels import numba_kernels

    VERSIONS["numba"] = numba_kernels

each_version = pytest.mark.parametrize("version", VERSIONS)
each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])
SHAPES = [(1, 1), (3, 1), (1, 5), (7, 65), (0, 4), (130, 300), (2, 40_000)]
each_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)


def normal(shape, dtype, seed=0, scale=1.0):
    return (scale * np.random.default_rng(seed).normal(size=shape)).astype(dtype)


def wide(*arrays):
    return [None if a is None else np.asarray(a, np.float64) for a in arrays]


def close(actual, expected, ulps=32, scale=None):
    """Equal within so many roundings of the largest number that the result was made of."""
    assert actual.shape == expected.shape
    size = np.abs(expected[np.isfinite(expected)]).max(initial=0) if scale is None else scale
    tolerance = ulps * np.finfo(actual.dtype).eps
    np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance * max(size, 1e-30))


def slope(f, x, g, h=1e-6):
    """The derivative of sum(g * f(x)) by central differences, element by element."""
    out = np.empty_like(x)
    for i in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[i] += h
        down[i] -= h
        out[i] = (g * (f(up) - f(down))).sum() / (2 * h)
    return out


# ------------------------------------------------------------------------------- plain formulas


def plain_layer_norm(x, w, b, eps):
    c = x - x.mean(axis=1, keepdims=True)
    y = c / np.sqrt((c * c).mean(axis=1, keepdims=True) + eps)
    return y * (1 if w is None else w) + (0 if b is None else b)


def plain_rms_norm(x, w, eps):
    y = x / np.sqrt((x * x).mean(axis=1, keepdims=True) + eps)
    return y * (1 if w is None else w)


def plain_softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True, initial=-np.inf))
    return e / e.sum(axis=-1, keepdims=True)


def plain_log_softmax(x):
    z = x - x.max(axis=-1, keepdims=True, initial=-np.inf)
    return z - np.log(np.exp(z).sum(axis=-1, keepdims=True))


ERF = np.vectorize(math.erf, otypes=[float])
ERFC = np.vectorize(math.erfc, otypes=[float])


def plain_gelu(x, approximate="none"):
    if approximate == "tanh":
        u = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
        return x / (1 + np.exp(-2 * u))
    return x * 0.5 * ERFC(-x / math.sqrt(2))


def plain_silu(x):
    return x / (1 + np.exp(-x))


def plain_attention(q, k, v, scale, causal, bias):
    scores = q @ k.swapaxes(-1, -2) * scale
    if bias is not None:
        scores = scores + bias
    if causal:
        scores = np.where(np.tri(*scores.shape[-2:]), scores, -np.inf)
    p = plain_softmax(scores)
    return p @ v, p


# ---------------------------------------------------------------------------------------- norms


@each_version
@each_dtype
@each_shape
@pytest.mark.parametrize("affine", [True, False])
def test_layer_norm(version, dtype, shape, affine):
    x = normal(shape, dtype) + dtype(3)
    w, b = (normal(shape[1], dtype, 1), normal(shape[1], dtype, 2)) if affine else (None, None)
    y, mean, rstd = VERSIONS[version].layer_norm_forward(x, w, b, 1e-5)
    x64, w64, b64 = wide(x, w, b)
    expected = plain_layer_norm(x64, w64, b64, 1e-5)
    # x - mean carries the rounding of x, which rstd magnifies
    loss = 0 if x.size == 0 else float(np.abs(rstd).max()) * 4
    close(y, expected, scale=1 + loss)
    assert mean.shape == rstd.shape == (shape[0], 1) and y.dtype == mean.dtype == dtype
    g = normal(shape, dtype, 3)
    dx, dw, db = VERSIONS[version].layer_norm_backward(g, x, mean, rstd, w, True, True, True)
    m, r, g64 = x64.mean(axis=1, keepdims=True), *wide(rstd, g)
    xhat, gw = (x64 - m) * r, g64 * (1 if w is None else w64)
    inner = gw - gw.mean(axis=1, keepdims=True) - xhat * (gw * xhat).mean(axis=1, keepdims=True)
    close(dx, r * inner, scale=(1 + loss) ** 2 * 4)
    close(dw, (g64 * xhat).sum(axis=0), scale=(1 + loss) * 4 * max(1, shape[0]) ** 0.5)
    close(db, g64.sum(axis=0), scale=4 * max(1, shape[0]) ** 0.5)


@each_version
@each_dtype
@each_shape
@pytest.mark.parametrize("affine", [True, False])
def test_rms_norm(version, dtype, shape, affine):
    x = normal(shape, dtype) + dtype(0.5)
    w = normal(shape[1], dtype, 1) if affine else None
    y, rstd = VERSIONS[version].rms_norm_forward(x, w, 1e-6)
    x64, w64 = wide(x, w)
    close(y, plain_rms_norm(x64, w64, 1e-6))
    g = normal(shape, dtype, 3)
    dx, dw = VERSIONS[version].rms_norm_backward(g, x, rstd, w, True, True)
    r, g64 = wide(rstd, g)
    xhat, gw = x64 * r, g64 * (1 if w is None else w64)
    inner = gw - xhat * (gw * xhat).mean(axis=1, keepdims=True)
    close(dx, r * inner, scale=10 * (1 if x.size == 0 else r.max()))
    close(dw, (g64 * xhat).sum(axis=0), scale=8 * max(1, shape[0]) ** 0.5)


@each_version
def test_norm_derivatives_are_slopes(version):
    x, w, b, g = (normal(s, np.float64, i) for i, s in enumerate([(2, 5), 5, 5, (2, 5)]))
    module = VERSIONS[version]
    _, mean, rstd = module.layer_norm_forward(x, w, b, 1e-5)
    dx, dw, db = module.layer_norm_backward(g, x, mean, rstd, w, True, True, True)
    np.testing.assert_allclose(
        dx, slope(lambda v: plain_layer_norm(v, w, b, 1e-5), x, g), atol=1e-8
    )
    np.testing.assert_allclose(
        dw, slope(lambda v: plain_layer_norm(x, v, b, 1e-5), w, g), atol=1e-8
    )
    np.testing.assert_allclose(
        db, slope(lambda v: plain_layer_norm(x, w, v, 1e-5), b, g), atol=1e-8
    )
    _, rstd = module.rms_norm_forward(x, w, 1e-5)
    dx, dw = module.rms_norm_backward(g, x, rstd, w, True, True)
    np.testing.assert_allclose(dx, slope(lambda v: plain_rms_norm(v, w, 1e-5), x, g), atol=1e-8)
    np.testing.assert_allclose(dw, slope(lambda v: plain_rms_norm(x, v, 1e-5), w, g), atol=1e-8)


@each_version
@pytest.mark.parametrize("needs", [(a, b, c) for a in (0, 1) for b in (0, 1) for c in (0, 1)])
def test_norms_compute_only_what_is_needed(version, needs):
    module, x = VERSIONS[version], normal((4, 6), np.float32)
    w = np.ones(6, np.float32)
    _, mean, rstd = module.layer_norm_forward(x, w, w, 1e-5)
    full = module.layer_norm_backward(x, x, mean, rstd, w, True, True, True)
    some = module.layer_norm_backward(x, x, mean, rstd, w, *map(bool, needs))
    for need, all_, part in zip(needs, full, some, strict=True):
        assert (part is None) == (not need)
        if need:
            np.testing.assert_array_equal(part, all_)
    dx, dw = module.rms_norm_backward(x, x, rstd, w, bool(needs[0]), bool(needs[1]))
    assert ((dx is None), (dw is None)) == (not needs[0], not needs[1])


@each_version
def test_column_sums_of_many_rows_stay_accurate(version):
    g = np.full((200_000, 4), 0.1, np.float32)  # one after the other: wrong by 2e-3
    ones = np.ones((200_000, 1), np.float32)
    db = VERSIONS[version].layer_norm_backward(g, g, 0 * ones, ones, None, False, False, True)[2]
    np.testing.assert_allclose(db, 200_000 * float(np.float32(0.1)), rtol=1e-4)


# ---------------------------------------------------------------------------------- activations


@each_dtype
def test_erf_is_accurate(dtype):
    rng = np.random.default_rng(0)
    small = 10.0 ** rng.uniform(-30, 0, 1000)
    x = np.concatenate([rng.uniform(-7, 7, 30_000), small, -small, [0.0, 0.5, -0.5]]).astype(dtype)
    y = numpy_kernels.erf(x)
    np.testing.assert_allclose(y, ERF(x), rtol=4 * np.finfo(dtype).eps, atol=0)
    ends = np.array([np.inf, -np.inf, np.nan, -0.0, 1e30], dtype)
    np.testing.assert_array_equal(numpy_kernels.erf(ends), np.array([1, -1, np.nan, 0, 1], dtype))


@each_version
@each_dtype
@pytest.mark.parametrize("approximate", ["none", "tanh"])
def test_gelu(version, dtype, approximate):
    x = np.linspace(-12, 12, 70_001).astype(dtype).reshape(1, -1)
    y, d = VERSIONS[version].gelu_forward(x, approximate, True)
    x64 = x.astype(np.float64)
    expected = plain_gelu(x64, approximate)
    # relative even far out on the left, where 1 + erf(x) would have lost all digits
    rtol = 1e-5 if dtype == np.float32 else 1e-13
    np.testing.assert_allclose(y, expected, rtol=rtol, atol=1e-36)
    close(y, expected, ulps=4, scale=1)
    rise = (plain_gelu(x64 + 1e-5, approximate) - plain_gelu(x64 - 1e-5, approximate)) / 2e-5
    np.testing.assert_allclose(d, rise, atol=3e-6 if dtype == np.float32 else 1e-9)
    np.testing.assert_array_equal(VERSIONS[version].gelu_forward(x, approximate, False)[0], y)
    assert VERSIONS[version].gelu_forward(x, approximate, False)[1] is None


@each_dtype
def test_exact_gelu_derivative_to_rounding(dtype):
    x = np.linspace(-9, 9, 5001).astype(dtype)
    x64 = x.astype(np.float64)
    density = np.exp(-x64 * x64 / 2) / math.sqrt(2 * math.pi)
    expected = 0.5 * ERFC(-x64 / math.sqrt(2)) + x64 * density
    for module in VERSIONS.values():
        close(module.gelu_forward(x, "none", True)[1], expected, ulps=2, scale=1)


@each_version
@each_dtype
def test_silu(version, dtype):
    x = np.linspace(-40, 40, 40_001).astype(dtype)
    y, d = VERSIONS[version].silu_forward(x, True)
    x64 = x.astype(np.float64)
    np.testing.assert_allclose(y, plain_silu(x64), rtol=8 * np.finfo(dtype).eps, atol=1e-30)
    s = 1 / (1 + np.exp(-x64))
    close(d, s + x64 * s * (1 - s), ulps=8, scale=1)


@each_version
@each_dtype
def test_activations_at_the_extremes(version, dtype):
    module = VERSIONS[version]
    x = np.array([np.nan, 1e30, -1e30, 0.0, 100.0, -1000.0], dtype)
    for y, d in (
        module.gelu_forward(x, "none", True),
        module.gelu_forward(x, "tanh", False),
        module.silu_forward(x, True),
    ):
        np.testing.assert_array_equal(y, np.array([np.nan, 1e30, 0, 0, 100, 0], dtype))
        if d is not None:
            np.testing.assert_allclose(d, [np.nan, 1, 0, 0.5, 1, 0], atol=1e-7)


@each_version
def test_activations_take_any_shape_and_layout(version):
    module = VERSIONS[version]
    x = normal((3, 4, 5), np.float32)
    for view in (x, x.transpose(2, 0, 1), x[:, ::2], x[0, 0, 0:0], x[1, 1, 1]):
        y, d = module.gelu_forward(view, "none", True)
        assert y.shape == d.shape == view.shape
        close(np.asarray(y), plain_gelu(view.astype(np.float64)), scale=1)
        assert module.silu_forward(view, True)[0].shape == view.shape


# -------------------------------------------------------------------------------------- softmax


@each_version
@each_dtype
@each_shape
def test_softmax(version, dtype, shape):
    module, x, g = VERSIONS[version], normal(shape, dtype, scale=3), normal(shape, dtype, 1)
    y, logs = module.softmax_forward(x), module.log_softmax_forward(x)
    x64, g64 = wide(x, g)
    p = plain_softmax(x64)
    np.testing.assert_allclose(y, p, rtol=100 * np.finfo(dtype).eps)
    close(logs, plain_log_softmax(x64), ulps=8, scale=20)
    close(module.softmax_backward(g, y), p * (g64 - (g64 * p).sum(axis=1, keepdims=True)), scale=4)
    total = g64.sum(axis=1, keepdims=True)
    close(
        module.log_softmax_backward(g, logs),
        g64 - p * total,
        scale=4 + np.abs(total).max(initial=0),
    )


@each_version
@each_dtype
def test_softmax_of_extreme_rows(version, dtype):
    module, inf = VERSIONS[version], np.inf
    x = np.array([[1e30, 0, -1e30], [-inf, 1, 1], [1e4, 1e4, -inf]], dtype)
    expected = [[1, 0, 0], [0, 0.5, 0.5], [0.5, 0.5, 0]]
    np.testing.assert_array_equal(module.softmax_forward(x), expected)
    logs = module.log_softmax_forward(x)
    close(logs[1], np.array([-inf, -math.log(2), -math.log(2)]), ulps=2, scale=1)
    for bad in (np.nan, -np.float32(np.nan), inf):
        rows = np.zeros((3, 9), dtype)
        rows[1, 4] = bad
        with np.errstate(invalid="ignore"):
            for y in (module.softmax_forward(rows), module.log_softmax_forward(rows)):
                assert np.isnan(y[1]).any() and np.isfinite(y[[0, 2]]).all()


@each_version
@each_dtype
@each_shape
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy(version, dtype, shape, smoothing):
    rows, classes = shape
    module, x = VERSIONS[version], normal(shape, dtype, scale=2)
    targets = np.random.default_rng(1).integers(0, classes, rows)
    targets[::3] = -100
    total, count, losses, grad = module.cross_entropy_forward(x, targets, -100, smoothing, True)
    (x64,) = wide(x)
    kept = targets != -100
    hot = np.full(shape, smoothing / classes)
    hot[np.arange(rows), np.where(kept, targets, 0)] += 1 - smoothing
    hot, p = hot * kept[:, None], plain_softmax(x64) * kept[:, None]
    expected = -(hot * plain_log_softmax(x64)).sum(axis=1)
    close(losses, expected, ulps=8, scale=20)
    assert (losses[~kept] == 0).all() and (grad[~kept] == 0).all()
    assert count == kept.sum()
    np.testing.assert_allclose(total, expected.sum(), rtol=8 * np.finfo(dtype).eps)
    assert total.dtype == dtype
    np.testing.assert_allclose(grad, p - hot, atol=16 * np.finfo(dtype).eps)
    again = module.cross_entropy_forward(x, targets, -100, smoothing, False)
    assert again[3] is None
    close(again[2], losses, ulps=8, scale=20)


@each_version
@pytest.mark.parametrize("target", [-1, 5, 10**12])
def test_cross_entropy_refuses_targets_out_of_range(version, target):
    with pytest.raises(IndexError, match=f"target {target} is out of bounds for 5 classes"):
        VERSIONS[version].cross_entropy_forward(
            np.zeros((2, 5), np.float32), np.array([0, target]), -100, 0.0, True
        )


@each_version
def test_cross_entropy_may_ignore_a_real_class_and_everything(version):
    x = normal((4, 3), np.float32)
    module = VERSIONS[version]
    total, count, losses, grad = module.cross_entropy_forward(x, np.zeros(4, int), 0, 0.0, True)
    assert total == 0 and count == 0 and not losses.any() and not grad.any()


@each_version
@each_dtype
def test_cross_entropy_of_impossible_and_certain_targets(version, dtype):
    x = np.array([[0, -np.inf], [1e4, 0], [0, 1e4]], dtype)
    result = VERSIONS[version].cross_entropy_forward(x, np.array([1, 0, 0]), -100, 0.0, True)
    np.testing.assert_array_equal(result[2], np.array([np.inf, 0, 1e4], dtype))
    assert np.isfinite(result[3]).all()


# -------------------------------------------------------------------------------------- threads


@each_version
def test_two_threads_do_not_disturb_each_other(version):
    module = VERSIONS[version]

    def work(x):
        y, mean, rstd = module.layer_norm_forward(x, None, None, 1e-5)
        return [
            y,
            *module.layer_norm_backward(x, x, mean, rstd, None, True, True, True),
            *module.gelu_forward(x, "none", True),
            module.softmax_forward(x),
            module.cross_entropy_forward(x, np.zeros(len(x), int), -100, 0.0, True)[3],
            *module.attention_forward(*x[:, :192].reshape(3, -1, 64, 8), 0.3, True, None),
        ]

    inputs = [normal((192, 256), np.float32, seed) for seed in (1, 2)]
    alone = [work(x) for x in inputs]
    together = [[], []]

    def repeat(i):
        for _ in range(20):
            together[i].append(work(inputs[i]))

    threads = [threading.Thread(target=repeat, args=(i,)) for i in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i in (0, 1):
        assert len(together[i]) == 20
        for result in together[i]:
            for a, b in zip(result, alone[i], strict=True):
                np.testing.assert_array_equal(a, b)


# ------------------------------------------------------------------------------- random shapes


@pytest.mark.skipif(len(VERSIONS) == 1, reason="Numba is not installed: nothing to compare")
@settings(max_examples=60, deadline=None)
@given(st.integers(0, 9), st.integers(1, 70), st.integers(0, 2**32), st.floats(1e-3, 50))
def test_both_versions_agree(rows, d, seed, scale):
    x, g = normal((rows, d), np.float32, seed, scale), normal((rows, d), np.float32, seed + 1)
    w, b = normal(d, np.float32, seed + 2), normal(d, np.float32, seed + 3)
    targets = np.random.default_rng(seed).integers(0, d, rows)

    def everything(m):
        mean = m.layer_norm_forward(x, w, b, 1e-5)[1]
        r, rms = m.rms_norm_forward(x, w, 1e-5)
        p, logs = m.softmax_forward(x), m.log_softmax_forward(x)
        yield from (mean, r, p, logs)
        yield from m.rms_norm_backward(g, x, rms, w, True, True)
        yield from (m.softmax_backward(g, p), m.log_softmax_backward(g, logs))
        yield from m.gelu_forward(x, "none", True)
        yield from m.gelu_forward(x, "tanh", True)
        yield from m.silu_forward(x, True)
        yield from m.cross_entropy_forward(x, targets, -100, 0.1, True)[2:]
        yield np.asarray(m.sum_squares(x))

    for i, (ours, theirs) in enumerate(
        zip(everything(VERSIONS["numpy"]), everything(VERSIONS["numba"]), strict=True)
    ):
        size = max(1.0, np.abs(ours).max(initial=0))
        np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=2e-5 * size, err_msg=f"result {i}")


def test_every_name_has_every_version():
    for name in kernels.NAMES:
        for module in VERSIONS.values():
            assert callable(getattr(module, name))
