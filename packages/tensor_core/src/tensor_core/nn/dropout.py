"""Forgetting at random while training."""

from __future__ import annotations

from typing import Any

from .._tensor import Tensor
from . import functional as F
from .module import Module


class _DropoutNd(Module):
    """A probability, and whether to work in place."""

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p = p
        self.inplace = inplace

    def extra_repr(self) -> str:
        """The probability, and whether it works in place."""
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_DropoutNd):
    """While training, zero each element with probability ``p`` and scale the rest by 1/(1 - p).

    In evaluation, the input itself. Source: Srivastava et al. 2014.

    >>> import tensor_core as torch
    >>> torch.nn.Dropout(0.5).eval()(torch.ones(3))
    tensor([1., 1., 1.])
    """

    def forward(self, input: Tensor) -> Any:
        """The input with some elements dropped."""
        return F.dropout(input, self.p, self.training, self.inplace)


class Dropout1d(_DropoutNd):
    """``Dropout`` of whole channels. Shapes: (N, C, L) or (C, L) -> same.

    Source: Tompson et al. 2015.

    >>> import tensor_core as torch
    >>> torch.nn.Dropout1d(1.0)(torch.ones(1, 1, 2))
    tensor([[[0., 0.]]])
    """

    def forward(self, input: Tensor) -> Any:
        """The input with some channels dropped."""
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(_DropoutNd):
    """``Dropout`` of whole channels. Shapes: (N, C, H, W) -> same.

    Source: Tompson et al. 2015.

    >>> import tensor_core as torch
    >>> torch.nn.Dropout2d(1.0)(torch.ones(1, 1, 1, 2))
    tensor([[[[0., 0.]]]])
    """

    def forward(self, input: Tensor) -> Any:
        """The input with some channels dropped."""
        return F.dropout2d(input, self.p, self.training, self.inplace)


class Dropout3d(_DropoutNd):
    """``Dropout`` of whole channels. Shapes: (N, C, D, H, W) or (C, D, H, W) -> same.

    Source: Tompson et al. 2015.

    >>> import tensor_core as torch
    >>> torch.nn.Dropout3d(1.0)(torch.ones(1, 1, 1, 1, 2)).flatten()
    tensor([0., 0.])
    """

    def forward(self, input: Tensor) -> Any:
        """The input with some channels dropped."""
        return F.dropout3d(input, self.p, self.training, self.inplace)


class AlphaDropout(_DropoutNd):
    """Dropout to SELU's limit instead of 0, scaled so that mean and variance stay.

    Source: Klambauer et al. 2017.

    >>> import tensor_core as torch
    >>> torch.nn.AlphaDropout(0.5).eval()(torch.ones(2))
    tensor([1., 1.])
    """

    def forward(self, input: Tensor) -> Any:
        """The input with some elements at the limit."""
        return F.alpha_dropout(input, self.p, self.training, self.inplace)


class FeatureAlphaDropout(_DropoutNd):
    """``AlphaDropout`` of whole channels. Shapes: (N, C, ...) -> same.

    >>> import tensor_core as torch
    >>> torch.nn.FeatureAlphaDropout(0.5).eval()(torch.ones(1, 1, 2))
    tensor([[[1., 1.]]])
    """

    def forward(self, input: Tensor) -> Any:
        """The input with some channels at the limit."""
        return F.feature_alpha_dropout(input, self.p, self.training, self.inplace)
