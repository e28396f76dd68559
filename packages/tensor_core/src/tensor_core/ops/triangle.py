"""The triangles of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._card import Case
from .._define import op


def _matrices(name: str, x: np.ndarray) -> None:
    if x.ndim < 2:
        raise RuntimeError(f"{name}: input tensor must have at least 2 dimensions, not {x.ndim}")


def _triangle_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(3, 3)))
    yield Case(rng.normal(size=(2, 3, 4)), 1)
    yield Case(rng.normal(size=(4, 3)), diagonal=-1)


@op(torch="tril", row_major=True, cases=_triangle_cases)
def tril(x: Any, /, diagonal: int = 0) -> Any:
    """The lower triangle of the last two dimensions, zeros above.

    >>> import tensor_core as torch
    >>> torch.tril(torch.ones(3, 3))
    tensor([[1., 0., 0.],
            [1., 1., 0.],
            [1., 1., 1.]])
    """
    _matrices("tril", x)
    return np.tril(x, diagonal)


@tril.vjp
def _(g: Any, diagonal: Any) -> Any:
    return np.tril(g, diagonal)


@op(torch="triu", row_major=True, cases=_triangle_cases)
def triu(x: Any, /, diagonal: int = 0) -> Any:
    """The upper triangle of the last two dimensions, zeros below.

    >>> import tensor_core as torch
    >>> torch.triu(torch.ones(3, 3), diagonal=1)
    tensor([[0., 1., 1.],
            [0., 0., 1.],
            [0., 0., 0.]])
    """
    _matrices("triu", x)
    return np.triu(x, diagonal)


@triu.vjp
def _(g: Any, diagonal: Any) -> Any:
    return np.triu(g, diagonal)
