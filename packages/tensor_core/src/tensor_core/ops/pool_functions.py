"""Max, average and power pooling under torch's names; see ``pool.py`` for what they do."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._card import Case, Cases, composed
from .._tensor import Tensor
from ._cases import distinct
from .pool import largest, mean_of_windows, norm_of_windows

_SIZES = ((5,), (3, 4), (2, 3, 2))


def _max_cases(n: int) -> Cases:
    def cases(rng: np.random.Generator) -> Any:
        yield Case(distinct(rng, (1, 2, *_SIZES[n - 1])), 2, 1, 1)
        yield Case(distinct(rng, (2, *_SIZES[n - 1])), 2, ceil_mode=True)

    return cases


def _mean_cases(n: int) -> Cases:
    def cases(rng: np.random.Generator) -> Any:
        yield Case(rng.normal(size=(1, 2, *_SIZES[n - 1])), 2, 1, 1)
        yield Case(rng.normal(size=(1, *_SIZES[n - 1])), 2, 2, 1, True, False)

    return cases


def _norm_cases(n: int) -> Cases:
    def cases(rng: np.random.Generator) -> Any:
        yield Case(rng.uniform(0.5, 2, size=(1, 2, *_SIZES[n - 1])), 3.0, 2, 1)
        yield Case(rng.uniform(0.5, 2, size=(1, *_SIZES[n - 1])), 2, 2, None, True)

    return cases


@composed(torch="nn.functional.max_pool1d", cases=_max_cases(1), kinks="ties: the first")
def max_pool1d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window, and with ``return_indices`` where it stands.

    Shapes: (N, C, L) or without N -> (N, C, *windows). ``stride=None`` is ``kernel_size``;
    with ``ceil_mode`` a last window may run over the end.

    Raises:
        RuntimeError: no window fits, or the padding is more than half of one.

    >>> import tensor_core as torch
    >>> torch.nn.functional.max_pool1d(torch.zeros(1, 4), 2).shape
    torch.Size([1, 2])
    """
    return largest(
        "max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices
    )


@composed(torch="nn.functional.max_pool2d", cases=_max_cases(2), kinks="ties: the first")
def max_pool2d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window, and with ``return_indices`` where it stands.

    Shapes: (N, C, H, W) or without N -> (N, C, *windows). ``stride=None`` is ``kernel_size``;
    with ``ceil_mode`` a last window may run over the end.

    Raises:
        RuntimeError: no window fits, or the padding is more than half of one.

    >>> import tensor_core as torch
    >>> torch.nn.functional.max_pool2d(torch.zeros(1, 4, 4), 2).shape
    torch.Size([1, 2, 2])
    """
    return largest(
        "max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices
    )


@composed(torch="nn.functional.max_pool3d", cases=_max_cases(3), kinks="ties: the first")
def max_pool3d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window, and with ``return_indices`` where it stands.

    Shapes: (N, C, D, H, W) or without N -> (N, C, *windows). ``stride=None`` is ``kernel_size``;
    with ``ceil_mode`` a last window may run over the end.

    Raises:
        RuntimeError: no window fits, or the padding is more than half of one.

    >>> import tensor_core as torch
    >>> torch.nn.functional.max_pool3d(torch.zeros(1, 4, 4, 4), 2).shape
    torch.Size([1, 2, 2, 2])
    """
    return largest(
        "max_pool3d", 3, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices
    )


@composed(torch="nn.functional.avg_pool1d", cases=_mean_cases(1))
def avg_pool1d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of each window. Shapes: (N, C, L) or without N -> (N, C, *windows).

    ``stride=None`` is ``kernel_size``; ``count_include_pad`` counts the border's zeros.

    Raises:
        RuntimeError: no window fits, or the padding is more than half of one.

    >>> import tensor_core as torch
    >>> torch.nn.functional.avg_pool1d(torch.zeros(1, 4), 2).shape
    torch.Size([1, 2])
    """
    return mean_of_windows(
        "avg_pool1d", 1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None
    )


@composed(torch="nn.functional.avg_pool2d", cases=_mean_cases(2))
def avg_pool2d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window. Shapes: (N, C, H, W) or without N -> (N, C, *windows).

    ``stride=None`` is ``kernel_size``; ``count_include_pad`` counts the border's zeros; every sum
    is divided by ``divisor_override`` where that is given.

    Raises:
        RuntimeError: no window fits, or the padding is more than half of one.

    >>> import tensor_core as torch
    >>> torch.nn.functional.avg_pool2d(torch.zeros(1, 4, 4), 2).shape
    torch.Size([1, 2, 2])
    """
    return mean_of_windows(
        "avg_pool2d",
        2,
        input,
        kernel_size,
        stride,
        padding,
        ceil_mode,
        count_include_pad,
        divisor_override,
    )


@composed(torch="nn.functional.avg_pool3d", cases=_mean_cases(3))
def avg_pool3d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window. Shapes: (N, C, D, H, W) or without N -> (N, C, *windows).

    ``stride=None`` is ``kernel_size``; ``count_include_pad`` counts the border's zeros; every sum
    is divided by ``divisor_override`` where that is given.

    Raises:
        RuntimeError: no window fits, or the padding is more than half of one.

    >>> import tensor_core as torch
    >>> torch.nn.functional.avg_pool3d(torch.zeros(1, 4, 4, 4), 2).shape
    torch.Size([1, 2, 2, 2])
    """
    return mean_of_windows(
        "avg_pool3d",
        3,
        input,
        kernel_size,
        stride,
        padding,
        ceil_mode,
        count_include_pad,
        divisor_override,
    )


@composed(torch="nn.functional.lp_pool1d", cases=_norm_cases(1), kinks="sums of 0")
def lp_pool1d(
    input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
) -> Tensor:
    """``sum(x ** p) ** (1 / p)`` of each window. Shapes: (N, C, L) -> (N, C, *windows).

    >>> import tensor_core as torch
    >>> torch.nn.functional.lp_pool1d(torch.ones(1, 4), 1, 2).flatten()[0]
    tensor(2.)
    """
    return norm_of_windows("lp_pool1d", 1, input, norm_type, kernel_size, stride, ceil_mode)


@composed(torch="nn.functional.lp_pool2d", cases=_norm_cases(2), kinks="sums of 0")
def lp_pool2d(
    input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
) -> Tensor:
    """``sum(x ** p) ** (1 / p)`` of each window. Shapes: (N, C, H, W) -> (N, C, *windows).

    >>> import tensor_core as torch
    >>> torch.nn.functional.lp_pool2d(torch.ones(1, 4, 4), 1, 2).flatten()[0]
    tensor(4.)
    """
    return norm_of_windows("lp_pool2d", 2, input, norm_type, kernel_size, stride, ceil_mode)


@composed(torch="nn.functional.lp_pool3d", cases=_norm_cases(3), kinks="sums of 0")
def lp_pool3d(
    input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
) -> Tensor:
    """``sum(x ** p) ** (1 / p)`` of each window. Shapes: (N, C, D, H, W) -> (N, C, *windows).

    >>> import tensor_core as torch
    >>> torch.nn.functional.lp_pool3d(torch.ones(1, 4, 4, 4), 1, 2).flatten()[0]
    tensor(8.)
    """
    return norm_of_windows("lp_pool3d", 3, input, norm_type, kernel_size, stride, ceil_mode)
