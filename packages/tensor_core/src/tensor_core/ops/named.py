"""Functions of torch that are a method or another function under a name of their own."""

from __future__ import annotations

from typing import Any

from .._tensor import Tensor
from .contract import outer

ger = outer


def get_device(input: Tensor) -> int:
    """The number of the tensor's device, -1 for the CPU.

    >>> import tensor_core as torch
    >>> torch.get_device(torch.zeros(1))
    -1
    """
    return input.get_device()


def is_inference(input: Tensor) -> bool:
    """Whether it was made in inference mode.

    Raises:
        RuntimeError: it might have been: tensors made there are not marked here.

    >>> import tensor_core as torch
    >>> torch.is_inference(torch.zeros(1, requires_grad=True))
    False
    """
    return input.is_inference()


def index_put_(input: Tensor, indices: Any, values: Tensor, accumulate: bool = False) -> Tensor:
    """``values`` written (or added) where index tensors point, in place.

    >>> import tensor_core as torch
    >>> torch.index_put_(torch.zeros(2), (torch.tensor([1]),), torch.tensor([5.0]))
    tensor([0., 5.])
    """
    return input.index_put_(indices, values, accumulate)


def addmv_(input: Tensor, mat: Tensor, vec: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """``beta * input + alpha * (mat @ vec)``, in place.

    >>> import tensor_core as torch
    >>> torch.addmv_(torch.ones(1), torch.ones(1, 2), torch.ones(2))
    tensor([3.])
    """
    return input.addmv_(mat, vec, beta=beta, alpha=alpha)


def as_strided_(input: Tensor, size: Any, stride: Any, storage_offset: int | None = None) -> Tensor:
    """The tensor itself under another shape and other strides.

    >>> import tensor_core as torch
    >>> torch.as_strided_(torch.arange(4), (2,), (2,))
    tensor([0, 2])
    """
    return input.as_strided_(size, stride, storage_offset)


def resize_as_(input: Tensor, the_template: Tensor, memory_format: Any = None) -> Tensor:
    """The tensor itself in the shape of another.

    >>> import tensor_core as torch
    >>> torch.resize_as_(torch.arange(4), torch.zeros(1, 2))
    tensor([[0, 1]])
    """
    return input.resize_as_(the_template)


def orgqr(input: Tensor, tau: Tensor) -> Tensor:
    """The first columns of the product of reflectors; see ``linalg.householder_product``.

    >>> import tensor_core as torch
    >>> torch.orgqr(torch.zeros(2, 1), torch.tensor([2.0]))
    tensor([[-1.],
            [ 0.]])
    """
    from ..linalg import householder_product

    return householder_product(input, tau)
