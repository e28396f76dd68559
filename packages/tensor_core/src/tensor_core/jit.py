"""TorchScript: a program stays the Python it is.

Decorators return their function, ``script`` and ``trace`` return what they were given, since
running it is what matters. What only TorchScript can do (saving a program) raises.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

from ._missing import missing
from .nn.module import Module

__all__ = ["export", "freeze", "ignore", "is_scripting", "is_tracing", "load", "save", "script",
           "trace", "unused"]  # fmt: skip

ScriptModule = Module
Final = Any


def script(obj: Any, *args: Any, **kwargs: Any) -> Any:
    """The function, class or module itself.

    >>> import tensor_core as torch
    >>> @torch.jit.script
    ... def double(x: torch.Tensor) -> torch.Tensor:
    ...     return 2 * x
    >>> double(torch.tensor(3.0))
    tensor(6.)
    """
    return obj


def trace(
    func: Any, example_inputs: Any = None, *args: Any, example_kwarg_inputs: Any = None,
    **options: Any,
) -> Any:  # fmt: skip
    """The function or module itself, after it has been called on the example once.

    Unlike a trace it takes every branch anew at each call.

    >>> import tensor_core as torch
    >>> torch.jit.trace(torch.tanh, torch.zeros(2)) is torch.tanh
    True
    """
    from ._grad_mode import no_grad

    inputs = example_inputs if isinstance(example_inputs, tuple) else (example_inputs,)
    with no_grad():
        func(*(() if example_inputs is None else inputs), **(example_kwarg_inputs or {}))
    return func


def ignore(drop: Any = False, **kwargs: Any) -> Any:
    """Decorate a method that TorchScript leaves alone: it stays as it is."""
    return drop if callable(drop) else _same


def _same(fn: Callable[..., Any]) -> Callable[..., Any]:
    return fn


def export(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a method that TorchScript compiles: it stays as it is."""
    return fn


def unused(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a method that TorchScript drops: it stays as it is."""
    return fn


def script_if_tracing(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a function that is compiled when it is traced: it stays as it is."""
    return fn


def freeze(mod: Any, preserved_attrs: Any = None, optimize_numerics: bool = True) -> Any:
    """The module itself."""
    return mod


def optimize_for_inference(mod: Any, other_methods: Any = None) -> Any:
    """The module itself."""
    return mod


def is_scripting() -> bool:
    """Whether TorchScript is compiling this: never.

    >>> import tensor_core as torch
    >>> torch.jit.is_scripting(), torch.jit.is_tracing()
    (False, False)
    """
    return False


def is_tracing() -> bool:
    """Whether TorchScript is tracing this: never."""
    return False


def annotate(the_type: Any, the_value: Any) -> Any:
    """The value itself."""
    return the_value


@contextmanager
def fuser(name: str) -> Any:
    """A block with another fuser: there is none."""
    yield


def save(m: Any, f: Any, _extra_files: Any = None) -> None:
    """Raises RuntimeError: a program cannot be saved, its weights can."""
    raise RuntimeError(
        "torch.jit.save: Gradine runs programs as Python and cannot save one as TorchScript; save "
        "the weights with torch.save(model.state_dict(), path)"
    )


def load(
    f: Any, map_location: Any = None, _extra_files: Any = None, _restore_shapes: bool = False
) -> Any:
    """Raises RuntimeError: a TorchScript program needs PyTorch."""
    raise RuntimeError(
        "torch.jit.load: Gradine cannot run a TorchScript program; load its weights with "
        "torch.load from a file written by torch.save(model.state_dict(), path)"
    )


__getattr__ = missing(__name__)
