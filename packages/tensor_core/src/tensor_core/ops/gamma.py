"""The gamma function's logarithm, its derivatives, and the incomplete gamma functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .. import _gamma
from .._card import Case, composed
from .._define import op
from .._tensor import Tensor
from ._cases import unary
from ._errstate import quiet
from ._refuse import numbers, tensors_alone

_LOG_PI = float(np.log(np.pi))


def wide(function: Callable[..., np.ndarray], *arrays: Any) -> np.ndarray:
    """A float64 function of arrays of any floating-point type, in that type again."""
    kind = next(a.dtype for a in arrays if isinstance(a, np.ndarray | np.generic))
    return function(*(np.asarray(a, np.float64) for a in arrays)).astype(kind)


@op(torch="lgamma", promote="float", cases=unary(0.3, 3))
@quiet
def lgamma(x: Any, /) -> Any:
    """The logarithm of the absolute value of the gamma function.

    >>> import tensor_core as torch
    >>> torch.lgamma(torch.tensor([0.5, 5.0, -1.0]))
    tensor([0.5724, 3.1781,    inf])
    """
    return wide(_gamma.lgamma, x)


@lgamma.vjp
@quiet
def _(g: Any, x: Any) -> Any:
    return g * digamma.plain(x)


@op(torch="digamma", promote="float", cases=unary(0.5, 3))
def digamma(x: Any, /) -> Any:
    """The derivative of :func:`lgamma`.

    >>> import tensor_core as torch
    >>> torch.digamma(torch.tensor([1.0, 0.5]))
    tensor([-0.5772, -1.9635])
    """
    return wide(_gamma.digamma, x)


@digamma.vjp
@quiet
def _(g: Any, x: Any) -> Any:
    return g * polygamma_op.plain(x, 1)


def _orders(rng: np.random.Generator) -> Iterator[Case]:
    for n in (0, 1, 2, 4):
        yield Case(rng.uniform(0.8, 3, (2, 2)), n)


@op(name="polygamma_op", promote="float", cases=_orders)
def polygamma_op(x: Any, /, n: int) -> Any:
    """:func:`polygamma` with the array first.

    >>> import tensor_core as torch
    >>> torch.polygamma(1, torch.tensor([1.0]))
    tensor([1.6449])
    """
    return wide(lambda a: _gamma.polygamma(n, a), x)


@polygamma_op.vjp
@quiet
def _(g: Any, x: Any, n: Any) -> Any:
    return g * polygamma_op.plain(x, n + 1)


@composed(
    torch="polygamma",
    cases=lambda rng: (Case(n, rng.uniform(0.8, 3, (2, 2))) for n in (0, 1, 2, 3)),
)
def polygamma(n: int, input: Tensor) -> Tensor:
    """The ``n``-th derivative of :func:`digamma`.

    Raises:
        RuntimeError: ``n`` is negative.

    >>> import tensor_core as torch
    >>> torch.polygamma(2, torch.tensor([1.0]))
    tensor([-2.4041])
    """
    if n < 0:
        raise RuntimeError("polygamma(n, x) does not support negative n.")
    return polygamma_op(input, n)


@composed(
    torch="mvlgamma",
    cases=lambda rng: (Case(rng.uniform(p / 2, 4, (3,)), p) for p in (1, 2, 3)),
)
def mvlgamma(input: Tensor, p: int) -> Tensor:
    """The logarithm of the multivariate gamma function of dimension ``p``.

    Raises:
        RuntimeError: ``p`` is below 1.

    >>> import tensor_core as torch
    >>> torch.mvlgamma(torch.tensor([3.0]), 2)
    tensor([1.5502])
    """
    if p < 1:
        raise RuntimeError("p has to be greater than or equal to 1")
    total = lgamma(input)
    for j in range(1, p):
        total = total + lgamma(input - j / 2)
    return total + p * (p - 1) / 4 * _LOG_PI


def _incomplete_cases(rng: np.random.Generator) -> Iterator[Case]:
    a = np.array([[1, 2, 1], [2, 2, 1]])  # orders have no derivative: whole ones ask for none
    yield Case(a, rng.uniform(0.3, 6, (2, 3)))
    yield Case(a[0], rng.uniform(0.3, 6, (2, 1)))


@op(torch="igamma", promote="same", cases=_incomplete_cases)
def igamma(x: Any, other: Any, /) -> Any:
    """The regularised lower incomplete gamma function of order ``x`` at ``other``.

    Raises:
        NotImplementedError: in the backward pass, when the order wants a gradient.

    >>> import tensor_core as torch
    >>> torch.igamma(torch.tensor([1.0]), torch.tensor([2.0]))
    tensor([0.8647])
    """
    numbers("igamma", x, other)
    return wide(lambda a, b: _gamma.incomplete(a, b)[0], x, other)


tensors_alone(igamma)


@op(torch="igammac", promote="same", cases=_incomplete_cases)
def igammac(x: Any, other: Any, /) -> Any:
    """The regularised upper incomplete gamma function of order ``x`` at ``other``.

    Raises:
        NotImplementedError: in the backward pass, when the order wants a gradient.

    >>> import tensor_core as torch
    >>> torch.igammac(torch.tensor([1.0]), torch.tensor([2.0]))
    tensor([0.1353])
    """
    numbers("igammac", x, other)
    return wide(lambda a, b: _gamma.incomplete(a, b)[1], x, other)


tensors_alone(igammac)


def _no_order(g: Any) -> Any:
    raise NotImplementedError("igamma: the derivative for the order 'input' is not implemented")


def _density(x: Any, other: Any) -> Any:
    return np.exp((x - 1) * np.log(other) - other - lgamma.plain(x))


igamma.vjp("x")(_no_order)
igammac.vjp("x")(_no_order)


@igamma.vjp("other")
@quiet
def _(g: Any, x: Any, other: Any) -> Any:
    return g * _density(x, other)


@igammac.vjp("other")
@quiet
def _(g: Any, x: Any, other: Any) -> Any:
    return -g * _density(x, other)


def _zeta_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case(2.5, rng.uniform(0.5, 3, (3,)))


@op(name="zeta", torch="special.zeta", promote="float", cases=_zeta_cases)
def zeta(x: Any, other: Any, /) -> Any:
    """Hurwitz's zeta function: the sum of ``(k + other) ** -x`` for k = 0, 1, ...

    >>> import tensor_core as torch
    >>> torch.special.zeta(torch.tensor([2.0]), torch.tensor([1.0]))
    tensor([1.6449])
    """
    return wide(_gamma.zeta, x, other)


@zeta.vjp("other")
def _(g: Any, x: Any, other: Any) -> Any:
    return g * (-x * zeta.plain(x + 1, other))


@zeta.vjp("x")
def _(g: Any) -> Any:
    raise NotImplementedError("zeta: the derivative for 'input' is not implemented")
