"""Complex numbers and their parts: views of one as pairs of the other, conjugates, angles.

Rules here are written for complex numbers: the gradient is ``dL/da + i dL/db``, as torch has it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _dtypes
from .._card import Case, composed
from .._define import op
from .._tensor import Tensor
from .trigonometry import cos, sin

_COMPLEX = {np.dtype(np.float32): np.complex64, np.dtype(np.float64): np.complex128}


def holds_complex(x: Any) -> bool:
    """Whether an array or a Tensor holds complex numbers."""
    return (x._a if isinstance(x, Tensor) else x).dtype.kind == "c"


def _real_pair(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(2, 3)), rng.normal(size=(2, 3)))
    yield Case(rng.normal(size=3), rng.normal(size=(2, 1)))


@op(name="complex", torch="complex", cases=lambda rng: iter([]))
def make_complex(real: Any, imag: Any, /) -> Any:
    """Complex numbers of their parts. Shapes broadcast; float32 gives complex64.

    Raises:
        RuntimeError: the parts are not floating point, or of two types.

    >>> import tensor_core as torch
    >>> torch.complex(torch.tensor([1.0, 2.0]), torch.tensor([3.0, -4.0]))
    tensor([1.+3.j, 2.-4.j])
    """
    if real.dtype != imag.dtype or real.dtype not in _COMPLEX:
        raise RuntimeError(
            f"complex: expected both parts to be float32 or both float64, but got {real.dtype} "
            f"and {imag.dtype}"
        )
    out: np.ndarray = np.empty(np.broadcast_shapes(real.shape, imag.shape), _COMPLEX[real.dtype])
    out.real, out.imag = real, imag
    return out


@make_complex.vjp("real")
def _(g: Any) -> Any:
    return np.real(g)


@make_complex.vjp("imag")
def _(g: Any) -> Any:
    return np.imag(g)


@composed(torch="polar", cases=lambda rng: iter([]))
def polar(abs: Tensor, angle: Tensor, *, out: Any = None) -> Tensor:
    """Complex numbers of length ``abs`` at ``angle`` (radians). Shapes broadcast.

    >>> import tensor_core as torch
    >>> torch.polar(torch.tensor([1.0, 2.0]), torch.tensor([0.0, torch.pi]))
    tensor([ 1.+0.0000e+00j, -2.-1.7485e-07j])
    """
    return make_complex(abs * cos(angle), abs * sin(angle), out=out)


@op(name="view_as_real", view=True, torch="view_as_real")
def view_as_real(x: Any, /) -> Any:
    """Complex numbers as pairs of their parts. Shapes: (...) -> (..., 2), the same memory.

    Raises:
        RuntimeError: the tensor is not complex.

    >>> import tensor_core as torch
    >>> torch.view_as_real(torch.tensor([1 + 2j, 3 - 4j]))
    tensor([[ 1.,  2.],
            [ 3., -4.]])
    """
    if x.dtype.kind != "c":
        raise RuntimeError(f"view_as_real is only supported for complex tensors, not {x.dtype}")
    real = x.real
    return np.lib.stride_tricks.as_strided(
        real, (*real.shape, 2), (*real.strides, real.itemsize), writeable=x.flags.writeable
    )


@view_as_real.vjp
def _(g: Any) -> Any:
    return view_as_complex.plain(_rows(g))


@op(name="view_as_complex", view=True, torch="view_as_complex")
def view_as_complex(x: Any, /) -> Any:
    """Pairs as complex numbers. Shapes: (..., 2) -> (...), the same memory.

    Raises:
        RuntimeError: the last dimension is not 2 neighbours, or the type is neither float32
            nor float64.

    >>> import tensor_core as torch
    >>> torch.view_as_complex(torch.tensor([[1.0, 2.0], [3.0, -4.0]]))
    tensor([1.+2.j, 3.-4.j])
    """
    if x.dtype not in _COMPLEX:
        raise RuntimeError(
            f"view_as_complex is only supported for float32 and float64 tensors, not {x.dtype}"
        )
    if not x.ndim or x.shape[-1] != 2:
        raise RuntimeError(f"Tensor must have a last dimension of size 2, but has shape {x.shape}")
    if x.size and x.strides[-1] != x.itemsize:
        raise RuntimeError("Tensor must have a last dimension with stride 1")
    if any(s % (2 * x.itemsize) for s, n in zip(x.strides[:-1], x.shape, strict=False) if n > 1):
        raise RuntimeError("Tensor must have a stride divisible by 2 for all but last dimension")
    return x.view(_COMPLEX[x.dtype])[..., 0]


@view_as_complex.vjp
def _(g: Any) -> Any:
    return view_as_real.plain(g)


def _rows(g: Any) -> Any:
    return g.contiguous() if isinstance(g, Tensor) else np.ascontiguousarray(g)


@op(name="real", view=True)
def real_part(x: Any, /) -> Any:
    """The real parts (a view).

    >>> import tensor_core as torch
    >>> torch.tensor([1 + 2j, 3 - 4j]).real
    tensor([1., 3.])
    """
    return x.real


@real_part.vjp
def _(g: Any) -> Any:
    return g  # the engine makes it complex


@op(name="imag", view=True)
def imag_part(x: Any, /) -> Any:
    """The imaginary parts (a view).

    >>> import tensor_core as torch
    >>> torch.tensor([1 + 2j, 3 - 4j]).imag
    tensor([ 2., -4.])
    """
    return x.imag


@imag_part.vjp
def _(g: Any) -> Any:
    return g * 1j


def real(input: Tensor) -> Tensor:
    """The real parts, sharing memory; a real tensor is its own.

    >>> import tensor_core as torch
    >>> torch.real(torch.tensor([1 + 2j, 3 - 4j]))
    tensor([1., 3.])
    """
    return real_part(input) if input.is_complex() else input


def imag(input: Tensor) -> Tensor:
    """The imaginary parts, sharing memory.

    Raises:
        RuntimeError: the tensor is real.

    >>> import tensor_core as torch
    >>> torch.imag(torch.tensor([1 + 2j, 3 - 4j]))
    tensor([ 2., -4.])
    """
    if not input.is_complex():
        raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")
    return imag_part(input)


@op(torch="conj_physical")
def conj_physical(x: Any, /) -> Any:
    """The complex conjugate, as a copy.

    >>> import tensor_core as torch
    >>> torch.conj_physical(torch.tensor([1 + 2j]))
    tensor([1.-2.j])
    """
    return np.conjugate(x)


@conj_physical.vjp
def _(g: Any) -> Any:
    return np.conjugate(g)


def conj(input: Tensor) -> Tensor:
    """The complex conjugate; a real tensor is its own. (A copy: nothing here is lazy.)

    >>> import tensor_core as torch
    >>> torch.conj(torch.tensor([1 + 2j]))
    tensor([1.-2.j])
    """
    return conj_physical(input) if input.is_complex() else input


def resolve_conj(input: Tensor) -> Tensor:
    """The tensor itself: its conjugation is never pending.

    >>> import tensor_core as torch
    >>> torch.resolve_conj(torch.tensor([1 + 2j]).conj())
    tensor([1.-2.j])
    """
    return input


def resolve_neg(input: Tensor) -> Tensor:
    """The tensor itself: its negation is never pending.

    >>> import tensor_core as torch
    >>> torch.resolve_neg(torch.tensor([1 - 2j]).imag)
    tensor([-2.])
    """
    return input


def is_conj(input: Tensor) -> bool:
    """Whether a conjugation is pending: never.

    >>> import tensor_core as torch
    >>> torch.is_conj(torch.tensor([1 + 2j]).conj())
    False
    """
    return False


def is_complex(input: Tensor) -> bool:
    """Whether the elements are complex numbers.

    >>> import tensor_core as torch
    >>> torch.is_complex(torch.tensor(1j)), torch.is_complex(torch.tensor(1.0))
    (True, False)
    """
    return input.is_complex()


def is_floating_point(input: Tensor) -> bool:
    """Whether the elements are real floating-point numbers.

    >>> import tensor_core as torch
    >>> torch.is_floating_point(torch.tensor(1.0)), torch.is_floating_point(torch.tensor(1))
    (True, False)
    """
    return input.is_floating_point()


def _angle_cases(rng: np.random.Generator) -> Any:
    yield Case(np.array([-1.5, 2.0, -0.5]))


@op(torch="angle", promote="float", cases=_angle_cases, kinks="x = 0; 0 at real numbers but 0")
def angle(x: Any, /) -> Any:
    """The angle to the positive real axis, in radians; pi for negative real numbers.

    >>> import tensor_core as torch
    >>> torch.angle(torch.tensor([1 + 1j, -2 + 0j]))
    tensor([0.7854, 3.1416])
    """
    if x.dtype.kind == "c":
        return np.arctan2(x.imag, x.real)
    return np.where(np.isnan(x), x, np.where(x < 0, x.dtype.type(np.pi), x.dtype.type(0)))


@angle.vjp
def _(g: Any, x: Any) -> Any:
    if not holds_complex(x):
        return g * 0
    square = np.real(x * np.conjugate(x))
    nowhere = square == 0
    turned = x * 1j / np.where(nowhere, np.ones_like(square), square)
    return np.where(nowhere, np.zeros_like(turned), g * turned)


def _sign_cases(rng: np.random.Generator) -> Any:
    yield Case(np.array([-1.5, 2.0, 0.3]))


@op(torch="sgn", cases=_sign_cases, kinks="x = 0")
def sgn(x: Any, /) -> Any:
    """``x / |x|``, 0 at 0: the sign of real numbers, the direction of complex ones.

    >>> import tensor_core as torch
    >>> torch.sgn(torch.tensor([3 + 4j, 0j]))
    tensor([0.6000+0.8000j, 0.0000+0.0000j])
    """
    if x.dtype.kind == "b":
        return x.copy()
    y = np.sign(x)
    return np.where(x != x, np.zeros((), x.dtype), y) if x.dtype.kind == "f" else y


@sgn.vjp
def _(g: Any, x: Any, y: Any) -> Any:
    if not holds_complex(x):
        return g * 0
    length = np.abs(x)
    nowhere = length == 0
    across = g - np.real(g * np.conjugate(y)) * y  # what of g is at right angles to y
    slope = across / np.where(nowhere, np.ones_like(length), length)
    return np.where(nowhere, np.zeros_like(slope), slope)


def set_real(self: Tensor, value: Any) -> None:
    """``x.real = value``: written into the real parts."""
    real(self)[...] = value


def set_imag(self: Tensor, value: Any) -> None:
    """``x.imag = value``: written into the imaginary parts."""
    imag(self)[...] = value


def type_of(x: Any) -> _dtypes.dtype:
    """The dtype of an array or a Tensor."""
    return x.dtype if isinstance(x, Tensor) else _dtypes.of_array(x)
