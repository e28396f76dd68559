"""Optimizer steps, the gradient norm, embedding sums, and the choice between versions."""

import importlib.util
import os
import subprocess
import sys
import textwrap

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
each_length = pytest.mark.parametrize("n", [0, 1, 7, 40_000])


def plain_adamw(p, g, m, v, lr, beta1, beta2, eps, decay, step, decoupled, grad_scale):
    """Kingma and Ba 2015, algorithm 1; Loshchilov and Hutter 2019, algorithm 2, in float64."""
    g = g * grad_scale
    p = p * (1 - lr * decay) if decoupled else p
    g = g if decoupled else g + decay * p
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    m_hat, v_hat = m / (1 - beta1**step), v / (1 - beta2**step)
    return p - lr * m_hat / (np.sqrt(v_hat) + eps), m, v


@each_version
@each_dtype
@each_length
@pytest.mark.parametrize("decoupled", [True, False])
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_adamw(version, dtype, n, decoupled, decay):
    rng = np.random.default_rng(0)
    p, m = rng.normal(size=(2, n)).astype(dtype)
    v = rng.uniform(0.1, 1, n).astype(dtype)
    expected = [a.astype(np.float64) for a in (p, m, v)]
    for step in (1, 2, 1000):
        g = rng.normal(size=n).astype(dtype)
        kept = g.copy()
        rest = (3e-3, 0.9, 0.99, 1e-8, decay, step, decoupled, 0.5)
        VERSIONS[version].adamw_step(p, g, m, v, *rest)
        p64, m64, v64 = expected
        expected = list(plain_adamw(p64, g.astype(np.float64), m64, v64, *rest))
        np.testing.assert_array_equal(g, kept)
    for a, b in zip((p, m, v), expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=10 * np.finfo(dtype).eps)


@each_version
@each_dtype
@each_length
@pytest.mark.parametrize("momentum, dampening", [(0.0, 0.0), (0.9, 0.0), (0.9, 0.5)])
@pytest.mark.parametrize("nesterov", [True, False])
def test_sgd(version, dtype, n, momentum, dampening, nesterov):
    rng = np.random.default_rng(0)
    p = rng.normal(size=n).astype(dtype)
    buf = np.full(n, np.nan, dtype) if momentum else None  # what it holds first must not matter
    p64, buf64 = p.astype(np.float64), None
    for step in range(3):
        g = rng.normal(size=n).astype(dtype)
        kept = g.copy()
        VERSIONS[version].sgd_step(
            p, g, buf, 0.1, momentum, dampening, 0.01, nesterov, first=step == 0
        )
        np.testing.assert_array_equal(g, kept)
        g64 = g + 0.01 * p64
        if momentum:
            buf64 = g64 if buf64 is None else momentum * buf64 + (1 - dampening) * g64
            g64 = g64 + momentum * buf64 if nesterov else buf64
        p64 = p64 - 0.1 * g64
    np.testing.assert_allclose(p, p64, rtol=0, atol=10 * np.finfo(dtype).eps)


@each_version
def test_steps_let_nan_through(version):
    p, m, v = np.ones((3, 4), np.float32)
    g = np.array([np.nan, np.inf, 0, 1], np.float32)
    with np.errstate(invalid="ignore"):
        VERSIONS[version].adamw_step(p, g, m, v, 0.1, 0.9, 0.99, 1e-8, 0.0, 1, True)
    assert np.isnan(p[:2]).all() and np.isfinite(p[2:]).all()


@each_version
@each_dtype
@pytest.mark.parametrize("shape", [(0,), (1,), (5000,), (3, 70_001)], ids=str)
def test_sum_squares(version, dtype, shape):
    x = np.random.default_rng(0).normal(size=shape).astype(dtype)
    total = VERSIONS[version].sum_squares(x)
    assert isinstance(total, float)
    np.testing.assert_allclose(total, (x.astype(np.float64) ** 2).sum(), rtol=2e-6)
    if dtype == np.float64:
        np.testing.assert_allclose(total, (x**2).sum(), rtol=1e-13)


@each_version
def test_sum_squares_past_float32_and_of_nan(version):
    f = VERSIONS[version].sum_squares
    np.testing.assert_allclose(f(np.full(3, 1e30, np.float32)), 3e60, rtol=1e-6)
    assert np.isnan(f(np.array([1, np.nan], np.float32)))
    assert f(np.array([1, np.inf], np.float32)) == np.inf


@each_version
@settings(max_examples=60, deadline=None)
@given(st.integers(0, 60), st.integers(1, 9), st.integers(1, 600), st.integers(0, 2**32))
def test_embedding_sums_duplicates(version, n, width, rows, seed):
    rng = np.random.default_rng(seed)
    g, ids = rng.normal(size=(n, width)).astype(np.float32), rng.integers(0, rows, n)
    table = VERSIONS[version].embedding_backward(g, ids, rows)
    expected = np.zeros((rows, width))
    np.add.at(expected, ids, g.astype(np.float64))
    assert table.dtype == g.dtype
    np.testing.assert_allclose(table, expected, atol=1e-5)


