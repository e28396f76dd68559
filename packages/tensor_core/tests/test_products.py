"""Matrix products by another library: chosen by the environment, equal to NumPy's, or refused."""

import ctypes
import os
import subprocess
import sys

import numpy as np
import pytest

from tensor_core import _products, get_num_threads, set_num_threads


@pytest.fixture
def one_thread():
    before = get_num_threads()
    set_num_threads(1)
    yield
    set_num_threads(before)


@pytest.fixture
def recorded(monkeypatch, one_thread):
    """A stand-in for ``cblas_sgemm`` that reads memory as BLAS would, and notes its calls."""
    calls = []

    def read(address, count):
        return np.ctypeslib.as_array((ctypes.c_float * count).from_address(address))

    def matrix(flag, address, distance, rows, columns):
        if flag == 111:
            flat = read(address, distance * (rows - 1) + columns)
            return np.lib.stride_tricks.as_strided(flat, (rows, columns), (4 * distance, 4))
        flat = read(address, distance * (columns - 1) + rows)
        return np.lib.stride_tricks.as_strided(flat, (rows, columns), (4, 4 * distance))

    def sgemm(order, ta, tb, n, m, k, alpha, a, lda, b, ldb, beta, c, ldc):
        calls.append((order, ta, tb, n, m, k, alpha, beta))
        result = matrix(ta, a, lda, n, k) @ matrix(tb, b, ldb, k, m)
        matrix(111, c, ldc, n, m)[...] = result

    monkeypatch.setattr(_products, "_sgemm", lambda: sgemm)
    return calls


def floats(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (floats(128, 96), floats(96, 160)),
        (floats(128, 96), floats(160, 96).T),
        (floats(96, 128).T, floats(96, 160)),
        (floats(128, 200)[:, :96], floats(96, 320)[:, 5:165]),
        (floats(96, 200)[:, 3:131].T, floats(200, 96)[:160].T),
    ],
)
def test_every_layout_is_handed_over_as_it_lies_in_memory(a, b, recorded):
    assert np.allclose(_products.product(a, b), a @ b, rtol=1e-4, atol=1e-4)
    assert len(recorded) == 1


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (floats(4, 4), floats(4, 4)),  # small
        (floats(128, 96).astype(np.float64), floats(96, 160).astype(np.float64)),
        (floats(256, 192)[::2, ::2], floats(96, 160)),  # strided both ways
        (floats(128, 96)[:, ::-1], floats(96, 160)),
        (np.broadcast_to(floats(96), (128, 96)), floats(96, 160)),
        (floats(0, 96), floats(96, 160)),
    ],
)
def test_what_it_cannot_take_numpy_multiplies(a, b, recorded):
    assert np.array_equal(_products.product(a, b), a @ b)
    assert not recorded


def test_with_several_threads_numpy_multiplies(recorded):
    set_num_threads(2)
    a = floats(128, 128)
    assert np.array_equal(_products.product(a, a), a @ a)
    assert not recorded


@pytest.mark.parametrize(
    ("choice", "complaint"), [("mkl", r"gradine-tensor-core\[mkl\]"), ("atlas", "'numpy' or 'mkl'")]
)
def test_a_library_that_is_not_there_is_named(choice, complaint, tmp_path):
    code = (
        "import sys; sys.prefix = sys.argv[1]\n"
        "import tensor_core as torch; torch.set_num_threads(1)\n"
        "x = torch.ones(128, 128); torch.nn.functional.linear(x, x)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        env=os.environ | {"GRADINE_BLAS": choice},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    with pytest.raises(ImportError, match=complaint):
        raise ImportError(done.stderr.splitlines()[-1])
