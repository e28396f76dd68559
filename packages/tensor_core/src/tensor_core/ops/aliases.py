"""Second names that torch has for the same functions, and the few that are one argument short."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .._card import Case, composed
from .._tensor import Tensor, wrap
from ._cases import distinct
from .angles import atan2
from .arithmetic import abs, div, mul, neg, sub
from .bounds import clamp
from .calculus import trapezoid
from .choosing import where_op
from .comparison import ge, gt, le, lt, ne
from .random import dropout
from .rounding import trunc
from .trigonometry import acos, acosh, asin, asinh, atan, atanh

absolute, negative, subtract, multiply = abs, neg, sub, mul
divide = true_divide = div
arccos, arcsin, arctan, arctan2 = acos, asin, atan, atan2
arccosh, arcsinh, arctanh = acosh, asinh, atanh
greater, greater_equal, less, less_equal, not_equal = gt, ge, lt, le, ne
clip, fix, trapz = clamp, trunc, trapezoid


def _bounded(rng: np.random.Generator) -> Iterator[Case]:
    x = distinct(rng, (2, 5))
    yield Case(x, 0.22)
    yield Case(x, np.full(5, 0.44))


@composed(torch="clamp_min", cases=_bounded, kinks="at the bound")
def clamp_min(input: Tensor, min: Any) -> Tensor:
    """:func:`clamp` from below.

    >>> import tensor_core as torch
    >>> torch.clamp_min(torch.tensor([-1.0, 2.0]), 0)
    tensor([0., 2.])
    """
    return clamp(input, min, None)


@composed(torch="clamp_max", cases=_bounded, kinks="at the bound")
def clamp_max(input: Tensor, max: Any) -> Tensor:
    """:func:`clamp` from above.

    >>> import tensor_core as torch
    >>> torch.clamp_max(torch.tensor([-1.0, 2.0]), 0)
    tensor([-1.,  0.])
    """
    return clamp(input, None, max)


def _filled(rng: np.random.Generator) -> Iterator[Case]:
    yield Case(rng.normal(size=(2, 3)), 1.5)
    yield Case(rng.normal(size=(2,)), np.asarray(rng.normal()))


@composed(torch="fill", cases=_filled)
def fill(input: Tensor, value: Any) -> Tensor:
    """``value`` everywhere in the shape and type of ``input``.

    >>> import tensor_core as torch
    >>> torch.fill(torch.zeros(2), 7)
    tensor([7., 7.])
    """
    number = value if isinstance(value, Tensor) else wrap(np.asarray(value, input._a.dtype))
    number = number.to(input.dtype)
    if number._a.ndim:
        raise RuntimeError(
            f"fill only supports 0-dimension value tensor but got tensor with {number._a.ndim} "
            "dimensions."
        )
    return where_op(wrap(np.ones((), np.bool_)), number, input)


def detach(input: Tensor) -> Tensor:
    """The same memory outside the graph; changes to either are seen by both.

    >>> import tensor_core as torch
    >>> torch.detach(torch.ones(2, requires_grad=True))
    tensor([1., 1.])
    """
    return input.detach()


def dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """:func:`dropout` in place; returns its argument.

    >>> import tensor_core as torch
    >>> x = torch.ones(2)
    >>> torch.dropout_(x, 0.5, True) is x
    True
    """
    return dropout(input, p, train, True)


def _matrices(rng: np.random.Generator) -> Iterator[Case]:
    yield Case(rng.normal(size=(2, 3)), (0, 1))
    yield Case(rng.normal(size=(2, 3, 2)), (0, 2), True)


@composed(torch="frobenius_norm", cases=_matrices)
def frobenius_norm(input: Tensor, dim: Any, keepdim: bool = False) -> Tensor:
    """The square root of the sum of squares along ``dim``.

    >>> import tensor_core as torch
    >>> torch.frobenius_norm(torch.tensor([[3.0, 4.0]]), (0, 1))
    tensor(5.)
    """
    from ..linalg import vector_norm  # linalg is made of the ops

    return vector_norm(input, 2, dim, keepdim)


@composed(torch="nuclear_norm", cases=_matrices)
def nuclear_norm(input: Tensor, dim: Any = (-2, -1), keepdim: bool = False) -> Tensor:
    """The sum of the singular values of the matrices in the two dimensions ``dim``.

    >>> import tensor_core as torch
    >>> torch.nuclear_norm(torch.tensor([[3.0, 0.0], [0.0, -4.0]]))
    tensor(7.)
    """
    from ..linalg import matrix_norm  # linalg is made of the ops

    return matrix_norm(input, "nuc", dim, keepdim)