@each_version
@pytest.mark.parametrize("rows", [3, 5000])
def test_a_nan_stays_in_its_own_embedding(version, rows):
    g = np.array([[1.0], [np.nan], [2.0], [np.inf]])
    table = VERSIONS[version].embedding_backward(g, np.array([0, 1, 0, 2]), rows)
    np.testing.assert_array_equal(table[:3, 0], [3.0, np.nan, np.inf])
    assert not table[3:].any()


@each_version
@each_dtype
@pytest.mark.parametrize("mean, std", [(0.0, 1.0), (1.5, 0.3)])
def test_normals_are_the_same_bits_in_every_version(version, dtype, mean, std):
    u = (np.random.default_rng(0).integers(0, 2**24, 48_000) / 2**24).astype(dtype)
    u[::1000] = 0
    expected, actual = u.copy(), u.copy()
    numpy_kernels.box_muller(expected, mean, std)
    VERSIONS[version].box_muller(actual, mean, std)
    assert actual.tobytes() == expected.tobytes()
    pairs = u.reshape(-1, 2, 8).astype(float)
    radius, angle = np.sqrt(-2 * np.log1p(-pairs[:, 0])), 2 * np.pi * pairs[:, 1]
    plain = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1) * std + mean
    np.testing.assert_allclose(actual, plain.reshape(-1), atol=2e-6)


@each_version
@pytest.mark.parametrize("n", [0, 1, 2, 1000])
def test_shuffle(version, n):
    picks = np.arange(n) + np.random.default_rng(0).integers(0, np.arange(n, 0, -1), n)
    order, expected = np.arange(n), list(range(n))
    VERSIONS[version].shuffle(order, picks)
    for i, j in enumerate(picks):
        expected[i], expected[j] = expected[j], expected[i]
    assert order.tolist() == expected and sorted(expected) == list(range(n))


# ----------------------------------------------------------------------------------- the choice


def in_new_process(code, **environment):
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return result.stdout.strip(), result.stderr


@pytest.mark.parametrize("version", [*VERSIONS, "auto"])
def test_the_environment_chooses(version):
    out, err = in_new_process(
        """
        from tensor_core import kernels
        print(kernels.backend())
        """,
        GRADINE_KERNELS=version,
    )
    assert out == (version if version != "auto" else list(VERSIONS)[-1]), err


def test_an_unknown_environment_is_refused():
    _, err = in_new_process("import tensor_core", GRADINE_KERNELS="fortran")
    assert "'fortran' is not one of" in err


WITHOUT_NUMBA = """
import sys
sys.modules["numba"] = None
import importlib.util
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "numba" else find(name, *rest)
"""


def test_without_numba_numpy_does_the_work():
    out, err = in_new_process(
        WITHOUT_NUMBA
        + textwrap.dedent(
            """
            import numpy as np
            from tensor_core import kernels
            print(kernels.active.sum_squares(np.ones(3)), kernels.backend())
            try:
                kernels.use("numba")
            except ImportError as error:
                print(error, kernels.backend())
            """
        ),
        GRADINE_KERNELS="auto",
    )
    assert out.splitlines()[0] == "3.0 numpy", err
    assert "pip install" in out and out.endswith("numpy")


def test_importing_does_not_import_numba():
    out, err = in_new_process(
        """
        import sys, tensor_core
        print("numba" in sys.modules)
        """,
        GRADINE_KERNELS="auto",
    )
    assert out == "False", err


@each_version
def test_switching_at_run_time(version):
    before = kernels.backend()
    try:
        kernels.use(version)
        assert kernels.backend() == version
        for name in kernels.NAMES:
            assert getattr(kernels.active, name) is getattr(VERSIONS[version], name)
    finally:
        kernels.use(before)


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="'cuda' is not one of"):
        kernels.use("cuda")
    with pytest.raises(AttributeError, match="no kernel 'conv'"):
        kernels.active.conv


@pytest.mark.skipif("numba" not in VERSIONS, reason="Numba is not installed")
def test_kernels_compile_where_no_cache_can_be_written(tmp_path):
    """A read-only installation, and a home that is no directory."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    out, err = in_new_process(
        """
        import numpy as np
        from numba.core import caching
        from tensor_core.kernels._numba import compiling

        class Refuses(caching.UserWideCacheLocator):
            @classmethod
            def from_function(cls, *args):
                return None

        caching.CacheImpl._locator_classes = [Refuses]

        @compiling.kernel(compiling.IN1)
        def double(x):
            return x[0] + x[0]

        print(double(np.ones(1, np.float32)))
        """,
        HOME=str(blocked),
    )
    assert out == "2.0", err
