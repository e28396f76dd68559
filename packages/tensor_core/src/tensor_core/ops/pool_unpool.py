"""Max pooling undone: the maxima put back where they stood, among zeros."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._card import Case, Cases, composed
from .._tensor import Tensor, wrap
from .gather import scatter
from .pool import check_input
from .windows import Sizes, sizes_of


def unpool(
    name: str,
    n: int,
    input: Tensor,
    indices: Tensor,
    kernel: Any,
    stride: Any,
    padding: Any,
    output_size: Any,
) -> Tensor:
    """Zeros with the input's values at their flat indices."""
    kernel = sizes_of(name, "kernel_size", kernel, n)
    stride = kernel if stride is None else sizes_of(name, "stride", stride, n)
    padding = sizes_of(name, "padding", padding, n)
    if indices._a.dtype != np.int64:
        raise RuntimeError(f"{name}: elements in indices should be int64, not {indices.dtype}")
    if indices._a.shape != input._a.shape:
        raise RuntimeError(
            f"{name}: Expected shape of indices to be same as that of the input tensor "
            f"({list(input.shape)}) but got indices tensor with shape: {list(indices.shape)}"
        )
    check_input(name, input, n)
    lead, sizes = input._a.shape[:-n], input._a.shape[-n:]
    usual = tuple(
        (m - 1) * s + k - 2 * p for m, s, k, p in zip(sizes, stride, kernel, padding, strict=True)
    )
    wanted = usual if output_size is None else _checked(output_size, usual, stride)
    count = math.prod(wanted)
    picks = indices._a
    if picks.size and not (picks.min() >= 0 and picks.max() < count):
        bad = picks.min() if picks.min() < 0 else picks.max()
        raise RuntimeError(
            f"{name}: Found an invalid max index: {bad} (output volumes are of size {wanted})"
        )
    zeros = wrap(np.zeros((*lead, count), input._a.dtype))
    flat = [t.reshape(*lead, math.prod(sizes)) for t in (indices, input)]
    return scatter(zeros, -1, *flat).reshape(*lead, *wanted)


def _checked(output_size: Any, usual: Sizes, stride: Sizes) -> Sizes:
    wanted = tuple(int(o) for o in output_size)
    if len(wanted) == len(usual) + 2:
        wanted = wanted[2:]
    if len(wanted) != len(usual):
        raise ValueError(
            f"output_size should be a sequence containing {len(usual)} or {len(usual) + 2} "
            f"elements, but it has a length of '{len(wanted)}'"
        )
    for d, (o, u, s) in enumerate(zip(wanted, usual, stride, strict=True)):
        if not u - s < o < u + s:
            raise ValueError(
                f'invalid output_size "{wanted}" (dim {d} must be between {u - s} and {u + s})'
            )
    return wanted


def _unpool_cases(n: int) -> Cases:
    def cases(rng: np.random.Generator) -> Any:
        index = rng.permuted(np.arange(4**n).reshape(1, 1, -1), axis=-1)[..., : 2**n]
        shape = (1, 1, *[2] * n)
        yield Case(rng.normal(size=shape), index.reshape(shape), 2)

    return cases


@composed(torch="nn.functional.max_unpool1d", cases=_unpool_cases(1))
def max_unpool1d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    output_size: Any = None,
) -> Tensor:
    """Maxima put back where ``max_pool1d(..., return_indices=True)`` took them, among zeros.

    Raises:
        RuntimeError: indices of another shape or type, or outside the output.
        ValueError: an ``output_size`` that no input of this pooling has.

    >>> import tensor_core as torch
    >>> x = torch.rand(1, 1, 4)
    >>> y, places = torch.nn.functional.max_pool1d(x, 2, return_indices=True)
    >>> torch.nn.functional.max_unpool1d(y, places, 2).shape
    torch.Size([1, 1, 4])
    """
    return unpool("max_unpool1d", 1, input, indices, kernel_size, stride, padding, output_size)


@composed(torch="nn.functional.max_unpool2d", cases=_unpool_cases(2))
def max_unpool2d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    output_size: Any = None,
) -> Tensor:
    """Maxima put back where ``max_pool2d(..., return_indices=True)`` took them, among zeros.

    Raises:
        RuntimeError: indices of another shape or type, or outside the output.
        ValueError: an ``output_size`` that no input of this pooling has.

    >>> import tensor_core as torch
    >>> x = torch.rand(1, 1, 4, 4)
    >>> y, places = torch.nn.functional.max_pool2d(x, 2, return_indices=True)
    >>> torch.nn.functional.max_unpool2d(y, places, 2).shape
    torch.Size([1, 1, 4, 4])
    """
    return unpool("max_unpool2d", 2, input, indices, kernel_size, stride, padding, output_size)


@composed(torch="nn.functional.max_unpool3d", cases=_unpool_cases(3))
def max_unpool3d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    output_size: Any = None,
) -> Tensor:
    """Maxima put back where ``max_pool3d(..., return_indices=True)`` took them, among zeros.

    Raises:
        RuntimeError: indices of another shape or type, or outside the output.
        ValueError: an ``output_size`` that no input of this pooling has.

    >>> import tensor_core as torch
    >>> x = torch.rand(1, 1, 4, 4, 4)
    >>> y, places = torch.nn.functional.max_pool3d(x, 2, return_indices=True)
    >>> torch.nn.functional.max_unpool3d(y, places, 2).shape
    torch.Size([1, 1, 4, 4, 4])
    """
    return unpool("max_unpool3d", 3, input, indices, kernel_size, stride, padding, output_size)
