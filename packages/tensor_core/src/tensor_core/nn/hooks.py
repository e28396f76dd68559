"""Functions a module calls on the way: before and after forward, and on the way back."""

from __future__ import annotations

import itertools
import warnings
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from .._tensor import Tensor
from ._backward_tap import BackwardTap

if TYPE_CHECKING:
    from .module import Module

Table = OrderedDict[int, Any]

_ids = itertools.count()


class RemovableHandle:
    """What registering a hook returns; ``remove()`` takes the hook away again.

    Also a context manager that removes the hook at the end of the block.

    >>> from tensor_core import nn
    >>> layer = nn.Identity()
    >>> handle = layer.register_forward_hook(lambda module, args, output: output + 1)
    >>> layer(1)
    2
    >>> handle.remove()
    >>> layer(1)
    1
    """

    def __init__(self, table: Table) -> None:
        self.id = next(_ids)
        self._table = table

    def remove(self) -> None:
        """Take the hook away; a second call does nothing."""
        self._table.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()


class ModuleHooks:
    """All hooks of one module, or of all modules; made when the first is registered.

    The tables hold the hooks themselves; what more was asked of one stands in the sets, by id.
    """

    def __init__(self) -> None:
        self.forward_pre: Table = OrderedDict()
        self.forward: Table = OrderedDict()
        self.backward_pre: Table = OrderedDict()
        self.backward: Table = OrderedDict()
        self.backward_is_full: bool | None = None  # None until there is one
        self.state_pre: Table = OrderedDict()
        self.state: Table = OrderedDict()
        self.load_pre: Table = OrderedDict()
        self.load_post: Table = OrderedDict()
        self.with_kwargs: set[int] = set()
        self.always_called: set[int] = set()
        self.with_module: set[int] = set()  # load hooks that want the module first
        self.returns_none: set[int] = set()  # state hooks that may only change in place

    def full_backward(self) -> list[Any]:
        """The hooks that want the gradients of the module's inputs and outputs."""
        return list(self.backward.values()) if self.backward_is_full else []

    def old_backward(self) -> list[Any]:
        """The hooks that want the gradients around the last operation."""
        return list(self.backward.values()) if self.backward_is_full is False else []

    def on_call(self) -> bool:
        """Whether any of them has to do with calling the module."""
        return bool(self.forward_pre or self.forward or self.backward_pre or self.backward)


everywhere = ModuleHooks()
"""The hooks of all modules; they come before a module's own."""

_NONE = ModuleHooks()  # for a module without hooks of its own


def register(table: Table, hook: Any, prepend: bool = False) -> RemovableHandle:
    """Put ``hook`` last in ``table``, or first with ``prepend``."""
    handle = RemovableHandle(table)
    table[handle.id] = hook
    if prepend:
        table.move_to_end(handle.id, last=False)
    return handle


def register_forward(
    hooks: ModuleHooks, table: Table, hook: Any, prepend: bool, with_kwargs: bool, always: bool
) -> RemovableHandle:
    """Register a hook around ``forward`` and what it asked for."""
    handle = register(table, hook, prepend)
    if with_kwargs:
        hooks.with_kwargs.add(handle.id)
    if always:
        hooks.always_called.add(handle.id)
    return handle


def register_backward(
    hooks: ModuleHooks, hook: Any, prepend: bool, full: bool, what: str
) -> RemovableHandle:
    """Register a backward hook; those of the old kind and those of the new do not mix."""
    if hooks.backward_is_full is not None and hooks.backward_is_full is not full and hooks.backward:
        raise RuntimeError(
            f"Cannot use both regular backward hooks and full backward hooks {what}. "
            "Please use only one of them."
        )
    hooks.backward_is_full = full
    return register(hooks.backward, hook, prepend)


