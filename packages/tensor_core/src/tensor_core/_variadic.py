"""Ops of any number of arrays, given as one list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import _dtypes
from ._grad_mode import mode
from ._node import Node
from ._op import Op, write_out
from ._plan import Rule
from ._special import special
from ._tensor import Tensor, records, wrap


class VariadicOp(Op):
    """An op of any number of arrays, given as one list: ``cat([a, b], dim=0)``.

    Its one rule may name the list (or ``tensors_shape``, their shapes, where the list is called
    ``tensors``) and returns one gradient for each array.
    """

    def __init__(self, forward: Callable[..., Any], **card: Any) -> None:
        super().__init__(forward, **card)
        self._rule: Rule | None = None

    def _add(self, rule: Rule) -> Rule:
        self._rule = rule
        self.rules = (rule,)
        return rule

    def vjp(self, rule: Any) -> Any:
        """Attach the rule: cotangent in, a gradient (or ``None``) for every array out."""
        return self._add(Rule(rule, None))

    def _way_in(self) -> Callable[..., Any]:
        return self.general

    def general(self, *args: Any, **kwargs: Any) -> Any:
        out = kwargs.pop("out", None)
        tensors, *params = self._bind(args, kwargs)
        if isinstance(tensors, Tensor) or not isinstance(tensors, list | tuple):
            raise TypeError(
                f"{self.name}(): argument {self.names[0]!r} must be a tuple or list of Tensors, "
                f"not {type(tensors).__name__}"
            )
        tensors = self._same_type(tensors)
        arrays = tuple(t._a for t in tensors)
        way = special(arrays)
        if way is None:
            made = np.asarray(self.forward(arrays, *params))
            result = wrap(np.ascontiguousarray(made) if self.row_major and made.ndim else made)
        else:
            result = wrap(way.compute(self, [arrays, *params]))
        for t in tensors:
            if t._base is not None and t._seen != t._ver[0]:
                t._sync()
        needed = tuple(i for i, t in enumerate(tensors) if t._rg)
        if needed and mode.enabled and records(self.name, result._a):
            self._record_list(result, tensors, arrays, params, needed)
            if way is not None:
                way.adapt(self, result)
        return result if out is None else write_out(result, out)

    def _record_list(
        self, out: Tensor, tensors: Any, arrays: Any, params: list[Any], needed: tuple[int, ...]
    ) -> None:
        rule = self._rule
        assert rule is not None
        plan = ListPlan(rule, needed, self.names[0])
        by_name = dict(zip(self.names[1:], params, strict=True))
        shapes = [a.shape for a in arrays]
        by_name |= {"y": out._a, self.names[0]: arrays, f"{self.names[0]}_shape": shapes}
        by_name["needs"] = tuple(i in needed for i in range(len(arrays)))
        edges = [(tensors[i]._node or tensors[i], arrays[i].shape, arrays[i].dtype) for i in needed]
        node = Node(self, plan, edges, tuple(by_name[n] for n in rule.names))
        if self.names[0] in rule.names:
            node.cells = [t._ver for t in tensors]
            node.mark = sum(c[0] for c in node.cells)
        out._node = node
        out._rg = True

    def _same_type(self, tensors: Sequence[Any]) -> list[Tensor]:
        items = [wrap(t) if isinstance(t, np.ndarray) else t for t in tensors]
        for i, t in enumerate(items):
            if not isinstance(t, Tensor):
                raise TypeError(
                    f"{self.name}(): expected Tensor as element {i} of argument "
                    f"{self.names[0]!r}, but got {type(t).__name__}"
                )
        if len({t._a.dtype for t in items}) > 1 and self.promote is not None:
            target = _dtypes.BY_NUMPY[_dtypes.result_numpy([t._a for t in items])]
            items = [t.to(target) for t in items]
        return items

    def plain(self, *args: Any, **kwargs: Any) -> Any:
        """The op on arrays or Tensors alike, for use inside rules."""
        if any(isinstance(a, Tensor) for a in args[0]):
            return self(*args, **kwargs)
        return self.forward(*args, **kwargs)


class ListPlan:
    """A :class:`Plan` for a list of arrays: one rule that serves all that are needed."""

    __slots__ = ("arguments", "inputs", "kinds", "pull")

    def __init__(self, rule: Rule, needed: tuple[int, ...], list_name: str) -> None:
        self.inputs = needed
        self.arguments = ()
        what = {"y": "y", list_name: "list"}
        self.kinds = tuple(what.get(n) for n in rule.names)
        fn = rule.fn

        def pull(g: Any, saved: tuple[Any, ...]) -> list[Any]:
            grads = fn(g, *saved)
            return [grads[i] for i in needed]

        self.pull = pull
