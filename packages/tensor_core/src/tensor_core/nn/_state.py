"""A module's state by dotted name: taking it out and putting it back."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, NamedTuple

from .._grad_mode import no_grad
from .._tensor import Tensor
from ._hooked import Hooked
from ._tree import Tree
from .hooks import ModuleHooks
from .parameter import Parameter, is_lazy

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


class Stateful(Tree, Hooked):
    """``state_dict`` and ``load_state_dict``, with the hooks around them.

    >>> from tensor_core import nn
    >>> model = nn.Linear(2, 1)
    >>> list(model.state_dict())
    ['weight', 'bias']
    >>> nn.Linear(2, 1).load_state_dict(model.state_dict())
    <All keys matched successfully>
    """

    _version: int = 1  # of the layout of the module's own state; written down beside it

    def state_dict(
        self, *args: Any, destination: Any = None, prefix: str = "", keep_vars: bool = False
    ) -> Any:
        """Every parameter and persistent buffer by dotted name, detached but not copied.

        A tensor shared by two modules appears under both names. ``keep_vars`` gives the
        parameters themselves. ``_metadata`` of the result holds every module's version.
        """
        if args:
            warnings.warn(
                "Positional args are being deprecated, use kwargs instead.",
                FutureWarning,
                stacklevel=2,
            )
            given = dict(zip(("destination", "prefix", "keep_vars"), args, strict=False))
            return self.state_dict(
                **{"destination": destination, "prefix": prefix, "keep_vars": keep_vars, **given}
            )
        out = _new_state() if destination is None else destination
        metadata = {"version": self._version}
        if hasattr(out, "_metadata"):
            out._metadata[prefix[:-1]] = metadata
        hooks = self._hooks or ModuleHooks()
        for hook in hooks.state_pre.values():
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(out, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=out, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        for key, hook in hooks.state.items():
            changed = hook(self, out, prefix, metadata)
            if changed is not None:
                if key in hooks.returns_none:
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
        metadata = getattr(state_dict, "_metadata", None) or {}
        state = _new_state(metadata)
        state.update(state_dict)
        self._load(state, "", metadata, assign, keys, errors)
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
        metadata: dict[str, Any],
        assign: bool,
        keys: _IncompatibleKeys,
        errors: list[str],
    ) -> None:
        own = metadata.get(prefix[:-1], {})
        if assign:
            own["assign_to_params_buffers"] = True
        # always strict: the keys are reported even where the caller lets them differ
        self._load_from_state_dict(state, prefix, own, True, *keys, errors)
        for name, module in self._modules.items():
            if module is not None:
                below = f"{prefix}{name}."
                part = {k: v for k, v in state.items() if k.startswith(below)}
                module._load(part, below, metadata, assign, keys, errors)
        for hook in (self._hooks or ModuleHooks()).load_post.values():
            if hook(self, keys) is not None:
                raise AssertionError(
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
        hooks = self._hooks or ModuleHooks()
        for number, hook in hooks.load_pre.items():
            first = (self,) if number in hooks.with_module else ()
            hook(*first, state_dict, prefix, local_metadata, strict, *report)
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
                f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like '
                f"object from checkpoint but received {type(given)}"
            )
        lazy = is_lazy(tensor)
        if not lazy and tensor.ndim == 0 and tuple(given.shape) == (1,):
            given = given[0]  # files of torch 0.3 hold scalars as vectors of one
        if not lazy and given.shape != tensor.shape:
            return (
                f"size mismatch for {key}: copying a param with shape {given.shape} from "
                f"checkpoint, the shape in current model is {tensor.shape}."
            )
        try:
            with no_grad():
                self._take(name, tensor, given, assign)
        except Exception as error:
            return (
                f'While copying the parameter named "{key}", whose dimensions in the model are '
                f"{tensor.shape} and whose dimensions in the checkpoint are {given.shape}, an "
                f"exception occurred : {error.args}."
            )
        return None

    def _take(self, name: str, tensor: Tensor, given: Tensor, assign: bool) -> None:
        if not assign:
            tensor.copy_(given)
        elif isinstance(tensor, Parameter):
            setattr(self, name, _as_parameter(given, tensor.requires_grad))
        else:
            setattr(self, name, given)


def _new_state(metadata: Any = None) -> Any:
    """An empty state; its ``_metadata`` is that attribute's only home."""
    state: Any = OrderedDict()
    state._metadata = OrderedDict() if metadata is None else metadata
    return state


def _has_extra_state(module: Stateful) -> bool:
    return type(module).get_extra_state is not Stateful.get_extra_state


def _quoted(key: str) -> str:
    return f'"{key}"'


def _as_parameter(tensor: Tensor, requires_grad: bool) -> Parameter:
    if not isinstance(tensor, Parameter):
        return Parameter(tensor, requires_grad=requires_grad)
    tensor.requires_grad_(requires_grad)
    return tensor
