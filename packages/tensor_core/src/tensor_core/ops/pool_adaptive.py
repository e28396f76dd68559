"""Pooling to a wanted size: windows that share the input out evenly.

Window i of n covers the elements from ``floor(i * size / n)`` to ``ceil((i + 1) * size / n)``.
"""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np

from .._card import Case, Cases, composed
from .._tensor import Tensor, wrap
from ._cases import distinct
from .gather import gather
from .join import cat
from .pool import check_input
from .pool_functions import max_pool1d
from .reduce import mean
from .reshaping import narrow
from .windows import Sizes, sizes_of


def _bounds(size: int, n: int) -> list[tuple[int, int]]:
    return [(i * size // n, -(-(i + 1) * size // n)) for i in range(n)]


def _wanted(name: str, x: Any, n: int, output_size: Any) -> Sizes:
    """The output's sizes; ``None`` keeps the input's."""
    check_input(name, x, n)
    sizes = x._a.shape[-n:]
    if not isinstance(output_size, int):
        output_size = tuple(output_size)
        if len(output_size) not in (1, n):
            raise RuntimeError(f"{name}: output_size must be {n} numbers, not {output_size}")
        if len(output_size) == 1:
            output_size = output_size * n
        output_size = [m if o is None else o for o, m in zip(output_size, sizes, strict=True)]
    wanted = sizes_of(name, "output_size", output_size, n)
    if min(wanted) < 0:
        raise RuntimeError(
            f"{name}: elements of output_size must be greater than or equal to 0 but received "
            f"{wanted}"
        )
    return wanted


def _mean_along(x: Tensor, dim: int, n: int) -> Tensor:
    """The means of ``n`` windows along one dimension."""
    size = x._a.shape[dim]
    if n and size % n == 0:  # windows of one length, side by side
        shape = (*x._a.shape[:dim], n, size // n, *x._a.shape[dim + 1 :])
        return x if size == n else mean(x.reshape(shape), dim + 1)
    parts = [mean(narrow(x, dim, a, b - a), dim, True) for a, b in _bounds(size, n)]
    return cat(parts, dim) if parts else narrow(x, dim, 0, 0)


def adaptive_mean(name: str, n: int, input: Tensor, output_size: Any) -> Tensor:
    """The mean of each window, one dimension after the other."""
    wanted = _wanted(name, input, n, output_size)
    if input._a.dtype.kind not in "fcV":
        raise NotImplementedError(f"{name} is not implemented for {input.dtype}; use float()")
    first = input._a.ndim - n
    if set(wanted) == {1}:  # global pooling
        return mean(input, tuple(range(first, input._a.ndim)), True)
    y = input
    for k, size in enumerate(wanted):
        y = _mean_along(y, first + k, size)
    return y.clone() if y is input else y


def adaptive_largest(name: str, n: int, input: Tensor, output_size: Any, with_indices: bool) -> Any:
    """The largest element of each window, with its flat index if wanted."""
    wanted = _wanted(name, input, n, output_size)
    if input._a.dtype.kind not in "fcV":
        raise NotImplementedError(f"{name} is not implemented for {input.dtype}; use float()")
    a = input._a
    lead, sizes = a.shape[: a.ndim - n], a.shape[a.ndim - n :]
    index: Any = np.zeros((*lead, *wanted), np.int64)
    lines = [_bounds(size, o) for size, o in zip(sizes, wanted, strict=True)]
    for place in product(*map(range, wanted)):
        bounds = [line[i] for line, i in zip(lines, place, strict=True)]
        index[(..., *place)] = _flat_argmax(a, bounds, sizes)
    flat = wrap(index.reshape(*lead, math.prod(wanted)))
    y = gather(input.reshape(*lead, math.prod(sizes)), -1, flat).reshape(index.shape)
    return (y, wrap(index)) if with_indices else y


def _flat_argmax(a: Any, bounds: list[tuple[int, int]], sizes: Sizes) -> np.ndarray:
    """Where the largest element of a block is, as an index into the flattened dimensions."""
    block = a[(..., *(slice(*b) for b in bounds))]
    inside = block.shape[a.ndim - len(sizes) :]
    flat = block.reshape(*a.shape[: a.ndim - len(sizes)], -1)
    best = flat.argmax(-1)
    nan = np.isnan(flat)
    if nan.any():  # the last of them, as torch has it
        best = np.where(nan.any(-1), flat.shape[-1] - 1 - nan[..., ::-1].argmax(-1), best)
    index = np.zeros_like(best)
    for n, (start, _), k in zip(sizes, bounds, np.unravel_index(best, inside), strict=True):
        index = index * n + start + k
    return index


# -- the public functions ------------------------------------------------------------------------


def _mean_cases(n: int) -> Cases:
    def cases(rng: np.random.Generator) -> Any:
        sizes = ((5,), (4, 3), (2, 3, 2))[n - 1]
        yield Case(rng.normal(size=(1, 2, *sizes)), 2)
        yield Case(rng.normal(size=(1, *sizes)), 1)

    return cases


def _max_cases(n: int) -> Cases:
    def cases(rng: np.random.Generator) -> Any:
        sizes = ((5,), (4, 3), (2, 3, 2))[n - 1]
        yield Case(distinct(rng, (1, 2, *sizes)), 2)

    return cases


@composed(torch="nn.functional.adaptive_avg_pool1d", cases=_mean_cases(1))
def adaptive_avg_pool1d(input: Tensor, output_size: Any) -> Tensor:
    """The means of windows that share the input out to ``output_size``.

    Shapes: (N, C, L) or without N -> (N, C, *output_size); ``None`` keeps a size.

    >>> import tensor_core as torch
    >>> torch.nn.functional.adaptive_avg_pool1d(torch.zeros(1, 4), 2).shape
    torch.Size([1, 2])
    """
    return adaptive_mean("adaptive_avg_pool1d", 1, input, output_size)


@composed(torch="nn.functional.adaptive_avg_pool2d", cases=_mean_cases(2))
def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """The means of windows that share the input out to ``output_size``.

    Shapes: (N, C, H, W) or without N -> (N, C, *output_size); ``None`` keeps a size.

    >>> import tensor_core as torch
    >>> torch.nn.functional.adaptive_avg_pool2d(torch.zeros(1, 4, 4), 2).shape
    torch.Size([1, 2, 2])
    """
    return adaptive_mean("adaptive_avg_pool2d", 2, input, output_size)


@composed(torch="nn.functional.adaptive_avg_pool3d", cases=_mean_cases(3))
def adaptive_avg_pool3d(input: Tensor, output_size: Any) -> Tensor:
    """The means of windows that share the input out to ``output_size``.

    Shapes: (N, C, D, H, W) or without N -> (N, C, *output_size); ``None`` keeps a size.

    >>> import tensor_core as torch
    >>> torch.nn.functional.adaptive_avg_pool3d(torch.zeros(1, 4, 4, 4), 2).shape
    torch.Size([1, 2, 2, 2])
    """
    return adaptive_mean("adaptive_avg_pool3d", 3, input, output_size)


@composed(torch="nn.functional.adaptive_max_pool1d", cases=_max_cases(1), kinks="ties: the first")
def adaptive_max_pool1d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The maxima of windows that share the input out, and with ``return_indices`` their places.

    Shapes: (N, C, L) or without N -> (N, C, *output_size); ``None`` keeps a size.

    >>> import tensor_core as torch
    >>> torch.nn.functional.adaptive_max_pool1d(torch.zeros(1, 4), 2).shape
    torch.Size([1, 2])
    """
    return adaptive_largest("adaptive_max_pool1d", 1, input, output_size, return_indices)


@composed(torch="nn.functional.adaptive_max_pool2d", cases=_max_cases(2), kinks="ties: the first")
def adaptive_max_pool2d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The maxima of windows that share the input out, and with ``return_indices`` their places.

    Shapes: (N, C, H, W) or without N -> (N, C, *output_size); ``None`` keeps a size.

    >>> import tensor_core as torch
    >>> torch.nn.functional.adaptive_max_pool2d(torch.zeros(1, 4, 4), 2).shape
    torch.Size([1, 2, 2])
    """
    return adaptive_largest("adaptive_max_pool2d", 2, input, output_size, return_indices)


@composed(torch="nn.functional.adaptive_max_pool3d", cases=_max_cases(3), kinks="ties: the first")
def adaptive_max_pool3d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The maxima of windows that share the input out, and with ``return_indices`` their places.

    Shapes: (N, C, D, H, W) or without N -> (N, C, *output_size); ``None`` keeps a size.

    >>> import tensor_core as torch
    >>> torch.nn.functional.adaptive_max_pool3d(torch.zeros(1, 4, 4, 4), 2).shape
    torch.Size([1, 2, 2, 2])
    """
    return adaptive_largest("adaptive_max_pool3d", 3, input, output_size, return_indices)


def adaptive_max_pool1d_with_indices(input: Tensor, output_size: Any) -> Any:
    """The maxima and their places: what ``torch.adaptive_max_pool1d`` gives.

    >>> import tensor_core as torch
    >>> torch.adaptive_max_pool1d(torch.tensor([[1.0, 3.0, 2.0, 0.0]]), 2)
    (tensor([[3., 2.]]), tensor([[1, 2]]))
    """
    return adaptive_max_pool1d(input, output_size, True)


def max_pool1d_with_indices(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> Any:
    """The largest element of each window, and where it stands.

    >>> import tensor_core as torch
    >>> torch.max_pool1d_with_indices(torch.tensor([[1.0, 3.0, 2.0, 0.0]]), 2)
    (tensor([[3., 2.]]), tensor([[1, 2]]))
    """
    return max_pool1d(input, kernel_size, stride, padding, dilation, ceil_mode, True)
