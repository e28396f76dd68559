"""Tensors put together."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._card import Case, composed
from .._define import op
from .._geometry import check_dim
from .._tensor import Tensor, wrap
from .padding_constant import pad_constant


def _cat_cases(rng: np.random.Generator) -> Any:
    yield Case([rng.normal(size=(2, 3)), rng.normal(size=(1, 3))])
    yield Case([rng.normal(size=(2, 3)), rng.normal(size=(2, 0)), rng.normal(size=(2, 1))], 1)
    yield Case([rng.normal(size=(2, 3))], dim=-1)


@op(variadic=True, torch="cat", row_major=True, promote="same", cases=_cat_cases)
def cat(tensors: Any, dim: int = 0) -> Any:
    """Tensors one after another along ``dim``; the other lengths must agree.

    Raises:
        ValueError: there are none.
        RuntimeError: their shapes disagree.

    >>> import tensor_core as torch
    >>> torch.cat([torch.tensor([1, 2]), torch.tensor([3])])
    tensor([1, 2, 3])
    """
    if not tensors:
        raise ValueError("torch.cat(): expected a non-empty list of Tensors")
    full = [x for x in tensors if x.shape != (0,)] or list(tensors)  # torch ignores shape (0,)
    if any(not x.ndim for x in full):
        raise RuntimeError("cat: zero-dimensional tensors cannot be concatenated; use stack")
    axis = check_dim(dim, full[0].ndim)
    first = full[0].shape
    for i, x in enumerate(full):
        if x.ndim != len(first):
            raise RuntimeError(
                f"Tensors must have same number of dimensions: got {len(first)} and {x.ndim}"
            )
        if any(a != b for k, (a, b) in enumerate(zip(x.shape, first, strict=True)) if k != axis):
            raise RuntimeError(
                f"Sizes of tensors must match except in dimension {axis}. Expected {list(first)} "
                f"but got {list(x.shape)} for tensor number {i} in the list."
            )
    if not full[0].ndim:
        raise RuntimeError("zero-dimensional tensor (at position 0) cannot be concatenated")
    return np.concatenate(full, axis)


@cat.vjp
def _(g: Any, tensors_shape: Any, dim: Any, needs: Any) -> list[Any]:
    grads: list[Any] = []
    axis = dim % g.ndim
    start = 0
    for shape, need in zip(tensors_shape, needs, strict=True):
        if shape == (0,) and g.ndim > 1:
            grads.append(None)
            continue
        stop = start + shape[axis]
        grads.append(g[(slice(None),) * axis + (slice(start, stop),)] if need else None)
        start = stop
    return grads


def _stack_cases(rng: np.random.Generator) -> Any:
    yield Case([rng.normal(size=(2, 3)), rng.normal(size=(2, 3))])
    yield Case([rng.normal(size=(2,)), rng.normal(size=(2,)), rng.normal(size=(2,))], -1)


@op(variadic=True, torch="stack", row_major=True, promote="same", cases=_stack_cases)
def stack(tensors: Any, dim: int = 0) -> Any:
    """Tensors of one shape along a new dimension ``dim``.

    Raises:
        RuntimeError: there are none, or their shapes differ.

    >>> import tensor_core as torch
    >>> torch.stack([torch.tensor([1, 2]), torch.tensor([3, 4])], dim=1)
    tensor([[1, 3],
            [2, 4]])
    """
    if not tensors:
        raise RuntimeError("stack expects a non-empty TensorList")
    first = tensors[0].shape
    for i, x in enumerate(tensors):
        if x.shape != first:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(first)} at entry 0 "
                f"and {list(x.shape)} at entry {i}"
            )
    return np.stack(tensors, check_dim(dim, len(first) + 1))


@stack.vjp
def _(g: Any, dim: Any, needs: Any) -> list[Any]:
    axis = dim % g.ndim
    head = (slice(None),) * axis
    return [g[(*head, i)] if need else None for i, need in enumerate(needs)]


concat = concatenate = cat


def _pair_cases(rng: np.random.Generator) -> Any:
    yield Case([rng.normal(size=(2, 3)), rng.normal(size=(2, 3))])
    yield Case([rng.normal(size=2), rng.normal(size=2)])
    yield Case([np.asarray(rng.normal()), np.asarray(rng.normal())])


@composed(torch="hstack", cases=_pair_cases)
def hstack(tensors: Any, *, out: Any = None) -> Tensor:
    """Tensors side by side: along dimension 1, or 0 for vectors.

    >>> import tensor_core as torch
    >>> torch.hstack([torch.tensor([1, 2]), torch.tensor([3])])
    tensor([1, 2, 3])
    """
    items = [t if t._a.ndim else t.reshape(1) for t in tensors]
    return cat(_some("hstack", items), 0 if items[0]._a.ndim == 1 else 1, out=out)


def _some(name: str, tensors: Any) -> list[Tensor]:
    items = list(tensors)
    if not items:
        raise RuntimeError(f"{name} expects a non-empty TensorList")
    return items


@composed(torch="vstack", cases=_pair_cases)
def vstack(tensors: Any, *, out: Any = None) -> Tensor:
    """Tensors one above another: along dimension 0, vectors as rows.

    >>> import tensor_core as torch
    >>> torch.vstack([torch.tensor([1, 2]), torch.tensor([3, 4])])
    tensor([[1, 2],
            [3, 4]])
    """
    items = [t if t._a.ndim > 1 else t.reshape(1, -1) for t in _some("vstack", tensors)]
    return cat(items, 0, out=out)


row_stack = vstack


@composed(torch="dstack", cases=_pair_cases)
def dstack(tensors: Any, *, out: Any = None) -> Tensor:
    """Tensors one behind another: along dimension 2, matrices and vectors made three-dimensional.

    >>> import tensor_core as torch
    >>> torch.dstack([torch.tensor([1, 2]), torch.tensor([3, 4])])
    tensor([[[1, 3],
             [2, 4]]])
    """
    from .arranging import atleast_3d

    return cat([atleast_3d(t) for t in _some("dstack", tensors)], 2, out=out)


@composed(torch="column_stack", cases=_pair_cases)
def column_stack(tensors: Any, *, out: Any = None) -> Tensor:
    """Tensors side by side: along dimension 1, vectors as columns.

    >>> import tensor_core as torch
    >>> torch.column_stack([torch.tensor([1, 2]), torch.tensor([3, 4])])
    tensor([[1, 3],
            [2, 4]])
    """
    items = [t if t._a.ndim > 1 else t.reshape(-1, 1) for t in _some("column_stack", tensors)]
    return cat(items, 1, out=out)


def block_diag(*tensors: Any) -> Tensor:
    """Matrices along the diagonal of one matrix, zeros elsewhere; vectors count as rows.

    Raises:
        RuntimeError: a tensor has more than two dimensions.

    >>> import tensor_core as torch
    >>> torch.block_diag(torch.tensor([[1, 2]]), torch.tensor(3))
    tensor([[1, 2, 0],
            [0, 0, 3]])
    """
    if len(tensors) == 1 and isinstance(tensors[0], list | tuple):
        tensors = tuple(tensors[0])
    for i, t in enumerate(tensors):
        if t._a.ndim > 2:
            raise RuntimeError(
                "torch.block_diag: Input tensors must have 2 or fewer dimensions. "
                f"Input {i} has {t._a.ndim} dimensions"
            )
    blocks = [t if t._a.ndim == 2 else t.reshape(1, -1) for t in tensors]
    width = sum(b._a.shape[1] for b in blocks)
    rows, left = [], 0
    for b in blocks:
        rows.append(pad_constant(b, (left, width - left - b._a.shape[1])))
        left += b._a.shape[1]
    return cat(rows, 0) if rows else wrap(np.empty((1, 0), np.float32))
