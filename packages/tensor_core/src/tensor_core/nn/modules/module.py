"""The base class by torch's path, and the hooks of all modules at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import hooks as _hooks
from .._attributes import on_registration
from .._state import _EXTRA as _EXTRA_STATE_KEY_SUFFIX  # noqa: F401  (torch's name)
from .._state import _IncompatibleKeys  # noqa: F401  (programs ask for it here)
from ..hooks import ModuleHooks, RemovableHandle, everywhere
from ..module import Module

__all__ = [
    "Module",
    "register_module_backward_hook",
    "register_module_buffer_registration_hook",
    "register_module_forward_hook",
    "register_module_forward_pre_hook",
    "register_module_full_backward_hook",
    "register_module_full_backward_pre_hook",
    "register_module_module_registration_hook",
    "register_module_parameter_registration_hook",
]

Hook = Callable[..., Any]

_global_forward_pre_hooks = everywhere.forward_pre
_global_forward_hooks = everywhere.forward
_global_backward_pre_hooks = everywhere.backward_pre
_global_backward_hooks = everywhere.backward
_global_buffer_registration_hooks = on_registration["buffer"]
_global_module_registration_hooks = on_registration["module"]
_global_parameter_registration_hooks = on_registration["parameter"]


def _heard() -> ModuleHooks:
    """The hooks of all modules; from now on every call looks at them."""
    Module._hooks = Module._hooks or ModuleHooks()
    return everywhere


def _has_any_global_hook() -> bool:
    return everywhere.on_call()


def register_module_forward_pre_hook(hook: Hook) -> RemovableHandle:
    """Call ``hook(module, args)`` before every module's ``forward``, before its own hooks.

    >>> from tensor_core import nn
    >>> seen = []
    >>> hook = lambda module, args: seen.append(type(module).__name__)
    >>> with register_module_forward_pre_hook(hook):
    ...     _ = nn.Sequential(nn.Identity())(1)
    >>> seen
    ['Sequential', 'Identity']
    """
    return _hooks.register(_heard().forward_pre, hook)


def register_module_forward_hook(
    hook: Hook, *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Call ``hook(module, args, output)`` after every module's ``forward``."""
    every = _heard()
    return _hooks.register_forward(every, every.forward, hook, False, with_kwargs, always_call)


def register_module_full_backward_pre_hook(hook: Hook) -> RemovableHandle:
    """Call ``hook(module, grad_output)`` before the gradients enter any module."""
    return _hooks.register(_heard().backward_pre, hook)


def register_module_full_backward_hook(hook: Hook) -> RemovableHandle:
    """Call ``hook(module, grad_input, grad_output)`` when a module's gradients are known."""
    return _hooks.register_backward(_heard(), hook, False, True, "as global Module hooks")


def register_module_backward_hook(hook: Hook) -> RemovableHandle:
    """Call ``hook(module, grad_input, grad_output)`` around every module's last operation."""
    return _hooks.register_backward(_heard(), hook, False, False, "as global Module hooks")


def register_module_parameter_registration_hook(hook: Hook) -> RemovableHandle:
    """Call ``hook(module, name, param)`` when a parameter is registered; a result replaces it."""
    return _hooks.register(on_registration["parameter"], hook)


def register_module_buffer_registration_hook(hook: Hook) -> RemovableHandle:
    """Call ``hook(module, name, buffer)`` when a buffer is registered; a result replaces it."""
    return _hooks.register(on_registration["buffer"], hook)


def register_module_module_registration_hook(hook: Hook) -> RemovableHandle:
    """Call ``hook(module, name, submodule)`` when a module is registered; a result replaces it."""
    return _hooks.register(on_registration["module"], hook)


def _addindent(s_: str, numSpaces: int) -> str:
    """Every line but the first moved in by so many columns."""
    return s_.replace("\n", "\n" + " " * numSpaces)
