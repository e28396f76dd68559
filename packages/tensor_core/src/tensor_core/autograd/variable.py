"""``Variable``: torch's oldest name for a tensor that can be differentiated."""

from __future__ import annotations

from typing import Any

from .._tensor import Tensor


class _VariableType(type):
    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Tensor)

    def __call__(cls, data: Any, requires_grad: bool = False, volatile: bool = False) -> Any:
        if not isinstance(data, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(data).__name__}")
        return data.detach().requires_grad_(requires_grad)


class Variable(metaclass=_VariableType):
    """The tensor's numbers outside the graph, wanting a gradient or not; every tensor is one.

    >>> import tensor_core as torch
    >>> v = torch.autograd.Variable(torch.ones(1), requires_grad=True)
    >>> v, isinstance(v, torch.autograd.Variable)
    (tensor([1.], requires_grad=True), True)
    """
