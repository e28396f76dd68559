"""Custom derivatives: ``class Square(Function)`` with ``forward`` and ``backward``."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._grad_mode import mode, no_grad, set_grad_enabled
from .._node import Node, Select
from .._tensor import Tensor, wrap


class FunctionCtx:
    """What ``forward`` hands to ``backward``."""

    def __init__(self) -> None:
        self.needs_input_grad: tuple[bool, ...] = ()
        self._to_save: tuple[Any, ...] = ()
        self._versions: tuple[int, ...] = ()
        self._non_differentiable: tuple[Tensor, ...] = ()
        self._dirty: tuple[Tensor, ...] = ()
        self._materialize = True
        self._freed = False

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep tensors (or ``None``) for the backward pass, guarded against in-place changes."""
        self._to_save = tensors
        self._versions = tuple(0 if t is None else t._ver[0] for t in tensors)

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What was saved.

        Raises:
            RuntimeError: it was freed by an earlier backward pass, or changed in place.
        """
        if self._freed:
            raise RuntimeError(
                "Trying to backward through the graph a second time: the saved tensors were "
                "freed. Pass retain_graph=True to the first backward() or grad()."
            )
        for t, version in zip(self._to_save, self._versions, strict=True):
            if t is not None and t._ver[0] != version:
                raise RuntimeError(
                    "one of the variables needed for gradient computation has been modified by an "
                    f"inplace operation: a saved tensor of shape {tuple(t._a.shape)} is at "
                    f"version {t._ver[0]}; expected version {version}"
                )
        return self._to_save

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Outputs that have no gradient."""
        self._non_differentiable = tensors

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Inputs that ``forward`` changed in place and returns."""
        self._dirty = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Whether a missing cotangent arrives as zeros (the default) or as ``None``."""
        self._materialize = value


class FunctionNode(Node):
    """The tape's entry of a custom function."""

    __slots__ = ("ctx", "function")
    ctx: FunctionCtx
    function: Any

    def name(self) -> str:
        """The class's name with ``Backward`` behind, as torch shows it."""
        return f"{self.function.__name__}Backward"

    def free(self) -> None:
        """Drop the saved tensors."""
        self.ctx._freed = True

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
                wrap(np.zeros(shape, d)) if p is None else p
                for p, (shape, d) in zip(parts, self.outputs, strict=True)
            ]
        with set_grad_enabled(graph):
            result = self.function.backward(self.ctx, *parts)
        grads = result if isinstance(result, tuple) else (result,)
        needs = self.ctx.needs_input_grad
        if len(grads) < len(needs) or any(g is not None for g in grads[len(needs) :]):
            raise RuntimeError(
                f"function {self.name()} returned an incorrect number of gradients (expected "
                f"{len(needs)}, got {len(grads)})"
            )
        return [g for g, need in zip(grads, needs, strict=False) if need]


class Function:
    """A function with a derivative of its own.

    >>> import tensor_core as torch
    >>> class Cube(torch.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x**3
    ...     @staticmethod
    ...     def backward(ctx, g):
    ...         (x,) = ctx.saved_tensors
    ...         return 3 * x**2 * g
    >>> x = torch.tensor(2.0, requires_grad=True)
    >>> Cube.apply(x).backward(); x.grad
    tensor(12.)
    """

    @staticmethod
    def forward(ctx: Any, *args: Any, **kwargs: Any) -> Any:
        """The value; to be written by the subclass."""
        raise RuntimeError("a Function needs a static forward(ctx, *args)")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """One gradient (or ``None``) for each argument of ``forward``; by the subclass."""
        raise RuntimeError("a Function needs a static backward(ctx, *grad_outputs)")

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Call it, recorded."""
        ctx = FunctionCtx()
        ctx.needs_input_grad = tuple(isinstance(a, Tensor) and a.requires_grad for a in args)
        setup = getattr(cls, "setup_context", None)
        with no_grad():
            if setup is None:
                result = cls.forward(ctx, *args, **kwargs)
            else:
                result = cls.forward(*args, **kwargs)  # type: ignore[arg-type]
                setup(ctx, args, result)
        outs = result if isinstance(result, tuple) else (result,)
        if mode.enabled and any(ctx.needs_input_grad):
            outs = _record(cls, ctx, args, outs)
        return outs if isinstance(result, tuple) else outs[0]


def _record(
    cls: Any, ctx: FunctionCtx, args: tuple[Any, ...], outs: tuple[Any, ...]
) -> tuple[Any, ...]:
    needed = [a for a, need in zip(args, ctx.needs_input_grad, strict=True) if need]
    edges = [(a if a._node is None else a._node, a._a.shape, a._a.dtype) for a in needed]
    node = FunctionNode(cls, None, edges, ())
    node.ctx, node.function = ctx, cls
    node.outputs = tuple(
        (o._a.shape, o._a.dtype) if isinstance(o, Tensor) else ((), np.dtype("f4")) for o in outs
    )
    recorded = []
    for k, out in enumerate(outs):
        if isinstance(out, Tensor) and not any(out is t for t in ctx._non_differentiable):
            if any(out is a for a in args) and not any(out is t for t in ctx._dirty):
                out = wrap(out._a)  # an input handed through is an output of its own
            out._node = Select(node, k) if len(outs) > 1 else node
            out._rg = True
        recorded.append(out)
    return tuple(recorded)
