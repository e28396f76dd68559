"""What the ``forward`` of a custom function hands to its ``backward``."""

from __future__ import annotations

import weakref
from functools import cache
from typing import Any

from .._node import Select, joined
from .._tensor import Tensor


class FunctionCtx:
    """What ``forward`` hands to ``backward``: saved tensors, and any attribute."""

    _node: Any = None  # a weak reference to the node that holds this context

    def __init__(self) -> None:
        self.needs_input_grad: tuple[bool, ...] = ()
        self._to_save: tuple[Any, ...] = ()
        self._saved: tuple[Any, ...] = ()  # each with the version it had
        self._non_differentiable: tuple[Tensor, ...] = ()
        self._dirty: tuple[Tensor, ...] = ()
        self._materialize = True
        self._freed = False

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep tensors (or ``None``) for the backward pass, guarded against in-place changes."""
        self._to_save = tensors

    def save_for_forward(self, *tensors: Tensor | None) -> None:
        """Accepted; nothing here differentiates forwards."""

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What was saved.

        Raises:
            RuntimeError: it was freed by an earlier backward pass, or changed in place.
        """
        if self._freed:
            raise RuntimeError(
                "Trying to backward through the graph a second time (or directly access saved "
                "tensors after they have already been freed). Pass retain_graph=True to the first "
                "backward() or grad()."
            )
        return tuple(None if kept is None else self._fetched(*kept) for kept in self._saved)

    def _fetched(self, value: Any, output: int | None, cell: list[int], version: int) -> Tensor:
        if cell[0] != version:
            array = value._a if isinstance(value, Tensor) else value
            raise RuntimeError(
                "one of the variables needed for gradient computation has been modified by an "
                f"inplace operation: a saved tensor of shape {tuple(array.shape)} is at version "
                f"{cell[0]}; expected version {version}"
            )
        if output is None:
            return value
        node = self._node()
        return joined(value, node if len(node.outputs) == 1 else Select(node, output))

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Outputs that have no gradient."""
        self._non_differentiable = tensors

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Inputs that ``forward`` changed in place and returns."""
        self._dirty = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Whether a missing cotangent arrives as zeros (the default) or as ``None``."""
        self._materialize = value

    def name(self) -> str:
        """The function's name with ``Backward`` behind."""
        return type(self).__name__

    def keep(self, outs: tuple[Any, ...]) -> None:
        """Note what was saved as it is at the end of ``forward``.

        An output is kept without its place in the graph, which would hold this context: it is
        put there again when it is asked for.
        """
        kept: list[Any] = []
        for t in self._to_save:
            if t is None:
                kept.append(None)
                continue
            if not isinstance(t, Tensor):
                raise TypeError(f"save_for_backward can only save variables, but got {type(t)}")
            place = next((k for k, out in enumerate(outs) if out is t), None)
            if place is not None and t.requires_grad:
                kept.append((t._a, place, t._ver, t._ver[0]))
            else:
                kept.append((t, None, t._ver, t._ver[0]))
        self._saved, self._to_save = tuple(kept), ()

    def free(self) -> None:
        """Drop the saved tensors."""
        if self._saved:
            self._saved, self._freed = (), True


def context_of(cls: Any) -> FunctionCtx:
    """A new context of a function, of a class named after it."""
    return _kind(cls.__name__)()


@cache
def _kind(name: str) -> Any:
    return type(f"{name}Backward", (FunctionCtx,), {})


def bind(ctx: FunctionCtx, node: Any) -> None:
    """Let the context know its node, without holding it."""
    ctx._node = weakref.ref(node)
