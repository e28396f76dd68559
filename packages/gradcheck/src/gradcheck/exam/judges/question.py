"""A rule as the peers are told of it: a function of floating arrays alone."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcheck.exam.rule import Rule


class Cannot(Exception):
    """The judge has no way to be asked this; the text says why."""


class Question:
    """A rule with its integer inputs and outputs tucked away; ``wide`` makes all float64.

    >>> rule = Rule("sin", "plain", np.sin, lambda g, y, x: g * np.cos(x), [np.ones(2)])
    >>> question = Question(rule)
    >>> [a.shape for a in question.point], question.several
    ([(2,)], False)
    """

    def __init__(self, rule: Rule, wide: bool = False) -> None:
        self.f = rule.f
        self.vjp: Any = rule.rule()
        self.order = int(rule.options.get("order", 1))
        self.primals = [np.asarray(p) for p in rule.point()]
        if wide:
            self.primals = [p.astype(np.float64) if floating(p) else p for p in self.primals]
        self.live = [i for i, p in enumerate(self.primals) if floating(p)]
        raw = self.f(*self.point_in_full(self.point))
        self.nested = isinstance(raw, tuple | list)
        self.outputs = [np.array(y) for y in listed(raw)]
        self.kept = [k for k, y in enumerate(self.outputs) if floating(y)]
        self.several = len(self.kept) > 1

    @property
    def point(self) -> list[Any]:
        """The floating inputs, copied."""
        return [np.array(self.primals[i], order="K") for i in self.live]

    @property
    def work(self) -> int:
        """The number of entries of the Jacobian, which exhaustive judges compute."""
        width = sum(self.outputs[k].size for k in self.kept)
        return width * sum(self.primals[i].size for i in self.live)

    def point_in_full(self, floats: Sequence[Any]) -> list[Any]:
        """All inputs, the floating ones being given."""
        primals = list(self.primals)
        for i, value in zip(self.live, floats, strict=True):
            primals[i] = value
        return primals

    def value(self, *floats: Any) -> list[Any]:
        """The floating outputs."""
        outputs = listed(self.f(*self.point_in_full(floats)))
        return [np.asarray(outputs[k]) for k in self.kept]

    def gradients(self, gs: Sequence[Any], ys: Sequence[Any], floats: Sequence[Any]) -> list[Any]:
        """What the rule says, None left as it is, for the floating inputs."""
        return self.chosen(self.vjp(*self.arguments(gs, ys, floats)))

    def arguments(self, gs: Sequence[Any], ys: Sequence[Any], floats: Sequence[Any]) -> list[Any]:
        """``g, y, *primals`` as the rule wants them."""
        g = [np.zeros(y.shape) for y in self.outputs]
        y = list(self.outputs)
        for k, cotangent, output in zip(self.kept, gs, ys, strict=True):
            g[k], y[k] = cotangent, output
        primals = self.point_in_full(floats)
        return [tuple(g), tuple(y), *primals] if self.nested else [g[0], y[0], *primals]

    def chosen(self, raw: Any) -> list[Any]:
        """The gradients of the floating inputs; raises ValueError for another number of them."""
        grads = listed(raw)
        if len(grads) != len(self.primals):
            raise ValueError(f"{len(grads)} gradients for {len(self.primals)} inputs")
        return [grads[i] for i in self.live]

    def second(
        self, ggs: Sequence[Any], gs: Sequence[Any], ys: Sequence[Any], floats: Sequence[Any]
    ) -> tuple[list[Any], list[Any], list[Any]]:
        """The gradients of the rule itself for cotangents, outputs and floating inputs."""
        arguments = self.arguments(gs, ys, floats)
        raw = self.vjp(*arguments)
        gg: Any = tuple(ggs) if isinstance(raw, tuple | list) else ggs[0]
        over_g, over_y, *over_x = self.vjp.vjp(gg, raw, *arguments)
        return list(listed(over_g)), list(listed(over_y)), [over_x[i] for i in self.live]


def listed(raw: Any) -> tuple[Any, ...]:
    """One value or several as a tuple."""
    return tuple(raw) if isinstance(raw, tuple | list) else (raw,)


def floating(array: Any) -> bool:
    """Whether an array can have a gradient."""
    return bool(np.asarray(array).dtype.kind == "f")
