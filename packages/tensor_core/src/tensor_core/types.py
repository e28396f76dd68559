"""Names for annotations."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

from ._device import device
from ._dtypes import dtype
from ._missing import missing
from ._size import Size
from ._tensor import Tensor

__all__ = ["Device", "Number", "Size", "Storage", "Tensor", "device", "dtype"]

Number = builtins.int | builtins.float | builtins.bool
Device = device | str | builtins.int | None
Storage = Any
_TensorOrTensors = Tensor | Sequence[Tensor]
_size = Size | list[builtins.int] | tuple[builtins.int, ...]
_int, _float, _bool, _dtype, _device = builtins.int, builtins.float, builtins.bool, dtype, device

__getattr__ = missing(__name__)
