"""Hooks, and how to take them away again."""

from __future__ import annotations

import weakref
from typing import Any

hooked_leaves: list[bool] = []
"""Not empty once a leaf has had a hook; the backward pass looks for such leaves only then."""


class RemovableHandle:
    """What registering a hook returns; ``remove()`` takes the hook away again."""

    _next = 0

    def __init__(self, hooks: dict[int, Any], hook: Any) -> None:
        RemovableHandle._next += 1
        self.id = RemovableHandle._next
        self._hooks = hooks
        hooks[self.id] = hook

    def remove(self) -> None:
        """Take the hook away; again is harmless."""
        self._hooks.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()


class AfterAccumulation:
    """A hook that is called with the leaf, once its ``.grad`` is up to date."""

    __slots__ = ("hook",)

    def __init__(self, hook: Any) -> None:
        self.hook = hook


class OfNode:
    """A hook of the node, not of a tensor: called before the node's rule, or after it."""

    __slots__ = ("before", "hook")

    def __init__(self, hook: Any, before: bool) -> None:
        self.hook = hook
        self.before = before


class Retained:
    """Keeps the gradient of a tensor that is no leaf, once its hooks have seen it."""

    __slots__ = ("tensor",)

    def __init__(self, tensor: Any) -> None:
        self.tensor = weakref.ref(tensor)

    def keep(self, g: Any) -> None:
        """Add a gradient to what the tensor, if it still lives, has."""
        t = self.tensor()
        if t is not None:
            t._grad = g.clone() if t._grad is None else t._grad + g


_SPECIAL = (AfterAccumulation, OfNode, Retained)


def run_hooks(hooks: dict[int, Any], g: Any) -> Any:
    """The gradient after every hook of a tensor has seen it, in their order.

    Raises:
        TypeError: a hook returns what is no tensor.
        RuntimeError: a hook returns a gradient of another shape or type.
    """
    retained = None
    for hook in list(hooks.values()):
        if type(hook) not in _SPECIAL:
            result = hook(g)
            if result is not None:
                _check_replaced(hook, g, result)
                g = result
        elif type(hook) is Retained:
            retained = hook
    if retained is not None:
        retained.keep(g)
    return g


def _check_replaced(hook: Any, before: Any, after: Any) -> None:
    name = getattr(hook, "__name__", "<unknown>")
    if not hasattr(after, "_a"):
        raise TypeError(f"expected Variable, but hook '{name}' returned '{type(after).__name__}'")
    if after._a.dtype != before._a.dtype:
        raise RuntimeError(
            f"hook '{name}' has changed the type of value (was {before.dtype}, got {after.dtype})"
        )
    if after._a.shape != before._a.shape:
        raise RuntimeError(
            f"hook '{name}' has changed the size of value (was {list(before._a.shape)}, got "
            f"{list(after._a.shape)})"
        )


def move_retained(tensor: Any, old: Any, new: Any) -> None:
    """Let :class:`Retained` follow its tensor to the node that makes it now."""
    if old is new or new is None:
        return
    for key, hook in list(old._hooks.items()):
        if type(hook) is Retained and hook.tensor() is tensor:
            del old._hooks[key]
            if new._hooks is None:
                new._hooks = {}
            new._hooks[key] = hook
