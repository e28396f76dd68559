"""A function evaluated on tensors of its own: what Jacobians and products with them start from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._backward import grad
from .._grad_mode import enable_grad
from .._tensor import Tensor, wrap

Grads = tuple["Tensor | None", ...]


def tuple_of(value: Any, what: str, name: str) -> tuple[tuple[Tensor, ...], bool]:
    """A Tensor or a tuple of them as a tuple, and whether it was one.

    Raises:
        TypeError: it is neither.
    """
    several = isinstance(value, tuple)
    items = value if several else (value,)
    for i, item in enumerate(items):
        if not isinstance(item, Tensor):
            where = f"the value at index {i}" if several else f"the given {what}"
            raise TypeError(
                f"The {what} given to {name} must be either a Tensor or a tuple of Tensors but "
                f"{where} has type {type(item)}."
            )
    return items, several


def fresh(tensors: tuple[Tensor, ...], graph: bool, need: bool = True) -> tuple[Tensor, ...]:
    """New tensors of the same values: the function may hold the old ones in another role."""
    return tuple(
        t.view_as(t) if graph and t.requires_grad else t.detach().requires_grad_(need)
        for t in tensors
    )


def shown(values: Any, several: bool, kind: Any = tuple) -> Any:
    """A tuple of results, or the only one."""
    return kind(values) if several else values[0]


def released(values: Any, graph: bool) -> Any:
    """Tensors (also nested in tuples) outside the graph, unless it was asked for."""
    if isinstance(values, Tensor):
        return values if graph else values.detach()
    return tuple(released(v, graph) for v in values)


class Evaluated:
    """``func`` at fresh copies of the inputs."""

    def __init__(
        self, name: str, func: Callable[..., Any], inputs: Any, graph: bool, strict: bool, v: Any
    ) -> None:
        self.name, self.graph, self.strict = name, graph, strict
        inputs, self.several_inputs = tuple_of(inputs, "inputs", name)
        with enable_grad():
            self.xs = fresh(inputs, graph)
            if v is not None and name != "vjp":
                self.v = self.direction(v, self.xs, self.several_inputs)
            what = "outputs of the user-provided function"
            self.ys, self.several_outputs = tuple_of(func(*self.xs), what, name)
            if v is not None and name == "vjp":
                self.v = self.direction(v, self.ys, self.several_outputs)
        if strict:
            self.demand_recorded(self.ys, "Output {} of the user-provided function is not computed "
                                 "from the inputs in a differentiable manner")  # fmt: skip

    v: tuple[Tensor, ...] | None = None

    def direction(self, v: Any, like: tuple[Tensor, ...], several: bool) -> tuple[Tensor, ...]:
        """The vector(s) given, of the shapes wanted."""
        vs, _ = tuple_of(v, "v", self.name)
        if len(vs) != len(like):
            raise RuntimeError(f"v has {len(vs)} Tensors, but {self.name} wants {len(like)} here")
        for i, (a, b) in enumerate(zip(vs, like, strict=True)):
            if a._a.shape != b._a.shape:
                raise RuntimeError(
                    f"{f'Entry {i} in ' if several else ''}v has invalid size: should be "
                    f"{tuple(b._a.shape)} but got {tuple(a._a.shape)}."
                )
        return fresh(vs, self.graph, need=False)

    def single_number(self, tensors: tuple[Tensor, ...], what: str) -> None:
        """Raise unless ``v`` can be left out, or the function can have a Hessian."""
        if len(tensors) != 1 or tensors[0]._a.size != 1:
            raise RuntimeError(f"{self.name}: {what}")

    def demand_recorded(self, tensors: Grads, text: str) -> None:
        """What ``strict=True`` asks for: that all of them depend on the inputs."""
        for i, t in enumerate(tensors):
            if t is None or not t.requires_grad:
                raise RuntimeError(
                    f"{text.format(i)}. This is not allowed in strict mode ({self.name})."
                )

    def filled(self, grads: Grads, like: tuple[Tensor, ...], what: str) -> tuple[Tensor, ...]:
        """Zeros for what does not depend on anything; not so if ``strict``."""
        if self.strict:
            for i, g in enumerate(grads):
                if g is None or (self.graph and not g.requires_grad):
                    raise RuntimeError(
                        f"{self.name}: {what} is independent of entry {i}. This is not allowed in "
                        "strict mode."
                    )
        pairs = zip(grads, like, strict=True)
        return tuple(wrap(np.zeros_like(x._a)) if g is None else g for g, x in pairs)


def pulled(
    ys: Grads, xs: tuple[Tensor, ...], vs: Any = None, graph: bool = False, keep: Any = None
) -> Grads:
    """``autograd.grad`` of those outputs that are recorded; ``None`` where there is no way."""
    pairs = zip(ys, vs or [None] * len(ys), strict=True)
    used = [(y, v) for y, v in pairs if y is not None and y.requires_grad]
    if not used:
        return (None,) * len(xs)
    outputs, cotangents = zip(*used, strict=True)
    return grad(outputs, xs, cotangents, keep, graph, allow_unused=True)
