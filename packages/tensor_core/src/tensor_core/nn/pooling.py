"""Pooling as layers."""

from __future__ import annotations

from typing import Any

from .._tensor import Tensor
from . import functional as F
from ._sizes import each_dimension
from .module import Module


class _MaxPoolNd(Module):
    """The sizes of a max pooling."""

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def _pool(self, function: Any, input: Tensor) -> Any:
        return function(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode,
            self.return_indices,
        )  # fmt: skip

    def extra_repr(self) -> str:
        """Kernel, stride, padding, dilation and rounding."""
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class _MaxUnpoolNd(Module):
    _dims = 0

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0) -> None:
        super().__init__()
        self.kernel_size = each_dimension(kernel_size, self._dims)
        self.stride = each_dimension(kernel_size if stride is None else stride, self._dims)
        self.padding = each_dimension(padding, self._dims)

    def _unpool(self, function: Any, input: Tensor, indices: Tensor, output_size: Any) -> Any:
        return function(input, indices, self.kernel_size, self.stride, self.padding, output_size)

    def extra_repr(self) -> str:
        """Kernel, stride and padding."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class _AvgPoolNd(Module):
    def extra_repr(self) -> str:
        """Kernel, stride and padding."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class _LPPoolNd(Module):
    """The sizes and the power of a p-norm pooling."""

    def __init__(
        self, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
    ) -> None:
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def _pool(self, function: Any, input: Tensor) -> Any:
        return function(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)

    def extra_repr(self) -> str:
        """The power, kernel, stride and rounding."""
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class _AdaptiveAvgPoolNd(Module):
    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size

    def extra_repr(self) -> str:
        """The output's size."""
        return f"output_size={self.output_size}"


class _AdaptiveMaxPoolNd(_AdaptiveAvgPoolNd):
    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__(output_size)
        self.return_indices = return_indices


class MaxPool1d(_MaxPoolNd):
    """The largest element of each window. Shapes: (N, C, L) -> (N, C, *windows).

    >>> import tensor_core as torch
    >>> torch.nn.MaxPool1d(2)(torch.zeros(1, 1, 4)).shape
    torch.Size([1, 1, 2])
    """

    def forward(self, input: Tensor) -> Any:
        """The maxima, and with ``return_indices`` where they stand."""
        return self._pool(F.max_pool1d, input)


class MaxPool2d(_MaxPoolNd):
    """The largest element of each window. Shapes: (N, C, H, W) -> (N, C, *windows).

    >>> import tensor_core as torch
    >>> torch.nn.MaxPool2d(2)(torch.zeros(1, 1, 4, 4)).shape
    torch.Size([1, 1, 2, 2])
    """

    def forward(self, input: Tensor) -> Any:
        """The maxima, and with ``return_indices`` where they stand."""
        return self._pool(F.max_pool2d, input)


class MaxPool3d(_MaxPoolNd):
    """The largest element of each window. Shapes: (N, C, D, H, W) -> (N, C, *windows).

    >>> import tensor_core as torch
    >>> torch.nn.MaxPool3d(2)(torch.zeros(1, 1, 4, 4, 4)).shape
    torch.Size([1, 1, 2, 2, 2])
    """

    def forward(self, input: Tensor) -> Any:
        """The maxima, and with ``return_indices`` where they stand."""
        return self._pool(F.max_pool3d, input)


class MaxUnpool1d(_MaxUnpoolNd):
    """Maxima put back where ``MaxPool1d(..., return_indices=True)`` took them, among zeros.

    >>> import tensor_core as torch
    >>> y, places = torch.nn.MaxPool1d(2, return_indices=True)(torch.rand(1, 1, 4))
    >>> torch.nn.MaxUnpool1d(2)(y, places).shape
    torch.Size([1, 1, 4])
    """

    _dims = 1

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Any:
        """The values among zeros; ``output_size`` chooses among the sizes that fit."""
        return self._unpool(F.max_unpool1d, input, indices, output_size)


