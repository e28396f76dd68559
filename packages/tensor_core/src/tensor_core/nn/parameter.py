"""Tensors that a module owns: parameters learn, buffers do not."""

from __future__ import annotations

from typing import Any

from .._creation import empty
from .._tensor import Tensor


def _share(owner: Tensor, data: Any, requires_grad: bool) -> None:
    """Make ``owner`` a leaf on the memory of ``data``."""
    if data is None:
        data = empty(0)
    if not isinstance(data, Tensor):
        raise TypeError(
            f"{type(owner).__name__}: argument 'data' must be a Tensor, not {type(data).__name__}"
        )
    owner._a = data._a
    owner._ver = data._ver  # a change through either is a change of both
    owner.requires_grad_(requires_grad)


class Parameter(Tensor):
    """A tensor that learns: assigned to a module's attribute, it becomes one of its parameters.

    It shares the memory of ``data`` and is a leaf, whatever made ``data``. Raises
    ``RuntimeError`` for integers unless ``requires_grad=False``.

    >>> import tensor_core as torch
    >>> torch.nn.Parameter(torch.zeros(2))
    Parameter containing:
    tensor([0., 0.], requires_grad=True)
    """

    def __init__(self, data: Tensor | None = None, requires_grad: bool = True) -> None:
        _share(self, data, requires_grad)

    def __repr__(self) -> str:  # type: ignore[override]
        return "Parameter containing:\n" + super().__repr__()

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameter:
        if id(self) not in memo:
            copy = type(self)(self.data.clone(), self.requires_grad)  # a gradient is not copied
            copy.__dict__.update(self.__dict__)
            memo[id(self)] = copy
        return memo[id(self)]


class Buffer(Tensor):
    """A tensor that does not learn: assigned to a module's attribute, it becomes a buffer.

    ``persistent=False`` keeps it out of ``state_dict``.

    >>> import tensor_core as torch
    >>> layer = torch.nn.Module()
    >>> layer.mask = torch.nn.Buffer(torch.ones(2), persistent=False)
    >>> [name for name, _ in layer.named_buffers()], list(layer.state_dict())
    (['mask'], [])
    """

    persistent: bool

    def __init__(self, data: Tensor | None = None, *, persistent: bool = True) -> None:
        _share(self, data, data is not None and data.requires_grad)
        self.persistent = persistent
