"""Functions of several Values: `grad`, derivatives without side effects, and `dot`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, overload

from . import ops
from .backprop import gradients
from .engine import Value, record


@overload
def grad(y: Value, inputs: Value, create_graph: bool = False) -> Any: ...
@overload
def grad(y: Value, inputs: Sequence[Value], create_graph: bool = False) -> list[Any]: ...
def grad(y: Value, inputs: Value | Sequence[Value], create_graph: bool = False) -> Any:
    """Return dy/dx for one Value x, or a list of them for several, leaving every ``grad`` alone.

    They are floats, or Values with ``create_graph``; 0 where ``y`` was not made from ``x``.

    >>> x = Value(2.0)
    >>> slope = grad(x**3, x, create_graph=True)
    >>> slope.data, grad(slope, x)      # 3x**2 and 6x
    (12.0, 12.0)
    """
    found = gradients(y, create_graph)
    wanted = [inputs] if isinstance(inputs, Value) else inputs
    result = [found[x] if x in found else Value(0.0) if create_graph else 0.0 for x in wanted]
    return result[0] if isinstance(inputs, Value) else result


def dot(a: Sequence[Value | float], b: Sequence[Value | float], bias: Value | float = 0.0) -> Value:
    """Return ``bias + a[0]*b[0] + a[1]*b[1] + ...`` as one node of the graph.

    Raises ValueError where the lengths differ. A Value, even when every input is a number.

    >>> dot([Value(1.0), Value(2.0)], [10.0, 100.0], bias=0.5).data
    210.5
    """
    if len(a) != len(b):
        raise ValueError(f"dot: {len(a)} numbers with {len(b)}: the lengths must be equal")
    return record(ops.affine, bias, *a, *b)