class MaxUnpool2d(_MaxUnpoolNd):
    """Maxima put back where ``MaxPool2d(..., return_indices=True)`` took them, among zeros.

    >>> import tensor_core as torch
    >>> y, places = torch.nn.MaxPool2d(2, return_indices=True)(torch.rand(1, 1, 4, 4))
    >>> torch.nn.MaxUnpool2d(2)(y, places).shape
    torch.Size([1, 1, 4, 4])
    """

    _dims = 2

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Any:
        """The values among zeros; ``output_size`` chooses among the sizes that fit."""
        return self._unpool(F.max_unpool2d, input, indices, output_size)


class MaxUnpool3d(_MaxUnpoolNd):
    """Maxima put back where ``MaxPool3d(..., return_indices=True)`` took them, among zeros.

    >>> import tensor_core as torch
    >>> y, places = torch.nn.MaxPool3d(2, return_indices=True)(torch.rand(1, 1, 4, 4, 4))
    >>> torch.nn.MaxUnpool3d(2)(y, places).shape
    torch.Size([1, 1, 4, 4, 4])
    """

    _dims = 3

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Any:
        """The values among zeros; ``output_size`` chooses among the sizes that fit."""
        return self._unpool(F.max_unpool3d, input, indices, output_size)


class AvgPool1d(_AvgPoolNd):
    """The mean of each window. Shapes: (N, C, L) -> (N, C, windows).

    >>> import tensor_core as torch
    >>> torch.nn.AvgPool1d(2)(torch.tensor([[1.0, 3.0, 5.0]]))
    tensor([[2.]])
    """

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size = each_dimension(kernel_size, 1)
        self.stride = each_dimension(kernel_size if stride is None else stride, 1)
        self.padding = each_dimension(padding, 1)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, input: Tensor) -> Any:
        """The means."""
        return F.avg_pool1d(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode,
            self.count_include_pad,
        )  # fmt: skip


class _AvgPoolOverridden(_AvgPoolNd):
    """The sizes of an average pooling whose divisor may be given."""

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def _pool(self, function: Any, input: Tensor) -> Any:
        return function(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode,
            self.count_include_pad, self.divisor_override,
        )  # fmt: skip


class AvgPool2d(_AvgPoolOverridden):
    """The mean of each window. Shapes: (N, C, H, W) -> (N, C, *windows).

    >>> import tensor_core as torch
    >>> torch.nn.AvgPool2d(2)(torch.zeros(1, 1, 4, 4)).shape
    torch.Size([1, 1, 2, 2])
    """

    def forward(self, input: Tensor) -> Any:
        """The means."""
        return self._pool(F.avg_pool2d, input)


class AvgPool3d(_AvgPoolOverridden):
    """The mean of each window. Shapes: (N, C, D, H, W) -> (N, C, *windows).

    >>> import tensor_core as torch
    >>> torch.nn.AvgPool3d(2)(torch.zeros(1, 1, 4, 4, 4)).shape
    torch.Size([1, 1, 2, 2, 2])
    """

    def forward(self, input: Tensor) -> Any:
        """The means."""
        return self._pool(F.avg_pool3d, input)


class LPPool1d(_LPPoolNd):
    """The p-norm of each window. Shapes: (N, C, L) -> (N, C, *windows).

    >>> import tensor_core as torch
    >>> torch.nn.LPPool1d(1, 2)(torch.ones(1, 4)).flatten()[0]
    tensor(2.)
    """

    def forward(self, input: Tensor) -> Any:
        """The norms."""
        return self._pool(F.lp_pool1d, input)


class LPPool2d(_LPPoolNd):
    """The p-norm of each window. Shapes: (N, C, H, W) -> (N, C, *windows).

    >>> import tensor_core as torch
    >>> torch.nn.LPPool2d(1, 2)(torch.ones(1, 4, 4)).flatten()[0]
    tensor(4.)
    """

    def forward(self, input: Tensor) -> Any:
        """The norms."""
        return self._pool(F.lp_pool2d, input)


