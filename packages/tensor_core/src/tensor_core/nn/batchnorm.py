"""Normalisation over the batch, with running statistics for evaluation."""

from __future__ import annotations

from typing import Any

from .. import _dtypes as dtypes
from .._creation import ones, tensor, zeros
from .._grad_mode import no_grad
from .._tensor import Tensor
from . import init
from .module import Module
from .parameter import Parameter


class BatchNorm1d(Module):
    """Mean 0 and variance 1 of each channel over the batch, then ``* weight + bias``.

    Shapes: (N, C) or (N, C, L) -> same. In training the batch's own statistics are used and
    averaged into ``running_mean`` and ``running_var`` (the unbiased one) by ``momentum``, or
    cumulatively with ``momentum=None``; in evaluation the running ones. Raises ``ValueError``
    for a batch of one value a channel in training. Source: Ioffe and Szegedy 2015.

    >>> import tensor_core as torch
    >>> norm = torch.nn.BatchNorm1d(1)
    >>> norm(torch.tensor([[1.0], [3.0]])).detach().round().flatten()
    tensor([-1.,  1.])
    >>> norm.running_mean
    tensor([0.2000])
    """

    weight: Tensor | None  # (C,)
    bias: Tensor | None  # (C,)
    running_mean: Tensor | None  # (C,)
    running_var: Tensor | None  # (C,)
    num_batches_tracked: Tensor | None  # ()

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        like = {"device": device, "dtype": dtype}
        for name, wanted in (("weight", affine), ("bias", affine and bias)):
            value = Parameter(ones(num_features, **like)) if wanted else None
            self.register_parameter(name, value)
        tracked = track_running_stats
        self.register_buffer("running_mean", zeros(num_features, **like) if tracked else None)
        self.register_buffer("running_var", ones(num_features, **like) if tracked else None)
        count = tensor(0, dtype=dtypes.int64) if tracked else None
        self.register_buffer("num_batches_tracked", count)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Forget the running statistics."""
        if self.track_running_stats:
            assert self.running_mean is not None and self.running_var is not None
            assert self.num_batches_tracked is not None
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Forget the running statistics; set the weight to one and the bias to zero."""
        self.reset_running_stats()
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Any:
        """The normalised input, of the same shape."""
        if input.ndim not in (2, 3):
            raise ValueError(f"expected 2D or 3D input (got {input.ndim}D input)")
        if input.shape[1] != self.num_features:
            raise RuntimeError(
                f"BatchNorm1d: the layer has {self.num_features} channels, but dimension 1 of "
                f"the input {tuple(input.shape)} is {input.shape[1]}"
            )
        channels = (-1, *[1] * (input.ndim - 2))  # lines up with dimension 1
        mean, var = self._statistics(input)
        out = (input - mean.reshape(channels)) / (var.reshape(channels) + self.eps).sqrt()
        if self.weight is not None:
            out = out * self.weight.reshape(channels)
        return out if self.bias is None else out + self.bias.reshape(channels)

    def _statistics(self, input: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and biased variance to normalise by, (C,) each; training also tracks them."""
        if not self.training and self.running_mean is not None and self.running_var is not None:
            return self.running_mean, self.running_var
        count = input.numel() // self.num_features
        if count == 1 and self.training:
            raise ValueError(
                "Expected more than 1 value per channel when training, got input size "
                f"{input.shape}"
            )
        over = (0,) if input.ndim == 2 else (0, 2)
        mean, var = input.mean(dim=over), input.var(dim=over, unbiased=False)
        if self.training and self.track_running_stats:
            with no_grad():
                self._track(mean, var * (count / (count - 1)))
        return mean, var

    def _track(self, mean: Tensor, var: Tensor) -> None:
        assert self.running_mean is not None and self.running_var is not None
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        new = self.momentum
        if new is None:
            new = 1.0 / self.num_batches_tracked.item()
        self.running_mean.mul_(1 - new).add_(mean * new)
        self.running_var.mul_(1 - new).add_(var * new)

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *args: Any) -> None:
        key = f"{prefix}num_batches_tracked"
        if self.num_batches_tracked is not None and key not in state_dict:
            state_dict[key] = self.num_batches_tracked  # states of before it was counted
        super()._load_from_state_dict(state_dict, prefix, *args)

    def extra_repr(self) -> str:
        """Channels, eps, momentum, and what is learned and tracked."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, "
            f"affine={self.affine}, bias={self.bias is not None}, "
            f"track_running_stats={self.track_running_stats}"
        )
