"""Tensors made from data and from nothing: values, types, shapes, memory, errors."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tensor_core as torch

TYPES = {
    "a float": (1.5, torch.float32),
    "an int": (2, torch.int64),
    "a bool": (True, torch.bool),
    "a complex": (1j, torch.complex64),
    "floats": ([1.0, 2.0], torch.float32),
    "mixed": ([1, 2.5], torch.float32),
    "ints": ([[1, 2]], torch.int64),
    "nothing": ([], torch.float32),
    "float64 array": (np.zeros(2), torch.float64),
    "int32 array": (np.zeros(2, np.int32), torch.int32),
    "NumPy number": (np.float64(1), torch.float64),
    "a tensor": (torch.zeros(2, dtype=torch.int8), torch.int8),
    "tensors": ([torch.tensor(1.0), torch.tensor(2.0)], torch.float32),
}


@pytest.mark.parametrize("name", TYPES)
def test_tensor_takes_torch_s_type(name):
    data, expected = TYPES[name]
    t = torch.tensor(data)
    assert t.dtype is expected and not t.requires_grad
    assert torch.tensor(data, dtype=torch.complex128).dtype is torch.complex128


def test_tensor_copies_and_from_numpy_shares():
    a = np.zeros(3)
    t, s, w = torch.tensor(a), torch.from_numpy(a), torch.as_tensor(a)
    a[0] = 1
    assert t.tolist() == [0, 0, 0] and s.tolist() == w.tolist() == [1, 0, 0]
    assert (
        torch.as_tensor(s) is s and torch.as_tensor(s, dtype=torch.float32).dtype is torch.float32
    )
    assert torch.asarray([1, 2]).tolist() == [1, 2]
    assert torch.tensor([1.0], requires_grad=True).requires_grad


def test_what_is_no_tensor():
    with pytest.raises(ValueError, match="expected sequence of length 2 at dim 1"):
        torch.tensor([[1, 2], [3]])
    with pytest.raises(TypeError, match="supported types are float16"):
        torch.tensor(np.array(["a"]))
    with pytest.raises(TypeError, match=r"expected np.ndarray \(got list\)"):
        torch.from_numpy([1, 2])
    with pytest.raises(RuntimeError, match="only Tensors of floating point"):
        torch.tensor([1], requires_grad=True)
    with pytest.raises(AssertionError, match="CUDA"):
        torch.zeros(2, device="cuda")


SHAPES = [((2, 3),), (2, 3), (torch.Size([2, 3]),), ([2, 3],)]


@pytest.mark.parametrize("size", SHAPES, ids=str)
def test_shapes_in_every_spelling(size):
    for make, value in ((torch.zeros, 0), (torch.ones, 1)):
        t = make(*size)
        assert t.shape == (2, 3) and t.dtype is torch.float32 and (t == value).all()
    assert torch.empty(*size, dtype=torch.int8).dtype is torch.int8
    assert torch.rand(*size).shape == torch.randn(*size).shape == (2, 3)


def test_filled_shapes():
    assert torch.full((2,), 3).dtype is torch.int64
    assert torch.full((2,), 3.0).dtype is torch.float32
    assert torch.full((2,), True).dtype is torch.bool
    assert torch.zeros(size=(1,)).shape == (1,) and torch.zeros(()).shape == ()
    t = torch.full_like(torch.zeros(2, 1, dtype=torch.float64), 7)
    assert t.dtype is torch.float64 and t.tolist() == [[7.0], [7.0]]
    assert torch.ones_like(t, dtype=torch.int32).dtype is torch.int32
    assert torch.zeros_like(t, requires_grad=True).requires_grad
    with pytest.raises(RuntimeError, match="negative dimension"):
        torch.zeros(2, -1)
    with pytest.raises(TypeError, match="unexpected argument 'sise'"):
        torch.zeros(sise=(2,))


def test_factories_of_a_tensor_take_its_type():
    t = torch.zeros(2, dtype=torch.float64)
    for made in (t.new_zeros(3), t.new_ones((3,)), t.new_empty(3), t.new_full((3,), 2),
                 t.new_tensor([1, 2, 3])):  # fmt: skip
        assert made.dtype is torch.float64 and made.shape == (3,)
    assert t.new_zeros(3, dtype=torch.int64).dtype is torch.int64


@given(st.integers(-20, 20), st.integers(-20, 20), st.integers(-5, 5).filter(bool))
def test_arange_of_integers(start, end, step):
    if (end - start) * step < 0:
        with pytest.raises(RuntimeError, match="bound"):
            torch.arange(start, end, step)
    else:
        t = torch.arange(start, end, step)
        assert t.dtype is torch.int64 and t.tolist() == list(range(start, end, step))


def test_arange_of_fractions():
    t = torch.arange(0, 1, 0.25)
    assert t.dtype is torch.float32 and t.tolist() == [0, 0.25, 0.5, 0.75]
    assert torch.arange(3, dtype=torch.float64).tolist() == [0.0, 1.0, 2.0]
    with pytest.raises(RuntimeError, match="nonzero"):
        torch.arange(0, 1, 0)


@given(st.floats(-5, 5), st.floats(-5, 5), st.integers(0, 20))
def test_linspace_ends_where_it_should(a, b, n):
    t = torch.linspace(a, b, n, dtype=torch.float64)
    np.testing.assert_allclose(t.numpy(), np.linspace(a, b, n), rtol=1e-12, atol=1e-12)
    if n > 1:
        assert t[0].item() == a and t[-1].item() == b


def test_eye():
    assert torch.eye(2, 3).tolist() == [[1, 0, 0], [0, 1, 0]]


def test_the_constructor():
    assert torch.Tensor([1, 2]).dtype is torch.float32
    assert torch.Tensor(2, 3).shape == (2, 3) and torch.Tensor().shape == (0,)


def test_the_default_type():
    torch.set_default_dtype(torch.float64)
    try:
        assert torch.zeros(1).dtype is torch.tensor(0.5).dtype is torch.float64
        assert (torch.arange(2) / 2).dtype is torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
    with pytest.raises(TypeError, match="only floating-point types"):
        torch.set_default_dtype(torch.int64)


PROMOTION = [
    (torch.int64, torch.float32, torch.float32),
    (torch.int32, torch.int64, torch.int64),
    (torch.uint8, torch.int8, torch.int16),
    (torch.float32, torch.float64, torch.float64),
    (torch.bool, torch.int8, torch.int8),
    (torch.float64, torch.complex64, torch.complex128),
    (torch.float16, torch.int64, torch.float16),
]


@pytest.mark.parametrize("a, b, expected", PROMOTION)
def test_mixed_types(a, b, expected):
    for x, y in ((a, b), (b, a)):
        assert (torch.ones(2, dtype=x) * torch.ones(2, dtype=y)).dtype is expected


def test_numbers_and_0d_tensors_decide_only_by_category():
    x = torch.ones(2)
    assert (x * 2.0).dtype is torch.float32
    assert (x * torch.tensor(2.0, dtype=torch.float64)).dtype is torch.float32
    assert (torch.arange(2) * 2.5).dtype is torch.float32
    assert (torch.arange(2) / 2).dtype is torch.float32
    assert (torch.ones(2, dtype=torch.int8) + 1).dtype is torch.int8
    assert (torch.tensor(1) + torch.ones(2, dtype=torch.int32)).dtype is torch.int32


def test_copies_and_pickles():
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    (x * 2).sum().backward()
    deep = copy.deepcopy(x)
    assert deep.tolist() == x.tolist() and deep.grad.tolist() == [2.0, 2.0] and deep.requires_grad
    assert not np.shares_memory(deep.detach().numpy(), x.detach().numpy())
    with pytest.raises(RuntimeError, match="deepcopy"):
        copy.deepcopy(x * 2)
    back = pickle.loads(pickle.dumps(x))
    assert back.tolist() == x.tolist() and back.requires_grad and back.is_leaf
    turned = pickle.loads(pickle.dumps(torch.arange(6).reshape(2, 3).t()))
    assert turned.tolist() == [[0, 3], [1, 4], [2, 5]]


def test_numbers_out_of_tensors():
    assert torch.tensor(2.5).item() == float(torch.tensor(2.5)) == 2.5
    assert int(torch.tensor([3])) == 3 and [10, 20][torch.tensor(1)] == 20
    assert f"{torch.tensor(1.23456):.2f}" == "1.23"
    assert bool(torch.tensor(1)) and not torch.tensor([0.0])
    with pytest.raises(RuntimeError, match="2 elements cannot be converted to Scalar"):
        torch.zeros(2).item()
    with pytest.raises(RuntimeError, match="more than one value is ambiguous"):
        bool(torch.zeros(2))
    with pytest.raises(TypeError, match="converted to an index"):
        [1, 2][torch.tensor(1.0)]
    with pytest.raises(TypeError, match=r"len\(\) of a 0-d tensor"):
        len(torch.tensor(1.0))
    assert 2 in torch.arange(3) and [t.item() for t in torch.arange(3)] == [0, 1, 2]


def test_shape_and_memory_tell_the_truth():
    x = torch.zeros(2, 3, 4)
    assert x.shape == torch.Size([2, 3, 4]) and x.shape.numel() == x.numel() == 24
    assert x.size(-1) == 4 and x.dim() == x.ndim == 3 and x.stride() == (12, 4, 1)
    part = x.transpose(0, 2)[1:, :, 1]
    assert part.stride() == (1, 4) and part.storage_offset() == 13
    assert not part.is_contiguous() and part.contiguous().is_contiguous()
    assert x.nbytes == 96 and x.element_size() == 4
    assert repr(x.shape[:2]) == "torch.Size([2, 3])" and x.shape + torch.Size([1]) == (2, 3, 4, 1)
    assert x.device == torch.device("cpu") and str(x.device) == "cpu" and not x.is_cuda
    with pytest.raises(IndexError, match=r"range of \[-3, 2\], but got 3"):
        x.size(3)
