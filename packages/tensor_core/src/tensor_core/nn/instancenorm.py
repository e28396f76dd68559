"""Normalisation of each channel of each sample."""

from __future__ import annotations

import warnings
from typing import Any

from .._tensor import Tensor
from . import functional as F
from .batchnorm import _NormBase


class _InstanceNorm(_NormBase):
    """Mean 0 and variance 1 of each channel of each sample."""

    _dims = 0

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(
            num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias
        )

    def _check_input_dim(self, input: Tensor) -> None:
        n = self._dims
        if input.ndim not in (n + 1, n + 2):
            raise ValueError(f"expected {n + 1}D or {n + 2}D input (got {input.ndim}D input)")

    def forward(self, input: Tensor) -> Any:
        """The normalised input, of the same shape."""
        self._check_input_dim(input)
        dim = input.ndim - self._dims - 1
        if input.shape[dim] != self.num_features:
            if self.affine:
                raise ValueError(
                    f"expected input's size at dim={dim} to match num_features "
                    f"({self.num_features}), but got: {input.shape[dim]}."
                )
            warnings.warn(
                f"input's size at dim={dim} does not match num_features, which is not used "
                "because affine=False",
                stacklevel=2,
            )
        if dim == 0:
            return self._normalised(input.unsqueeze(0)).squeeze(0)
        return self._normalised(input)

    def _normalised(self, input: Tensor) -> Any:
        return F.instance_norm(
            input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            0.0 if self.momentum is None else self.momentum,
            self.eps,
        )


class InstanceNorm1d(_InstanceNorm):
    """Mean 0 and variance 1 of each channel of each sample. Shapes: (N, C, L) or (C, L) -> same.

    Source: Ulyanov et al. 2016. Raises ``ValueError`` for one element a channel.

    >>> import tensor_core as torch
    >>> torch.nn.InstanceNorm1d(1)(torch.tensor([[[1.0, 3.0]]])).round()
    tensor([[[-1.,  1.]]])
    """

    _dims = 1


class InstanceNorm2d(_InstanceNorm):
    """``InstanceNorm1d`` for images. Shapes: (N, C, H, W) or (C, H, W) -> same.

    >>> import tensor_core as torch
    >>> torch.nn.InstanceNorm2d(3)(torch.rand(2, 3, 4, 4)).shape
    torch.Size([2, 3, 4, 4])
    """

    _dims = 2


class InstanceNorm3d(_InstanceNorm):
    """``InstanceNorm1d`` for volumes. Shapes: (N, C, D, H, W) or (C, D, H, W) -> same.

    >>> import tensor_core as torch
    >>> torch.nn.InstanceNorm3d(3)(torch.rand(2, 3, 2, 2, 2)).shape
    torch.Size([2, 3, 2, 2, 2])
    """

    _dims = 3
