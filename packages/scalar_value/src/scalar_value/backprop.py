"""Backpropagation: from a result back to everything it was computed from.

The chain rule, in one sentence: a node's gradient is the sum, over all nodes made from it, of
their gradient times the slope of the step between. So a node may hand its gradient on once all
nodes made from it have handed on theirs, and `order` is exactly such an order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .mode import enable_grad

if TYPE_CHECKING:
    from .engine import Value


def order(root: Value) -> list[Value]:
    """Return ``root`` and every computed node below it, each before its parents. No leaves.

    Keeps its own stack, so that a chain of a million nodes does not meet Python's recursion limit.

    >>> from scalar_value import Value
    >>> a = Value(2.0)
    >>> b = a * a
    >>> c = b + a
    >>> [v.data for v in order(c)]
    [6.0, 4.0]
    """
    if not root.parents:
        return []
    finished: list[Value] = []
    seen = {root}
    stack = [(root, iter(root.parents))]
    while stack:
        node, parents = stack[-1]
        for parent in parents:
            if parent.parents and parent not in seen:
                seen.add(parent)
                stack.append((parent, iter(parent.parents)))
                break  # first the parent's parents; this iterator goes on where it stopped
        else:
            finished.append(node)
            stack.pop()
    finished.reverse()
    return finished


def gradients(root: Value, create_graph: bool = False) -> dict[Value, Any]:
    """Return the derivative of ``root`` with respect to every Value it was computed from.

    Plain floats; or, with ``create_graph``, Values that can be differentiated again. Reverse mode,
    as in Linnainmaa (1970).

    >>> from scalar_value import Value
    >>> a = Value(3.0)
    >>> gradients(a * a)[a]
    6.0
    """
    if not create_graph:
        return _sweep(root, 1.0, None)
    with enable_grad():
        return _sweep(root, type(root)(1.0), _slopes_as_values)


def _sweep(root: Value, one: Any, slopes_of: Callable[[Value], Any] | None) -> dict[Value, Any]:
    found: dict[Value, Any] = {root: one}
    so_far_of = found.get
    for node in order(root):
        g = found[node]
        slopes = slopes_of(node) if slopes_of else node.partials
        for parent, slope in zip(node.parents, slopes):  # noqa: B905 (strict=True is slow here)
            so_far = so_far_of(parent)
            found[parent] = g * slope if so_far is None else so_far + g * slope
    return found


def _slopes_as_values(node: Value) -> tuple[Any, ...]:
    """Apply the op's slopes to the Values themselves, so that the slopes have a graph too."""
    assert node.op is not None  # it has parents
    slopes = node.op.partials(node, node.inputs, [type(x) is not float for x in node.inputs])
    for slope, stored in zip(slopes, node.partials, strict=True):
        number = slope if isinstance(slope, float) else slope.data
        if number != stored and stored == stored:  # nan is never equal to itself
            raise RuntimeError(
                f"backward(create_graph=True): the data of an input or the result of "
                f"{node.op.name} was changed after {node.op.name} was computed; "
                f"compute the result again before differentiating it twice"
            )
    return slopes
