"""A module's state by dotted name: taking it out and putting it back."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from .._grad_mode import no_grad
from .._tensor import Tensor
from ._tree import Tree
from .hooks import ModuleHooks, RemovableHandle, register
from .parameter import Parameter

_EXTRA = "_extra_state"


class _Keys(NamedTuple):
    missing_keys: list[str]
    unexpected_keys: list[str]


class _IncompatibleKeys(_Keys):
    """The keys a load found on one side only."""

    __slots__ = ()

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return super().__repr__()


class Stateful(Tree):
    """``state_dict`` and ``load_state_dict``, with the hooks around them.

    >>> from tensor_core import nn
    >>> model = nn.Linear(2, 1)
    >>> list(model.state_dict())
    ['weight', 'bias']
    >>> nn.Linear(2, 1).load_state_dict(model.state_dict())
    <All keys matched successfully>
    """

    _hooks: ModuleHooks | None

    def _own_hooks(self) -> ModuleHooks:
        if self._hooks is None:
            self._hooks = ModuleHooks()
        return self._hooks

    def state_dict(
        self,
        destination: dict[str, Any] | None = None,
        prefix: str = "",
        keep_vars: bool = False,
    ) -> Any:
        """Every parameter and persistent buffer by dotted name, detached but not copied.

        A tensor shared by two modules appears under both names. ``keep_vars`` gives the
        parameters themselves.
        """
        out: Any = OrderedDict() if destination is None else destination
        if self._hooks is not None:
            for hook in self._hooks.state_pre.values():
                hook(self, prefix, keep_vars)
        self._save_to_state_dict(out, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=out, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        if self._hooks is not None:
            for hook, may_replace in self._hooks.state.values():
                changed = hook(self, out, prefix, {})
                if changed is not None:
                    if not may_replace:
                        raise RuntimeError("state_dict post-hook must return None")
                    out = changed
        return out

    def _save_to_state_dict(
        self, destination: dict[str, Any], prefix: str, keep_vars: bool
    ) -> None:
        """Put this module's own tensors into ``destination``; children are not its concern."""
        for name, tensor in self._persistent():
            destination[prefix + name] = tensor if keep_vars else tensor.detach()
        if _has_extra_state(self):
            destination[prefix + _EXTRA] = self.get_extra_state()

    def _persistent(self) -> list[tuple[str, Tensor]]:
        kept: list[tuple[str, Any]] = list(self._parameters.items())
        kept += [
            (name, buffer)
            for name, buffer in self._buffers.items()
            if name not in self._non_persistent_buffers_set
        ]
        return [(name, tensor) for name, tensor in kept if tensor is not None]

    def get_extra_state(self) -> Any:
        """What else to keep in ``state_dict``; a class that defines it defines both."""
        raise RuntimeError(
            f"{type(self).__name__}: get_extra_state was reached, but the class defines none"
        )

    def set_extra_state(self, state: Any) -> None:
        """Take back what ``get_extra_state`` gave."""
        raise RuntimeError(
            f"{type(self).__name__}: the state has {_EXTRA!r}, but the class defines no "
            "set_extra_state to take it"
        )

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> _IncompatibleKeys:
        """Copy a state into this module's parameters and buffers.

        ``strict`` wants exactly the same names; ``assign`` takes the given tensors themselves
        instead of copying. Returns the missing and unexpected keys; raises ``RuntimeError``
        listing every mismatch at once.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        missing: list[str] = []
        unexpected: list[str] = []
        errors: list[str] = []
        keys = _IncompatibleKeys(missing, unexpected)
        self._load(OrderedDict(state_dict), "", assign, keys, errors)
        if strict:
            found = [("Missing", missing), ("Unexpected", unexpected)]
            errors[:0] = [
                f"{what} key(s) in state_dict: {', '.join(map(_quoted, names))}. "
                for what, names in found
                if names
            ]
        if errors:
            what = type(self).__name__
            raise RuntimeError(
                "Error(s) in loading state_dict for {}:\n\t{}".format(what, "\n\t".join(errors))
            )
        return keys

    def _load(
        self,
        state: dict[str, Any],
        prefix: str,
        assign: bool,
        keys: _IncompatibleKeys,
        errors: list[str],
    ) -> None:
        # always strict: the keys are reported even where the caller lets them differ
        metadata = {"assign_to_params_buffers": assign}
        missing, unexpected = keys
        self._load_from_state_dict(state, prefix, metadata, True, missing, unexpected, errors)
        for name, module in self._modules.items():
            if module is not None:
                below = f"{prefix}{name}."
                part = {k: v for k, v in state.items() if k.startswith(below)}
                module._load(part, below, assign, keys, errors)
        if self._hooks is not None:
            for hook in self._hooks.load_post.values():
                if hook(self, keys) is not None:
                    raise RuntimeError(
                        "a load_state_dict post-hook must change the keys in place and return None"
                    )

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Load this module's own tensors; subclasses that rename keys override this."""
        report = (missing_keys, unexpected_keys, error_msgs)
        if self._hooks is not None:
            for hook in self._hooks.load_pre.values():
                hook(state_dict, prefix, local_metadata, strict, *report)
        assign = local_metadata.get("assign_to_params_buffers", False)
        own = dict(self._persistent())
        for name, tensor in own.items():
            key = prefix + name
            if key in state_dict:
                error = self._load_one(name, tensor, state_dict[key], key, assign)
                error_msgs += [error] if error else []
            elif strict:
                missing_keys.append(key)
        self._load_extra_state(state_dict, prefix + _EXTRA, strict, missing_keys, unexpected_keys)
        if strict:
            unexpected_keys += [
                key
                for key in state_dict
                if key.startswith(prefix)
                and key != prefix + _EXTRA
                and not self._expects(key[len(prefix) :], own)
            ]

    def _expects(self, key: str, own: dict[str, Tensor]) -> bool:
        head, dot, _ = key.partition(".")
        return head in self._modules if dot else head in own

    def _load_extra_state(
        self,
        state: dict[str, Any],
        key: str,
        strict: bool,
        missing: list[str],
        unexpected: list[str],
    ) -> None:
        if type(self).set_extra_state is not Stateful.set_extra_state:
            if key in state:
                self.set_extra_state(state[key])
            elif strict:
                missing.append(key)
        elif strict and key in state:
            unexpected.append(key)

    def _load_one(
        self, name: str, tensor: Tensor, given: Any, key: str, assign: bool
    ) -> str | None:
        """Load one tensor; returns what is wrong, so that all errors are told together."""
        if not isinstance(given, Tensor):
            return (
                f'While copying the parameter named "{key}", expected a Tensor from the '
                f"checkpoint but received {type(given)}"
            )
        if tensor.ndim == 0 and given.ndim == 1 and not assign:
            given = given[0]  # files of torch 0.3 hold scalars as vectors of one
        if given.shape != tensor.shape:
            return (
                f"size mismatch for {key}: copying a param with shape {given.shape} from "
                f"checkpoint, the shape in current model is {tensor.shape}."
            )
        with no_grad():
            if not assign:
                tensor.copy_(given)
            elif isinstance(tensor, Parameter):
                setattr(self, name, _as_parameter(given, tensor.requires_grad))
            else:
                setattr(self, name, given)
        return None

    def register_state_dict_pre_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """Call ``hook(module, prefix, keep_vars)`` before ``state_dict`` collects."""
        return register(self._own_hooks().state_pre, hook)

    def register_state_dict_post_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """Call ``hook(module, state_dict, prefix, local_metadata)`` after ``state_dict``."""
        return register(self._own_hooks().state, (hook, False))

    def _register_state_dict_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        return register(self._own_hooks().state, (hook, True))

    def register_load_state_dict_pre_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """Call ``hook(module, state_dict, prefix, metadata, strict, missing, unexpected, errors)``.

        It runs before this module's own tensors are loaded, and may change ``state_dict``.
        """
        return register(self._own_hooks().load_pre, lambda *args: hook(self, *args))

    def _register_load_state_dict_pre_hook(
        self, hook: Callable[..., None], with_module: bool = False
    ) -> RemovableHandle:
        if with_module:
            return self.register_load_state_dict_pre_hook(hook)
        return register(self._own_hooks().load_pre, hook)

    def register_load_state_dict_post_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """Call ``hook(module, incompatible_keys)`` after a load; it may change the keys."""
        return register(self._own_hooks().load_post, hook)


def _has_extra_state(module: Stateful) -> bool:
    return type(module).get_extra_state is not Stateful.get_extra_state


def _quoted(key: str) -> str:
    return f'"{key}"'


def _as_parameter(tensor: Tensor, requires_grad: bool) -> Parameter:
    if not isinstance(tensor, Parameter):
        return Parameter(tensor, requires_grad=requires_grad)
    tensor.requires_grad_(requires_grad)
    return tensor
