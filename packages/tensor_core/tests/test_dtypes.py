"""Element types: names without arrays, casts, halves of float16, unsigned integers."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest

import tensor_core as torch


def test_without_its_extra_bfloat16_is_a_name_that_says_what_to_install():
    program = """
        import sys
        sys.modules["ml_dtypes"] = None  # as if it were not installed
        import tensor_core as torch
        assert repr(torch.bfloat16) == "torch.bfloat16" and torch.bfloat16.itemsize == 2
        assert torch.finfo(torch.bfloat16).eps == 2**-7
        assert torch.promote_types(torch.bfloat16, torch.int64) is torch.bfloat16
        assert torch.promote_types(torch.bfloat16, torch.float16) is torch.float32
        for make in (
            lambda: torch.zeros(2, dtype=torch.bfloat16),
            lambda: torch.ones(2).bfloat16(),
            lambda: torch.ones(2).to(torch.bfloat16),
            lambda: torch.nn.Linear(2, 2).to(torch.bfloat16),
        ):
            try:
                make()
            except ImportError as error:
                assert "gradine-tensor-core[bfloat16]" in str(error), error
            else:
                raise AssertionError("no error")
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True)


def test_complex_numbers_of_two_halves_have_a_name_alone():
    assert torch.complex32 is torch.chalf and torch.float16.to_complex() is torch.complex32
    with pytest.raises(TypeError, match="use complex64"):
        torch.zeros(2, dtype=torch.complex32)
    with pytest.raises(TypeError, match="use complex64"):
        torch.ones(2, dtype=torch.float16) * 1j


def test_halves_are_computed_in_float32_and_rounded_once():
    x = torch.tensor([2048.0, 1.0, 1.0], dtype=torch.float16)
    assert x.sum().item() == 2050  # adding one after another, each 1 would be lost
    a = torch.full((64, 64), 0.1, dtype=torch.float16)
    exact = np.float64(np.float16(0.1)) ** 2 * 64
    assert (a @ a)[0, 0].item() == np.float16(exact)


def test_gradients_of_halves_are_halves():
    w = torch.ones(3, dtype=torch.float16, requires_grad=True)
    (w.expand(1000, 3) * 0.5).sum().backward()
    assert w.grad.dtype is torch.float16 and w.grad.tolist() == [500.0] * 3
    (g,) = torch.autograd.grad((w * w * w).sum(), w, create_graph=True)
    (h,) = torch.autograd.grad(g.sum(), w)
    assert h.dtype is torch.float16 and h.tolist() == [6.0] * 3


def test_numbers_beside_halves_are_rounded_first_but_in_products():
    x = torch.ones(1, dtype=torch.float16)
    tenth = float(np.float16(0.1))
    assert (x + 0.1).item() == np.float16(1 + tenth)
    assert ((x * 3) * 0.1).item() == np.float16(np.float32(3) * np.float32(0.1))
    with pytest.raises(RuntimeError, match="without overflow"):
        x.masked_fill(x > 0, -1e9)


def test_halves_do_not_mix_in_products_of_matrices():
    with pytest.raises(RuntimeError, match="same dtype"):
        torch.ones(2, 2, dtype=torch.float16) @ torch.ones(2, 2)


@pytest.mark.parametrize("kind", ["uint16", "uint32", "uint64"])
def test_wide_unsigned_integers_mix_with_floats_alone(kind):
    x = torch.tensor([1, 7], dtype=getattr(torch, kind))
    assert (x.float() * 2).tolist() == [2.0, 14.0]
    assert torch.result_type(x, torch.ones(2)) is torch.float32
    with pytest.raises(RuntimeError, match="Promotion"):
        torch.promote_types(x.dtype, torch.int64)


def test_casting():
    x = torch.tensor([1.9, -1.9, 300.0])
    assert x.to(torch.uint8).tolist() == [1, 255, 44]
    assert x.to("cpu", torch.int16).tolist() == [1, -1, 300]
    assert x.to(x) is x and x.to(torch.float32, copy=True) is not x
    assert torch.tensor([1 + 2**-11 + 2**-40], dtype=torch.float64).half().item() == 1.0
    with pytest.warns(UserWarning, match="imaginary part"):
        assert torch.tensor([1 + 2j]).to(torch.float32).tolist() == [1.0]


def test_a_bool_cannot_be_subtracted_from():
    with pytest.raises(RuntimeError, match="bool"):
        torch.tensor([1.0]) - torch.tensor([True])
