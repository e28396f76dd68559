"""What a rule saves, worked out once: rules and the plans made of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ._op import Op


class Rule:
    """One vector-Jacobian product and the inputs it serves (``None``: all, as a tuple)."""

    __slots__ = ("fn", "names", "of")

    def __init__(self, fn: Callable[..., Any], of: int | None) -> None:
        self.fn = fn
        self.of = of
        self.names = tuple(inspect.signature(fn).parameters)[1:]


class Plan:
    """What recording a call takes when a given set of inputs needs gradients."""

    __slots__ = ("inputs", "keeps_y", "kinds", "rules", "save", "shapes", "watch")

    def __init__(self, op: Op, needed: tuple[int, ...]) -> None:
        self.inputs = needed
        place = {i: k for k, i in enumerate(needed)}
        chosen = [r for r in op.rules if r.of is None or r.of in place]
        shapes = [f"{name}_shape" for name in op.names[: op.n_arrays]]
        self.shapes = tuple(
            i for i, name in enumerate(shapes) if any(name in r.names for r in chosen)
        )
        values = (*op.names, "y", *op.keeps, *(shapes[i] for i in self.shapes))
        sources = {name: i for i, name in enumerate(values)}
        flags = tuple(i in place for i in range(op.n_arrays))
        what: dict[int, Any] = dict(place)  # how a saved value joins the graph again
        what[sources["y"]] = "y"
        what.update({sources[k]: "kept" for k in op.keeps})
        rules, save, kinds, used = [], [], [], set()
        for rule in chosen:
            names = [n for n in rule.names if n != "needs"]
            indices = [sources[n] for n in names]
            used.update(indices)
            fn = _with_needs(rule.fn, flags) if "needs" in rule.names else rule.fn
            rules.append((fn, None if rule.of is None else place[rule.of]))
            save.append(_getter(indices))
            kinds.append(tuple(what.get(i) for i in indices))
        self.rules = tuple(rules)
        self.kinds = tuple(kinds)
        self.save = tuple(save)
        if op.fuses is not None:  # higher orders run the composition, which needs the inputs
            self.save = (*self.save, _getter(range(len(op.names))))
            used.update(range(op.n_arrays))
        self.watch = tuple(i for i in sorted(used) if i < op.n_arrays)
        self.keeps_y = sources["y"] in used


def _with_needs(fn: Callable[..., Any], flags: tuple[bool, ...]) -> Callable[..., Any]:
    """``needs`` comes last in a rule that names it; bind it once for the plan."""
    return lambda g, *saved: fn(g, *saved, flags)


def shape_of(value: Any) -> tuple[int, ...]:
    return value.shape if isinstance(value, np.ndarray) else ()


def _getter(indices: Sequence[int]) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    if len(indices) == 0:
        return lambda values: ()
    if len(indices) == 1:
        only = indices[0]
        return lambda values: (values[only],)
    return itemgetter(*indices)
