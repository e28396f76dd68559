"""Which frequency stands where, and moving frequency 0 to the middle and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _dtypes, ops
from .._tensor import Tensor
from ..ops.random import finish


def _of(values: np.ndarray, dtype: Any, device: Any, requires_grad: bool, out: Any) -> Tensor:
    kind = _dtypes.to_numpy(_dtypes.get_default_dtype() if dtype is None else dtype)
    return finish(values.astype(kind), requires_grad, device, out)


def fftfreq(
    n: int, d: float = 1.0, *, out: Any = None, dtype: Any = None, layout: Any = None,
    device: Any = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """The frequencies of :func:`fft`'s n values, in cycles a unit, samples ``d`` apart.

    >>> import tensor_core as torch
    >>> torch.fft.fftfreq(4)
    tensor([ 0.0000,  0.2500, -0.5000, -0.2500])
    """
    return _of(np.fft.fftfreq(n, d), dtype, device, requires_grad, out)


def rfftfreq(
    n: int, d: float = 1.0, *, out: Any = None, dtype: Any = None, layout: Any = None,
    device: Any = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """The frequencies of :func:`rfft`'s values, in cycles a unit, samples ``d`` apart.

    >>> import tensor_core as torch
    >>> torch.fft.rfftfreq(4)
    tensor([0.0000, 0.2500, 0.5000])
    """
    return _of(np.fft.rfftfreq(n, d), dtype, device, requires_grad, out)


def _moved(input: Tensor, dim: Any, sign: int) -> Tensor:
    dims = range(input._a.ndim) if dim is None else (dim,) if isinstance(dim, int) else dim
    half = [input._a.shape[d] // 2 for d in dims]
    shifts = half if sign > 0 else [-h for h in half]
    return ops.roll(input, tuple(shifts), tuple(dims))


def fftshift(input: Tensor, dim: Any = None) -> Tensor:
    """Frequency 0 moved to the middle of the dimensions named (of all without).

    >>> import tensor_core as torch
    >>> torch.fft.fftshift(torch.tensor([0, 1, -2, -1]))
    tensor([-2, -1,  0,  1])
    """
    return _moved(input, dim, 1)


def ifftshift(input: Tensor, dim: Any = None) -> Tensor:
    """What :func:`fftshift` moved, moved back.

    >>> import tensor_core as torch
    >>> torch.fft.ifftshift(torch.tensor([-2, -1, 0, 1]))
    tensor([ 0,  1, -2, -1])
    """
    return _moved(input, dim, -1)
