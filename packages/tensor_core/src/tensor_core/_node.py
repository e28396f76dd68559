"""Nodes of the tape: what an output remembers of the op that made it."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np

from ._grad_mode import enable_grad
from ._grad_names import plain
from ._hooks import AfterAccumulation, OfNode, RemovableHandle
from ._tensor import Tensor, wrap

sequence = count().__next__  # nodes made later have larger numbers: a topological order

Edge = tuple[Any, tuple[int, ...], "np.dtype[Any]"]  # (node or leaf tensor, shape, type)


class Node:
    """One recorded call: the edges to its inputs and what its rule asked to keep."""

    __slots__ = (
        "__weakref__",
        "_edges",
        "_hooks",
        "_seq",
        "cells",
        "mark",
        "op",
        "outputs",
        "plan",
        "saved",
    )

    outputs: tuple[Any, ...]  # shape and type of each, where there are several

    def __init__(self, op: Any, plan: Any, edges: list[Edge], saved: Any) -> None:
        self.op = op
        self.plan = plan
        self._edges = edges
        self.saved = saved
        self.cells: list[list[int]] = []  # version counters of what was saved ...
        self.mark = 0  # ... and their sum then: versions only grow, so the sum tells
        self._hooks: dict[int, Callable[[Tensor], Tensor | None]] | None = None
        self._seq = sequence()

    def name(self) -> str:
        """The op's name in torch's manner, such as ``MulBackward0``."""
        return plain(self.op.name)

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """The nodes this one passes gradients to, as torch presents them."""
        return tuple(self.spread([_as_function(edge[0]) for edge in self._edges], (None, 0)))

    def spread(self, items: list[Any], empty: Any) -> list[Any]:
        """One item for each edge as one for each input: ``empty`` where none is needed."""
        if self.plan is None or self.op.name == "pow":
            return items
        spread = [empty] * max(self.op.n_arrays, len(items))
        for position, item in zip(self.plan.inputs, items, strict=True):
            spread[position] = item
        return spread

    requires_grad = True

    @property
    def metadata(self) -> dict[str, Any]:
        """A dictionary for whoever looks at the graph; the engine does not read it."""
        return _metadata.setdefault(self, {})

    def _sequence_nr(self) -> int:
        return self._seq

    def register_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(grad_inputs, grad_outputs)`` behind the rule; a tuple replaces the former."""
        return self._hooked(OfNode(hook, before=False))

    def register_prehook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(grad_outputs)`` before the rule; a tuple it returns replaces them."""
        return self._hooked(OfNode(hook, before=True))

    def _hooked(self, hook: OfNode) -> RemovableHandle:
        from ._node_hooks import around

        if self._hooks is None:
            self._hooks = {}
        around(self)
        return RemovableHandle(self._hooks, hook)

    def __repr__(self) -> str:
        return f"<{self.name()} object at {id(self):#x}>"

    def fetch(self) -> Any:
        """What was saved.

        Raises:
            RuntimeError: it was freed by an earlier backward pass, or changed in place.
        """
        if self.saved is None:
            raise RuntimeError(
                f"{self.op.name}: trying to backward through the graph a second time: its saved "
                "values were freed. Pass retain_graph=True to the first backward() or grad()."
            )
        if sum(cell[0] for cell in self.cells) == self.mark:
            return self.saved
        raise RuntimeError(
            f"{self.op.name}: one of the variables needed for gradient computation has been "
            "modified by an inplace operation after it was saved. Use the out-of-place op, or "
            "clone() the value before changing it."
        )

    def free(self) -> None:
        """Drop what was saved; a further backward raises."""
        if self.cells:  # else nothing of size is held, and torch allows it
            self.saved = None

    def apply(self, g: Any) -> list[Any]:
        """Raw gradients for the edges, on arrays."""
        return self.plan.pull(g, self.fetch())

    def apply_graph(self, g: Any) -> list[Any]:
        """The same on Tensors, recorded, so that gradients have gradients."""
        saved = self.fetch()
        if self.plan.arguments:
            return self._through_composition(g, [saved[i] for i in self.plan.arguments])
        joined = [self._join(v, k) for v, k in zip(saved, self.plan.kinds, strict=True)]
        return self.plan.pull(g, joined)

    def _join(self, value: Any, kind: Any) -> Any:
        """A saved value as the rule must see it on the graph; ``kind`` says what it was."""
        if kind == "list":
            places = {i: k for k, i in enumerate(self.plan.inputs)}
            return tuple(self._join(a, places.get(i)) for i, a in enumerate(value))
        if kind == "y":
            if isinstance(value, tuple):
                return tuple(joined(a, Select(self, k)) for k, a in enumerate(value))
            return joined(value, self)
        if isinstance(kind, int):
            return joined(value, self._edges[kind][0])
        if isinstance(value, np.ndarray):
            if kind == "kept" and value.dtype.kind in "fcV":
                raise RuntimeError(f"{self.op.name}: its derivative cannot be differentiated")
            return wrap(value)
        return value

    def _through_composition(self, g: Tensor, args: list[Any]) -> list[Any]:
        """Differentiate the composition that a fused op stands for instead of its rule."""
        from ._backward import grad
        from .ops.view import alias

        places = {i: k for k, i in enumerate(self.plan.inputs)}
        with enable_grad():
            values = []
            for i, a in enumerate(args):
                if i in places:
                    values.append(alias(self._join(a, places[i])))
                else:
                    values.append(wrap(a) if isinstance(a, np.ndarray) else a)
            y = self.op.fuses(*values)
            wanted = [values[i] for i in self.plan.inputs]
            return list(grad(y, wanted, g, create_graph=True, allow_unused=True))


class MultiNode(Node):
    """A recorded call with several outputs; its cotangent is a tuple, zeros filled in."""

    __slots__ = ()

    def apply(self, g: list[Any]) -> list[Any]:
        return super().apply(
            tuple(
                np.zeros(shape, d) if part is None else part
                for part, (shape, d) in zip(g, self.outputs, strict=True)
            )
        )

    def apply_graph(self, g: list[Any]) -> list[Any]:
        return super().apply_graph(
            tuple(
                wrap(np.zeros(shape, d)) if part is None else part
                for part, (shape, d) in zip(g, self.outputs, strict=True)
            )
        )


class Select(Node):
    """One output of a :class:`MultiNode`: passes its gradient on under its number."""

    __slots__ = ("index", "parent")

    def __init__(self, parent: Node, index: int) -> None:
        shape, d = parent.outputs[index]
        super().__init__(parent.op, None, [(parent, shape, d)], ())
        self.parent = parent
        self.index = index

    def free(self) -> None:
        """Nothing is saved here."""


def joined(array: np.ndarray, target: Any) -> Tensor:
    """A Tensor of ``array`` on the graph at ``target``; a leaf stands for itself."""
    if isinstance(target, Tensor):
        return target
    t = wrap(array)
    t._node = target
    t._rg = True
    return t


def _as_function(target: Any) -> tuple[Any, int]:
    if isinstance(target, Tensor):
        return (accumulator(target), 0)
    if isinstance(target, Select):
        return (target.parent, target.index)
    return (target, 0)


class AccumulateGrad:
    """How a leaf shows itself among ``next_functions``."""

    next_functions: tuple[Any, ...] = ()
    requires_grad = True

    def __init__(self, variable: Tensor) -> None:
        self.variable = variable
        self.metadata: dict[str, Any] = {}

    def register_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook((), grads)`` once ``.grad`` is up to date; it cannot be replaced."""
        leaf = self.variable
        return leaf.register_hook(AfterAccumulation(lambda _: hook((), (leaf._grad,))))  # type: ignore[arg-type]

    def register_prehook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(grads)`` before it is added; a tuple it returns replaces it."""

        def before(g: Tensor) -> Tensor | None:
            changed = hook((g,))
            return changed if changed is None or isinstance(changed, Tensor) else changed[0]

        return self.variable.register_hook(before)

    def name(self) -> str:
        """torch's name for it."""
        return "torch::autograd::AccumulateGrad"

    def __repr__(self) -> str:
        return f"<AccumulateGrad object at {id(self):#x}>"


_metadata: weakref.WeakKeyDictionary[Node, dict[str, Any]] = weakref.WeakKeyDictionary()
_accumulators: weakref.WeakValueDictionary[int, AccumulateGrad] = weakref.WeakValueDictionary()


def accumulator(leaf: Tensor) -> AccumulateGrad:
    """The one that stands for a leaf, the same as long as somebody holds it."""
    found = _accumulators.get(id(leaf))
    if found is None:
        found = _accumulators[id(leaf)] = AccumulateGrad(leaf)
    return found
