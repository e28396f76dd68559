"""Hooks of a node: called with all gradients that come to its rule, or leave it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from ._grad_mode import no_grad
from ._hooks import OfNode
from ._tensor import Tensor, wrap


def around(node: Any) -> None:
    """Let the node run its hooks: from now on it is of a class that does."""
    if not isinstance(node, Hooked):
        node.__class__ = hooked_kind(type(node))  # type: ignore[arg-type]  # classes hash


class Hooked:
    """Mixed into the class of a node that has hooks of its own: runs them around its rule."""

    __slots__ = ()

    def apply(self, g: Any) -> list[Any]:
        """The rule on arrays; the hooks see Tensors."""
        with no_grad():
            part = list(map(_tensor, g)) if isinstance(g, list) else wrap(g)
            grads = self._around(part, lambda h: super(Hooked, self).apply(_arrays(h)))  # type: ignore[misc]
        return [_arrays(r) for r in grads]

    def apply_graph(self, g: Any) -> list[Any]:
        """The rule on Tensors."""
        return self._around(g, super().apply_graph)  # type: ignore[misc]

    def _around(self: Any, g: Any, rule: Callable[[Any], list[Any]]) -> list[Any]:
        hooks = [hook for hook in list(self._hooks.values()) if type(hook) is OfNode]
        outputs = tuple(g) if isinstance(g, list) else (g,)
        for hook in hooks:
            if hook.before:
                outputs = _replaced(hook.hook(outputs), outputs, "pre hook")
        found = rule(list(outputs) if isinstance(g, list) else outputs[0])
        grads = tuple(self.spread(list(map(_tensor, found)), None))
        for hook in hooks:
            if not hook.before:
                grads = _replaced(hook.hook(grads, outputs), grads, "post hook")
        if self.plan is None or len(grads) == len(found):
            return list(grads)
        return [grads[position] for position in self.plan.inputs]


@cache
def hooked_kind(kind: type) -> type:
    """The subclass of a kind of node that runs hooks."""
    return type(kind.__name__, (Hooked, kind), {"__slots__": ()})


def _replaced(changed: Any, grads: tuple[Any, ...], what: str) -> tuple[Any, ...]:
    if changed is None:
        return grads
    changed = changed if isinstance(changed, tuple) else (changed,)
    if len(changed) != len(grads):
        raise RuntimeError(
            f"a {what} of a node has returned an incorrect number of gradients: got "
            f"{len(changed)}, but expected {len(grads)}"
        )
    return changed


def _tensor(value: Any) -> Any:
    return wrap(np.asarray(value)) if isinstance(value, np.ndarray | np.generic) else value


def _arrays(value: Any) -> Any:
    if isinstance(value, list):
        return [_arrays(v) for v in value]
    return value._a if isinstance(value, Tensor) else value
