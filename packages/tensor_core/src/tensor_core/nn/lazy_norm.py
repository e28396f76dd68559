"""Batch and instance norms that take the number of channels from the first input they see."""

from __future__ import annotations

from typing import Any

from .. import _dtypes as dtypes
from .._creation import tensor
from .._tensor import Tensor
from .batchnorm import BatchNorm1d, BatchNorm2d, BatchNorm3d, _NormBase
from .instancenorm import InstanceNorm1d, InstanceNorm2d, InstanceNorm3d
from .lazy import LazyModuleMixin
from .parameter import UninitializedBuffer, UninitializedParameter


class _LazyNormBase(LazyModuleMixin, _NormBase):
    """A norm whose parameters and statistics wait for the number of channels."""

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(0, eps, momentum, False, False, device, dtype)
        self.affine = affine
        self.track_running_stats = track_running_stats
        like = {"device": device, "dtype": dtype}
        if affine:
            self.weight = UninitializedParameter(**like)
            if bias:
                self.bias = UninitializedParameter(**like)
        if track_running_stats:
            self.running_mean = UninitializedBuffer(**like)
            self.running_var = UninitializedBuffer(**like)
            self.num_batches_tracked = tensor(0, dtype=dtypes.int64, device=device)

    def reset_parameters(self) -> None:
        """Forget the statistics and set weight and bias afresh, once there are any."""
        if not self.has_uninitialized_params() and self.num_features != 0:
            super().reset_parameters()

    def initialize_parameters(self, input: Tensor) -> None:  # type: ignore[override]
        """Take ``num_features`` from the input's dimension 1."""
        if not self.has_uninitialized_params():
            return
        self.num_features = input.shape[1]
        waiting: list[Any] = [self.weight, self.bias, self.running_mean, self.running_var]
        for value in waiting:
            if value is not None:
                value.materialize((self.num_features,))
        self.reset_parameters()


class LazyBatchNorm1d(_LazyNormBase, BatchNorm1d):
    """``BatchNorm1d`` that takes ``num_features`` from its first input.

    >>> import tensor_core as torch
    >>> norm = torch.nn.LazyBatchNorm1d()
    >>> norm(torch.rand(2, 3, 5)).shape, norm.num_features
    (torch.Size([2, 3, 5]), 3)
    """

    cls_to_become = BatchNorm1d


class LazyBatchNorm2d(_LazyNormBase, BatchNorm2d):
    """``BatchNorm2d`` that takes ``num_features`` from its first input.

    >>> import tensor_core as torch
    >>> norm = torch.nn.LazyBatchNorm2d()
    >>> norm(torch.rand(2, 3, 5, 5)).shape, norm.num_features
    (torch.Size([2, 3, 5, 5]), 3)
    """

    cls_to_become = BatchNorm2d


class LazyBatchNorm3d(_LazyNormBase, BatchNorm3d):
    """``BatchNorm3d`` that takes ``num_features`` from its first input.

    >>> import tensor_core as torch
    >>> norm = torch.nn.LazyBatchNorm3d()
    >>> norm(torch.rand(2, 3, 5, 5, 5)).shape, norm.num_features
    (torch.Size([2, 3, 5, 5, 5]), 3)
    """

    cls_to_become = BatchNorm3d


class LazyInstanceNorm1d(_LazyNormBase, InstanceNorm1d):
    """``InstanceNorm1d`` that takes ``num_features`` from its first input.

    >>> import tensor_core as torch
    >>> norm = torch.nn.LazyInstanceNorm1d()
    >>> norm(torch.rand(2, 3, 5)).shape, norm.num_features
    (torch.Size([2, 3, 5]), 3)
    """

    cls_to_become = InstanceNorm1d


class LazyInstanceNorm2d(_LazyNormBase, InstanceNorm2d):
    """``InstanceNorm2d`` that takes ``num_features`` from its first input.

    >>> import tensor_core as torch
    >>> norm = torch.nn.LazyInstanceNorm2d()
    >>> norm(torch.rand(2, 3, 5, 5)).shape, norm.num_features
    (torch.Size([2, 3, 5, 5]), 3)
    """

    cls_to_become = InstanceNorm2d


class LazyInstanceNorm3d(_LazyNormBase, InstanceNorm3d):
    """``InstanceNorm3d`` that takes ``num_features`` from its first input.

    >>> import tensor_core as torch
    >>> norm = torch.nn.LazyInstanceNorm3d()
    >>> norm(torch.rand(2, 3, 5, 5, 5)).shape, norm.num_features
    (torch.Size([2, 3, 5, 5, 5]), 3)
    """

    cls_to_become = InstanceNorm3d
