"""Normalisation by neighbouring channels."""

from __future__ import annotations

from typing import Any

from .._tensor import Tensor
from . import functional as F
from .module import Module


class LocalResponseNorm(Module):
    """The input over a power of the mean square of ``size`` neighbouring channels.

    Shapes: (N, C, ...) -> same. Source: Krizhevsky et al. 2012, section 3.3.

    >>> import tensor_core as torch
    >>> torch.nn.LocalResponseNorm(1, alpha=3.0, beta=1.0)(torch.ones(1, 1, 2))
    tensor([[[0.2500, 0.2500]]])
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input: Tensor) -> Any:
        """The normalised input, of the same shape."""
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        """The four numbers."""
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
