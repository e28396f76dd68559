"""Convolutions that take the number of input channels from the first input they see."""

from __future__ import annotations

from typing import Any

from .._tensor import Tensor
from .conv import (
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
    _ConvNd,
)
from .lazy import LazyModuleMixin
from .parameter import UninitializedParameter


class _LazyConvNd(LazyModuleMixin, _ConvNd):
    """A convolution whose parameters wait for the number of input channels."""

    def _wait(self, out_channels: int, bias: bool, device: Any, dtype: Any) -> None:
        """Parameters without a shape, of a convolution that was made with no channels."""
        self.out_channels = out_channels
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self) -> None:
        """Draw weight and bias, once there are any."""
        if not self.has_uninitialized_params() and self.in_channels != 0:
            super().reset_parameters()

    def initialize_parameters(self, input: Tensor, *args: Any, **kwargs: Any) -> None:
        """Take ``in_channels`` from the input."""
        if not self.has_uninitialized_params():
            return
        n = self._dims
        if input.ndim not in (n + 1, n + 2):
            raise RuntimeError(
                f"Expected {n + 1}D (unbatched) or {n + 2}D (batched) input to "
                f"{type(self).__name__}, but got input of size: {list(input.shape)}"
            )
        self.in_channels = input.shape[input.ndim - n - 1]
        self._check()
        weight: Any = self.weight
        weight.materialize(self._weight_shape())
        if self.bias is not None:
            bias: Any = self.bias
            bias.materialize((self.out_channels,))
        self.reset_parameters()


class LazyConv1d(_LazyConvNd, Conv1d):
    """``Conv1d`` that takes ``in_channels`` from its first input.

    >>> import tensor_core as torch
    >>> torch.nn.LazyConv1d(4, 1)(torch.zeros(1, 2, 5)).shape
    torch.Size([1, 4, 5])
    """

    cls_to_become = Conv1d

    def __init__(
        self,
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
        super().__init__(
            0, 0, kernel_size, stride, padding, dilation, groups, False, padding_mode, device, dtype
        )
        self._wait(out_channels, bias, device, dtype)


class LazyConv2d(_LazyConvNd, Conv2d):
    """``Conv2d`` that takes ``in_channels`` from its first input.

    >>> import tensor_core as torch
    >>> torch.nn.LazyConv2d(4, 1)(torch.zeros(1, 2, 5, 5)).shape
    torch.Size([1, 4, 5, 5])
    """

    cls_to_become = Conv2d

    def __init__(
        self,
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
        super().__init__(
            0, 0, kernel_size, stride, padding, dilation, groups, False, padding_mode, device, dtype
        )
        self._wait(out_channels, bias, device, dtype)


class LazyConv3d(_LazyConvNd, Conv3d):
    """``Conv3d`` that takes ``in_channels`` from its first input.

    >>> import tensor_core as torch
    >>> torch.nn.LazyConv3d(4, 1)(torch.zeros(1, 2, 5, 5, 5)).shape
    torch.Size([1, 4, 5, 5, 5])
    """

    cls_to_become = Conv3d

    def __init__(
        self,
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
        super().__init__(
            0, 0, kernel_size, stride, padding, dilation, groups, False, padding_mode, device, dtype
        )
        self._wait(out_channels, bias, device, dtype)


class LazyConvTranspose1d(_LazyConvNd, ConvTranspose1d):
    """``ConvTranspose1d`` that takes ``in_channels`` from its first input.

    >>> import tensor_core as torch
    >>> torch.nn.LazyConvTranspose1d(4, 1)(torch.zeros(1, 2, 5)).shape
    torch.Size([1, 4, 5])
    """

    cls_to_become = ConvTranspose1d

    def __init__(
        self,
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
        super().__init__(
            0, 0, kernel_size, stride, padding, output_padding, groups, False, dilation,
            padding_mode, device, dtype,
        )  # fmt: skip
        self._wait(out_channels, bias, device, dtype)


class LazyConvTranspose2d(_LazyConvNd, ConvTranspose2d):
    """``ConvTranspose2d`` that takes ``in_channels`` from its first input.

    >>> import tensor_core as torch
    >>> torch.nn.LazyConvTranspose2d(4, 1)(torch.zeros(1, 2, 5, 5)).shape
    torch.Size([1, 4, 5, 5])
    """

    cls_to_become = ConvTranspose2d

    def __init__(
        self,
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
        super().__init__(
            0, 0, kernel_size, stride, padding, output_padding, groups, False, dilation,
            padding_mode, device, dtype,
        )  # fmt: skip
        self._wait(out_channels, bias, device, dtype)


class LazyConvTranspose3d(_LazyConvNd, ConvTranspose3d):
    """``ConvTranspose3d`` that takes ``in_channels`` from its first input.

    >>> import tensor_core as torch
    >>> torch.nn.LazyConvTranspose3d(4, 1)(torch.zeros(1, 2, 5, 5, 5)).shape
    torch.Size([1, 4, 5, 5, 5])
    """

    cls_to_become = ConvTranspose3d

    def __init__(
        self,
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
        super().__init__(
            0, 0, kernel_size, stride, padding, output_padding, groups, False, dilation,
            padding_mode, device, dtype,
        )  # fmt: skip
        self._wait(out_channels, bias, device, dtype)
