"""``torch.compile`` and its companions: nothing is compiled, programs run as they are written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._missing import missing
from ._compile import compile

__all__ = ["compile", "disable", "is_compiling", "is_dynamo_compiling", "is_exporting", "reset"]


def reset() -> None:
    """Forget what was compiled: nothing was.

    >>> import tensor_core as torch
    >>> torch.compiler.reset()
    """


def is_compiling() -> bool:
    """Whether this code is being compiled: never.

    >>> import tensor_core as torch
    >>> torch.compiler.is_compiling()
    False
    """
    return False


is_dynamo_compiling = is_compiling


def is_exporting() -> bool:
    """Whether this code is being exported: never."""
    return False


def disable(fn: Any = None, recursive: bool = True, *, reason: str | None = None) -> Any:
    """Decorate a function that is not to be compiled: it stays as it is.

    >>> import tensor_core as torch
    >>> torch.compiler.disable(len) is len
    True
    """
    return _same if fn is None else fn


def _same(fn: Any) -> Any:
    return fn


def allow_in_graph(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a function that may be compiled blindly: it stays as it is."""
    return fn


def assume_constant_result(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a function whose result does not change: it stays as it is."""
    return fn


def cudagraph_mark_step_begin() -> None:
    """Accepted: there are no CUDA graphs."""


def list_backends(exclude_tags: Any = ()) -> list[str]:
    """The names of compilers that can be chosen: none."""
    return []


def set_stance(stance: str = "default", **kwargs: Any) -> None:
    """Accepted: nothing is compiled."""


__getattr__ = missing(__name__)