class LPPool3d(_LPPoolNd):
    """The p-norm of each window. Shapes: (N, C, D, H, W) -> (N, C, *windows).

    >>> import tensor_core as torch
    >>> torch.nn.LPPool3d(1, 2)(torch.ones(1, 4, 4, 4)).flatten()[0]
    tensor(8.)
    """

    def forward(self, input: Tensor) -> Any:
        """The norms."""
        return self._pool(F.lp_pool3d, input)


class AdaptiveAvgPool1d(_AdaptiveAvgPoolNd):
    """The means of windows that share the input out: (N, C, L) -> (N, C, *output_size).

    >>> import tensor_core as torch
    >>> torch.nn.AdaptiveAvgPool1d(2)(torch.zeros(1, 1, 5)).shape
    torch.Size([1, 1, 2])
    """

    def forward(self, input: Tensor) -> Any:
        """The means."""
        return F.adaptive_avg_pool1d(input, self.output_size)


class AdaptiveMaxPool1d(_AdaptiveMaxPoolNd):
    """The maxima of windows that share the input out: (N, C, L) -> (N, C, *output_size).

    >>> import tensor_core as torch
    >>> torch.nn.AdaptiveMaxPool1d(2)(torch.zeros(1, 1, 5)).shape
    torch.Size([1, 1, 2])
    """

    def forward(self, input: Tensor) -> Any:
        """The maxima, and with ``return_indices`` where they stand."""
        return F.adaptive_max_pool1d(input, self.output_size, self.return_indices)


class AdaptiveAvgPool2d(_AdaptiveAvgPoolNd):
    """The means of windows that share the input out: (N, C, H, W) -> (N, C, *output_size).

    >>> import tensor_core as torch
    >>> torch.nn.AdaptiveAvgPool2d(2)(torch.zeros(1, 1, 5, 5)).shape
    torch.Size([1, 1, 2, 2])
    """

    def forward(self, input: Tensor) -> Any:
        """The means."""
        return F.adaptive_avg_pool2d(input, self.output_size)


class AdaptiveMaxPool2d(_AdaptiveMaxPoolNd):
    """The maxima of windows that share the input out: (N, C, H, W) -> (N, C, *output_size).

    >>> import tensor_core as torch
    >>> torch.nn.AdaptiveMaxPool2d(2)(torch.zeros(1, 1, 5, 5)).shape
    torch.Size([1, 1, 2, 2])
    """

    def forward(self, input: Tensor) -> Any:
        """The maxima, and with ``return_indices`` where they stand."""
        return F.adaptive_max_pool2d(input, self.output_size, self.return_indices)


class AdaptiveAvgPool3d(_AdaptiveAvgPoolNd):
    """The means of windows that share the input out: (N, C, D, H, W) -> (N, C, *output_size).

    >>> import tensor_core as torch
    >>> torch.nn.AdaptiveAvgPool3d(2)(torch.zeros(1, 1, 5, 5, 5)).shape
    torch.Size([1, 1, 2, 2, 2])
    """

    def forward(self, input: Tensor) -> Any:
        """The means."""
        return F.adaptive_avg_pool3d(input, self.output_size)


class AdaptiveMaxPool3d(_AdaptiveMaxPoolNd):
    """The maxima of windows that share the input out: (N, C, D, H, W) -> (N, C, *output_size).

    >>> import tensor_core as torch
    >>> torch.nn.AdaptiveMaxPool3d(2)(torch.zeros(1, 1, 5, 5, 5)).shape
    torch.Size([1, 1, 2, 2, 2])
    """

    def forward(self, input: Tensor) -> Any:
        """The maxima, and with ``return_indices`` where they stand."""
        return F.adaptive_max_pool3d(input, self.output_size, self.return_indices)
