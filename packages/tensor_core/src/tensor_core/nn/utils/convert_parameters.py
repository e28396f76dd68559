"""All parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ... import ops
from ..._tensor import Tensor


def parameters_to_vector(parameters: Iterable[Tensor]) -> Any:
    """One flat tensor of all parameters, in order. Shapes: any -> (n,).

    >>> import tensor_core as torch
    >>> parameters_to_vector([torch.zeros(2), torch.ones(1, 2)])
    tensor([0., 0., 1., 1.])
    """
    return ops.cat([parameter.reshape(-1) for parameter in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Make the parameters views of consecutive parts of ``vec``.

    >>> import tensor_core as torch
    >>> w = torch.zeros(1, 2)
    >>> vector_to_parameters(torch.tensor([3.0, 4.0]), [w]); w
    tensor([[3., 4.]])
    """
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected a Tensor, but got: {type(vec).__name__}")
    start = 0
    for parameter in parameters:
        end = start + parameter.numel()
        parameter.data = vec[start:end].view(parameter.shape).data
        start = end
