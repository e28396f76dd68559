"""The largest and smallest along dimensions, where they stand, and any and all."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._card import Case
from .._define import op
from .._geometry import check_dim
from ._cases import distinct
from .reduce import Dim, axes_of, kept, numpy_axis, reduced_count


def _extreme_cases(rng: np.random.Generator) -> Any:
    yield Case(distinct(rng, (2, 5)), 1)
    yield Case(distinct(rng, (2, 3, 2)), (0, 2), True)
    yield Case(np.array([[1.0, 1.0, 0.0], [2.0, 2.0, 2.0]]), 1).with_(max_order=1)  # ties share


def _nonempty(name: str, x: np.ndarray, dim: Dim) -> None:
    if not x.size and reduced_count(x.shape, dim) == 0:
        whole = dim is None or dim == ()
        raise (RuntimeError if whole else IndexError)(
            f"{name}(): Expected reduction dim to have non-zero size, but the shape is {x.shape}"
        )


@op(torch="amax", row_major=True, cases=_extreme_cases, kinks="ties: equal shares")
def amax(x: Any, /, dim: Dim = (), keepdim: bool = False) -> Any:
    """The largest element along ``dim``; ties share the gradient equally.

    >>> import tensor_core as torch
    >>> torch.amax(torch.tensor([[1, 5], [7, 2]]), 1)
    tensor([5, 7])
    """
    _nonempty("amax", x, dim)
    return x.max(axis=axes_of(dim, x.ndim), keepdims=keepdim)


@op(torch="amin", row_major=True, cases=_extreme_cases, kinks="ties: equal shares")
def amin(x: Any, /, dim: Dim = (), keepdim: bool = False) -> Any:
    """The smallest element along ``dim``; ties share the gradient equally.

    >>> import tensor_core as torch
    >>> torch.amin(torch.tensor([[1, 5], [7, 2]]), 1)
    tensor([1, 2])
    """
    _nonempty("amin", x, dim)
    return x.min(axis=axes_of(dim, x.ndim), keepdims=keepdim)


def _to_extremes(g: Any, y: Any, x: Any, dim: Any, keepdim: Any) -> Any:
    values, best = getattr(x, "_a", x), getattr(y, "_a", y)
    hit = values == kept(best, values.shape, dim, keepdim)
    share = hit / hit.sum(axis=axes_of(dim, values.ndim), keepdims=True)
    return kept(g, values.shape, dim, keepdim) * share.astype(values.dtype)


amax.vjp(_to_extremes)


amin.vjp(_to_extremes)


def _indexed_cases(rng: np.random.Generator) -> Any:
    yield Case(distinct(rng, (2, 5)), 1)
    yield Case(distinct(rng, (2, 3, 2)), 0, True)


def _with_index(name: str, arg: Any) -> Any:
    def forward(x: Any, /, dim: int, keepdim: bool = False) -> Any:
        axis = check_dim(dim, x.ndim)
        _nonempty(name, x, dim)
        if not x.ndim:
            return x.copy(), np.zeros((), np.int64)
        index = np.expand_dims(arg(x, axis), axis)
        values = np.take_along_axis(x, index, axis)
        if not keepdim:
            values, index = values.squeeze(axis), index.squeeze(axis)
        return values, index

    forward.__doc__ = f"""The {name} along one dimension, and where it stands (the first if tied).

    >>> import tensor_core as torch
    >>> values, places = torch.tensor([[4, 4], [4, 4]]).{name}(1)
    >>> values, places
    (tensor([4, 4]), tensor([0, 0]))
    """
    made = op(name=f"{name}_dim", torch=name, cases=_indexed_cases, kinks="ties: the first")(
        forward
    )

    @made.vjp
    def _(g: Any, y: Any, x_shape: Any, dim: Any, keepdim: Any) -> Any:
        if not x_shape:
            return g[0]
        values, index = kept(g[0], x_shape, dim, keepdim), kept(y[1], x_shape, dim, keepdim)
        index = getattr(index, "_a", index)
        axis = check_dim(dim, len(x_shape))
        ranks = np.arange(x_shape[axis]).reshape(
            [-1 if i == axis else 1 for i in range(len(x_shape))]
        )
        return values * (ranks == index)

    return made


max_dim = _with_index("max", np.argmax)


min_dim = _with_index("min", np.argmin)


@op(torch="argmax", cases=_indexed_cases)
def argmax(x: Any, /, dim: int | None = None, keepdim: bool = False) -> Any:
    """The index of the largest element along ``dim``, or in the flattened tensor.

    >>> import tensor_core as torch
    >>> x = torch.tensor([[1, 5], [7, 2]])
    >>> torch.argmax(x), torch.argmax(x, 1)
    (tensor(2), tensor([1, 0]))
    """
    return _arg(np.argmax, "argmax", x, dim, keepdim)


@op(torch="argmin", cases=_indexed_cases)
def argmin(x: Any, /, dim: int | None = None, keepdim: bool = False) -> Any:
    """The index of the smallest element along ``dim``, or in the flattened tensor.

    >>> import tensor_core as torch
    >>> x = torch.tensor([[1, 5], [7, 2]])
    >>> torch.argmin(x), torch.argmin(x, 1)
    (tensor(0), tensor([0, 1]))
    """
    return _arg(np.argmin, "argmin", x, dim, keepdim)


def _arg(find: Any, name: str, x: np.ndarray, dim: int | None, keepdim: bool) -> Any:
    if x.dtype == np.bool_:
        raise RuntimeError(f"{name}(): does not support bool input")
    if not x.size and dim is None:
        raise IndexError(
            f"{name}(): Expected reduction dim to be specified for input.numel() == 0."
        )
    _nonempty(name, x, dim)
    if dim is None or not x.ndim:
        index = find(x)
        return np.full([1] * x.ndim, index) if keepdim else index
    return find(x, axis=check_dim(dim, x.ndim), keepdims=keepdim)


def _truths(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(2, 3)) > 0, 1)
    yield Case(np.array([0.0, 1.0, -2.0]))


@op(torch="all", cases=_truths)
def all(x: Any, /, dim: Dim = None, keepdim: bool = False) -> Any:
    """Whether every element is true (non-zero).

    >>> import tensor_core as torch
    >>> torch.all(torch.tensor([[True, False], [True, True]]), 1)
    tensor([False,  True])
    """
    y = x.all(axis=numpy_axis(dim, x.ndim), keepdims=keepdim)
    return y.astype(x.dtype) if x.dtype == np.uint8 else y  # torch's oldest type of truth


@op(torch="any", cases=_truths)
def any(x: Any, /, dim: Dim = None, keepdim: bool = False) -> Any:
    """Whether some element is true (non-zero).

    >>> import tensor_core as torch
    >>> torch.any(torch.tensor([[True, False], [False, False]]), 1)
    tensor([ True, False])
    """
    y = x.any(axis=numpy_axis(dim, x.ndim), keepdims=keepdim)
    return y.astype(x.dtype) if x.dtype == np.uint8 else y
