"""The graph itself: its nodes and edges."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from .. import _node
from .._missing import missing
from .._node import AccumulateGrad, Select, accumulator
from .._tensor import Tensor

__all__ = [
    "GradientEdge",
    "Node",
    "disable_saved_tensors_hooks",
    "get_gradient_edge",
    "increment_version",
    "save_on_cpu",
]


class _NodeType(type):
    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, _node.Node | AccumulateGrad)


class Node(metaclass=_NodeType):
    """What ``grad_fn`` is; only for ``isinstance``.

    >>> import tensor_core as torch
    >>> y = torch.ones(2, requires_grad=True) * 2
    >>> isinstance(y.grad_fn, torch.autograd.graph.Node)
    True
    """


class GradientEdge(NamedTuple):
    """One output of a node."""

    node: Any
    output_nr: int


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """Where the gradient of a tensor arrives.

    Raises:
        RuntimeError: it needs no gradient.

    >>> import tensor_core as torch
    >>> y = torch.ones(2, requires_grad=True) * 2
    >>> torch.autograd.graph.get_gradient_edge(y).node is y.grad_fn
    True
    """
    if not tensor.requires_grad:
        raise RuntimeError(
            "It is not possible to get the gradient edge for a Tensor that does not require "
            "gradients"
        )
    node = tensor._node
    if node is None:
        return GradientEdge(accumulator(tensor), 0)
    if isinstance(node, Select):
        return GradientEdge(node.parent, node.index)
    return GradientEdge(node, 0)


def increment_version(tensor: Tensor | Sequence[Tensor]) -> None:
    """Note that memory was written to where the engine did not see it.

    >>> import tensor_core as torch
    >>> x = torch.ones(2)
    >>> torch.autograd.graph.increment_version(x)
    >>> x._version
    1
    """
    for t in (tensor,) if isinstance(tensor, Tensor) else tensor:
        t._bump()


@contextlib.contextmanager
def disable_saved_tensors_hooks(error_message: str) -> Iterator[None]:
    """A block without hooks on saved tensors, which there are none of.

    >>> import tensor_core as torch
    >>> with torch.autograd.graph.disable_saved_tensors_hooks("none here"):
    ...     pass
    """
    yield


@contextlib.contextmanager
def save_on_cpu(pin_memory: bool = False, device_type: str = "cuda") -> Iterator[None]:
    """A block whose saved tensors lie in the computer's memory, where they are anyway.

    >>> import tensor_core as torch
    >>> with torch.autograd.graph.save_on_cpu():
    ...     y = torch.ones(2, requires_grad=True).exp()
    """
    yield


__getattr__ = missing(__name__)
