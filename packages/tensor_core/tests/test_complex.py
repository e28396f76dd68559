"""Complex numbers: gradients of both parts, views, and who refuses them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tensor_core as torch

FUNCTIONS = {
    "square": lambda z: z * z,
    "exp": lambda z: z.exp() / (z + 3),
    "abs": lambda z: z.abs(),
    "angle": lambda z: z.angle(),
    "sgn": lambda z: torch.sgn(z),
    "conj": lambda z: z.conj() * z.sin(),
    "parts": lambda z: z.real * z.imag,
    "matmul": lambda z: z.reshape(2, 2) @ z.reshape(2, 2).mH,
    "complex": lambda z: torch.complex(z.imag, z.real * 2),
    "conj_physical": lambda z: z.conj_physical() * z,
    "polar": lambda z: torch.polar(z.abs(), z.imag),
    "power": lambda z: z ** (1.5 - 1j),
    "std": lambda z: z.std() + z.norm(),
    "number first": lambda z: (1j * z.imag) / z,
    "views": lambda z: torch.view_as_complex(torch.view_as_real(z).flip(-1) * 2),
}


def gradient_by_parts(function, z, weights):
    """dL/da + i dL/db of the weighted sum's real part, by central differences."""

    def loss(a):
        y = function(torch.from_numpy(a)).detach().numpy()
        return float((np.conj(weights[: y.size]).reshape(y.shape) * y).real.sum())

    grad = np.zeros_like(z)
    for i in range(z.size):
        for unit in (1, 1j):
            step = np.zeros_like(z)
            step[i] = 1e-6 * unit
            grad[i] += unit * (loss(z + step) - loss(z - step)) / 2e-6
    return grad


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients(name):
    rng = np.random.default_rng(0)
    z, w = rng.normal(size=(2, 4)) + 1j * rng.normal(size=(2, 4))
    x = torch.from_numpy(z.copy()).requires_grad_()
    y = FUNCTIONS[name](x)
    g = torch.from_numpy(w[: y.numel()].copy()).reshape(y.shape)
    y.backward(g if y.is_complex() else g.real)
    np.testing.assert_allclose(x.grad.numpy(), gradient_by_parts(FUNCTIONS[name], z, w), atol=1e-7)


def test_descent_finds_a_root():
    z = torch.tensor([1.0 - 0.5j], dtype=torch.complex128, requires_grad=True)
    for _ in range(200):
        (z**2 + 2j).abs().square().sum().backward()
        with torch.no_grad():
            z -= 0.02 * z.grad
        z.grad = None
    assert abs(z.item() ** 2 + 2j) < 1e-6


def test_views_share_memory():
    z = torch.zeros(2, 3, dtype=torch.complex64)
    torch.view_as_real(z.t())[1, 0] = torch.tensor([1.0, 2.0])
    z.imag[0, 2] = 5
    z.real = z.real + 1
    assert z.tolist() == [[1, 2 + 2j, 1 + 5j], [1, 1, 1]]
    assert torch.view_as_complex(torch.view_as_real(z)).data_ptr() == z.data_ptr()


def test_writes_into_parts_are_differentiated():
    w = torch.ones(2, dtype=torch.complex64, requires_grad=True)
    v = w * 2
    v.imag.add_(w.real * 3)  # 2w + 3i Re w
    v.imag.sum().backward()
    assert w.grad.tolist() == [3 + 2j] * 2


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=8))
def test_rotation_keeps_lengths(numbers):
    pairs = torch.tensor(numbers[: len(numbers) // 2 * 2], requires_grad=True)
    z = torch.view_as_complex(pairs.reshape(-1, 2))
    turned = torch.view_as_real(z * torch.polar(torch.tensor(1.0), torch.tensor(0.7))).flatten()
    turned.square().sum().backward()
    np.testing.assert_allclose(pairs.grad.numpy(), 2 * pairs.detach().numpy(), atol=1e-4)


def test_backward_starts_from_real_numbers():
    z = torch.tensor(1j, requires_grad=True)
    with pytest.raises(RuntimeError, match="real scalar outputs"):
        (z * z).backward()


@pytest.mark.parametrize("name", ["sort", "amax", "argmax", "relu", "floor"])
def test_functions_of_real_numbers_refuse(name):
    with pytest.raises(RuntimeError, match="complex"):
        getattr(torch.ones(2, dtype=torch.complex64), name)()


def test_complex_numbers_do_not_go_into_real_memory():
    with pytest.raises(RuntimeError, match="can't be cast"):
        torch.ones(2).add_(1j)
