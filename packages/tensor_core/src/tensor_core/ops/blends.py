"""Sums of products and quotients, blends, and sums of logarithms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .. import _dtypes
from .._card import Case, composed
from .._define import op
from .._tensor import Tensor, wrap
from ._cases import binary
from ._errstate import quiet
from ._refuse import numbers, only, tensors_alone
from .arithmetic import mul, pow, sub
from .cast import to
from .choosing import where_op


def _threes(rng: np.random.Generator) -> Iterator[Case]:
    x, y, z = (rng.uniform(0.5, 2, (2, 3)) for _ in range(3))
    yield Case(x, y, z)
    yield Case(x, y[:1], z[:, :1], value=-2.5)
    yield Case(np.asarray(1.5), y[0], z[1], value=3)


@composed(torch="addcmul", cases=_threes)
def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Any = 1) -> Tensor:
    """``input + value * tensor1 * tensor2``. Shapes broadcast.

    >>> import tensor_core as torch
    >>> torch.addcmul(torch.zeros(2), torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0]), value=10)
    tensor([30., 80.])
    """
    tensor1 = tensor1 if value == 1 else _scaled(_as_in(input, tensor1), value)
    return input + tensor1 * tensor2


def _as_in(input: Tensor, x: Tensor) -> Tensor:
    """``x``, whole numbers as those of a fractional ``input``, which a factor may make of them."""
    whole = x._a.dtype.kind in "iub" and input._a.dtype.kind not in "iub"
    return x.to(input.dtype) if whole else x


def _scaled(x: Tensor, value: Any) -> Tensor:
    return x * (int(value) if x._a.dtype.kind in "iu" else value)


@composed(torch="addcdiv", cases=_threes)
def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Any = 1) -> Tensor:
    """``input + value * tensor1 / tensor2``. Shapes broadcast.

    Raises:
        RuntimeError: both tensors are of integers.

    >>> import tensor_core as torch
    >>> torch.addcdiv(torch.zeros(2), torch.tensor([1.0, 2.0]), torch.tensor([4.0, 4.0]))
    tensor([0.2500, 0.5000])
    """
    if tensor1._a.dtype.kind in "iub" and tensor2._a.dtype.kind in "iub":
        raise RuntimeError("addcdiv: integer division is not supported; convert to floats first")
    return input + (tensor1 if value == 1 else value * tensor1) / tensor2


def _lerp_cases(rng: np.random.Generator) -> Iterator[Case]:
    x, y = rng.normal(size=(2, 3)), rng.normal(size=(2, 3))
    yield Case(x, y, 0.3)
    yield Case(x, y[0], 0.8)
    yield Case(x, y, rng.uniform(0, 1, (2, 1)))


@composed(torch="lerp", cases=_lerp_cases)
def lerp(input: Tensor, end: Tensor, weight: Any) -> Tensor:
    """``input + weight * (end - input)``, counted from the nearer end. Shapes broadcast.

    Raises:
        RuntimeError: the types differ.

    >>> import tensor_core as torch
    >>> torch.lerp(torch.tensor([0.0, 10.0]), torch.tensor([1.0, 20.0]), 0.5)
    tensor([ 0.5000, 15.0000])
    """
    for name, other in (("end", end), ("weight", weight)):
        if isinstance(other, Tensor) and other._a.dtype != input._a.dtype:
            raise RuntimeError(
                f"expected dtype {input.dtype.name} for `{name}` but got dtype {other.dtype.name}"
            )
    only("fcV", "lerp_kernel_scalar", input)
    way = end - input
    if isinstance(weight, Tensor):
        near = np.abs(weight._a) < 0.5
        return where_op(wrap(near), input + weight * way, end - way * (1 - weight))
    return input + way * weight if abs(weight) < 0.5 else end - way * (1 - weight)


@composed(torch="rsub", cases=binary())
def rsub(input: Tensor, other: Any, *, alpha: Any = 1) -> Tensor:
    """``other - alpha * input``. Shapes broadcast.

    >>> import tensor_core as torch
    >>> torch.rsub(torch.tensor([1, 2]), 10, alpha=2)
    tensor([8, 6])
    """
    return sub(other, input, alpha)


def _powers(rng: np.random.Generator) -> Iterator[Case]:
    x = rng.uniform(0.5, 2, (2, 3))
    yield Case(x, rng.uniform(-2, 2, (2, 3)))
    yield Case(x, 2)
    yield Case(2.5, x)


@composed(torch="float_power", cases=_powers)
def float_power(input: Any, exponent: Any) -> Tensor:
    """``input ** exponent`` in float64 (complex128 for complex numbers). Shapes broadcast.

    >>> import tensor_core as torch
    >>> torch.float_power(torch.tensor([1, 2, 3]), 2)
    tensor([1., 4., 9.], dtype=torch.float64)
    """
    return pow(*(_as_double(v) for v in (input, exponent)))


def _as_double(value: Any) -> Any:
    if not isinstance(value, Tensor):
        return value
    return to(value, _dtypes.complex128 if value.is_complex() else _dtypes.float64)


def _scaled_by_two(rng: np.random.Generator) -> Iterator[Case]:
    yield Case(rng.normal(size=3), np.array([1, 0, 3]))
    yield Case(rng.normal(size=(2, 1)), rng.uniform(-2, 2, (3,)))


@composed(torch="ldexp", cases=_scaled_by_two)
def ldexp(input: Tensor, other: Tensor) -> Tensor:
    """``input * 2 ** other``. Shapes broadcast.

    >>> import tensor_core as torch
    >>> torch.ldexp(torch.tensor([1.5]), torch.tensor([3]))
    tensor([12.])
    """
    return mul(input, pow(2.0, other))


def _far_apart(rng: np.random.Generator) -> Iterator[Case]:
    yield from binary()(rng)
    yield Case(np.array([1000.0, -1000.0]), np.array([999.0, 5.0]))  # must not overflow


@op(torch="logaddexp", promote="same", cases=lambda rng: iter(list(_far_apart(rng))[:-2]))
@quiet
def logaddexp(x: Any, other: Any, /) -> Any:
    """``log(exp(x) + exp(other))`` without overflow. Shapes broadcast.

    >>> import tensor_core as torch
    >>> torch.logaddexp(torch.tensor([1000.0]), torch.tensor([1000.0]))
    tensor([1000.6932])
    """
    numbers("logaddexp", x, other)
    only("fV", "logaddexp_cpu", x, other)
    return np.logaddexp(x, other)


tensors_alone(logaddexp)


@logaddexp.vjp("x")
@quiet
def _(g: Any, x: Any, other: Any) -> Any:
    return g / (1 + np.exp(other - x))


@logaddexp.vjp("other")
@quiet
def _(g: Any, x: Any, other: Any) -> Any:
    return g / (1 + np.exp(x - other))


@op(torch="logaddexp2", promote="same", cases=lambda rng: iter(list(_far_apart(rng))[:-2]))
@quiet
def logaddexp2(x: Any, other: Any, /) -> Any:
    """``log2(2 ** x + 2 ** other)`` without overflow. Shapes broadcast.

    >>> import tensor_core as torch
    >>> torch.logaddexp2(torch.tensor([1000.0]), torch.tensor([1000.0]))
    tensor([1001.])
    """
    numbers("logaddexp2", x, other)
    only("fV", "logaddexp2_cpu", x, other)
    return np.logaddexp2(x, other)


tensors_alone(logaddexp2)


@logaddexp2.vjp("x")
@quiet
def _(g: Any, x: Any, other: Any) -> Any:
    return g / (1 + np.exp2(other - x))


@logaddexp2.vjp("other")
@quiet
def _(g: Any, x: Any, other: Any) -> Any:
    return g / (1 + np.exp2(x - other))
