"""``make_tensor``: a tensor of a shape and type with random values."""

from __future__ import annotations

import math
from typing import Any

from .._creation import empty
from .._dtypes import dtype as _dtype
from .._limits import finfo, iinfo
from .._tensor import Tensor
from ..ops.complex import view_as_real
from ..ops.random import randint


def make_tensor(
    *shape: Any, dtype: _dtype, device: Any, low: float | None = None, high: float | None = None,
    requires_grad: bool = False, noncontiguous: bool = False, exclude_zero: bool = False,
    memory_format: Any = None,
) -> Tensor:  # fmt: skip
    """Random values in [low, high), by default in [-9, 9) (integers to 9, bools both).

    Raises:
        ValueError: the bounds are no range, or integers are to require a gradient.

    >>> import tensor_core as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.testing.make_tensor(3, dtype=torch.int64, device="cpu")
    tensor([ 6, -5, -9])
    """
    sizes = tuple(shape[0]) if len(shape) == 1 and not isinstance(shape[0], int) else shape
    real = dtype.is_floating_point or dtype.is_complex
    if requires_grad and not real:
        raise ValueError(
            "`requires_grad=True` is not supported for boolean and integral dtypes, but got "
            f"dtype={dtype}"
        )
    if noncontiguous and memory_format is not None:
        raise ValueError("make_tensor: give noncontiguous or memory_format, not both")
    spread = noncontiguous and math.prod(sizes) > 1
    if spread:  # every other element is taken of twice as many
        sizes = (*sizes[:-1], 2 * sizes[-1])
    low, high = _bounds(dtype, low, high)
    if real:
        out = empty(sizes, dtype=dtype, device=device)
        _uniform(view_as_real(out) if dtype.is_complex else out, low, high)
    else:
        out = randint(int(low), int(high), sizes, dtype=dtype, device=device)
    if spread:
        out = out[..., 1::2]
    if exclude_zero:
        out[out == 0] = finfo(dtype).tiny if real else 1
    return out.requires_grad_() if requires_grad else out


def _uniform(t: Tensor, low: float, high: float) -> None:
    if high - low >= finfo(t.dtype).max:  # the range itself would overflow
        t.uniform_(low / 2, high / 2).mul_(2)
    else:
        t.uniform_(low, high)


def _bounds(dtype: _dtype, low: float | None, high: float | None) -> tuple[float, float]:
    if dtype.name == "bool":
        lowest, highest, usual = 0.0, 2.0, (0.0, 2.0)
    elif dtype.is_floating_point or dtype.is_complex:
        limits = finfo(dtype)
        lowest, highest, usual = limits.min, limits.max, (-9.0, 9.0)
    else:
        info = iinfo(dtype)
        top = info.max + (dtype.name != "int64")  # int64 cannot name the number after its last
        lowest, highest, usual = info.min, top, (-9.0, 10.0)
    low, high = usual[0] if low is None else low, usual[1] if high is None else high
    if math.isnan(low) or math.isnan(high):
        raise ValueError(f"`low` and `high` cannot be NaN, but got {low=} and {high=}")
    real = dtype.is_floating_point or dtype.is_complex
    if low > high or (low == high and not real):
        raise ValueError(f"`low` must be less than `high`, but got {low} >= {high}")
    if high < lowest or low >= highest:
        raise ValueError(
            f"The value interval specified by `low` and `high` is [{low}, {high}), but {dtype} "
            f"only supports [{lowest}, {highest})"
        )
    low, high = min(max(low, lowest), highest), min(max(high, lowest), highest)
    return (low, high) if real else (math.ceil(low), math.ceil(high))
