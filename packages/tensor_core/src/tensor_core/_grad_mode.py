"""Whether operations are recorded: one switch for each thread."""

from __future__ import annotations

import functools
import inspect
import threading
import warnings
from collections.abc import Callable, Generator
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


class _Mode(threading.local):
    enabled = True  # whether operations are recorded: asked for, and not in inference mode
    asked = True
    inference = False

    def set(self, asked: bool, inference: bool) -> None:
        """Switch; in inference mode nothing is recorded, whatever is asked for."""
        self.asked, self.inference = asked, inference
        self.enabled = asked and not inference


mode = _thread = _Mode()
inference_was_on: list[bool] = []
"""Not empty once a thread has been in inference mode; no tensor is of that mode before."""


def is_grad_enabled() -> bool:
    """Whether operations on this thread are being recorded.

    >>> import tensor_core as torch
    >>> torch.is_grad_enabled()
    True
    """
    return mode.asked


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
        self._before.append((mode.asked, mode.inference))
        if self._inference is not None:
            inference_was_on[:] = [True]
        mode.set(self._enabled, mode.inference if self._inference is None else self._inference)

    def clone(self) -> _Switch:
        """Another that does the same."""
        return _Switch(self._enabled, self._inference)

    def __exit__(self, *exc: object) -> None:
        mode.set(*self._before.pop())

    def __call__(self, function: F) -> F:
        if inspect.isgeneratorfunction(function):
            return _switched_generator(self, function)  # type: ignore[return-value]
        if inspect.isclass(function):
            warnings.warn(
                "Decorating classes is deprecated: only the constructor runs in the mode. Decorate "
                "its `__init__` method.",
                FutureWarning,
                stacklevel=2,
            )

        @functools.wraps(function, updated=() if inspect.isclass(function) else ("__dict__",))
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with _Switch(self._enabled, self._inference):
                return function(*args, **kwargs)

        return wrapper  # type: ignore[return-value]


def _switched_generator(
    switch: _Switch, function: Callable[..., Any]
) -> Callable[..., Generator[Any, Any, Any]]:
    """A generator function whose own steps run in the mode, not those of its caller."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        steps = function(*args, **kwargs)
        resume: Callable[[], Any] = functools.partial(next, steps)
        while True:
            try:
                with switch.clone():
                    value = resume()
            except StopIteration as end:
                return end.value
            try:
                given = yield value
            except GeneratorExit:
                with switch.clone():
                    steps.close()
                raise
            except BaseException as error:
                resume = functools.partial(steps.throw, error)
            else:
                resume = functools.partial(steps.send, given)

    return wrapper


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

    def __new__(cls, mode: bool | Callable[..., Any] = True) -> Any:
        self = super().__new__(cls)
        if isinstance(mode, bool):
            return self
        self.__init__()  # type: ignore[misc]
        return self(mode)  # torch allows the decorator without parentheses

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
        self._initial = (_thread.asked, _thread.inference)
        _thread.set(mode, _thread.inference)

    def __call__(self, function: F) -> F:
        _thread.set(*self._initial)  # as a decorator it is for the function alone
        return super().__call__(function)

    def __enter__(self) -> None:
        self._before.append(self._initial)
        _thread.set(self._enabled, self._initial[1])
