"""Layers that normalise each example by itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .._creation import empty
from .._tensor import Tensor
from . import functional as F
from . import init
from .module import Module
from .parameter import Parameter


class LayerNorm(Module):
    """Mean 0 and variance 1 over the last dimensions, then ``* weight + bias``.

    ``normalized_shape`` is the shape of those dimensions, or the size of one. The variance is
    the biased one. Source: Ba et al. 2016.

    >>> import tensor_core as torch
    >>> torch.nn.LayerNorm(2)(torch.tensor([[1.0, 3.0]])).detach().round()
    tensor([[-1.,  1.]])
    """

    weight: Tensor | None  # normalized_shape
    bias: Tensor | None  # normalized_shape

    def __init__(
        self,
        normalized_shape: int | Iterable[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _as_shape(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        _register(self, "weight", elementwise_affine, self.normalized_shape, device, dtype)
        _register(self, "bias", elementwise_affine and bias, self.normalized_shape, device, dtype)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the weight to one and the bias to zero."""
        _reset(self.weight, self.bias)

    def forward(self, input: Tensor) -> Any:
        """The normalised input, of the same shape."""
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Shape, eps, and what is learned."""
        return (
            f"{self.normalized_shape}, eps={self.eps}, "
            f"elementwise_affine={self.elementwise_affine}, bias={self.bias is not None}"
        )


class RMSNorm(Module):
    """Root mean square 1 over the last dimensions, then ``* weight``.

    ``eps=None`` takes the dtype's machine epsilon. Source: Zhang and Sennrich 2019.

    >>> import tensor_core as torch
    >>> torch.nn.RMSNorm(2)(torch.tensor([[2.0, 2.0]])).detach().round()
    tensor([[1., 1.]])
    """

    weight: Tensor | None  # normalized_shape

    def __init__(
        self,
        normalized_shape: int | Iterable[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _as_shape(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        _register(self, "weight", elementwise_affine, self.normalized_shape, device, dtype)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the weight to one."""
        _reset(self.weight)

    def forward(self, x: Tensor) -> Any:
        """The normalised input, of the same shape."""
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        """Shape, eps, and whether there is a weight."""
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"
        )


class GroupNorm(Module):
    """Mean 0 and variance 1 over each group of channels, then ``* weight + bias`` a channel.

    Shapes: (N, num_channels, ...) -> same. Source: Wu and He 2018.

    >>> import tensor_core as torch
    >>> torch.nn.GroupNorm(2, 4)(torch.zeros(1, 4, 3)).shape
    torch.Size([1, 4, 3])
    """

    weight: Tensor | None  # (num_channels,)
    bias: Tensor | None  # (num_channels,)

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if num_channels % num_groups:
            raise ValueError(
                f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})"
            )
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine
        _register(self, "weight", affine, (num_channels,), device, dtype)
        _register(self, "bias", affine and bias, (num_channels,), device, dtype)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the weight to one and the bias to zero."""
        _reset(self.weight, self.bias)

    def forward(self, input: Tensor) -> Any:
        """The normalised input, of the same shape."""
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Groups, channels, eps, and what is learned."""
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


def _as_shape(shape: int | Iterable[int]) -> tuple[int, ...]:
    return (shape,) if isinstance(shape, int) else tuple(shape)


def _register(
    module: Module, name: str, wanted: bool, shape: tuple[int, ...], device: Any, dtype: Any
) -> None:
    value = Parameter(empty(shape, device=device, dtype=dtype)) if wanted else None
    module.register_parameter(name, value)


def _reset(weight: Tensor | None, bias: Tensor | None = None) -> None:
    if weight is not None:
        init.ones_(weight)
    if bias is not None:
        init.zeros_(bias)
