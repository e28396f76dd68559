"""A recorded call's rule with something done before and after it."""

from __future__ import annotations

from typing import Any

from ._node import Select


class SpecialPlan:
    """A :class:`Plan` (or list plan) whose rules are reached through another ``pull``."""

    __slots__ = ("arguments", "inputs", "kinds", "pull")

    def __init__(self, plan: Any, pull: Any) -> None:
        self.arguments = plan.arguments
        self.inputs = plan.inputs
        self.kinds = plan.kinds
        self.pull = pull


def node_of(out: Any) -> Any:
    """The node that a call's result, or the first of its results with one, was recorded as."""
    for t in out if isinstance(out, tuple) else (out,):
        node = t._node
        if node is not None:
            return node.parent if type(node) is Select else node
    return None
