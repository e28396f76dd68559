"""Conversion between element types."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from .. import _dtypes
from .._card import Case
from .._define import op
from .._device import computing, device
from .._half import to_half
from .._tensor import Tensor


@op(name="cast", cases=lambda rng: iter([Case(rng.normal(size=(2, 3)), _dtypes.float64)]))
def cast(x: Any, /, dtype: Any) -> Any:
    """The elements as another type; the gradient comes back as the input's.

    >>> import tensor_core as torch
    >>> torch.tensor([1.7, -1.7]).to(torch.int64)
    tensor([ 1, -1])
    """
    kind = dtype.numpy
    if kind in _dtypes.HALVES:
        return to_half(x, kind)
    if x.dtype.kind in "fV" and kind.kind in "iu" and kind.itemsize < 4:
        x = x.astype(np.int32)  # what does not fit wraps around, as on the processor
    return x.astype(kind, order="C" if 0 in x.strides else "K")  # of repeated elements, in rows


@cast.vjp
def _(g: Any) -> Any:
    return g  # the engine converts


def to(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """The tensor as another type (the same tensor if nothing changes).

    Accepts a dtype, a device, another tensor, or ``device=``, ``dtype=``, ``copy=``.

    >>> import tensor_core as torch
    >>> x = torch.tensor([1, 2])
    >>> x.to(torch.float32), x.to("cpu") is x
    (tensor([1., 2.]), True)
    """
    kind = kwargs.pop("dtype", None)
    flags: list[bool] = []  # non_blocking, copy
    where = kwargs.pop("device", None)
    for a in args:
        if isinstance(a, _dtypes.dtype):
            kind = a
        elif isinstance(a, Tensor):
            kind = a.dtype
        elif isinstance(a, str | device):
            where = a
        elif isinstance(a, bool):
            flags.append(a)
        elif isinstance(a, int):  # the number of an accelerator
            where = device(a)
        elif a is not None:
            raise TypeError(f"to() takes a dtype, a device or a tensor, not {type(a).__name__}")
    copy = kwargs.pop("copy", len(flags) > 1 and flags[1])
    if where is not None:
        computing(where)
    if kind is None or kind.numpy == self._a.dtype:
        return self.clone() if copy else self
    if self._a.dtype.kind == "c" and 0 < kind.category < 3:
        warnings.warn(
            "Casting complex values to real discards the imaginary part", UserWarning, stacklevel=3
        )
        return cast(self.real, kind)
    with np.errstate(all="ignore"):
        return cast(self, kind)
