"""Arithmetic and functions of each element on its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .._card import Case
from .._op import op
from ..kernels import active as kernels
from ._cases import away_from_zero, binary, distinct, unary

_quiet = np.errstate(all="ignore")  # as in torch, infinities and NaN come without a warning
_LN2, _LN10 = float(np.log(2.0)), float(np.log(10.0))
_ERF_SLOPE = float(2 / np.sqrt(np.pi))

# -- arithmetic ----------------------------------------------------------------------------------


@op(torch="add", promote="same", cases=binary())
def add(x: Any, other: Any, /, alpha: float = 1) -> Any:
    """``x + alpha * other``. Shapes broadcast.

    >>> import tensor_core as torch
    >>> torch.add(torch.tensor([1.0, 2.0]), torch.tensor([3.0, 3.0]), alpha=10)
    tensor([31., 32.])
    """
    return x + other if alpha == 1 else x + alpha * other


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
    if getattr(x, "dtype", None) == np.bool_ and getattr(other, "dtype", np.bool_) == np.bool_:
        raise RuntimeError("sub: two bool tensors cannot be subtracted; use ^ or logical_xor")
    return x - other if alpha == 1 else x - alpha * other


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
    return g * _conjugate(other)


@mul.vjp("other")
def _(g: Any, x: Any) -> Any:
    return g * _conjugate(x)


def _conjugate(x: Any) -> Any:
    return np.conjugate(x) if type(x) is np.ndarray and x.dtype.kind == "c" else x


@op(torch="div", promote="float", cases=binary(0.5, 2.0))
@_quiet
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
@_quiet
def _(g: Any, other: Any) -> Any:
    return g / other


@true_div.vjp("other")
@_quiet
def _(g: Any, y: Any, other: Any) -> Any:
    return -g * y / other


def _whole_cases(rng: np.random.Generator) -> Any:
    yield Case(np.array([1.3, -2.2, 5.7]), np.array([0.8, 0.9, -2.5]))
    yield Case(np.array([1.3, -2.2]), 1.7)


@op(promote="same", torch="floor_divide", cases=_whole_cases, kinks="jumps at whole quotients")
@_quiet
def floor_divide(x: Any, other: Any, /) -> Any:
    """The quotient rounded down. Shapes broadcast.

    >>> import tensor_core as torch
    >>> torch.tensor([7, -7]) // 2
    tensor([ 3, -4])
    """
    _no_integer_zero("floor_divide", other)
    return np.floor_divide(x, other)


@op(promote="same", cases=_whole_cases, kinks="jumps at whole quotients")
@_quiet
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
@_quiet
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
@_quiet
def _(g: Any, x: Any, other: Any) -> Any:
    return -g * np.floor(x / other)


def _pow_cases(rng: np.random.Generator) -> Any:
    yield from binary(0.5, 2.0)(rng)
    yield Case(rng.uniform(-2, 2, (2, 3)), 3)
    yield Case(rng.uniform(-2, 2, (3,)), 2)
    yield Case(rng.uniform(0.5, 2, (3,)), -1.5)
    yield Case(2.5, rng.uniform(-2, 2, (3,)))


@op(torch="pow", promote="same", cases=_pow_cases)
@_quiet
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
    return np.power(x, exponent)


@pow.vjp("x")
@_quiet
def _(g: Any, x: Any, exponent: Any) -> Any:
    if type(exponent) in (int, float):
        if exponent == 0:
            return g * 0
        return g * exponent if exponent == 1 else g * (exponent * x ** (exponent - 1))
    slope = exponent * x ** (exponent - 1)
    return g * np.where(exponent == 0, np.zeros_like(slope), slope)


@pow.vjp("exponent")
@_quiet
def _(g: Any, y: Any, x: Any, exponent: Any) -> Any:
    base = (
        x
        if not isinstance(x, int | float)
        else np.asarray(x, g.dtype if isinstance(g, np.ndarray) else g._a.dtype)
    )
    slope = y * np.log(base)
    return g * np.where((base == 0) & (exponent >= 0), np.zeros_like(slope), slope)


@op(torch="neg", cases=unary())
def neg(x: Any, /) -> Any:
    """``-x``.

    >>> import tensor_core as torch
    >>> -torch.tensor([1, -2])
    tensor([-1,  2])
    """
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
    return x * x


@square.vjp
def _(g: Any, x: Any) -> Any:
    return g * (2 * x)


@op(torch="reciprocal", promote="float", cases=unary(0.5, 2))
@_quiet
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
    return np.abs(x)


@abs.vjp
def _(g: Any, x: Any) -> Any:
    return g * np.sign(x)


# -- exponentials and roots ----------------------------------------------------------------------


@op(torch="exp", promote="float", cases=unary())
@_quiet
def exp(x: Any, /) -> Any:
    """e to the power ``x``.

    >>> import tensor_core as torch
    >>> torch.exp(torch.tensor([0.0, 1.0]))
    tensor([1.0000, 2.7183])
    """
    return np.exp(x)


@exp.vjp
def _(g: Any, y: Any) -> Any:
    return g * y


@op(torch="exp2", promote="float", cases=unary())
@_quiet
def exp2(x: Any, /) -> Any:
    """2 to the power ``x``.

    >>> import tensor_core as torch
    >>> torch.exp2(torch.tensor([3.0, -1.0]))
    tensor([8.0000, 0.5000])
    """
    return np.exp2(x)


@exp2.vjp
def _(g: Any, y: Any) -> Any:
    return g * y * _LN2


@op(torch="expm1", promote="float", cases=unary())
@_quiet
def expm1(x: Any, /) -> Any:
    """``exp(x) - 1``, accurate near 0.

    >>> import tensor_core as torch
    >>> torch.expm1(torch.tensor(1e-10))
    tensor(1.0000e-10)
    """
    return np.expm1(x)


@expm1.vjp
def _(g: Any, y: Any) -> Any:
    return g * (y + 1)


@op(torch="log", promote="float", cases=unary(0.3, 3, domain=(0.0, np.inf)))
@_quiet
def log(x: Any, /) -> Any:
    """The natural logarithm; -inf at 0, NaN below.

    >>> import tensor_core as torch
    >>> torch.log(torch.tensor([1.0, 10.0, 0.0]))
    tensor([0.0000, 2.3026,   -inf])
    """
    return np.log(x)


@log.vjp
@_quiet
def _(g: Any, x: Any) -> Any:
    return g / x


@op(torch="log2", promote="float", cases=unary(0.3, 3, domain=(0.0, np.inf)))
@_quiet
def log2(x: Any, /) -> Any:
    """The logarithm to base 2.

    >>> import tensor_core as torch
    >>> torch.log2(torch.tensor([8.0, 0.3]))
    tensor([ 3.0000, -1.7370])
    """
    return np.log2(x)


@log2.vjp
@_quiet
def _(g: Any, x: Any) -> Any:
    return g / (x * _LN2)


@op(torch="log10", promote="float", cases=unary(0.3, 3, domain=(0.0, np.inf)))
@_quiet
def log10(x: Any, /) -> Any:
    """The logarithm to base 10.

    >>> import tensor_core as torch
    >>> torch.log10(torch.tensor([1000.0, 2.0]))
    tensor([3.0000, 0.3010])
    """
    return np.log10(x)


@log10.vjp
@_quiet
def _(g: Any, x: Any) -> Any:
    return g / (x * _LN10)


@op(torch="log1p", promote="float", cases=unary(-0.5, 2, domain=(-1.0, np.inf)))
@_quiet
def log1p(x: Any, /) -> Any:
    """``log(1 + x)``, accurate near 0.

    >>> import tensor_core as torch
    >>> torch.log1p(torch.tensor(1e-10))
    tensor(1.0000e-10)
    """
    return np.log1p(x)


@log1p.vjp
@_quiet
def _(g: Any, x: Any) -> Any:
    return g / (x + 1)


@op(torch="sqrt", promote="float", cases=unary(0.3, 3, domain=(0.0, np.inf)))
@_quiet
def sqrt(x: Any, /) -> Any:
    """The square root; NaN below 0.

    >>> import tensor_core as torch
    >>> torch.sqrt(torch.tensor([9.0, 2.0, -1.0]))
    tensor([3.0000, 1.4142,    nan])
    """
    return np.sqrt(x)


@sqrt.vjp
@_quiet
def _(g: Any, y: Any) -> Any:
    return g / (2 * y)


@op(torch="rsqrt", promote="float", cases=unary(0.3, 3, domain=(0.0, np.inf)))
@_quiet
def rsqrt(x: Any, /) -> Any:
    """``1 / sqrt(x)``.

    >>> import tensor_core as torch
    >>> torch.rsqrt(torch.tensor([4.0, 0.25]))
    tensor([0.5000, 2.0000])
    """
    return 1 / np.sqrt(x)


@rsqrt.vjp
@_quiet
def _(g: Any, y: Any) -> Any:
    return g * (-0.5 * y * y * y)


# -- trigonometry --------------------------------------------------------------------------------


@op(torch="sin", promote="float", cases=unary())
def sin(x: Any, /) -> Any:
    """The sine of ``x`` in radians.

    >>> import tensor_core as torch
    >>> torch.sin(torch.tensor([0.5, torch.pi / 2]))
    tensor([0.4794, 1.0000])
    """
    return np.sin(x)


@sin.vjp
def _(g: Any, x: Any) -> Any:
    return g * np.cos(x)


@op(torch="cos", promote="float", cases=unary())
def cos(x: Any, /) -> Any:
    """The cosine of ``x`` in radians.

    >>> import tensor_core as torch
    >>> torch.cos(torch.tensor([0.0, torch.pi / 3]))
    tensor([1.0000, 0.5000])
    """
    return np.cos(x)


@cos.vjp
def _(g: Any, x: Any) -> Any:
    return -g * np.sin(x)


@op(torch="tan", promote="float", cases=unary(-1, 1))
def tan(x: Any, /) -> Any:
    """The tangent of ``x`` in radians.

    >>> import tensor_core as torch
    >>> torch.tan(torch.tensor([0.5, -1.0]))
    tensor([ 0.5463, -1.5574])
    """
    return np.tan(x)


@tan.vjp
def _(g: Any, y: Any) -> Any:
    return g * (1 + y * y)


@op(torch="asin", promote="float", cases=unary(-0.8, 0.8, domain=(-1.0, 1.0)))
@_quiet
def asin(x: Any, /) -> Any:
    """The angle whose sine is ``x``, in radians.

    >>> import tensor_core as torch
    >>> torch.asin(torch.tensor([0.5, 1.0]))
    tensor([0.5236, 1.5708])
    """
    return np.arcsin(x)


@asin.vjp
@_quiet
def _(g: Any, x: Any) -> Any:
    return g / np.sqrt(1 - x * x)


@op(torch="acos", promote="float", cases=unary(-0.8, 0.8, domain=(-1.0, 1.0)))
@_quiet
def acos(x: Any, /) -> Any:
    """The angle whose cosine is ``x``, in radians.

    >>> import tensor_core as torch
    >>> torch.acos(torch.tensor([0.5, 1.0]))
    tensor([1.0472, 0.0000])
    """
    return np.arccos(x)


@acos.vjp
@_quiet
def _(g: Any, x: Any) -> Any:
    return -g / np.sqrt(1 - x * x)


@op(torch="atan", promote="float", cases=unary())
def atan(x: Any, /) -> Any:
    """The angle whose tangent is ``x``, in radians.

    >>> import tensor_core as torch
    >>> torch.atan(torch.tensor([1.0, -1.0]))
    tensor([ 0.7854, -0.7854])
    """
    return np.arctan(x)


@atan.vjp
def _(g: Any, x: Any) -> Any:
    return g / (1 + x * x)


@op(torch="sinh", promote="float", cases=unary())
@_quiet
def sinh(x: Any, /) -> Any:
    """The hyperbolic sine.

    >>> import tensor_core as torch
    >>> torch.sinh(torch.tensor(1.0))
    tensor(1.1752)
    """
    return np.sinh(x)


@sinh.vjp
def _(g: Any, x: Any) -> Any:
    return g * np.cosh(x)


@op(torch="cosh", promote="float", cases=unary())
@_quiet
def cosh(x: Any, /) -> Any:
    """The hyperbolic cosine.

    >>> import tensor_core as torch
    >>> torch.cosh(torch.tensor(1.0))
    tensor(1.5431)
    """
    return np.cosh(x)


@cosh.vjp
def _(g: Any, x: Any) -> Any:
    return g * np.sinh(x)


@op(torch="tanh", promote="float", cases=unary(-3, 3))
def tanh(x: Any, /) -> Any:
    """The hyperbolic tangent.

    >>> import tensor_core as torch
    >>> torch.tanh(torch.tensor([0.0, 1.0, 100.0]))
    tensor([0.0000, 0.7616, 1.0000])
    """
    return np.tanh(x)


@tanh.vjp
def _(g: Any, y: Any) -> Any:
    return g * (1 - y * y)


@op(torch="sigmoid", promote="float", cases=unary(-3, 3))
@_quiet
def sigmoid(x: Any, /) -> Any:
    """``1 / (1 + exp(-x))``.

    >>> import tensor_core as torch
    >>> torch.sigmoid(torch.tensor([0.0, 2.0, -1000.0]))
    tensor([0.5000, 0.8808, 0.0000])
    """
    return 1 / (1 + np.exp(-x))  # exp overflows to inf for very negative x: then the result is 0


@sigmoid.vjp
def _(g: Any, y: Any) -> Any:
    return g * (y * (1 - y))


@op(torch="erf", promote="float", cases=unary(-3, 3))
def erf(x: Any, /) -> Any:
    """The error function.

    >>> import tensor_core as torch
    >>> torch.erf(torch.tensor([0.0, 0.5, 3.0]))
    tensor([0.0000, 0.5205, 1.0000])
    """
    return kernels.erf(x)


@erf.vjp
def _(g: Any, x: Any) -> Any:
    return g * (_ERF_SLOPE * np.exp(-(x * x)))


# -- bounds --------------------------------------------------------------------------------------


def _pairs(rng: np.random.Generator) -> Any:
    values = distinct(rng, (12,))
    yield Case(values[:6].reshape(2, 3), values[6:].reshape(2, 3))
    yield Case(values[:2].reshape(2, 1), values[2:5].reshape(1, 3))
    yield Case(np.array([1.0, 2.0]), np.array([1.0, 2.0])).with_(max_order=1)  # ties: half each


@op(torch="maximum", promote="same", cases=_pairs, kinks="ties: half to each")
def maximum(x: Any, other: Any, /) -> Any:
    """The larger of two elements; NaN if either is.

    >>> import tensor_core as torch
    >>> torch.maximum(torch.tensor([1.0, 5.0]), torch.tensor([3.0, 2.0]))
    tensor([3., 5.])
    """
    return np.maximum(x, other)


@maximum.vjp("x")
def _(g: Any, x: Any, other: Any) -> Any:
    return g * _share(x, other)


@maximum.vjp("other")
def _(g: Any, x: Any, other: Any) -> Any:
    return g * _share(other, x)


@op(torch="minimum", promote="same", cases=_pairs, kinks="ties: half to each")
def minimum(x: Any, other: Any, /) -> Any:
    """The smaller of two elements; NaN if either is.

    >>> import tensor_core as torch
    >>> torch.minimum(torch.tensor([1.0, 5.0]), torch.tensor([3.0, 2.0]))
    tensor([1., 2.])
    """
    return np.minimum(x, other)


@minimum.vjp("x")
def _(g: Any, x: Any, other: Any) -> Any:
    return g * _share(other, x)


@minimum.vjp("other")
def _(g: Any, x: Any, other: Any) -> Any:
    return g * _share(x, other)


def _share(a: Any, b: Any) -> np.ndarray:
    """1 where a > b, a half where they are equal, else 0."""
    a, b = getattr(a, "_a", a), getattr(b, "_a", b)
    a = np.asarray(a)
    return ((a > b) + 0.5 * (a == b)).astype(a.dtype if a.dtype.kind == "f" else np.float64)


def _clamp_cases(rng: np.random.Generator) -> Any:
    x = distinct(rng, (2, 5))
    yield Case(x, -0.33, 0.41)
    yield Case(x, -0.33, None)
    yield Case(x, None, 0.41)
    yield Case(np.asarray(0.3), rng.uniform(0.5, 1, 2))  # bounds broadcast and have gradients
    yield Case(x, rng.uniform(-0.6, -0.5, 5), np.asarray(0.35))
    yield Case(x, np.full(5, 0.45), np.full(5, 0.15))  # crossed bounds: the upper one wins


@op(torch="clamp", promote="same", cases=_clamp_cases, kinks="at the bounds")
def clamp(x: Any, min: Any = None, max: Any = None, /) -> Any:
    """``x`` limited to [min, max]; either bound may be missing, a number or an array.

    Raises:
        RuntimeError: both bounds are missing.

    >>> import tensor_core as torch
    >>> torch.clamp(torch.tensor([-2.0, 0.5, 3.0]), -1, 1)
    tensor([-1.0000,  0.5000,  1.0000])
    """
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    y = x if min is None else np.maximum(x, min)
    return y if max is None else np.minimum(y, max)


@clamp.vjp("x")
def _(g: Any, x: Any, min: Any, max: Any) -> Any:
    a, low, high = _values(x, min, max)
    if low is None or high is None:
        return g * (a <= high if low is None else a >= low)
    return g * ((a >= low) & (a <= high))


@clamp.vjp("min")
def _(g: Any, x: Any, min: Any, max: Any) -> Any:
    a, low, high = _values(x, min, max)
    return g * (a < low if high is None else (a < low) & (low < high))


@clamp.vjp("max")
def _(g: Any, x: Any, min: Any, max: Any) -> Any:
    a, low, high = _values(x, min, max)
    return g * (a > high if low is None else (a > high) | (high < low))


def _values(*operands: Any) -> Iterator[Any]:
    """Arrays behind Tensors, for comparisons, which have no derivative."""
    return (getattr(v, "_a", v) for v in operands)


# -- steps: derivative zero wherever there is one ------------------------------------------------


def _shown(doc: str, call: str, result: str) -> str:
    """A docstring with an example."""
    return f"{doc}\n\n>>> import tensor_core as torch\n>>> torch.{call}\n{result}\n"


def _flat(name: str, function: Any, doc: str, result: str) -> Any:
    def forward(x: Any, /) -> Any:
        return x.copy() if x.dtype.kind in "iub" and name != "sign" else function(x)

    forward.__doc__ = _shown(doc, f"{name}(torch.tensor([-1.7, 0.5, 2.0]))", result)
    made = op(name=name, torch=name, cases=away_from_half, kinks="constant between jumps")(forward)
    made.vjp(lambda g: g * 0)
    return made


def away_from_half(rng: np.random.Generator) -> Any:
    """Values well between the multiples of one half."""
    yield Case(rng.integers(-4, 4, (2, 3)) / 2 + rng.uniform(0.1, 0.4, (2, 3)))


floor = _flat(
    "floor", np.floor, "The largest whole number not above ``x``.", "tensor([-2.,  0.,  2.])"
)
ceil = _flat(
    "ceil", np.ceil, "The smallest whole number not below ``x``.", "tensor([-1.,  1.,  2.])"
)
round = _flat(
    "round", np.round, "The nearest whole number, halves to even.", "tensor([-2.,  0.,  2.])"
)
trunc = _flat("trunc", np.trunc, "The whole part, towards zero.", "tensor([-1.,  0.,  2.])")
sign = _flat("sign", np.sign, "-1, 0 or 1.", "tensor([-1.,  1.,  1.])")


# -- comparisons and logic: no derivative --------------------------------------------------------


def _compared(rng: np.random.Generator) -> Any:
    yield Case(np.array([0.0, 1.0, -2.0]), np.array([0.0, 2.0, -3.0]))
    yield Case(np.array([[1], [2]]), np.array([1.0, 2.0]))


def _bit_cases(rng: np.random.Generator) -> Any:
    yield Case(np.array([5, 3, 0]), np.array([1, 2, 3]))


def _bit_case(rng: np.random.Generator) -> Any:
    yield Case(np.array([5, -3, 0]))
    yield Case(np.array([True, False]))


def _special(rng: np.random.Generator) -> Any:
    yield Case(np.array([0.0, 1.5, np.inf, -np.inf, np.nan]))


def _logical(name: str, function: Any, doc: str, result: str, promote: str | None = "same") -> Any:
    def forward(x: Any, other: Any, /) -> Any:
        return function(x, other)

    call = f"{name}(torch.tensor([0, 2, 3]), torch.tensor([3, 2, 0]))"
    forward.__doc__ = _shown(doc, call, f"tensor([{result}])")
    cases = _bit_cases if name.startswith("bitwise") else _compared
    return op(name=name, torch=name, promote=promote, cases=cases)(forward)


eq = _logical("eq", np.equal, "Whether two elements are equal.", "False,  True, False")
ne = _logical("ne", np.not_equal, "Whether two elements differ.", " True, False,  True")
lt = _logical("lt", np.less, "Whether ``x`` is less than ``other``.", " True, False, False")
le = _logical("le", np.less_equal, "Whether ``x`` is at most ``other``.", " True,  True, False")
gt = _logical("gt", np.greater, "Whether ``x`` is greater than ``other``.", "False, False,  True")
ge = _logical("ge", np.greater_equal, "Whether ``x`` is at least ``other``.", "False,  True,  True")
logical_and = _logical(
    "logical_and", np.logical_and, "Whether both are true.", "False,  True, False", None
)
logical_or = _logical(
    "logical_or", np.logical_or, "Whether either is true.", "True, True, True", None
)
logical_xor = _logical(
    "logical_xor", np.logical_xor, "Whether exactly one is true.", " True, False,  True", None
)
bitwise_and = _logical("bitwise_and", np.bitwise_and, "Bits set in both.", "0, 2, 0")
bitwise_or = _logical("bitwise_or", np.bitwise_or, "Bits set in either.", "3, 2, 3")
bitwise_xor = _logical("bitwise_xor", np.bitwise_xor, "Bits set in exactly one.", "3, 0, 3")
bitwise_left_shift = _logical("bitwise_left_shift", np.left_shift, "Bits moved up.", "0, 8, 3")
bitwise_right_shift = _logical("bitwise_right_shift", np.right_shift, "Bits moved down.", "0, 0, 3")


def _test(name: str, function: Any, doc: str, x: str, result: str) -> Any:
    def forward(x: Any, /) -> Any:
        return function(x)

    forward.__doc__ = _shown(doc, f"{name}(torch.tensor([{x}]))", f"tensor([{result}])")
    return op(name=name, torch=name, cases=_bit_case if name == "bitwise_not" else _special)(
        forward
    )


isnan = _test(
    "isnan",
    np.isnan,
    "Whether an element is not a number.",
    "0.0, torch.nan, torch.inf",
    "False,  True, False",
)
isinf = _test(
    "isinf",
    np.isinf,
    "Whether an element is infinite.",
    "0.0, torch.nan, torch.inf",
    "False, False,  True",
)
isfinite = _test(
    "isfinite",
    np.isfinite,
    "Whether an element is neither infinite nor NaN.",
    "0.0, torch.nan, torch.inf",
    " True, False, False",
)
logical_not = _test(
    "logical_not",
    np.logical_not,
    "Whether an element is zero or False.",
    "0, 1, 2",
    " True, False, False",
)
bitwise_not = _test(
    "bitwise_not", np.invert, "Every bit flipped; for bool, the opposite.", "0, 2, -1", "-1, -3,  0"
)


# -- choosing ------------------------------------------------------------------------------------


def _where_cases(rng: np.random.Generator) -> Any:
    mask = rng.random((2, 3)) < 0.5
    yield Case(mask, rng.normal(size=(2, 3)), rng.normal(size=(2, 3)))
    yield Case(mask, rng.normal(size=(3,)), rng.normal(size=(2, 1)))
    yield Case(mask[0], rng.normal(size=(2, 3)), 1.5)


@op(name="where", torch="where", promote="same", unmixed=("condition",), cases=_where_cases)
def where_op(condition: Any, x: Any, other: Any, /) -> Any:
    """``x`` where the condition holds, else ``other``. Shapes broadcast.

    >>> import tensor_core as torch
    >>> torch.where(torch.tensor([True, False]), torch.tensor([1.0, 2.0]), 0.0)
    tensor([1., 0.])
    """
    return np.where(condition, x, other)


def where(condition: Any, input: Any = None, other: Any = None) -> Any:
    """``input`` where the condition holds, else ``other``; alone, the indices where it holds.

    >>> import tensor_core as torch
    >>> x = torch.tensor([1.0, -2.0, 3.0])
    >>> torch.where(x > 0, x, 0.0)
    tensor([1., 0., 3.])
    >>> torch.where(x > 0)
    (tensor([0, 2]),)
    """
    if input is None and other is None:
        return condition.nonzero(as_tuple=True)
    return where_op(condition, input, other)


@where_op.vjp("x")
def _(g: Any, condition: Any) -> Any:
    return g * condition


@where_op.vjp("other")
def _(g: Any, condition: Any) -> Any:
    return g * ~condition


def _masked_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(2, 3)), rng.random((2, 3)) < 0.5, -1.5)
    yield Case(rng.normal(size=(2, 3)), rng.random(3) < 0.5, float("-inf")).with_(max_order=1)
    yield Case(rng.normal(size=(3,)), rng.random((2, 3)) < 0.5, np.asarray(rng.normal()))


@op(torch="masked_fill", unmixed=("mask",), cases=_masked_cases)
def masked_fill(x: Any, mask: Any, value: Any, /) -> Any:
    """``x`` with ``value`` where the mask holds; mask and ``x`` broadcast.

    >>> import tensor_core as torch
    >>> torch.tensor([1.0, 2.0]).masked_fill(torch.tensor([False, True]), float("-inf"))
    tensor([  1., -inf])
    """
    if mask.dtype != np.bool_:
        raise RuntimeError(f"masked_fill only supports boolean masks, but got mask of {mask.dtype}")
    return np.where(mask, np.asarray(value, x.dtype), x)


@masked_fill.vjp("x")
def _(g: Any, mask: Any) -> Any:
    return g * ~mask


@masked_fill.vjp("value")
def _(g: Any, mask: Any) -> Any:
    return (g * mask).sum()
