"""Registering the hooks of a module."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from .hooks import (
    ModuleHooks,
    RemovableHandle,
    Table,
    everywhere,
    register,
    register_backward,
    register_forward,
)

Hook = Callable[..., Any]


class Hooked:
    """Hooks around a module's call, its gradients and its state; all return a removable handle.

    >>> import tensor_core as torch
    >>> layer, seen = torch.nn.Linear(2, 1), []
    >>> with layer.register_forward_pre_hook(lambda module, args: seen.append(args[0].shape)):
    ...     _ = layer(torch.ones(3, 2))
    >>> seen
    [torch.Size([3, 2])]
    """

    # On the instance once it has a hook; on the class while there are hooks of all modules: a
    # call looks at this one name.
    _hooks: ModuleHooks | None = None

    def _own_hooks(self) -> ModuleHooks:
        hooks = self.__dict__.get("_hooks")
        if hooks is None:
            hooks = self.__dict__["_hooks"] = ModuleHooks()
        return hooks

    def register_forward_pre_hook(
        self, hook: Hook, *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, args)`` before ``forward``; what it returns replaces the args.

        ``with_kwargs`` calls ``hook(module, args, kwargs)``, which may return both anew.
        """
        hooks = self._own_hooks()
        return register_forward(hooks, hooks.forward_pre, hook, prepend, with_kwargs, False)

    def register_forward_hook(
        self,
        hook: Hook,
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> RemovableHandle:
        """Call ``hook(module, args, output)`` after ``forward``; a result replaces the output.

        ``with_kwargs`` calls ``hook(module, args, kwargs, output)``; ``always_call`` calls it
        with ``None`` for an output when ``forward`` raised.
        """
        hooks = self._own_hooks()
        return register_forward(hooks, hooks.forward, hook, prepend, with_kwargs, always_call)

    def register_full_backward_pre_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call ``hook(module, grad_output)`` before the gradients enter the module.

        What it returns, unless ``None``, replaces ``grad_output``.
        """
        return register(self._own_hooks().backward_pre, hook, prepend)

    def register_full_backward_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call ``hook(module, grad_input, grad_output)`` when the inputs' gradients are known.

        What it returns, unless ``None``, replaces ``grad_input``. Raises ``RuntimeError`` where
        a hook of the old kind is registered.
        """
        return register_backward(self._own_hooks(), hook, prepend, True, "on a single Module")

    def register_backward_hook(self, hook: Hook) -> RemovableHandle:
        """Call ``hook(module, grad_input, grad_output)`` around the last operation alone.

        The old kind: ``register_full_backward_hook`` sees the whole module. Raises
        ``RuntimeError`` where one of those is registered.
        """
        return register_backward(self._own_hooks(), hook, False, False, "on a single Module")

    def register_state_dict_pre_hook(self, hook: Hook) -> RemovableHandle:
        """Call ``hook(module, prefix, keep_vars)`` before ``state_dict`` collects."""
        return register(self._own_hooks().state_pre, hook)

    def register_state_dict_post_hook(self, hook: Hook) -> RemovableHandle:
        """Call ``hook(module, state_dict, prefix, local_metadata)`` after ``state_dict``.

        It changes the state in place; ``state_dict`` raises ``RuntimeError`` if it returns one.
        """
        hooks = self._own_hooks()
        handle = register(hooks.state, hook)
        hooks.returns_none.add(handle.id)
        return handle

    def _register_state_dict_hook(self, hook: Hook) -> RemovableHandle:
        return register(self._own_hooks().state, hook)

    def register_load_state_dict_pre_hook(self, hook: Hook) -> RemovableHandle:
        """Call ``hook(module, state_dict, prefix, metadata, strict, missing, unexpected, errors)``.

        It runs before this module's own tensors are loaded, and may change ``state_dict``.
        """
        return self._register_load_state_dict_pre_hook(hook, with_module=True)

    def _register_load_state_dict_pre_hook(
        self, hook: Hook, with_module: bool = False
    ) -> RemovableHandle:
        hooks = self._own_hooks()
        handle = register(hooks.load_pre, hook)
        if with_module:
            hooks.with_module.add(handle.id)
        return handle

    def register_load_state_dict_post_hook(self, hook: Hook) -> RemovableHandle:
        """Call ``hook(module, incompatible_keys)`` after a load; it may change the keys."""
        return register(self._own_hooks().load_post, hook)

    # -- the tables under torch's names ---------------------------------------------------------

    @property
    def _forward_pre_hooks(self) -> Table:
        return self._own_hooks().forward_pre

    @property
    def _forward_hooks(self) -> Table:
        return self._own_hooks().forward

    @property
    def _backward_pre_hooks(self) -> Table:
        return self._own_hooks().backward_pre

    @property
    def _backward_hooks(self) -> Table:
        return self._own_hooks().backward

    @property
    def _is_full_backward_hook(self) -> bool | None:
        return self._own_hooks().backward_is_full

    @property
    def _state_dict_pre_hooks(self) -> Table:
        return self._own_hooks().state_pre

    @property
    def _state_dict_hooks(self) -> Table:
        return self._own_hooks().state

    @property
    def _load_state_dict_pre_hooks(self) -> Table:
        return self._own_hooks().load_pre

    @property
    def _load_state_dict_post_hooks(self) -> Table:
        return self._own_hooks().load_post

    @property
    def _forward_hooks_with_kwargs(self) -> OrderedDict[int, bool]:
        hooks = self._own_hooks()
        return OrderedDict((k, True) for k in hooks.forward if k in hooks.with_kwargs)

    @property
    def _forward_pre_hooks_with_kwargs(self) -> OrderedDict[int, bool]:
        hooks = self._own_hooks()
        return OrderedDict((k, True) for k in hooks.forward_pre if k in hooks.with_kwargs)

    @property
    def _forward_hooks_always_called(self) -> OrderedDict[int, bool]:
        hooks = self._own_hooks()
        return OrderedDict((k, True) for k in hooks.forward if k in hooks.always_called)

    def _get_backward_hooks(self) -> tuple[list[Any], list[Any]]:
        """The backward hooks of the full kind and of the old kind, of all modules and its own."""
        both = (everywhere, self._own_hooks())
        full = [hook for hooks in both for hook in hooks.full_backward()]
        return full, [hook for hooks in both for hook in hooks.old_backward()]

    def _get_backward_pre_hooks(self) -> list[Any]:
        both = (everywhere, self._own_hooks())
        return [hook for hooks in both for hook in hooks.backward_pre.values()]
