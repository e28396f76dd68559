"""Convolutions as layers."""

from __future__ import annotations

import math
from typing import Any

from .._creation import empty
from .._tensor import Tensor
from . import functional as F
from . import init
from ._sizes import each_dimension
from .module import Module
from .parameter import Parameter

_MODES = ("zeros", "reflect", "replicate", "circular")


class _ConvNd(Module):
    """What convolutions of all kinds have in common: sizes, parameters and their first values."""

    _dims = 0
    _transposed = False

    weight: Tensor  # (out_channels, in_channels / groups, *kernel); transposed: in and out swapped
    bias: Tensor | None  # (out_channels,)
    padding: Any  # a number a dimension, or a word

    def _build(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any,
        padding: Any,
        dilation: Any,
        output_padding: Any,
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Any,
        dtype: Any,
    ) -> None:
        n = self._dims
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = each_dimension(kernel_size, n)
        self.stride = each_dimension(stride, n)
        self.padding = padding if isinstance(padding, str) else each_dimension(padding, n)
        self.dilation = each_dimension(dilation, n)
        self.transposed = self._transposed
        self.output_padding = each_dimension(output_padding, n)
        self.groups = groups
        self.padding_mode = padding_mode
        self._check()
        self._reversed_padding_repeated_twice = self._borders()
        self._make_parameters(bias, device, dtype)
        self.reset_parameters()

    def _check(self) -> None:
        if self.groups <= 0:
            raise ValueError("groups must be a positive integer")
        for what in ("in_channels", "out_channels"):
            if getattr(self, what) % self.groups:
                raise ValueError(f"{what} must be divisible by groups")
        if isinstance(self.padding, str):
            if self.padding not in ("same", "valid"):
                raise ValueError(
                    f"Invalid padding string {self.padding!r}, should be one of {{'same', 'valid'}}"
                )
            if self.padding == "same" and any(s != 1 for s in self.stride):
                raise ValueError("padding='same' is not supported for strided convolutions")
        if self.padding_mode not in _MODES:
            raise ValueError(
                f"padding_mode must be one of {set(_MODES)}, but got padding_mode="
                f"'{self.padding_mode}'"
            )

    def _borders(self) -> list[int]:
        """The padding as ``F.pad`` takes it: pairs, from the last dimension forward."""
        if self.padding == "valid":
            return [0, 0] * self._dims
        if isinstance(self.padding, str):
            totals = [d * (k - 1) for d, k in zip(self.dilation, self.kernel_size, strict=True)]
            return [side for t in reversed(totals) for side in (t // 2, t - t // 2)]
        return [side for p in reversed(self.padding) for side in (p, p)]

    def _make_parameters(self, bias: bool, device: Any, dtype: Any) -> None:
        self.weight = Parameter(empty(self._weight_shape(), device=device, dtype=dtype))
        value = Parameter(empty(self.out_channels, device=device, dtype=dtype)) if bias else None
        self.register_parameter("bias", value)

    def _weight_shape(self) -> tuple[int, ...]:
        first, second = self.out_channels, self.in_channels
        if self._transposed:
            first, second = second, first
        return (first, second // self.groups, *self.kernel_size)

    def reset_parameters(self) -> None:
        """Draw the weight, then the bias, afresh, uniform in ±1/sqrt(inputs of one output)."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in, _ = init._calculate_fan_in_and_fan_out(self.weight)
            if fan_in:
                bound = 1 / math.sqrt(fan_in)
                init.uniform_(self.bias, -bound, bound)

    def extra_repr(self) -> str:
        """Channels, kernel, stride, and what differs from the defaults."""
        n = self._dims
        text = (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, "
            f"stride={self.stride}"
        )
        for name, usual in (("padding", 0), ("dilation", 1), ("output_padding", 0)):
            value = getattr(self, name)
            if value != (usual,) * n:
                text += f", {name}={value}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        return text if self.padding_mode == "zeros" else f"{text}, padding_mode={self.padding_mode}"


class _Conv(_ConvNd):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self._build(
            in_channels, out_channels, kernel_size, stride, padding, dilation, 0, groups, bias,
            padding_mode, device, dtype,
        )  # fmt: skip

    def _convolve(self, function: Any, input: Tensor, weight: Tensor, bias: Tensor | None) -> Any:
        padding: Any = self.padding
        if self.padding_mode != "zeros":
            input = F.pad(input, self._reversed_padding_repeated_twice, mode=self.padding_mode)
            padding = 0
        return function(input, weight, bias, self.stride, padding, self.dilation, self.groups)


class _ConvTransposeNd(_ConvNd):
    _transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if padding_mode != "zeros":
            raise ValueError(
                f'Only "zeros" padding mode is supported for {type(self).__name__}, not '
                f"{padding_mode!r}"
            )
        super().__init__()
        self._build(
            in_channels, out_channels, kernel_size, stride, padding, dilation, output_padding,
            groups, bias, padding_mode, device, dtype,
        )  # fmt: skip

    def _convolve(self, function: Any, input: Tensor, output_size: Any) -> Any:
        extra = self._output_padding(input, output_size)
        return function(
            input, self.weight, self.bias, self.stride, self.padding, extra, self.groups,
            self.dilation,
        )  # fmt: skip

    def _output_padding(self, input: Tensor, output_size: Any) -> tuple[int, ...]:
        """What must be added at the far end to reach a wanted size."""
        if output_size is None:
            return self.output_padding
        n = self._dims
        wanted = [int(size) for size in output_size]
        if len(wanted) == input.ndim and input.ndim > n:
            wanted = wanted[input.ndim - n :]
        if len(wanted) != n:
            raise ValueError(
                f"{type(self).__name__}: for {input.ndim}D input, output_size must have {n} or "
                f"{input.ndim} elements (got {len(wanted)})"
            )
        lines = zip(
            input.shape[input.ndim - n :], self.stride, self.padding, self.dilation,
            self.kernel_size, strict=True,
        )  # fmt: skip
        least = [(m - 1) * s - 2 * int(p) + d * (k - 1) + 1 for m, s, p, d, k in lines]
        most = [low + s - 1 for low, s in zip(least, self.stride, strict=True)]
        if any(not a <= w <= b for a, w, b in zip(least, wanted, most, strict=True)):
            raise ValueError(
                f"requested an output size of {wanted}, but valid sizes range from {least} to "
                f"{most} (for an input of {list(input.shape[2:])})"
            )
        return tuple(w - low for w, low in zip(wanted, least, strict=True))


class Conv1d(_Conv):
    """Learned kernels at every window of 1 dimension.

    Shapes: (N, in_channels, L) or without N -> (N, out_channels, *windows). ``padding`` is a
    border, or "same" or "valid"; ``padding_mode`` says of what. Weight and bias start uniform in
    ±1/sqrt(in_channels / groups * kernel positions).

    >>> import tensor_core as torch
    >>> torch.nn.Conv1d(2, 4, 3)(torch.zeros(1, 2, 5)).shape
    torch.Size([1, 4, 3])
    """

    _dims = 1

    def forward(self, input: Tensor) -> Any:
        """One value a window and kernel."""
        return self._conv_forward(input, self.weight, self.bias)

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Any:
        return self._convolve(F.conv1d, input, weight, bias)


class Conv2d(_Conv):
    """Learned kernels at every window of 2 dimensions.

    Shapes: (N, in_channels, H, W) or without N -> (N, out_channels, *windows). ``padding`` is a
    border, or "same" or "valid"; ``padding_mode`` says of what. Weight and bias start uniform in
    ±1/sqrt(in_channels / groups * kernel positions).

    >>> import tensor_core as torch
    >>> torch.nn.Conv2d(2, 4, 3)(torch.zeros(1, 2, 5, 5)).shape
    torch.Size([1, 4, 3, 3])
    """

    _dims = 2

    def forward(self, input: Tensor) -> Any:
        """One value a window and kernel."""
        return self._conv_forward(input, self.weight, self.bias)

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Any:
        return self._convolve(F.conv2d, input, weight, bias)


class Conv3d(_Conv):
    """Learned kernels at every window of 3 dimensions.

    Shapes: (N, in_channels, D, H, W) or without N -> (N, out_channels, *windows). ``padding`` is a
    border, or "same" or "valid"; ``padding_mode`` says of what. Weight and bias start uniform in
    ±1/sqrt(in_channels / groups * kernel positions).

    >>> import tensor_core as torch
    >>> torch.nn.Conv3d(2, 4, 3)(torch.zeros(1, 2, 5, 5, 5)).shape
    torch.Size([1, 4, 3, 3, 3])
    """

    _dims = 3

    def forward(self, input: Tensor) -> Any:
        """One value a window and kernel."""
        return self._conv_forward(input, self.weight, self.bias)

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Any:
        return self._convolve(F.conv3d, input, weight, bias)


class ConvTranspose1d(_ConvTransposeNd):
    """Learned kernels of 1 dimension added up, each scaled by one input element.

    Shapes: (N, in_channels, L) or without N -> (N, out_channels, *sizes).

    >>> import tensor_core as torch
    >>> torch.nn.ConvTranspose1d(2, 4, 2, stride=2)(torch.zeros(1, 2, 3)).shape
    torch.Size([1, 4, 6])
    """

    _dims = 1

    def forward(self, input: Tensor, output_size: Any = None) -> Any:
        """The sum; ``output_size`` chooses among the sizes that have this input's size."""
        return self._convolve(F.conv_transpose1d, input, output_size)


class ConvTranspose2d(_ConvTransposeNd):
    """Learned kernels of 2 dimensions added up, each scaled by one input element.

    Shapes: (N, in_channels, H, W) or without N -> (N, out_channels, *sizes).

    >>> import tensor_core as torch
    >>> torch.nn.ConvTranspose2d(2, 4, 2, stride=2)(torch.zeros(1, 2, 3, 3)).shape
    torch.Size([1, 4, 6, 6])
    """

    _dims = 2

    def forward(self, input: Tensor, output_size: Any = None) -> Any:
        """The sum; ``output_size`` chooses among the sizes that have this input's size."""
        return self._convolve(F.conv_transpose2d, input, output_size)


class ConvTranspose3d(_ConvTransposeNd):
    """Learned kernels of 3 dimensions added up, each scaled by one input element.

    Shapes: (N, in_channels, D, H, W) or without N -> (N, out_channels, *sizes).

    >>> import tensor_core as torch
    >>> torch.nn.ConvTranspose3d(2, 4, 2, stride=2)(torch.zeros(1, 2, 3, 3, 3)).shape
    torch.Size([1, 4, 6, 6, 6])
    """

    _dims = 3

    def forward(self, input: Tensor, output_size: Any = None) -> Any:
        """The sum; ``output_size`` chooses among the sizes that have this input's size."""
        return self._convolve(F.conv_transpose3d, input, output_size)
