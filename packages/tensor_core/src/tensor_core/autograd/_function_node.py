"""The tape's entry of a custom function."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from .. import _dtypes
from .._grad_mode import no_grad, set_grad_enabled
from .._inplace import _check_leaf, _rebase
from .._node import Node, Select
from .._op import CUSTOM
from .._tensor import Tensor, wrap
from ._function_context import FunctionCtx, bind


class DelayedError(RuntimeError):
    """Raised when what cannot be differentiated is differentiated."""


class _Named:
    """What messages about a node want of its op."""

    __slots__ = ("name",)
    n_arrays = 2

    def __init__(self, name: str) -> None:
        self.name = name


class FunctionNode(Node):
    """A call of a custom function; attributes of its context are attributes of the node."""

    ctx: FunctionCtx
    function: Any

    def name(self) -> str:
        """The class's name with ``Backward`` behind, as torch shows it."""
        return f"{self.function.__name__}Backward"

    def __getattr__(self, name: str) -> Any:
        if name in ("ctx", "function", "outputs") or name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.ctx, name)

    def free(self) -> None:
        """Drop the saved tensors."""
        self.ctx.free()

    def apply(self, g: Any) -> list[Any]:
        """Gradients as arrays."""
        parts = [wrap(p) if isinstance(p, np.ndarray) else p for p in self._parts(g)]
        return [r if r is None else r._a for r in self._call(parts, False)]

    def apply_graph(self, g: Any) -> list[Any]:
        """Gradients as Tensors, recorded."""
        return self._call(self._parts(g), True)

    def _parts(self, g: Any) -> list[Any]:
        return g if isinstance(g, list) else [g]

    def _call(self, parts: list[Any], graph: bool) -> list[Any]:
        if self.ctx._materialize:
            parts = [
                wrap(np.zeros(*kind)) if p is None and kind is not None else p
                for p, kind in zip(parts, self.outputs, strict=True)
            ]
        with set_grad_enabled(graph):
            result = _rule(self.function)(self.ctx, *parts)
        return self._checked(result if isinstance(result, tuple) else (result,))

    def _checked(self, grads: tuple[Any, ...]) -> list[Any]:
        """The gradients of those inputs that need one."""
        needs = self.ctx.needs_input_grad
        if len(grads) < len(needs) or any(g is not None for g in grads[len(needs) :]):
            raise RuntimeError(
                f"function {self.name()} returned an incorrect number of gradients (expected "
                f"{len(needs)}, got {len(grads)})"
            )
        for i, g in enumerate(grads[: len(needs)]):
            if g is not None and not self._tensors[i]:
                raise RuntimeError(
                    f"function {self.name()} returned a gradient different than None at position "
                    f"{i + 1}, but the corresponding forward input was not a Variable"
                )
        found = [g for g, need in zip(grads, needs, strict=False) if need]
        for i, (g, edge) in enumerate(zip(found, self._edges, strict=True)):
            if g is not None and not isinstance(g, Tensor):
                raise RuntimeError(
                    f"function {self.name()} returned a {type(g).__name__} as gradient {i}: a "
                    "gradient is a Tensor or None"
                )
            if g is not None and not _reduces(g._a.shape, edge[1]):
                raise RuntimeError(
                    f"Function {self.name()} returned an invalid gradient at index {i} - got "
                    f"{list(g._a.shape)} but expected shape compatible with {list(edge[1])}"
                )
        return found

    _tensors: tuple[bool, ...]  # which arguments were tensors


def _reduces(have: tuple[int, ...], want: tuple[int, ...]) -> bool:
    """Whether summing over broadcast dimensions makes one shape of the other."""
    extra = len(have) - len(want)
    return extra >= 0 and all(n in (1, have[i + extra]) for i, n in enumerate(want))


def _rule(cls: Any) -> Any:
    """``backward``, or ``vjp`` where the class has that instead."""
    from .function import Function

    if cls.vjp is Function.vjp:
        return cls.backward
    if cls.backward is not Function.backward:
        raise RuntimeError(
            "Implementing both 'backward' and 'vjp' for a custom Function is not allowed. You "
            "should only implement one of them."
        )
    return cls.vjp


@cache
def _kind(name: str) -> Any:
    return type(f"{name}Backward", (FunctionNode,), {})


def check_dirty(
    ctx: FunctionCtx, args: tuple[Any, ...], outs: tuple[Any, ...], recorded: bool
) -> None:
    """Note that inputs were changed in place.

    Raises:
        RuntimeError: one was not returned, or is a leaf that needs a gradient.
    """
    for t in ctx._dirty:
        if not any(t is a for a in outs):
            raise RuntimeError(
                "Some elements marked as dirty during the forward method were not returned as "
                "output. The inputs that are modified inplace must all be outputs of the Function."
            )
        t._bump()
        if recorded:
            _check_leaf(t)


def record(
    cls: Any, ctx: FunctionCtx, args: tuple[Any, ...], outs: tuple[Any, ...]
) -> tuple[Any, ...]:
    """Give the outputs their place in the graph."""
    needed = [a for a, need in zip(args, ctx.needs_input_grad, strict=True) if need]
    edges = [(a if a._node is None else a._node, a._a.shape, a._a.dtype) for a in needed]
    node = _kind(cls.__name__)(_Named(cls.__name__ + "Backward"), None, edges, ())
    node.ctx, node.function = ctx, cls
    node._tensors = tuple(isinstance(a, Tensor) for a in args)
    node.outputs = tuple((o._a.shape, o._a.dtype) if isinstance(o, Tensor) else None for o in outs)
    bind(ctx, node)
    recorded = tuple(_output(ctx, node, k, out, args) for k, out in enumerate(outs))
    # a saved input that is handed through is still the input
    ctx.keep(tuple(r if r is o else None for r, o in zip(recorded, outs, strict=True)))
    return recorded


def _output(ctx: FunctionCtx, node: Any, k: int, out: Any, args: tuple[Any, ...]) -> Any:
    if not isinstance(out, Tensor) or out._a.dtype.kind not in _dtypes.DIFFERENTIABLE:
        return out
    if any(out is t for t in ctx._non_differentiable):
        return out.detach() if any(out is a for a in args) else out
    dirty = any(out is t for t in ctx._dirty)
    if any(out is a for a in args) and not dirty:
        out = _handed_through(out)
    target = Select(node, k) if len(node.outputs) > 1 else node
    if dirty and out._base is not None:
        made = wrap(out._a)
        made._node, made._rg = target, True
        _rebase(out, made)
        return out
    if out._base is not None and not dirty:
        out._untracked = CUSTOM
        out._replay = ((_overruled, (), None),)
        out._seen = out._ver[0]
    out._node, out._rg = target, True
    return out


def _handed_through(x: Tensor) -> Tensor:
    """An input that is returned is an output of its own: a view of it."""
    from ..ops.view import alias

    with no_grad():
        return alias(x)


def _overruled(base: Tensor) -> Tensor:
    """What a view that a custom function returned becomes when its memory has changed."""
    raise RuntimeError(
        "Output 0 of a custom Function is a view and its base or another view of its base has "
        "been modified inplace, which would overrule the Function's backward(). clone() the "
        "output of the Function."
    )
