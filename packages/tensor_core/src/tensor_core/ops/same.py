"""Whether tensors are equal or close, and what kind of tensor one is."""

from __future__ import annotations

import numpy as np

from .._tensor import Tensor, wrap
from ._refuse import numbers


def _same_type(name: str, input: Tensor, other: Tensor) -> None:
    if input._a.dtype != other._a.dtype:
        raise RuntimeError(f"{name}: expected {input.dtype} for `other`, but it is {other.dtype}")


def equal(input: Tensor, other: Tensor) -> bool:
    """Whether shape and all elements are the same.

    >>> import tensor_core as torch
    >>> torch.equal(torch.tensor([1, 2]), torch.tensor([1, 2]))
    True
    """
    return input._a.shape == other._a.shape and bool((input._a == other._a).all())


def isclose(
    input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> Tensor:
    """Whether ``|input - other| <= atol + rtol * |other|``, element by element.

    Raises:
        RuntimeError: the types differ, or a tolerance is negative.

    >>> import tensor_core as torch
    >>> torch.isclose(torch.tensor([1.0, 2.0]), torch.tensor([1.0 + 1e-6, 2.1]))
    tensor([ True, False])
    """
    numbers("isclose", input, other)
    _same_type("isclose", input, other)
    if rtol < 0 or atol < 0:
        raise RuntimeError(f"isclose: rtol={rtol} and atol={atol} must not be negative")
    a, b = input._a, other._a
    with np.errstate(all="ignore"):
        close = np.asarray(a == b)
        if equal_nan and a.dtype.kind in "fcV":
            close = close | (np.isnan(a) & np.isnan(b))
        if rtol or atol:
            wide = np.complex128 if a.dtype.kind == "c" else np.float64
            x, y = a.astype(wide), b.astype(wide)
            difference = np.abs(x - y)
            close = close | (np.isfinite(difference) & (difference <= atol + np.abs(rtol * y)))
    return wrap(np.asarray(close))


def allclose(
    input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> bool:
    """Whether every element is close; see :func:`isclose`.

    >>> import tensor_core as torch
    >>> torch.allclose(torch.tensor([1.0]), torch.tensor([1.1]), atol=0.2)
    True
    """
    return bool(isclose(input, other, rtol, atol, equal_nan)._a.all())


def is_nonzero(input: Tensor) -> bool:
    """Whether the only element is not zero.

    Raises:
        RuntimeError: there is not exactly one element.

    >>> import tensor_core as torch
    >>> torch.is_nonzero(torch.tensor([0.0])), torch.is_nonzero(torch.tensor(2))
    (False, True)
    """
    return bool(input)


def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape.

    >>> import tensor_core as torch
    >>> torch.is_same_size(torch.zeros(2), torch.zeros(2, 1))
    False
    """
    return input._a.shape == other._a.shape


def is_signed(input: Tensor) -> bool:
    """Whether the type holds negative values.

    >>> import tensor_core as torch
    >>> torch.is_signed(torch.tensor([1], dtype=torch.uint8))
    False
    """
    return input.dtype.is_signed
