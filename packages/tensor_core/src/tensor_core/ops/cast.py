"""Conversion between element types."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _dtypes
from .._card import Case
from .._define import op
from .._size import device
from .._tensor import Tensor


@op(name="cast", cases=lambda rng: iter([Case(rng.normal(size=(2, 3)), _dtypes.float64)]))
def cast(x: Any, /, dtype: Any) -> Any:
    """The elements as another type; the gradient comes back as the input's.

    >>> import tensor_core as torch
    >>> torch.tensor([1.7, -1.7]).to(torch.int64)
    tensor([ 1, -1])
    """
    return x.astype(dtype.numpy)


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
    copy = kwargs.pop("copy", False)
    where = kwargs.pop("device", None)
    for a in args:
        if isinstance(a, _dtypes.dtype):
            kind = a
        elif isinstance(a, Tensor):
            kind = a.dtype
        elif isinstance(a, str | device):
            where = a
        elif not (a is None or isinstance(a, bool)):
            raise TypeError(f"to() takes a dtype, a device or a tensor, not {type(a).__name__}")
    if where is not None:
        device(where)
    if kind is None or kind.numpy == self._a.dtype:
        return self.clone() if copy else self
    if self._a.dtype.kind == "c" and kind.category < 3:
        return cast(self.real, kind)
    with np.errstate(all="ignore"):
        return cast(self, kind)
