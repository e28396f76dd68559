"""Signs, steps, neighbours, and what stands for infinities and NaN."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .. import _dtypes
from .._card import Case, composed
from .._define import op
from .._limits import finfo
from .._op import write_out
from .._tensor import Tensor, wrap
from ._cases import distinct
from ._errstate import quiet
from ._refuse import numbers, only, tensors_alone


def _apart(rng: np.random.Generator) -> Iterator[Case]:
    values = distinct(rng, (12,)) + 0.013  # none is 0
    yield Case(values[:6].reshape(2, 3), values[6:].reshape(2, 3))
    yield Case(values[:2].reshape(2, 1), values[2:5].reshape(1, 3))


@op(torch="copysign", promote="float", cases=_apart, kinks="0")
def copysign(x: Any, other: Any, /) -> Any:
    """The size of ``x`` with the sign of ``other``. Shapes broadcast.

    >>> import tensor_core as torch
    >>> torch.copysign(torch.tensor([1.0, -2.0]), torch.tensor([-0.0, 3.0]))
    tensor([-1.,  2.])
    """
    return np.copysign(x, other)


@copysign.vjp("x")
@quiet
def _(g: Any, x: Any, y: Any) -> Any:
    a, b = getattr(x, "_a", x), getattr(y, "_a", y)
    return g * (np.sign(a) * np.sign(b))


@copysign.vjp("other")
def _(g: Any) -> Any:
    return g * 0


def _extreme(name: str, function: Any, doc: str, example: str) -> Any:
    def forward(x: Any, other: Any, /) -> Any:
        numbers(name, x, other)
        return function(x, other)

    forward.__doc__ = f"""{doc}; a number where one of them is NaN. Shapes broadcast.

    >>> import tensor_core as torch
    >>> torch.{name}(torch.tensor([1.0, torch.nan]), torch.tensor([3.0, 2.0]))
    {example}
    """
    made = op(name=name, torch=name, promote="same", cases=_apart, kinks="ties: all to x")(forward)
    tensors_alone(made)

    def of_x(x: Any, other: Any) -> Any:
        """Where the result is ``x``."""
        a, b = getattr(x, "_a", x), getattr(other, "_a", other)
        return (a >= b if name == "fmax" else a <= b) | np.isnan(b)

    made.vjp("x")(lambda g, x, other: g * of_x(x, other))
    made.vjp("other")(lambda g, x, other: g * ~of_x(x, other))
    return made


fmax = _extreme("fmax", np.fmax, "The larger of two elements", "tensor([3., 2.])")
fmin = _extreme("fmin", np.fmin, "The smaller of two elements", "tensor([1., 2.])")


def heaviside(input: Tensor, values: Tensor, *, out: Tensor | None = None) -> Tensor:
    """0 below zero, 1 above it, ``values`` at it. Shapes broadcast.

    Raises:
        RuntimeError: the types differ.

    >>> import tensor_core as torch
    >>> torch.heaviside(torch.tensor([-1.5, 0.0, 2.0]), torch.tensor([0.5]))
    tensor([0.0000, 0.5000, 1.0000])
    """
    numbers("heaviside", input, values)
    a, b = input._a, values._a
    if a.dtype != b.dtype:
        raise RuntimeError("heaviside is not yet implemented for tensors with different dtypes.")
    made = wrap(np.where(a == 0, b, (a > 0).astype(a.dtype)))
    return made if out is None else write_out(made, out)


def nextafter(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The next number of the type after ``input`` on the way to ``other``. Shapes broadcast.

    >>> import tensor_core as torch
    >>> torch.nextafter(torch.tensor([1.0]), torch.tensor([2.0])) - 1 == torch.finfo().eps
    tensor([True])
    """
    numbers("nextafter", input, other)
    kind = _dtypes.result_numpy([input._a, other._a])
    a, b = (t._a.astype(kind, copy=False) for t in (input, other))
    only("fV", "nextafter_cpu", a)
    made = wrap(np.asarray(np.nextafter(a, b)))
    return made if out is None else write_out(made, out)


