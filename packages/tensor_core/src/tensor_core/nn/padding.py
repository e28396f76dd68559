"""Borders as layers."""

from __future__ import annotations

from typing import Any

from .._tensor import Tensor
from . import functional as F
from .module import Module


class _PadNd(Module):
    """A border of fixed widths: pairs from the last dimension forward, or one number for all."""

    _dims = 0
    _mode = "constant"

    def __init__(self, padding: Any) -> None:
        super().__init__()
        several = isinstance(padding, list | tuple)
        self.padding = tuple(padding) if several else (padding,) * (2 * self._dims)

    def forward(self, input: Tensor) -> Any:
        """The input with its border."""
        return F.pad(input, self.padding, self._mode)

    def extra_repr(self) -> str:
        """The widths."""
        return f"{self.padding}"


class _ConstantPadNd(_PadNd):
    def __init__(self, padding: Any, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Any:
        """The input with its border."""
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        """The widths and the value."""
        return f"padding={self.padding}, value={self.value}"


class _ZeroPadNd(_ConstantPadNd):
    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        """The widths."""
        return f"{self.padding}"


class _ReflectionPadNd(_PadNd):
    _mode = "reflect"


class _ReplicationPadNd(_PadNd):
    _mode = "replicate"


class _CircularPadNd(_PadNd):
    _mode = "circular"


class ConstantPad1d(_ConstantPadNd):
    """A border of one value, along the last dimension.

    >>> import tensor_core as torch
    >>> torch.nn.ConstantPad1d(1, 7.0)(torch.ones(1, 1, 2)).shape
    torch.Size([1, 1, 4])
    """

    _dims = 1


class ConstantPad2d(_ConstantPadNd):
    """A border of one value, along the last 2 dimensions.

    >>> import tensor_core as torch
    >>> torch.nn.ConstantPad2d(1, 7.0)(torch.ones(1, 1, 2, 2)).shape
    torch.Size([1, 1, 4, 4])
    """

    _dims = 2


class ConstantPad3d(_ConstantPadNd):
    """A border of one value, along the last 3 dimensions.

    >>> import tensor_core as torch
    >>> torch.nn.ConstantPad3d(1, 7.0)(torch.ones(1, 1, 2, 2, 2)).shape
    torch.Size([1, 1, 4, 4, 4])
    """

    _dims = 3


class ZeroPad1d(_ZeroPadNd):
    """A border of zeros, along the last dimension.

    >>> import tensor_core as torch
    >>> torch.nn.ZeroPad1d(1)(torch.ones(1, 1, 2)).shape
    torch.Size([1, 1, 4])
    """

    _dims = 1


class ZeroPad2d(_ZeroPadNd):
    """A border of zeros, along the last 2 dimensions.

    >>> import tensor_core as torch
    >>> torch.nn.ZeroPad2d(1)(torch.ones(1, 1, 2, 2)).shape
    torch.Size([1, 1, 4, 4])
    """

    _dims = 2


class ZeroPad3d(_ZeroPadNd):
    """A border of zeros, along the last 3 dimensions.

    >>> import tensor_core as torch
    >>> torch.nn.ZeroPad3d(1)(torch.ones(1, 1, 2, 2, 2)).shape
    torch.Size([1, 1, 4, 4, 4])
    """

    _dims = 3


class ReflectionPad1d(_ReflectionPadNd):
    """A border mirrored at the edge, without the edge itself, along the last dimension.

    >>> import tensor_core as torch
    >>> torch.nn.ReflectionPad1d(1)(torch.ones(1, 1, 2)).shape
    torch.Size([1, 1, 4])
    """

    _dims = 1


class ReflectionPad2d(_ReflectionPadNd):
    """A border mirrored at the edge, without the edge itself, along the last 2 dimensions.

    >>> import tensor_core as torch
    >>> torch.nn.ReflectionPad2d(1)(torch.ones(1, 1, 2, 2)).shape
    torch.Size([1, 1, 4, 4])
    """

    _dims = 2


class ReflectionPad3d(_ReflectionPadNd):
    """A border mirrored at the edge, without the edge itself, along the last 3 dimensions.

    >>> import tensor_core as torch
    >>> torch.nn.ReflectionPad3d(1)(torch.ones(1, 1, 2, 2, 2)).shape
    torch.Size([1, 1, 4, 4, 4])
    """

    _dims = 3


class ReplicationPad1d(_ReplicationPadNd):
    """A border of the edge again, along the last dimension.

    >>> import tensor_core as torch
    >>> torch.nn.ReplicationPad1d(1)(torch.ones(1, 1, 2)).shape
    torch.Size([1, 1, 4])
    """

    _dims = 1


class ReplicationPad2d(_ReplicationPadNd):
    """A border of the edge again, along the last 2 dimensions.

    >>> import tensor_core as torch
    >>> torch.nn.ReplicationPad2d(1)(torch.ones(1, 1, 2, 2)).shape
    torch.Size([1, 1, 4, 4])
    """

    _dims = 2


class ReplicationPad3d(_ReplicationPadNd):
    """A border of the edge again, along the last 3 dimensions.

    >>> import tensor_core as torch
    >>> torch.nn.ReplicationPad3d(1)(torch.ones(1, 1, 2, 2, 2)).shape
    torch.Size([1, 1, 4, 4, 4])
    """

    _dims = 3


class CircularPad1d(_CircularPadNd):
    """A border from the other side, along the last dimension.

    >>> import tensor_core as torch
    >>> torch.nn.CircularPad1d(1)(torch.ones(1, 1, 2)).shape
    torch.Size([1, 1, 4])
    """

    _dims = 1


class CircularPad2d(_CircularPadNd):
    """A border from the other side, along the last 2 dimensions.

    >>> import tensor_core as torch
    >>> torch.nn.CircularPad2d(1)(torch.ones(1, 1, 2, 2)).shape
    torch.Size([1, 1, 4, 4])
    """

    _dims = 2


class CircularPad3d(_CircularPadNd):
    """A border from the other side, along the last 3 dimensions.

    >>> import tensor_core as torch
    >>> torch.nn.CircularPad3d(1)(torch.ones(1, 1, 2, 2, 2)).shape
    torch.Size([1, 1, 4, 4, 4])
    """

    _dims = 3
