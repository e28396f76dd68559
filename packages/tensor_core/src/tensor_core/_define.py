"""``@op``: from a NumPy function to an op with a card."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ._card import register
from ._op import Op
from ._variadic import VariadicOp


def op(*, variadic: bool = False, **card: Any) -> Callable[[Callable[..., Any]], Any]:
    """Make an op of a NumPy function and enter its card; see :class:`Op` for what a card says.

    >>> import tensor_core as torch
    >>> @op(name="doctest_cube", promote="float")
    ... def cube(x, /):
    ...     return x * x * x
    >>> @cube.vjp
    ... def _(g, x):
    ...     return 3 * g * x * x
    >>> x = torch.tensor(2.0, requires_grad=True)
    >>> cube(x).backward(); x.grad
    tensor(12.)
    """
    kind = VariadicOp if variadic else Op
    return lambda forward: register(kind(forward, **card))
