"""The larger, the smaller, and limits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .._card import Case
from .._define import op
from .._dtypes import fitted
from ._cases import distinct


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


@op(torch="clamp", promote="same", integers=fitted, cases=_clamp_cases, kinks="at the bounds")
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
