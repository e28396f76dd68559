"""Small things that distributions share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import ops
from .._creation import empty, tensor
from .._dtypes import get_default_dtype
from .._grad_mode import enable_grad
from .._limits import finfo
from .._tensor import Tensor

__all__ = [
    "broadcast_all",
    "clamp_probs",
    "lazy_property",
    "logits_to_probs",
    "probs_to_logits",
]

euler_constant = 0.57721566490153286060


def is_number(value: Any) -> bool:
    """Whether a parameter is a plain number, not a tensor."""
    return isinstance(value, int | float | bool)


def broadcast_all(*values: Any) -> tuple[Tensor, ...]:
    """Tensors of one shape; numbers become tensors of the first tensor's type.

    Raises ``ValueError`` for what is neither.

    >>> broadcast_all(1.0, [2.0])
    Traceback (most recent call last):
    ValueError: broadcast_all: parameters must be numbers or Tensors, not list
    """
    for value in values:
        if not (isinstance(value, Tensor) or is_number(value)):
            raise ValueError(
                f"broadcast_all: parameters must be numbers or Tensors, not {type(value).__name__}"
            )
    kind = next((v.dtype for v in values if isinstance(v, Tensor)), get_default_dtype())
    made = [v if isinstance(v, Tensor) else tensor(v, dtype=kind) for v in values]
    return tuple(ops.broadcast_tensors(*made))


def standard_normal(shape: Any, like: Tensor) -> Tensor:
    """Standard normal numbers of the type of ``like``."""
    return empty(shape, dtype=like.dtype).normal_()


def sum_rightmost(value: Any, dims: int) -> Any:
    """``value`` summed over its last ``dims`` dimensions."""
    if dims == 0:
        return value
    return value.reshape((*value.shape[:-dims], -1)).sum(-1)


def logits_to_probs(logits: Tensor, is_binary: bool = False) -> Tensor:
    """Probabilities of unnormalised log-probabilities, or of log-odds if ``is_binary``.

    >>> import tensor_core as torch
    >>> logits_to_probs(torch.zeros(2))
    tensor([0.5000, 0.5000])
    """
    return ops.sigmoid(logits) if is_binary else ops.softmax(logits, dim=-1)


def clamp_probs(probs: Tensor) -> Tensor:
    """Probabilities kept away from 0 and 1 by the type's precision.

    >>> import tensor_core as torch
    >>> bool(clamp_probs(torch.zeros(1)) > 0)
    True
    """
    eps = finfo(probs.dtype).eps
    return probs.clamp(min=eps, max=1 - eps)


def probs_to_logits(probs: Tensor, is_binary: bool = False) -> Tensor:
    """Log-probabilities, or log-odds if ``is_binary``.

    >>> import tensor_core as torch
    >>> probs_to_logits(torch.tensor([0.5]), is_binary=True)
    tensor([0.])
    """
    kept = clamp_probs(probs)
    return kept.log() - (-kept).log1p() if is_binary else kept.log()


class lazy_property:
    """An attribute computed when first asked for, then kept.

    >>> class Square:
    ...     @lazy_property
    ...     def area(self):
    ...         return 4.0
    >>> Square().area
    4.0
    """

    def __init__(self, wrapped: Callable[[Any], Any]) -> None:
        self.wrapped = wrapped
        self.__doc__ = wrapped.__doc__
        self.__name__ = wrapped.__name__

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        with enable_grad():
            value = self.wrapped(instance)
        instance.__dict__[self.__name__] = value
        return value
