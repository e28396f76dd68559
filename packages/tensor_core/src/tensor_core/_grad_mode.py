"""Whether operations are recorded: one switch for each thread."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


class _Mode(threading.local):
    enabled = True
    inference = False


mode = _thread = _Mode()


def is_grad_enabled() -> bool:
    """Whether operations on this thread are being recorded.

    >>> import tensor_core as torch
    >>> torch.is_grad_enabled()
    True
    """
    return mode.enabled


def is_inference_mode_enabled() -> bool:
    """Whether this thread is inside :class:`inference_mode`.

    >>> import tensor_core as torch
    >>> with torch.inference_mode():
    ...     print(torch.is_inference_mode_enabled())
    True
    """
    return mode.inference


class _Switch:
    """A context manager that is a decorator too, and restores what it found."""

    def __init__(self, enabled: bool, inference: bool | None = None) -> None:
        self._enabled = enabled
        self._inference = inference
        self._before: list[tuple[bool, bool]] = []

    def __enter__(self) -> None:
        self._before.append((mode.enabled, mode.inference))
        mode.enabled = self._enabled
        if self._inference is not None:
            mode.inference = self._inference

    def __exit__(self, *exc: object) -> None:
        mode.enabled, mode.inference = self._before.pop()

    def __call__(self, function: F) -> F:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with _Switch(self._enabled, self._inference):
                return function(*args, **kwargs)

        return wrapper  # type: ignore[return-value]


class no_grad(_Switch):
    """Record nothing inside the block (or the decorated function).

    >>> import tensor_core as torch
    >>> x = torch.ones(2, requires_grad=True)
    >>> with torch.no_grad():
    ...     (x * 2).requires_grad
    False
    """

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        self = super().__new__(cls)
        if function is None:
            return self
        self.__init__()  # type: ignore[misc]
        return self(function)  # torch allows the decorator without parentheses

    def __init__(self, function: None = None) -> None:
        super().__init__(False)


class enable_grad(_Switch):
    """Record inside the block, also within :class:`no_grad`.

    >>> import tensor_core as torch
    >>> x = torch.ones(2, requires_grad=True)
    >>> with torch.no_grad(), torch.enable_grad():
    ...     print((x * 2).requires_grad)
    True
    """

    def __new__(cls, orig_func: Callable[..., Any] | None = None) -> Any:
        self = super().__new__(cls)
        if orig_func is None:
            return self
        self.__init__()  # type: ignore[misc]
        return self(orig_func)  # torch allows the decorator without parentheses

    def __init__(self, orig_func: None = None) -> None:
        super().__init__(True)


class inference_mode(_Switch):
    """Record nothing inside the block, and say so to :func:`is_inference_mode_enabled`.

    >>> import tensor_core as torch
    >>> x = torch.ones(2, requires_grad=True)
    >>> with torch.inference_mode():
    ...     print((x * 2).requires_grad)
    False
    """

    def __init__(self, mode: bool = True) -> None:
        super().__init__(not mode, inference=mode)


class set_grad_enabled(_Switch):
    """Switch recording at once; as a context manager, for the block only.

    >>> import tensor_core as torch
    >>> x = torch.ones(2, requires_grad=True)
    >>> with torch.set_grad_enabled(False):
    ...     print((x * 2).requires_grad)
    False
    """

    def __init__(self, mode: bool) -> None:
        super().__init__(mode)
        self._initial = (_thread.enabled, _thread.inference)
        _thread.enabled = mode

    def __enter__(self) -> None:
        self._before.append(self._initial)
        _thread.enabled = self._enabled
