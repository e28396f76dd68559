"""Normalisation by the mean square of neighbouring channels."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._card import Case, composed
from .._tensor import Tensor
from .padding_constant import pad_constant
from .pool_functions import avg_pool2d, avg_pool3d


def _response_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(1, 3, 2)), 2, 0.1, 0.6, 0.8)
    yield Case(rng.normal(size=(1, 2, 1, 2)), 3, 0.1)


@composed(torch="nn.functional.local_response_norm", cases=_response_cases)
def local_response_norm(
    input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Tensor:
    """The input over a power of the mean square of ``size`` neighbouring channels.

    Shapes: (N, C, ...) -> same. Source: Krizhevsky et al. 2012, section 3.3.

    Raises:
        ValueError: fewer than 3 dimensions.

    >>> import tensor_core as torch
    >>> torch.nn.functional.local_response_norm(torch.ones(1, 1, 2), 1, alpha=3.0, beta=1.0)
    tensor([[[0.2500, 0.2500]]])
    """
    if input.ndim < 3:
        raise ValueError(
            f"Expected 3D or higher dimensionality input (got {input.ndim} dimensions)"
        )
    if not input.numel():
        return input
    squares = input * input
    n, c = input.shape[:2]
    if input.ndim == 3:
        wide = pad_constant(squares.unsqueeze(1), (0, 0, size // 2, (size - 1) // 2))
        mean = avg_pool2d(wide, (size, 1), stride=1).squeeze(1)
    else:
        folded = squares.reshape(n, 1, c, input.shape[2], -1)
        wide = pad_constant(folded, (0, 0, 0, 0, size // 2, (size - 1) // 2))
        mean = avg_pool3d(wide, (size, 1, 1), stride=1).squeeze(1).reshape(input.shape)
    return input / (mean * alpha + k) ** beta
