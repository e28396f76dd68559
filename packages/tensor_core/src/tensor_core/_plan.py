"""What a rule saves, worked out once: rules and the plans made of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ._node import Node, sequence
from ._tensor import Tensor, new

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
    """What recording a call takes when a given set of inputs needs gradients.

    Attributes:
        inputs: the positions of those inputs; a node has one edge for each, in this order.
        record: makes the node of a call, with all it must remember; see :func:`_recorder`.
        kinds: for each saved value, how it joins the graph again: the number of an edge,
            ``"y"`` for the output, ``"kept"`` for an intermediate, ``None`` for the rest.
        pull: from a cotangent and the saved tuple to one gradient per edge.
        arguments: where in the saved tuple the op's arguments stand, for a fused op only.
        keeps_y: whether the output is saved, whose memory must then not change until backward.
    """

    __slots__ = ("arguments", "inputs", "keeps_y", "kinds", "pull", "record")

    def __init__(self, op: Op, needed: tuple[int, ...]) -> None:
        self.inputs = needed
        place = {i: k for k, i in enumerate(needed)}
        chosen = [r for r in op.rules if r.of is None or r.of in place]
        wanted = dict.fromkeys(n for r in chosen for n in r.names if n != "needs")
        if op.fuses is not None:  # higher orders run the composition, which needs the inputs
            wanted |= dict.fromkeys(op.names)
        names = list(wanted)
        sources = {name: i for i, name in enumerate((*op.names, "y", *op.keeps))}
        shapes = {f"{name}_shape": i for i, name in enumerate(op.names[: op.n_arrays])}
        kinds: dict[str, Any] = {op.names[i]: k for i, k in place.items()}
        kinds |= {"y": "y", **dict.fromkeys(op.keeps, "kept")}
        self.kinds = tuple(kinds.get(n) for n in names)
        flags = tuple(i in place for i in range(op.n_arrays))
        self.pull = _puller(
            [(_with_needs(r, flags), None if r.of is None else place[r.of]) for r in chosen],
            [[names.index(n) for n in r.names if n != "needs"] for r in chosen],
            needed,
        )
        self.arguments = [names.index(n) for n in op.names] if op.fuses is not None else []
        self.keeps_y = "y" in wanted
        parts = [f"v{sources[n]}" if n in sources else f"shape_of(v{shapes[n]})" for n in names]
        watched = [i for i in range(op.n_arrays) if op.names[i] in wanted]
        self.record = _recorder(op, self, parts, watched)


def _with_needs(rule: Rule, flags: tuple[bool, ...]) -> Callable[..., Any]:
    """``needs`` comes last in a rule that names it; bind it once for the plan."""
    if "needs" not in rule.names:
        return rule.fn
    return lambda g, *saved: rule.fn(g, *saved, flags)


def shape_of(value: Any) -> tuple[int, ...]:
    return value.shape if isinstance(value, np.ndarray) else ()


def _recorder(op: Op, plan: Plan, parts: list[str], watched: list[int]) -> Callable[..., Node]:
    """A function that makes the node of one call, ``record(kind, version, *args, *values)``.

    ``args`` are the call's first arguments, where arrays stand, and ``values`` all of them with
    arrays for Tensors, then the output, whose version counter is ``version``, and what the
    forward function hands over. The node's edges lead to the inputs
    that need gradients; its cells are the version counters of what is saved, and its mark is
    their sum (versions only grow, so the sum tells whether one changed).

    This runs at every recorded call, so it is written out for the plan, as ``namedtuple`` does:
    no loop over inputs is left.
    """
    lines, cells = [], []
    for i in plan.inputs:
        lines.append(f"n{i} = t{i}._node")
    edges = [f"(t{i} if n{i} is None else n{i}, v{i}.shape, v{i}.dtype)" for i in plan.inputs]
    for i in watched:
        other = "" if i in plan.inputs else f" if isinstance(t{i}, Tensor) else [0]"
        lines.append(f"c{i} = t{i}._ver{other}")
        cells.append(f"c{i}")
    if plan.keeps_y:
        cells.append("version")
    elif op.keeps and not cells:
        cells.append("[0]")  # a node with cells holds something of size, which backward frees
    lines += [
        "node = new(kind)",
        "node.op = op; node.plan = plan; node._hooks = None; node._seq = sequence()",
        f"node._edges = [{', '.join(edges)}]",
        f"node.saved = ({''.join(f'{part}, ' for part in parts)})",
        f"node.cells = [{', '.join(cells)}]",
        f"node.mark = {' + '.join(f'{cell}[0]' for cell in cells) or '0'}",
        "return node",
    ]
    names = {"op": op, "plan": plan, "new": new, "sequence": sequence, "shape_of": shape_of}
    names["Tensor"] = Tensor
    body = "".join(f"    {line}\n" for line in lines)
    taken = [f"t{i}" for i in range(op.n_arrays)]
    taken += [f"v{i}" for i in range(len(op.names) + 1 + len(op.keeps))]
    exec(f"def record(kind, version, {', '.join(taken)}):\n{body}", names)
    return names["record"]  # type: ignore[return-value]


def _puller(
    rules: list[tuple[Callable[..., Any], int | None]],
    indices: list[list[int]],
    inputs: tuple[int, ...],
) -> Callable[[Any, Any], list[Any]]:
    """A function of the cotangent and the saved tuple that runs the rules.

    Rules of one input each are written out as one expression, in the order of the edges.
    """
    if all(place is not None for _, place in rules) and len(rules) == len(inputs):
        order = sorted(range(len(rules)), key=lambda k: rules[k][1])  # type: ignore[arg-type, return-value]
        calls = [f"f{k}(g, {', '.join(f's[{i}]' for i in indices[k])})" for k in order]
        functions = {f"f{k}": fn for k, (fn, _) in enumerate(rules)}
        return eval(f"lambda g, s: [{', '.join(calls)}]", functions)

    def pull(g: Any, saved: Any) -> list[Any]:
        grads: list[Any] = [None] * len(inputs)
        for (fn, place), names in zip(rules, indices, strict=True):
            result = fn(g, *[saved[i] for i in names])
            if place is not None:
                grads[place] = result
            else:
                for k, position in enumerate(inputs):
                    grads[k] = result[position]
        return grads

    return pull
