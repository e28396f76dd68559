"""How a module's backward hooks see and change the gradients that pass through the module."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from .._creation import zeros
from .._grad_mode import mode
from .._tensor import Tensor
from ..autograd import Function


class _Together(Function):
    """The identity on several tensors whose gradients arrive, and can be changed, together."""

    @staticmethod
    def forward(ctx: Any, arrived: Callable[..., Any], *tensors: Tensor) -> tuple[Tensor, ...]:
        ctx.arrived = arrived
        ctx.set_materialize_grads(False)  # hooks see None where no gradient arrived
        return tuple(tensor.view_as(tensor) for tensor in tensors)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return (None, *ctx.arrived(grads))


class BackwardTap:
    """Calls a module's backward hooks once the gradients of all its inputs are known."""

    def __init__(self, module: Any, pre: list[Any], hooks: list[Any]) -> None:
        self.module = module
        self.pre = pre
        self.hooks = hooks
        self.grad_output: tuple[Any, ...] | None = None  # until gradients reach the outputs
        self.inputs = 0
        self.input_needs_grad = False
        self.given: list[Any] = []  # shape and dtype of the arguments that are tensors

    def enter(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Pass the arguments through; their gradients come back to ``_input_grads``."""
        self.inputs = len(args)
        self.given = [(v.shape, v.dtype) if isinstance(v, Tensor) else None for v in args]
        where, tapped = _tap(args, self._input_grads)
        self.input_needs_grad = bool(where)
        return tapped

    def leave(self, result: Any) -> Any:
        """Pass the results through; their gradients come back to ``_output_grads``."""
        if not isinstance(result, Tensor | tuple):
            warnings.warn(
                "For backward hooks to be called, module output should be a Tensor or a tuple of "
                f"Tensors but received {type(result)}",
                stacklevel=2,
            )
        results = result if isinstance(result, tuple) else (result,)
        outputs = len(results)

        def output_grads(where: list[int], grads: tuple[Any, ...]) -> tuple[Any, ...]:
            return self._output_grads(where, outputs, grads)

        _, tapped = _tap(results, output_grads)
        return tapped if isinstance(result, tuple) else tapped[0]

    def _output_grads(
        self, where: list[int], outputs: int, grads: tuple[Any, ...]
    ) -> tuple[Any, ...]:
        full = _spread(where, outputs, grads)
        for hook in self.pre:
            full = _replaced(hook(self.module, full), full, "backward pre-hook")
        self.grad_output = full
        if not self.input_needs_grad:
            if self.hooks:
                warnings.warn(
                    "Full backward hook is firing when gradients are computed with respect to "
                    "module outputs since no inputs require gradients.",
                    stacklevel=2,
                )
            for hook in self.hooks:
                changed = hook(self.module, (None,) * self.inputs, full)
                if changed is not None and any(g is not None for g in _as_tuple(changed)):
                    raise RuntimeError(
                        "a backward hook of a module whose inputs need no gradient must return "
                        "None: there is no gradient to replace"
                    )
        return tuple(full[i] for i in where)

    def _input_grads(self, where: list[int], grads: tuple[Any, ...]) -> tuple[Any, ...]:
        if self.grad_output is None:  # outputs of a kind that cannot be tapped
            return grads
        full = _spread(where, self.inputs, grads)
        full = tuple(  # every tensor has a gradient here, zeros where none arrived
            zeros(kind[0], dtype=kind[1]) if g is None and kind is not None else g
            for g, kind in zip(full, self.given, strict=True)
        )
        for hook in self.hooks:
            full = _replaced(hook(self.module, full, self.grad_output), full, "backward hook")
        return tuple(full[i] for i in where)


def _tap(
    values: tuple[Any, ...], arrived: Callable[[list[int], tuple[Any, ...]], tuple[Any, ...]]
) -> tuple[list[int], tuple[Any, ...]]:
    """Tap the values that need a gradient; returns their positions and all values."""
    where = [i for i, v in enumerate(values) if isinstance(v, Tensor) and v.requires_grad]
    if not where or not mode.enabled:
        return where, values
    tapped = _Together.apply(lambda grads: arrived(where, grads), *(values[i] for i in where))
    tapped = tapped if isinstance(tapped, tuple) else (tapped,)
    out = list(values)
    for i, value in zip(where, tapped, strict=True):
        out[i] = value
    return where, tuple(out)


def _spread(where: list[int], length: int, grads: tuple[Any, ...]) -> tuple[Any, ...]:
    full: list[Any] = [None] * length
    for i, grad in zip(where, grads, strict=True):
        full[i] = grad
    return tuple(full)


def _as_tuple(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _replaced(changed: Any, grads: tuple[Any, ...], what: str) -> tuple[Any, ...]:
    if changed is None:
        return grads
    changed = _as_tuple(changed)
    if len(changed) != len(grads):
        raise RuntimeError(f"the {what} returned {len(changed)} gradients, expected {len(grads)}")
    return changed
