"""Circular and hyperbolic functions of each element."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._define import op
from ._cases import unary
from ._errstate import quiet


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
@quiet
def asin(x: Any, /) -> Any:
    """The angle whose sine is ``x``, in radians.

    >>> import tensor_core as torch
    >>> torch.asin(torch.tensor([0.5, 1.0]))
    tensor([0.5236, 1.5708])
    """
    return np.arcsin(x)


@asin.vjp
@quiet
def _(g: Any, x: Any) -> Any:
    return g / np.sqrt(1 - x * x)


@op(torch="acos", promote="float", cases=unary(-0.8, 0.8, domain=(-1.0, 1.0)))
@quiet
def acos(x: Any, /) -> Any:
    """The angle whose cosine is ``x``, in radians.

    >>> import tensor_core as torch
    >>> torch.acos(torch.tensor([0.5, 1.0]))
    tensor([1.0472, 0.0000])
    """
    return np.arccos(x)


@acos.vjp
@quiet
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
@quiet
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
@quiet
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


@op(torch="asinh", promote="float", cases=unary())
def asinh(x: Any, /) -> Any:
    """The number whose hyperbolic sine is ``x``.

    >>> import tensor_core as torch
    >>> torch.asinh(torch.tensor([1.0, -2.0]))
    tensor([ 0.8814, -1.4436])
    """
    return np.arcsinh(x)


@asinh.vjp
def _(g: Any, x: Any) -> Any:
    return g / np.sqrt(x * x + 1)


@op(torch="acosh", promote="float", cases=unary(1.3, 3, domain=(1.0, np.inf)))
@quiet
def acosh(x: Any, /) -> Any:
    """The number, not negative, whose hyperbolic cosine is ``x``; NaN below 1.

    >>> import tensor_core as torch
    >>> torch.acosh(torch.tensor([1.0, 2.0]))
    tensor([0.0000, 1.3170])
    """
    return np.arccosh(x)


@acosh.vjp
@quiet
def _(g: Any, x: Any) -> Any:
    return g / np.sqrt(x * x - 1)


@op(torch="atanh", promote="float", cases=unary(-0.8, 0.8, domain=(-1.0, 1.0)))
@quiet
def atanh(x: Any, /) -> Any:
    """The number whose hyperbolic tangent is ``x``; infinite at -1 and 1, NaN beyond.

    >>> import tensor_core as torch
    >>> torch.atanh(torch.tensor([0.5, 1.0]))
    tensor([0.5493,    inf])
    """
    return np.arctanh(x)


@atanh.vjp
@quiet
def _(g: Any, x: Any) -> Any:
    return g / (1 - x * x)
