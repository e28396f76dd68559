"""The limits of number types: ``finfo`` and ``iinfo``."""

from __future__ import annotations

import numpy as np

from . import _dtypes

_BFLOAT16_INFO = (16, 2.0**-7, (2.0 - 2.0**-7) * 2.0**127, 2.0**-126, 1e-2)


class finfo:
    """Limits of a floating-point type: ``bits``, ``eps``, ``max``, ``min``, ``tiny``.

    >>> import tensor_core as torch
    >>> torch.finfo(torch.float32).eps
    1.1920928955078125e-07
    """

    def __init__(self, type: _dtypes.dtype | None = None) -> None:
        d = (type or _dtypes.get_default_dtype()).to_real()
        if not d.is_floating_point:
            raise TypeError(
                f"torch.finfo() requires a floating point input type, not {d}. Use torch.iinfo"
            )
        self.dtype = d.name
        if d is _dtypes.bfloat16:
            self.bits, self.eps, self.max, self.tiny, self.resolution = _BFLOAT16_INFO
        else:
            info = np.finfo(d.numpy)
            self.bits, self.eps, self.max = info.bits, info.eps.item(), info.max.item()
            self.tiny, self.resolution = info.tiny.item(), float(str(info.resolution))
        self.min = -self.max
        self.smallest_normal = self.tiny

    def __repr__(self) -> str:
        names = ("resolution", "min", "max", "eps", "smallest_normal", "tiny")
        parts = ", ".join(f"{n}={getattr(self, n):.6g}" for n in names)
        return f"finfo({parts}, dtype={self.dtype})"


class iinfo:
    """Limits of an integer type: ``bits``, ``max``, ``min``.

    >>> import tensor_core as torch
    >>> torch.iinfo(torch.int8).max
    127
    """

    def __init__(self, type: _dtypes.dtype) -> None:
        if type.category > 1 or type is _dtypes.bool:
            raise TypeError(
                f"torch.iinfo() requires an integer input type, not {type}. Use torch.finfo"
            )
        info = np.iinfo(type.numpy)
        self.dtype = type.name
        self.bits = info.bits
        self.max = info.max
        self.min = info.min

    def __repr__(self) -> str:
        return f"iinfo(min={self.min:.6g}, max={self.max:.6g}, dtype={self.dtype})"