def _ends(rng: np.random.Generator) -> Iterator[Case]:
    yield Case(np.array([-1.0, -0.0, 0.0, np.inf, -np.inf, np.nan]))
    yield Case(np.zeros((0, 2)))


@op(torch="signbit", cases=_ends)
def signbit(x: Any, /) -> Any:
    """Whether the sign bit is set: below 0, and for -0.

    >>> import tensor_core as torch
    >>> torch.signbit(torch.tensor([-1.0, -0.0, 0.0]))
    tensor([ True,  True, False])
    """
    if x.dtype.kind == "c":
        raise RuntimeError("signbit is not implemented for complex tensors.")
    return np.zeros(x.shape, np.bool_) if x.dtype.kind in "bu" else np.signbit(x)


def _gaps(rng: np.random.Generator) -> Iterator[Case]:
    yield Case(rng.normal(size=(2, 3)))
    yield Case(rng.normal(size=(3,)), 1.0, 2.0, -3.0)


@op(name="replace_gaps", cases=lambda rng: iter([Case(rng.normal(size=3), 0.0, 1.0, -1.0)]))
def replace_gaps(x: Any, /, nan: float, posinf: float, neginf: float) -> Any:
    """:func:`nan_to_num` with every number given.

    >>> import tensor_core as torch
    >>> torch.nan_to_num(torch.tensor([torch.nan]), 7.0)
    tensor([7.])
    """
    return np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)


@replace_gaps.vjp
def _(g: Any, x: Any) -> Any:
    return g * np.isfinite(getattr(x, "_a", x))


@composed(torch="nan_to_num", cases=_gaps)
def nan_to_num(input: Tensor, nan: Any = None, posinf: Any = None, neginf: Any = None) -> Tensor:
    """Numbers in place of NaN (0), and of infinities (the largest and smallest of the type).

    >>> import tensor_core as torch
    >>> torch.nan_to_num(torch.tensor([torch.nan, torch.inf, 1.0]), posinf=9.0)
    tensor([0., 9., 1.])
    """
    kind = input.dtype
    if not (kind.is_floating_point or kind.is_complex):
        return input.clone()
    limits = finfo(kind)
    return replace_gaps(
        input,
        0.0 if nan is None else nan,
        limits.max if posinf is None else posinf,
        limits.min if neginf is None else neginf,
    )


def positive(input: Tensor) -> Tensor:
    """The tensor itself.

    Raises:
        RuntimeError: it is of bools.

    >>> import tensor_core as torch
    >>> torch.positive(torch.tensor([1, -2]))
    tensor([ 1, -2])
    """
    if input._a.dtype.kind == "b":
        raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
    return input


def _test(name: str, function: Any, doc: str, result: str) -> Any:
    def forward(x: Any, /) -> Any:
        if x.dtype.kind == "c" and name != "isreal":
            raise RuntimeError(f"{name} does not support complex inputs.")
        return np.zeros(x.shape, np.bool_) if x.dtype.kind in "biu" else function(x)

    forward.__doc__ = f"""{doc}.

    >>> import tensor_core as torch
    >>> torch.{name}(torch.tensor([1.0, torch.inf, -torch.inf]))
    {result}
    """
    return op(name=name, torch=name, cases=_ends)(forward)


isposinf = _test(
    "isposinf", np.isposinf, "Whether an element is +infinity", "tensor([False,  True, False])"
)
isneginf = _test(
    "isneginf", np.isneginf, "Whether an element is -infinity", "tensor([False, False,  True])"
)


@op(torch="isreal", cases=_ends)
def isreal(x: Any, /) -> Any:
    """Whether an element has no imaginary part.

    >>> import tensor_core as torch
    >>> torch.isreal(torch.tensor([1.0, 2.0]))
    tensor([True, True])
    """
    return np.isreal(x)
