"""Pooling: the mean, the largest or the p-norm of each window."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._tensor import Tensor, wrap
from . import pool_core as core
from .activation import relu
from .pool_core import Windows
from .pool_ops import pool_max, pool_pick, pool_sum
from .rounding import sign
from .windows import Sizes, sizes_of, spans


def _windows(
    name: str, x: Tensor, n: int, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil: bool
) -> Windows:
    """Where the windows lie.

    Raises:
        RuntimeError: the arguments do not fit the input, or no window does.
    """
    check_input(name, x, n)
    kernel = sizes_of(name, "kernel_size", kernel, n)
    given = stride is not None and not (isinstance(stride, list | tuple) and not stride)
    stride = sizes_of(name, "stride", stride, n) if given else kernel
    padding, dilation = (
        sizes_of(name, what, v, n) for what, v in (("padding", padding), ("dilation", dilation))
    )
    for what, values in (("kernel_size", kernel), ("stride", stride), ("dilation", dilation)):
        if min(values) < 1:
            raise RuntimeError(f"{name}: {what} must be greater than zero, but got {values}")
    if any(p < 0 or p > r // 2 for p, r in zip(padding, spans(kernel, dilation), strict=True)):
        raise RuntimeError(
            f"{name}: pad should be at most half of effective kernel size and not negative, but "
            f"got pad={padding}, kernel_size={kernel} and dilation={dilation}"
        )
    sizes = x._a.shape[-n:]
    lines = zip(sizes, spans(kernel, dilation), stride, padding, strict=True)
    out = tuple(_count(*line, ceil) for line in lines)
    if min(out) < 1:
        raise RuntimeError(
            f"{name}: Given input size: {sizes}. Calculated output size: {out}. Output size is "
            "too small"
        )
    return Windows(kernel, stride, padding, dilation, out)


def check_input(name: str, x: Any, n: int) -> None:
    """A batch or a sample, of channels of something.

    Raises:
        TypeError: not a tensor.
        RuntimeError: another number of dimensions, or no elements in a sample.
    """
    if not isinstance(x, Tensor):
        raise TypeError(f"{name}(): argument 'input' must be Tensor, not {type(x).__name__}")
    shape = x._a.shape
    if len(shape) not in (n + 1, n + 2) or 0 in shape[-n - 1 :]:
        raise RuntimeError(
            f"{name}: Expected {n + 1}D or {n + 2}D (batch mode) tensor with optional 0 dim batch "
            f"size for input, but got:{list(shape)}"
        )


def _count(n: int, reach: int, stride: int, padding: int, ceil: bool) -> int:
    """How many windows fit; with ``ceil`` one more that starts inside may run over the end."""
    rest = n + 2 * padding - reach
    if not ceil:
        return rest // stride + 1
    out = -(-rest // stride) + 1
    return out - 1 if (out - 1) * stride >= n + padding else out


# -- the largest ---------------------------------------------------------------------------------


def largest(
    name: str,
    n: int,
    input: Tensor,
    kernel: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil: bool,
    with_indices: bool,
) -> Any:
    """The largest element of each window, with its flat index if wanted."""
    how = _windows(name, input, n, kernel, stride, padding, dilation, ceil)
    if not with_indices:
        return pool_max(input, how)
    number = core.numbers(input._a, core.largest(input._a, how), how)
    index = core.flat_indices(number, input._a.shape[-n:], how)
    return pool_pick(input, wrap(number), how), wrap(index)


# -- the mean ------------------------------------------------------------------------------------


def mean_of_windows(
    name: str,
    n: int,
    input: Tensor,
    kernel: Any,
    stride: Any,
    padding: Any,
    ceil: bool,
    include: bool,
    divisor: int | None,
) -> Tensor:
    """The sum of each window by its number of elements, or by another divisor."""
    how = _windows(name, input, n, kernel, stride, padding, 1, ceil)
    if divisor == 0:
        raise RuntimeError(f"{name}: divisor must be not zero")
    if n == 3 and any(m < k for m, k in zip(input._a.shape[-n:], how.kernel, strict=True)):
        raise RuntimeError(
            f"{name}: input image {input._a.shape[-n:]} smaller than kernel size {how.kernel}"
        )
    total = pool_sum(input, how)
    counts = _counts(how, input._a.shape[-n:], include) if divisor is None else np.array(divisor)
    if total._a.dtype.kind not in "fV":
        return wrap(np.trunc(total._a / counts).astype(total._a.dtype))
    return total / (wrap(counts.astype(total._a.dtype)) if counts.ndim else int(counts))


def _counts(how: Windows, sizes: Sizes, include: bool) -> np.ndarray:
    """The number of elements of each window, with the border or without; 0-d if all are equal."""
    counts: Any = np.ones((), np.int64)
    for n, k, s, p, o in zip(sizes, how.kernel, how.stride, how.padding, how.out, strict=True):
        start = np.arange(o) * s - p
        stop = np.minimum(start + k, n + p)
        if not include:
            start, stop = np.maximum(start, 0), np.minimum(stop, n)
        counts = counts[..., None] * (stop - start)
    equal = (counts == counts.flat[0]).all()
    return np.asarray(counts.flat[0]) if equal else counts


# -- the p-norm ----------------------------------------------------------------------------------


def norm_of_windows(
    name: str, n: int, input: Tensor, p: float, kernel: Any, stride: Any, ceil: bool
) -> Tensor:
    """The p-th root of the sum of p-th powers of each window (of no roots of negative sums)."""
    total = mean_of_windows(name, n, input**p, kernel, stride, 0, ceil, True, None)
    count = math.prod(sizes_of(name, "kernel_size", kernel, n))
    return (sign(total) * relu(abs(total)) * count) ** (1.0 / p)
