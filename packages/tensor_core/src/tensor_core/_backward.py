"""The backward pass: cotangents from outputs to leaves, newest node first.

Every node has a number larger than its inputs', so descending numbers are a topological order:
no recursion, no counting of dependencies, graphs of any depth.
"""

from __future__ import annotations

import sys
from operator import attrgetter
from typing import Any

import numpy as np

from . import _dtypes, _tensor
from ._grad_mode import mode, set_grad_enabled
from ._node import Node, Select
from ._tensor import Tensor, wrap

_by_age = attrgetter("_seq")


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Any = None,
    inputs: Any = None,
) -> None:
    """Add the gradients of ``tensors`` to the ``.grad`` of the leaves they came from.

    >>> import tensor_core as torch
    >>> w = torch.tensor([1.0, -1.0], requires_grad=True)
    >>> torch.autograd.backward([w.sum(), (w * w).sum()])
    >>> w.grad
    tensor([ 3., -1.])
    """
    tensors = _listed(tensors)
    roots = _roots(tensors, grad_tensors, create_graph)
    keep = create_graph if retain_graph is None else retain_graph
    if inputs is None:
        _run(roots, keep, create_graph, None)
        return
    wanted = _listed(inputs)
    if not wanted:
        raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    found = _run(roots, keep, create_graph, [_target(t) for t in wanted])
    for t, g in zip(wanted, found, strict=True):
        if g is not None:
            _accumulate(t, g, create_graph, False)


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor | None, ...]:
    """The gradients of ``outputs`` with respect to ``inputs``; no ``.grad`` is touched.

    Raises:
        RuntimeError: an input needs no gradient, or is not part of the graph and
            ``allow_unused`` is not set.

    >>> import tensor_core as torch
    >>> x = torch.tensor(3.0, requires_grad=True)
    >>> (g,) = torch.autograd.grad(x**3, x, create_graph=True)
    >>> torch.autograd.grad(g, x)
    (tensor(18.),)
    """
    if is_grads_batched:
        raise RuntimeError("grad: is_grads_batched=True is not supported; loop over the cotangents")
    outputs, wanted = _listed(outputs), _listed(inputs)
    for i, t in enumerate(wanted):
        if not t.requires_grad:
            raise RuntimeError(
                f"One of the differentiated Tensors does not require grad (input {i})"
            )
    keep = create_graph if retain_graph is None else retain_graph
    targets = [_target(t) for t in wanted]
    found = _run(_roots(outputs, grad_outputs, create_graph), keep, create_graph, targets)
    result: list[Tensor | None] = []
    for i, t in enumerate(wanted):
        g, found[i] = found[i], None
        if g is None and materialize_grads:
            g = np.zeros(t._a.shape, t._a.dtype)
        if g is None and not allow_unused:
            raise RuntimeError(
                f"One of the differentiated Tensors (input {i}) appears to not have been used in "
                "the graph. Set allow_unused=True if this is the desired behavior."
            )
        result.append(g if g is None or isinstance(g, Tensor) else wrap(_unshared(g)))
    return tuple(result)


def _listed(tensors: Any) -> list[Tensor]:
    return [tensors] if isinstance(tensors, Tensor) else list(tensors)


def _target(t: Tensor) -> Any:
    """Where gradients for this tensor arrive: its node, or itself when it is a leaf."""
    if t._base is not None:
        t._sync()
    return t if t._node is None else t._node


def _roots(tensors: list[Tensor], grads: Any, create_graph: bool) -> list[tuple[Any, Any]]:
    """Pairs of target and first cotangent."""
    given = (
        [None] * len(tensors)
        if grads is None
        else ([grads] if isinstance(grads, Tensor) else list(grads))
    )
    if len(given) != len(tensors):
        raise RuntimeError(f"got {len(tensors)} tensors and {len(given)} gradients")
    roots = []
    for t, g in zip(tensors, given, strict=True):
        if not t.requires_grad:
            raise RuntimeError(
                "element 0 of tensors does not require grad and does not have a grad_fn"
            )
        if g is None:
            if t._a.size != 1:
                raise RuntimeError("grad can be implicitly created only for scalar outputs")
            g = wrap(np.ones(t._a.shape, t._a.dtype))
        elif g._a.shape != t._a.shape:
            raise RuntimeError(
                f"Mismatch in shape: grad_output has a shape of {tuple(g._a.shape)} and output "
                f"has a shape of {tuple(t._a.shape)}"
            )
        roots.append((_target(t), g if create_graph else g._a))
    return roots


def _order(roots: list[tuple[Any, Any]], targets: list[Any] | None) -> list[Any]:
    """Every node reachable from the roots, newest first; only those that lead to targets."""
    seen = {target for target, _ in roots}
    stack = list(seen)
    while stack:
        for edge in stack.pop()._edges:
            target = edge[0]
            if target not in seen:
                seen.add(target)
                stack.append(target)
    order = sorted(seen, key=_by_age)
    if targets is not None:
        useful = set(targets)
        for node in order:
            for edge in node._edges:
                if edge[0] in useful:
                    useful.add(node)
                    break
        order = [node for node in order if node in useful]
    order.reverse()
    return order


