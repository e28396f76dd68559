"""Numbers in a row: evenly spaced, in steps, by powers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from . import _dtypes
from ._tensor import Tensor
from .ops.random import _type, finish


def _number(value: Any) -> Any:
    return value.item() if isinstance(value, Tensor | np.generic) else value


def arange(
    start: Any = 0,
    end: Any = None,
    step: Any = 1,
    *,
    out: Any = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """The numbers from ``start`` to before ``end`` in steps; int64 if all are integers.

    Raises:
        RuntimeError: the step is zero or leads away from the end, or the range is infinite.
        ValueError: the step is zero as an integer.

    >>> import tensor_core as torch
    >>> torch.arange(5), torch.arange(0, 1, 0.25)
    (tensor([0, 1, 2, 3, 4]), tensor([0.0000, 0.2500, 0.5000, 0.7500]))
    """
    if end is None:
        start, end = 0, start
    start, end, step = (_number(v) for v in (start, end, step))
    if dtype is not None:
        kind = _dtypes.to_numpy(dtype)
    elif all(isinstance(v, int) for v in (start, end, step)):
        kind = np.dtype(np.int64)
    else:
        kind = _dtypes.get_default_dtype().numpy
    _check_range(start, end, step)
    if kind.kind in "iu":
        start, end, step = (int(v) for v in (start, end, step))
        if step == 0:
            raise ValueError("step must be nonzero, and it is less than 1 as an integer")
    values = start + step * np.arange(math.ceil((end - start) / step))
    return finish(values.astype(kind), requires_grad, device, out)


def _check_range(start: Any, end: Any, step: Any) -> None:
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if not all(math.isfinite(v) for v in (start, end)):
        raise RuntimeError(f"unsupported range: {start} -> {end}")
    if (end - start) * step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")


def range(
    start: Any = 0,
    end: Any = None,
    step: Any = 1,
    *,
    out: Any = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """The numbers from ``start`` to ``end``, that included, in steps; use :func:`arange`.

    >>> import tensor_core as torch
    >>> torch.range(1, 3)
    tensor([1., 2., 3.])
    """
    if end is None:
        start, end = 0, start
    start, end, step = (_number(v) for v in (start, end, step))
    _check_range(start, end, step)
    values = start + step * np.arange(math.floor((end - start) / step) + 1)
    return finish(values.astype(_type(dtype)), requires_grad, device, out)


def _spaced(start: Any, end: Any, steps: int, kind: np.dtype[Any]) -> np.ndarray:
    """Evenly spaced numbers, each half counted from its own end."""
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    if steps < 2:
        return np.full(steps, start, kind)
    work = kind if kind.kind in "fc" else np.dtype(np.float32)
    one = work.type
    step = (one(end) - one(start)) / one(steps - 1)
    i = np.arange(steps)
    lower = one(start) + step * i.astype(work)
    upper = one(end) - step * (steps - 1 - i).astype(work)
    return np.where(i < steps // 2, lower, upper).astype(kind)


def linspace(
    start: Any,
    end: Any,
    steps: int,
    *,
    out: Any = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """``steps`` evenly spaced numbers from ``start`` to ``end``, both included.

    >>> import tensor_core as torch
    >>> torch.linspace(0, 1, 5)
    tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000])
    """
    values = _spaced(_number(start), _number(end), steps, _type(dtype))
    return finish(values, requires_grad, device, out)


def logspace(
    start: Any,
    end: Any,
    steps: int,
    base: float = 10.0,
    *,
    out: Any = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Powers of ``base`` with evenly spaced exponents from ``start`` to ``end``.

    >>> import tensor_core as torch
    >>> torch.logspace(0, 2, 3)
    tensor([  1.,  10., 100.])
    """
    kind = _type(dtype)
    work = kind if kind.kind == "f" else np.dtype(np.float32)
    exponents = _spaced(_number(start), _number(end), steps, work)
    return finish(np.power(work.type(base), exponents).astype(kind), requires_grad, device, out)


def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """Powers N - 1 to 0 of each element of a vector (0 to N - 1 when increasing), in columns.

    >>> import tensor_core as torch
    >>> torch.vander(torch.tensor([1, 2, 3]))
    tensor([[1, 1, 1],
            [4, 2, 1],
            [9, 3, 1]])
    """
    from . import ops

    if x._a.ndim != 1:
        raise RuntimeError("x must be a one-dimensional tensor.")
    count = x._a.size if N is None else N
    if count < 0:
        raise RuntimeError(f"N must be non-negative, not {count}")
    powers = [x * 0 + 1]
    while len(powers) < count:
        powers.append(powers[-1] * x)
    powers = powers[:count]
    if not powers:
        return x.reshape(-1, 1)[:, :0]
    return ops.stack(powers if increasing else powers[::-1], 1)
