"""Tensors put together, and padded."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._card import Case, composed
from .._define import op
from .._geometry import check_dim
from .._tensor import Tensor


def _cat_cases(rng: np.random.Generator) -> Any:
    yield Case([rng.normal(size=(2, 3)), rng.normal(size=(1, 3))])
    yield Case([rng.normal(size=(2, 3)), rng.normal(size=(2, 0)), rng.normal(size=(2, 1))], 1)
    yield Case([rng.normal(size=(2, 3))], dim=-1)


@op(variadic=True, torch="cat", promote="same", cases=_cat_cases)
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


@op(variadic=True, torch="stack", promote="same", cases=_stack_cases)
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


def hstack(tensors: Any) -> Tensor:
    """Tensors side by side: along dimension 1, or 0 for vectors.

    >>> import tensor_core as torch
    >>> torch.hstack([torch.tensor([1, 2]), torch.tensor([3])])
    tensor([1, 2, 3])
    """
    items = [t if t._a.ndim else t.reshape(1) for t in tensors]
    return cat(items, 0 if items and items[0]._a.ndim == 1 else 1)


def vstack(tensors: Any) -> Tensor:
    """Tensors one above another: along dimension 0, vectors as rows.

    >>> import tensor_core as torch
    >>> torch.vstack([torch.tensor([1, 2]), torch.tensor([3, 4])])
    tensor([[1, 2],
            [3, 4]])
    """
    return cat([t if t._a.ndim > 1 else t.reshape(1, -1) for t in tensors], 0)


def _pad_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(2, 3)), (1, 2))
    yield Case(rng.normal(size=(2, 3)), (0, 1, 2, 0), value=1.5)
    yield Case(rng.normal(size=(2, 5)), (-1, -2))
    yield Case(np.asarray(rng.normal()), ())


@op(name="pad_constant", cases=_pad_cases)
def pad_constant(x: Any, /, pad: Any, value: float = 0.0) -> Any:
    """``x`` with a border of ``value``; pairs from the last dimension forward, negative crops.

    >>> import tensor_core as torch
    >>> torch.nn.functional.pad(torch.tensor([1, 2, 3]), (-1, 2))
    tensor([2, 3, 0, 0])
    """
    widths, crop = _widths(pad, x.ndim)
    if any(n + a + b < 0 for n, (a, b) in zip(x.shape[::-1], _pairs(pad), strict=False)):
        raise RuntimeError(f"pad: {tuple(pad)} takes more than there is of shape {x.shape}")
    return np.pad(x[crop], widths, constant_values=value) if widths else x.copy()


def _pairs(pad: Any) -> list[tuple[int, int]]:
    """(before, after) from the last dimension forward."""
    return [(int(pad[i]), int(pad[i + 1])) for i in range(0, len(pad), 2)]


def _widths(pad: Any, ndim: int) -> tuple[list[tuple[int, int]], tuple[slice, ...]]:
    if len(pad) % 2 or len(pad) > 2 * ndim:
        raise RuntimeError(
            f"pad: {tuple(pad)} must hold one pair for each of the last dimensions, at most {ndim}"
        )
    pairs = _pairs(pad)
    pairs = [(0, 0)] * (ndim - len(pairs)) + pairs[::-1]
    crop = tuple(slice(max(-a, 0), None if b >= 0 else b) for a, b in pairs)
    return [(max(a, 0), max(b, 0)) for a, b in pairs], crop


@pad_constant.vjp
def _(g: Any, pad: Any) -> Any:
    return pad_constant.plain(g, tuple(-int(p) for p in pad), 0.0)


@composed(torch="nn.functional.pad", cases=_pad_cases)
def pad(input: Tensor, pad: Any, mode: str = "constant", value: float | None = None) -> Tensor:
    """``input`` with a border: ``pad`` holds pairs from the last dimension forward.

    Raises:
        RuntimeError: a mode other than "constant".

    >>> import tensor_core as torch
    >>> torch.nn.functional.pad(torch.ones(1, 2), (1, 0, 0, 1), value=7.0)
    tensor([[7., 1., 1.],
            [7., 7., 7.]])
    """
    if mode != "constant":
        raise RuntimeError(f"pad: mode {mode!r} is not supported; 'constant' is")
    return pad_constant(input, tuple(pad), 0.0 if value is None else value)