def _run(
    roots: list[tuple[Any, Any]], keep: bool, graph: bool, targets: list[Any] | None
) -> list[Any]:
    """One pass. With ``targets`` their gradients are returned, else leaves accumulate."""
    pending: dict[Any, Any] = {}
    summed: set[Any] = set()  # targets whose pending array this pass allocated itself
    for target, g in roots:
        _collect(pending, summed, target, g, graph)
    captured: dict[Any, Any] = {}
    wanted = None if targets is None else set(targets)
    with _Recording(graph):
        for node in _order(roots, targets):
            g = pending.pop(node, None)
            if g is None:
                continue
            if node._hooks:
                g = _run_hooks(node._hooks, g)
            if wanted is not None and node in wanted:
                captured[node] = g
            if isinstance(node, Tensor):
                if wanted is None:
                    _accumulate(node, g, graph, node in summed)
                continue
            if type(node) is Select:
                _collect_part(pending, node, g)
                continue
            grads = node.apply_graph(g) if graph else node.apply(g)
            for k, (target, shape, dtype) in enumerate(node._edges):
                r, grads[k] = grads[k], None
                if r is None:
                    continue
                if not graph and type(r) is not np.ndarray:  # NumPy's scalars come from 0-d arrays
                    r = np.asarray(r)
                if r.shape != shape or (r._a if graph else r).dtype != dtype:
                    r = _fit(node, r, shape, dtype, graph)
                if target not in pending:
                    pending[target] = r
                elif not graph and sys.getrefcount(r) <= 2 and _owns_memory(r):
                    r += pending[target]  # nobody else holds r: the sum needs no new memory
                    pending[target] = r
                    summed.add(target)
                else:
                    _collect(pending, summed, target, r, graph)
            if not keep:
                node.free()
            r = g = None  # a leaf takes a gradient only if nobody else holds it
    return [] if targets is None else [captured.get(t) for t in targets]


class _Recording(set_grad_enabled):
    """Grad mode during the pass; unlike its parent it changes nothing before the block."""

    def __init__(self, enabled: bool) -> None:
        self._enabled, self._inference, self._before = enabled, None, []
        self._initial = (mode.enabled, mode.inference)


def _collect(pending: dict[Any, Any], summed: set[Any], target: Any, g: Any, graph: bool) -> None:
    before = pending.get(target)
    if before is None:
        pending[target] = g
    elif graph or target not in summed:
        total = before + g
        pending[target] = total if graph else np.asarray(total)
        summed.add(target)
    else:
        before += g


def _collect_part(pending: dict[Any, Any], node: Select, g: Any) -> None:
    parent = node.parent
    parts = pending.get(parent)
    if parts is None:
        parts = pending[parent] = [None] * len(parent.outputs)
    before = parts[node.index]
    parts[node.index] = g if before is None else before + g


def _fit(node: Node, g: Any, shape: tuple[int, ...], dtype: Any, graph: bool) -> Any:
    """Undo broadcasting and promotion: the gradient gets the input's shape and type."""
    if g.shape != shape:
        extra = g.ndim - len(shape)
        axes = tuple(range(extra)) + tuple(
            i + extra for i, n in enumerate(shape) if n == 1 and g.shape[i + extra] != 1
        )
        if extra < 0 or any(n not in (1, g.shape[i + extra]) for i, n in enumerate(shape)):
            raise RuntimeError(
                f"{node.op.name}: its derivative has shape {tuple(g.shape)}, "
                f"but the input has {shape}"
            )
        g = g.sum(axes).reshape(shape) if axes else g
        if not graph and type(g) is not np.ndarray:
            g = np.asarray(g)
    if graph:
        wanted = _dtypes.BY_NUMPY[dtype]
        return g if g.dtype is wanted else g.to(wanted)
    return g if g.dtype == dtype else g.astype(dtype)


def _run_hooks(hooks: dict[int, Any], g: Any) -> Any:
    as_array = not isinstance(g, Tensor)
    t = wrap(g) if as_array else g
    for hook in list(hooks.values()):
        result = hook(t)
        if result is not None:
            t = result
    return t._a if as_array else t


def _accumulate(leaf: Tensor, g: Any, graph: bool, ours: bool) -> None:
    """Add to ``leaf.grad``; the first gradient is taken, not copied, if nobody else holds it."""
    before = leaf._grad
    if graph or isinstance(g, Tensor):
        g = g if isinstance(g, Tensor) else wrap(g)
        leaf._grad = (g * 1 if graph else g) if before is None else before + g
        return
    if before is not None:
        if before._rg:
            leaf._grad = before + wrap(g)
        else:
            before._a += g
            before._bump()
        return
    # References: the caller's variable, this argument, and getrefcount's own (or fewer).
    if ours or (sys.getrefcount(g) <= 3 and _owns_memory(g)):
        leaf._grad = wrap(g)
    else:
        leaf._grad = wrap(np.array(g, order="C"))


def _owns_memory(g: np.ndarray) -> bool:
    """Whether the memory is this array's alone, directly or through one hidden parent."""
    base = g.base
    if base is None:
        return g.flags.writeable
    # References to the parent: from the view, from ``base`` here, and getrefcount's own.
    return (
        type(base) is np.ndarray
        and base.base is None
        and sys.getrefcount(base) <= 3
        and base.size == g.size
        and g.flags.writeable
    )


def _unshared(g: np.ndarray) -> np.ndarray:
    # References: the caller's variable, this argument, and getrefcount's own (or fewer).
    return g if sys.getrefcount(g) <= 3 and _owns_memory(g) else np.array(g, order="C")


_tensor._backward = backward
