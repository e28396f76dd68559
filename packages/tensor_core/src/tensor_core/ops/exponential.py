"""Exponentials, logarithms and roots of each element, and the sigmoid and erf made of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._define import op
from ..kernels import active as kernels
from ._cases import unary
from ._errstate import quiet

_LN2, _LN10 = float(np.log(2.0)), float(np.log(10.0))


_ERF_SLOPE = float(2 / np.sqrt(np.pi))


@op(torch="exp", promote="float", cases=unary())
@quiet
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
@quiet
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
@quiet
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
@quiet
def log(x: Any, /) -> Any:
    """The natural logarithm; -inf at 0, NaN below.

    >>> import tensor_core as torch
    >>> torch.log(torch.tensor([1.0, 10.0, 0.0]))
    tensor([0.0000, 2.3026,   -inf])
    """
    return np.log(x)


@log.vjp
@quiet
def _(g: Any, x: Any) -> Any:
    return g / x


@op(torch="log2", promote="float", cases=unary(0.3, 3, domain=(0.0, np.inf)))
@quiet
def log2(x: Any, /) -> Any:
    """The logarithm to base 2.

    >>> import tensor_core as torch
    >>> torch.log2(torch.tensor([8.0, 0.3]))
    tensor([ 3.0000, -1.7370])
    """
    return np.log2(x)


@log2.vjp
@quiet
def _(g: Any, x: Any) -> Any:
    return g / (x * _LN2)


@op(torch="log10", promote="float", cases=unary(0.3, 3, domain=(0.0, np.inf)))
@quiet
def log10(x: Any, /) -> Any:
    """The logarithm to base 10.

    >>> import tensor_core as torch
    >>> torch.log10(torch.tensor([1000.0, 2.0]))
    tensor([3.0000, 0.3010])
    """
    return np.log10(x)


@log10.vjp
@quiet
def _(g: Any, x: Any) -> Any:
    return g / (x * _LN10)


@op(torch="log1p", promote="float", cases=unary(-0.5, 2, domain=(-1.0, np.inf)))
@quiet
def log1p(x: Any, /) -> Any:
    """``log(1 + x)``, accurate near 0.

    >>> import tensor_core as torch
    >>> torch.log1p(torch.tensor(1e-10))
    tensor(1.0000e-10)
    """
    return np.log1p(x)


@log1p.vjp
@quiet
def _(g: Any, x: Any) -> Any:
    return g / (x + 1)


@op(torch="sqrt", promote="float", cases=unary(0.3, 3, domain=(0.0, np.inf)))
@quiet
def sqrt(x: Any, /) -> Any:
    """The square root; NaN below 0.

    >>> import tensor_core as torch
    >>> torch.sqrt(torch.tensor([9.0, 2.0, -1.0]))
    tensor([3.0000, 1.4142,    nan])
    """
    return np.sqrt(x)


@sqrt.vjp
@quiet
def _(g: Any, y: Any) -> Any:
    return g / (2 * y)


@op(torch="rsqrt", promote="float", cases=unary(0.3, 3, domain=(0.0, np.inf)))
@quiet
def rsqrt(x: Any, /) -> Any:
    """``1 / sqrt(x)``.

    >>> import tensor_core as torch
    >>> torch.rsqrt(torch.tensor([4.0, 0.25]))
    tensor([0.5000, 2.0000])
    """
    return 1 / np.sqrt(x)


@rsqrt.vjp
@quiet
def _(g: Any, y: Any) -> Any:
    return g * (-0.5 * y * y * y)


@op(torch="sigmoid", promote="float", cases=unary(-3, 3))
@quiet
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
