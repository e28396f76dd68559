"""Sums, products, quotients and powers of each element."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._card import Case
from .._define import op
from ._cases import away_from_zero, binary, unary
from ._errstate import quiet


@op(torch="add", promote="same", cases=binary())
def add(x: Any, other: Any, /, alpha: float = 1) -> Any:
    """``x + alpha * other``. Shapes broadcast.

    >>> import tensor_core as torch
    >>> torch.add(torch.tensor([1.0, 2.0]), torch.tensor([3.0, 3.0]), alpha=10)
    tensor([31., 32.])
    """
    if alpha == 1:
        return x + other
    y = x + alpha * other
    return y.astype(np.bool_) if np.asarray(other).dtype == np.bool_ else y


@add.vjp("x")
def _(g: Any) -> Any:
    return g


@add.vjp("other")
def _(g: Any, alpha: Any) -> Any:
    return g if alpha == 1 else g * alpha


@op(torch="sub", promote="same", cases=binary())
def sub(x: Any, other: Any, /, alpha: float = 1) -> Any:
    """``x - alpha * other``. Shapes broadcast.

    >>> import tensor_core as torch
    >>> torch.sub(torch.tensor([5, 7]), 2)
    tensor([3, 5])
    """
    _no_truths([x, other])
    return x - other if alpha == 1 else x - alpha * other


def _no_truths(operands: list[Any]) -> None:
    """Subtraction refuses bool on either side, before it is brought to another type."""
    if any(type(x) is bool or getattr(x, "dtype", None) == np.bool_ for x in operands):
        raise RuntimeError(
            "sub: subtraction with a bool tensor is not supported; use ^ or logical_xor, or ~ for "
            "1 - x"
        )


sub.check = _no_truths


@sub.vjp("x")
def _(g: Any) -> Any:
    return g


@sub.vjp("other")
def _(g: Any, alpha: Any) -> Any:
    return -g if alpha == 1 else g * -alpha


@op(torch="mul", promote="same", cases=binary())
def mul(x: Any, other: Any, /) -> Any:
    """``x * other``. Shapes broadcast.

    >>> import tensor_core as torch
    >>> torch.tensor([[1], [2]]) * torch.tensor([10, 20])
    tensor([[10, 20],
            [20, 40]])
    """
    return x * other


@mul.vjp("x")
def _(g: Any, other: Any) -> Any:
    return g * other


@mul.vjp("other")
def _(g: Any, x: Any) -> Any:
    return g * x


@op(torch="div", promote="float", cases=binary(0.5, 2.0))
@quiet
def true_div(x: Any, other: Any, /) -> Any:
    """``x / other`` in floating point. Shapes broadcast.

    >>> import tensor_core as torch
    >>> torch.tensor([1, 2]) / 4
    tensor([0.2500, 0.5000])
    """
    if type(other) in (int, float) and other == 0:
        other = np.asarray(other, x.dtype)
    return np.true_divide(x, other)


@true_div.vjp("x")
@quiet
def _(g: Any, other: Any) -> Any:
    return g / other


@true_div.vjp("other")
@quiet
def _(g: Any, x: Any, other: Any) -> Any:
    return -g * (x / other / other)  # not of y: programs write into quotients


def _whole_cases(rng: np.random.Generator) -> Any:
    yield Case(np.array([1.3, -2.2, 5.7]), np.array([0.8, 0.9, -2.5]))
    yield Case(np.array([1.3, -2.2]), 1.7)


@op(promote="same", torch="floor_divide", cases=_whole_cases, kinks="jumps at whole quotients")
@quiet
def floor_divide(x: Any, other: Any, /) -> Any:
    """The quotient rounded down. Shapes broadcast.

    >>> import tensor_core as torch
    >>> torch.tensor([7, -7]) // 2
    tensor([ 3, -4])
    """
    _no_integer_zero("floor_divide", other)
    return np.floor_divide(x, other)


@op(promote="same", cases=_whole_cases, kinks="jumps at whole quotients")
@quiet
def trunc_divide(x: Any, other: Any, /) -> Any:
    """The quotient rounded towards zero; ``div`` with ``rounding_mode="trunc"``.

    >>> import tensor_core as torch
    >>> torch.div(torch.tensor([7, -7]), 2, rounding_mode="trunc")
    tensor([ 3, -3])
    """
    _no_integer_zero("div", other)
    kind = np.result_type(x, other)
    return np.trunc(np.true_divide(x, other)).astype(kind)


for _stepped in (floor_divide, trunc_divide):  # constant between jumps
    _stepped.vjp("x")(lambda g: g * 0)
    _stepped.vjp("other")(lambda g: g * 0)


def div(input: Any, other: Any, *, rounding_mode: str | None = None, out: Any = None) -> Any:
    """``input / other``; ``rounding_mode`` "floor" or "trunc" gives whole quotients.

    Raises:
        RuntimeError: another rounding mode.

    >>> import tensor_core as torch
    >>> torch.div(torch.tensor([7.0, -7.0]), 2, rounding_mode="floor")
    tensor([ 3., -4.])
    """
    if rounding_mode not in (None, "floor", "trunc"):
        raise RuntimeError(
            f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found "
            f"{rounding_mode!r}"
        )
    chosen = {None: true_div, "floor": floor_divide, "trunc": trunc_divide}[rounding_mode]
    return chosen(input, other) if out is None else chosen(input, other, out=out)


def _no_integer_zero(name: str, other: Any) -> None:
    array = np.asarray(other)
    if array.dtype.kind in "iub" and array.size and not array.all():
        raise RuntimeError(f"{name}: ZeroDivisionError: an integer divisor is zero")


@op(torch="remainder", promote="same", cases=_whole_cases, kinks="jumps at whole quotients")
@quiet
def remainder(x: Any, other: Any, /) -> Any:
    """``x - other * floor(x / other)``: the sign is the divisor's. Shapes broadcast.

    >>> import tensor_core as torch
    >>> torch.remainder(torch.tensor([7, -7]), 3)
    tensor([1, 2])
    """
    _no_integer_zero("remainder", other)
    return np.remainder(x, other)


@remainder.vjp("x")
def _(g: Any) -> Any:
    return g


@remainder.vjp("other")
@quiet
def _(g: Any, x: Any, other: Any) -> Any:
    return -g * np.floor(x / other)


def _pow_cases(rng: np.random.Generator) -> Any:
    yield from binary(0.5, 2.0)(rng)
    yield Case(rng.uniform(-2, 2, (2, 3)), 3)
    yield Case(rng.uniform(-2, 2, (3,)), 2)
    yield Case(rng.uniform(0.5, 2, (3,)), -1.5)
    yield Case(2.5, rng.uniform(-2, 2, (3,)))


@op(torch="pow", promote="same", integers=None, cases=_pow_cases)
@quiet
def pow(x: Any, exponent: Any, /) -> Any:
    """``x ** exponent``. Shapes broadcast.

    >>> import tensor_core as torch
    >>> torch.pow(torch.tensor([1.0, 2.0, 3.0]), 2)
    tensor([1., 4., 9.])
    """
    if type(exponent) in (int, float):
        if exponent == 2:
            return x * x
        if exponent == 3:
            return x * x * x
        if exponent < 0 and type(exponent) is int and x.dtype.kind in "iu":
            raise RuntimeError("pow: Integers to negative integer powers are not allowed.")
    if isinstance(exponent, np.ndarray) and exponent.dtype.kind == "i" and (exponent < 0).any():
        return _integer_power(
            np.asarray(x, None if isinstance(x, np.ndarray) else exponent.dtype), exponent
        )
    y = np.power(x, exponent)
    return y.astype(np.bool_) if isinstance(exponent, bool) and x.dtype == np.bool_ else y


def _integer_power(x: Any, exponent: Any) -> Any:
    """Integers to powers that may be negative: 0, but for 1 and -1, whose inverses are whole."""
    y = np.power(x, np.maximum(exponent, 0))
    inverse = np.where(x == 1, 1, np.where(x == -1, 1 - 2 * (exponent % 2), 0))
    return np.where(exponent < 0, inverse, y).astype(y.dtype)


@pow.vjp("x")
@quiet
def _(g: Any, x: Any, exponent: Any) -> Any:
    if type(exponent) in (int, float):
        if exponent == 0:
            return g * 0
        return g * exponent if exponent == 1 else g * (exponent * x ** (exponent - 1))
    slope = exponent * x ** (exponent - 1)
    return g * np.where(exponent == 0, np.zeros_like(slope), slope)


@pow.vjp("exponent")
@quiet
def _(g: Any, y: Any, x: Any, exponent: Any) -> Any:
    base = (
        x
        if not isinstance(x, int | float)
        else np.asarray(x, g.dtype if isinstance(g, np.ndarray) else g._a.dtype)
    )
    slope = y * np.log(base)
    return g * np.where((base == 0) & (np.real(exponent) >= 0), np.zeros_like(slope), slope)


@op(torch="neg", cases=unary())
def neg(x: Any, /) -> Any:
    """``-x``.

    >>> import tensor_core as torch
    >>> -torch.tensor([1, -2])
    tensor([-1,  2])
    """
    if x.dtype == np.bool_:
        raise RuntimeError(
            "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to "
            "invert a mask, use the `~` or `logical_not()` operator instead."
        )
    return -x


@neg.vjp
def _(g: Any) -> Any:
    return -g


@op(torch="square", cases=unary())
def square(x: Any, /) -> Any:
    """``x * x``.

    >>> import tensor_core as torch
    >>> torch.square(torch.tensor([3.0, -4.0]))
    tensor([ 9., 16.])
    """
    return x * x if x.dtype != np.bool_ else x.astype(np.int64)


@square.vjp
def _(g: Any, x: Any) -> Any:
    return g * (2 * x)


@op(torch="reciprocal", promote="float", cases=unary(0.5, 2))
@quiet
def reciprocal(x: Any, /) -> Any:
    """``1 / x``.

    >>> import tensor_core as torch
    >>> torch.reciprocal(torch.tensor([2.0, 0.0]))
    tensor([0.5000,    inf])
    """
    return 1 / x


@reciprocal.vjp
def _(g: Any, y: Any) -> Any:
    return -g * y * y


@op(torch="abs", cases=away_from_zero, kinks="x = 0: slopes -1 and 1, the rule gives 0")
def abs(x: Any, /) -> Any:
    """The absolute value.

    >>> import tensor_core as torch
    >>> torch.abs(torch.tensor([-1.5, 2.0]))
    tensor([1.5000, 2.0000])
    """
    if x.dtype.kind == "b":
        raise NotImplementedError("abs: not implemented for torch.bool; convert with .int()")
    return np.abs(x)


@abs.vjp
def _(g: Any, x: Any) -> Any:
    return g * np.sign(x)