def call_with_hooks(module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Run ``module.forward`` with every hook around it, in the order they were registered."""
    own = module.__dict__.get("_hooks") or _NONE
    if not own.on_call() and not everywhere.on_call():
        return module.forward(*args, **kwargs)  # the hooks are gone, or have to do with states
    return _Call(module, own).run(args, kwargs)


class _Call:
    """One call of a module with hooks; remembers how far it got, for the hooks after an error."""

    def __init__(self, module: Module, own: ModuleHooks) -> None:
        self.module = module
        self.all = (everywhere, own)
        self.done: set[int] = set()
        self.result: Any = None

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self.args, self.kwargs = args, kwargs
        try:
            return self._run()
        except Exception:
            self._call_always()
            raise

    def _run(self) -> Any:
        self._before_forward()
        pre = [hook for hooks in self.all for hook in hooks.backward_pre.values()]
        full = [hook for hooks in self.all for hook in hooks.full_backward()]
        tap = BackwardTap(self.module, pre, full) if pre or full else None
        if tap is not None:
            self.args = tap.enter(self.args)
        self.result = self.module.forward(*self.args, **self.kwargs)
        self._after_forward()
        if tap is not None:
            self.result = tap.leave(self.result)
        if old := [hook for hooks in self.all for hook in hooks.old_backward()]:
            _hook_last_operation(self.module, old, self.result)
        return self.result

    def _before_forward(self) -> None:
        for hooks in self.all:
            for key, hook in list(hooks.forward_pre.items()):
                if key in hooks.with_kwargs:
                    changed = hook(self.module, self.args, self.kwargs)
                    if changed is None:
                        continue
                    if not (isinstance(changed, tuple) and len(changed) == 2):
                        raise RuntimeError(
                            "forward pre-hook must return None or a tuple of "
                            f"(new_args, new_kwargs), but got {changed}."
                        )
                    self.args, self.kwargs = changed
                elif (changed := hook(self.module, self.args)) is not None:
                    self.args = changed if isinstance(changed, tuple) else (changed,)

    def _after_forward(self) -> None:
        for hooks in self.all:
            for key, hook in list(hooks.forward.items()):
                self.done.add(key)
                self._call_one(hooks, key, hook)

    def _call_one(self, hooks: ModuleHooks, key: int, hook: Any) -> None:
        more = (self.kwargs,) if key in hooks.with_kwargs else ()
        changed = hook(self.module, self.args, *more, self.result)
        if changed is not None:
            self.result = changed

    def _call_always(self) -> None:
        """After an error: the forward hooks that asked to be called whatever happens."""
        for hooks in self.all:
            for key in [k for k in hooks.forward if k in hooks.always_called - self.done]:
                try:
                    self._call_one(hooks, key, hooks.forward[key])
                except Exception as error:
                    warnings.warn(
                        "module forward hook with ``always_call=True`` raised an exception that "
                        f"was silenced as another error was raised in forward: {error}",
                        stacklevel=2,
                    )


def _hook_last_operation(module: Module, hooks: list[Any], result: Any) -> None:
    """Give the old kind of backward hook the gradient of the result.

    What it would see as ``grad_input`` are the gradients of the last operation's inputs, and
    operations are divided differently here: using them raises.
    """
    if not isinstance(result, Tensor):
        raise RuntimeError(
            f"register_backward_hook: {type(module).__name__} gives no single tensor; use "
            "register_full_backward_hook"
        )
    if not result.requires_grad:
        return
    warnings.warn(
        "register_backward_hook sees the last operation alone; use register_full_backward_hook.",
        FutureWarning,
        stacklevel=2,
    )

    def arrived(grad: Tensor) -> None:
        for hook in hooks:
            if hook(module, _Unseen(), (grad,)) is not None:
                raise RuntimeError(
                    "register_backward_hook: grad_input cannot be replaced; use "
                    "register_full_backward_hook"
                )

    result.register_hook(arrived)


class _Unseen:
    """Stands for the gradients of the last operation's inputs; any use of it raises."""

    def _refuse(self, *args: Any) -> Any:
        raise RuntimeError(
            "register_backward_hook: the gradients of the last operation's inputs are not to be "
            "had; use register_full_backward_hook, which gives those of the module's inputs"
        )

    __getitem__ = __iter__ = __len__ = _refuse
