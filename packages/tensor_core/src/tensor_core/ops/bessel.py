"""Modified Bessel functions of the first kind."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _bessel
from .._define import op
from ._cases import away_from_zero
from .gamma import wide


@op(torch="i0", promote="float", cases=away_from_zero)
def i0(x: Any, /) -> Any:
    """The modified Bessel function of order 0.

    >>> import tensor_core as torch
    >>> torch.i0(torch.tensor([0.0, 1.0]))
    tensor([1.0000, 1.2661])
    """
    return wide(lambda a: _bessel.unscaled(0, a), x)


@i0.vjp
def _(g: Any, x: Any) -> Any:
    return g * i1.plain(x)


@op(torch="special.i0e", promote="float", cases=away_from_zero)
def i0e(x: Any, /) -> Any:
    """``exp(-abs(x)) * i0(x)``.

    >>> import tensor_core as torch
    >>> torch.special.i0e(torch.tensor([0.0, 100.0]))
    tensor([1.0000, 0.0399])
    """
    return wide(lambda a: _bessel.scaled(0, a), x)


@i0e.vjp
def _(g: Any, x: Any, y: Any) -> Any:
    return g * (i1e.plain(x) - np.sign(x) * y)


@op(torch="special.i1", promote="float", cases=away_from_zero)
def i1(x: Any, /) -> Any:
    """The modified Bessel function of order 1.

    >>> import tensor_core as torch
    >>> torch.special.i1(torch.tensor([0.0, 1.0]))
    tensor([0.0000, 0.5652])
    """
    return wide(lambda a: _bessel.unscaled(1, a), x)


def _over(y: Any, x: Any) -> Any:
    """``y / x``, which tends to a half at 0."""
    at_zero = x == 0
    return y / (x + at_zero) + 0.5 * at_zero


@i1.vjp
def _(g: Any, x: Any, y: Any) -> Any:
    return g * (i0.plain(x) - _over(y, x))


@op(torch="special.i1e", promote="float", cases=away_from_zero)
def i1e(x: Any, /) -> Any:
    """``exp(-abs(x)) * i1(x)``.

    >>> import tensor_core as torch
    >>> torch.special.i1e(torch.tensor([0.0, 100.0]))
    tensor([0.0000, 0.0397])
    """
    return wide(lambda a: _bessel.scaled(1, a), x)


@i1e.vjp
def _(g: Any, x: Any, y: Any) -> Any:
    return g * (i0e.plain(x) - np.sign(x) * y - _over(y, x))
