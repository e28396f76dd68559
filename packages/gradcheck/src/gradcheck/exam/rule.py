"""What the exam asks about: one function, one rule, one point."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

KINDS = (
    "value",
    "scale",
    "one entry",
    "broadcast",
    "axis",
    "state",
    "aliasing",
    "dtype and layout",
    "edge",
    "cotangent",
    "nondeterminism",
    "second order",
)
"""The classes of planted bugs."""


@dataclass(frozen=True)
class Rule:
    """A function with its rule ``vjp(g, y, *primals)`` at a point, as ``check_vjp`` takes them.

    ``kind`` is one of :data:`KINDS` for a planted bug, and says in a word what is hard for a
    correct rule. ``options`` go to ``check_vjp`` (``domain``, ``order``, ``sizes``). With
    ``stateful`` the rule is made anew for every check by calling ``vjp()``. ``inconclusive`` marks
    correct rules of functions whose values are too poor for any verdict.

    >>> Rule("square", "value", np.square, lambda g, y, x: 2 * g * x, [np.ones(2)]).rule() is None
    False
    """

    name: str
    kind: str
    f: Callable[..., Any]
    vjp: Callable[..., Any]
    primals: list[Any]
    options: Mapping[str, Any] = field(default_factory=dict)
    stateful: bool = False
    inconclusive: bool = False

    def rule(self) -> Callable[..., Any]:
        """The rule, fresh if it keeps something from call to call."""
        made: Callable[..., Any] = self.vjp() if self.stateful else self.vjp
        return made

    def point(self) -> list[Any]:
        """A copy of the primals, for a checker to do with as it likes."""
        return [np.array(p, order="K") for p in self.primals]
