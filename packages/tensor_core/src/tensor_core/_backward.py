"""The backward pass: cotangents from outputs to leaves, newest node first.

Every node has a number larger than its inputs', so descending numbers are a topological order:
no recursion, no counting of dependencies, graphs of any depth.
"""

from __future__ import annotations

import warnings
from operator import attrgetter
from sys import getrefcount
from typing import Any

import numpy as np

from . import _dtypes, _tensor
from ._calls import F32, F64
from ._grad_mode import mode, set_grad_enabled
from ._hooks import AfterAccumulation, hooked_leaves, run_hooks
from ._node import Node, Select
from ._tensor import Tensor, wrap

_by_age = attrgetter("_seq")
_NONE: set[Any] = set()


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
    if grad_variables is not None:
        if grad_tensors is not None:
            raise RuntimeError("backward: give grad_tensors or its former name grad_variables")
        warnings.warn("`grad_variables` is deprecated. Use `grad_tensors` instead.",
                      FutureWarning, stacklevel=2)  # fmt: skip
        grad_tensors = grad_variables
    if create_graph:
        warnings.warn(
            "Using backward() with create_graph=True will create a reference cycle between the "
            "parameter and its gradient which can cause a memory leak. Use autograd.grad, or set "
            ".grad to None afterwards.",
            UserWarning,
            stacklevel=3,
        )
    roots = _roots(listed(tensors), grad_tensors, create_graph)
    keep = create_graph if retain_graph is None else retain_graph
    if inputs is None:
        _run(roots, keep, create_graph, None)
        return
    wanted = listed(inputs)
    if not wanted:
        raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    for i, t in enumerate(wanted):
        if not t.requires_grad:
            raise RuntimeError(
                f"One of the differentiated Tensors does not require grad (input {i})"
            )
        t.retain_grad()  # does nothing to a leaf
    found = _run(roots, keep, create_graph, [_target(t) for t in wanted])
    for t, g in zip(wanted, found, strict=True):
        if t._node is not None:
            continue  # it has retained its gradient
        if isinstance(g, Tensor):
            _accumulate_tensor(t, g, create_graph)
        elif g is not None:
            _accumulate(t, g, False)


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
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
    if materialize_grads and allow_unused is False:
        raise ValueError("grad: allow_unused must be True or left out if materialize_grads is True")
    outputs, wanted = listed(outputs), listed(inputs)
    if is_grads_batched:
        from .autograd._batched import batched

        options = (create_graph, only_inputs, allow_unused, False, materialize_grads)
        return batched(outputs, wanted, grad_outputs, retain_graph, options)
    if not wanted:
        raise RuntimeError("grad requires non-empty inputs.")
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


def listed(tensors: Any) -> list[Tensor]:
    """One tensor or several, as a list."""
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
    if len(given) < len(tensors):
        raise RuntimeError(f"got {len(tensors)} tensors and {len(given)} gradients")
    roots = []
    for t, g in zip(tensors, given, strict=False):
        if not t.requires_grad:
            raise RuntimeError(
                "element 0 of tensors does not require grad and does not have a grad_fn"
            )
        if g is None:
            roots.append((_target(t), _one(t, create_graph)))
            continue
        if g._a.shape != t._a.shape:
            raise RuntimeError(
                f"Mismatch in shape: grad_output has a shape of {tuple(g._a.shape)} and output "
                f"has a shape of {tuple(t._a.shape)}"
            )
        roots.append((_target(t), g if create_graph else g._a))
    return roots


# Never changed, so never handed to a leaf.
_ONES: dict[Any, np.ndarray] = {F32: np.ones((), F32), F64: np.ones((), F64)}
for _array in _ONES.values():
    _array.flags.writeable = False


def _one(t: Tensor, as_tensor: bool) -> Any:
    """The first cotangent of a single number: 1."""
    a = t._a
    if a.size != 1:
        raise RuntimeError("grad can be implicitly created only for scalar outputs")
    if a.dtype.kind == "c":
        raise RuntimeError(
            f"grad can be implicitly created only for real scalar outputs but got {t.dtype}"
        )
    if as_tensor or a.ndim or a.dtype not in _ONES:
        g = np.ones(a.shape, a.dtype)
        return wrap(g) if as_tensor else g
    return _ONES[a.dtype]


def _order(roots: list[tuple[Any, Any]], targets: list[Any] | None) -> list[Any]:
    """Every node reachable from the roots, newest first; only those that lead to targets.

    Leaves are not among them: they have no edges, and their gradients wait until the end.
    """
    order = [target for target, _ in roots if target._seq >= 0]
    if len(order) > 1:
        order = list(dict.fromkeys(order))
    seen = set(order)
    for node in order:  # grows while we walk it
        for edge in node._edges:
            target = edge[0]
            if target._seq >= 0 and target not in seen:
                seen.add(target)
                order.append(target)
    if targets is not None:
        order = _leading_to(set(targets), sorted(order, key=_by_age))
    order.sort(key=_by_age, reverse=True)
    return _with_leaves(order, targets) if hooked_leaves else order


def _leading_to(useful: set[Any], oldest_first: list[Any]) -> list[Any]:
    for node in oldest_first:
        for edge in node._edges:
            if edge[0] in useful:
                useful.add(node)
                break
    return [node for node in oldest_first if node in useful]


def _run(
    roots: list[tuple[Any, Any]], keep: bool, graph: bool, targets: list[Any] | None
) -> list[Any]:
    """One pass. With ``targets`` their gradients are returned, else leaves accumulate."""
    if graph:
        with _Recording(True):
            captured = _pass_on_tensors(roots, keep, targets)
    else:
        captured = _pass_on_arrays(roots, keep, targets)
    return [] if targets is None else [captured.get(t) for t in targets]


def _pass_on_arrays(
    roots: list[tuple[Any, Any]], keep: bool, targets: list[Any] | None
) -> dict[Any, Any]:
    """The usual backward pass: nothing is recorded, arrays nobody else holds are reused.

    Each small step of a program runs through this loop, so the plain cases of ``Node.fetch``,
    ``Node.apply``, ``Node.free`` and :func:`_accumulate` are written out in it.
    """
    pending: dict[Any, Any] = {}
    summed: set[Any] = set()  # targets whose pending array this pass allocated itself
    captured: dict[Any, Any] = {}
    wanted = None if targets is None else set(targets)
    for target, g in roots:
        if target in pending:
            _collect(pending, summed, target, g)
        else:
            pending[target] = g
    order = _order(roots, targets)
    useful: set[Any] = wanted.union(order) if wanted else _NONE
    for node in order:
        g = pending.pop(node, None)
        if g is None:
            continue
        if wanted is not None and node in wanted and _is_captured(node, g, captured, useful):
            continue
        if node._hooks:
            g = _heard(node._hooks, g)
        kind = type(node)
        if kind is Node:
            mark = 0
            for cell in node.cells:
                mark += cell[0]
            saved = node.saved
            if mark != node.mark or saved is None:
                saved = node.fetch()  # which says what is wrong
            grads = node.plan.pull(g, saved)
            if not keep and node.cells:
                node.saved = None
        elif kind is Select:
            _collect_part(pending, node, g)
            continue
        elif node._seq < 0:
            if node._rg:
                _accumulate(node, g, node in summed)
            continue
        else:
            grads = node.apply(g)
            if not keep:
                node.free()
        saved = None
        for k, (target, shape, dtype) in enumerate(node._edges):
            r = grads[k]
            if r is None:
                continue
            grads[k] = None
            if type(r) is not np.ndarray:  # NumPy's scalars come from 0-d arrays
                r = np.asarray(r)
            if r.dtype is not dtype or r.shape != shape:
                r = _fit(node, r, shape, dtype)
            if target not in pending:
                pending[target] = r
            elif getrefcount(r) <= 2 and _owns_memory(r):
                r += pending[target]  # nobody else holds r: the sum needs no new memory
                pending[target] = r
                summed.add(target)
            else:
                _collect(pending, summed, target, r)
        r = g = None  # a leaf takes a gradient only if nobody else holds it
    for leaf in list(pending):
        g = pending.pop(leaf)
        if wanted is not None and leaf not in wanted:
            continue
        if leaf._hooks:
            g = _heard(leaf._hooks, g)
        if wanted is not None:
            captured[leaf] = g
        elif not leaf._rg:  # it was asked for no gradient since
            continue
        # References to memory that nobody else holds: ``g``, and getrefcount's own.
        elif leaf._grad is None and g.base is None and getrefcount(g) <= 2:
            leaf._grad = wrap(g)
            if leaf._hooks:
                _after_accumulation(leaf)
        else:
            _accumulate(leaf, g, leaf in summed)
    return captured


def _pass_on_tensors(
    roots: list[tuple[Any, Any]], keep: bool, targets: list[Any] | None
) -> dict[Any, Any]:
    """The pass with ``create_graph=True``: the same walk, on Tensors, recorded as it goes."""
    pending: dict[Any, Any] = {}
    captured: dict[Any, Any] = {}
    wanted = set(targets or ())
    for target, g in roots:
        pending[target] = pending[target] + g if target in pending else g
    order = _order(roots, targets)
    useful = wanted.union(order)
    for node in order:
        g = pending.pop(node, None)
        if g is None:
            continue
        if node in wanted and _is_captured(node, g, captured, useful):
            continue
        if node._hooks:
            g = run_hooks(node._hooks, g)
        if node._seq < 0:
            _accumulate_tensor(node, g, True)
            continue
        if type(node) is Select:
            _collect_part(pending, node, g)
            continue
        for r, (target, shape, dtype) in zip(node.apply_graph(g), node._edges, strict=True):
            if r is not None:
                r = _fit_tensor(node, r, shape, dtype)
                pending[target] = pending[target] + r if target in pending else r
        if not keep:
            node.free()
    for leaf, g in pending.items():
        if targets is not None and leaf not in wanted:
            continue
        if leaf._hooks:
            g = run_hooks(leaf._hooks, g)
        if targets is None:
            _accumulate_tensor(leaf, g, True)
        else:
            captured[leaf] = g
    return captured


def _heard(hooks: dict[int, Any], g: np.ndarray) -> np.ndarray:
    """The gradient after every hook has seen it, in a pass that records nothing."""
    with _Recording(False):
        return run_hooks(hooks, wrap(g))._a


def _is_captured(node: Any, g: Any, captured: dict[Any, Any], useful: set[Any]) -> bool:
    """Keep the gradient of one that was asked for; whether the pass ends there.

    Its hooks change what is kept only there: otherwise they change what is passed on.
    """
    if any(edge[0] in useful for edge in node._edges):
        captured[node] = g
        return False
    if node._hooks:
        g = (run_hooks if isinstance(g, Tensor) else _heard)(node._hooks, g)
    captured[node] = g
    return True


def _with_leaves(order: list[Any], targets: list[Any] | None) -> list[Any]:
    """The order with each leaf that has hooks behind the last node that adds to its gradient."""
    last: dict[Tensor, Any] = {}
    for node in order:
        for edge in node._edges:
            if edge[0]._seq < 0 and edge[0]._hooks:
                last[edge[0]] = node
    behind: dict[Any, list[Any]] = {}
    useful = None if targets is None else set(targets)
    for leaf, node in last.items():
        if useful is None or leaf in useful:
            behind.setdefault(node, []).append(leaf)
    for node, leaves in behind.items():
        if node.op.name == "linear":  # torch's tells its bias first
            leaves.sort(key=lambda leaf: leaf._a.ndim)
    return [item for node in order for item in (node, *behind.get(node, ()))]


class _Recording(set_grad_enabled):
    """Grad mode during the pass; unlike its parent it changes nothing before the block."""

    def __init__(self, enabled: bool) -> None:
        self._enabled, self._inference, self._before = enabled, None, []
        self._initial = (mode.asked, mode.inference)


def _collect(pending: dict[Any, Any], summed: set[Any], target: Any, g: Any) -> None:
    before = pending.get(target)
    if before is None:
        pending[target] = g
    elif target not in summed:
        pending[target] = np.asarray(before + g)
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


def _fit(node: Node, g: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """Undo broadcasting and promotion: the gradient gets the input's shape and type."""
    if g.shape != shape:
        axes = _broadcast_axes(node, g.shape, shape)
        g = np.asarray(g.sum(axes)).reshape(shape) if axes else g
    if g.dtype.kind == "c" != dtype.kind:
        g = g.real  # a real input moves along the real axis alone
    return g if g.dtype == dtype else g.astype(dtype)


def _fit_tensor(node: Node, g: Tensor, shape: tuple[int, ...], dtype: Any) -> Tensor:
    """The same for a Tensor, recorded."""
    if g._a.shape != shape:
        axes = _broadcast_axes(node, g._a.shape, shape)
        g = g.sum(axes).reshape(shape) if axes else g
    if g._a.dtype.kind == "c" != dtype.kind:
        g = g.real
    return g if g._a.dtype == dtype else g.to(_dtypes.BY_NUMPY[dtype])


def _broadcast_axes(node: Node, have: tuple[int, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
    """The axes along which the input was repeated; summing over them undoes it."""
    extra = len(have) - len(shape)
    if extra < 0 or any(n not in (1, have[i + extra]) for i, n in enumerate(shape)):
        raise RuntimeError(
            f"{node.op.name}: its derivative has shape {tuple(have)}, but the input has {shape}"
        )
    repeated = [i + extra for i, n in enumerate(shape) if n == 1 and have[i + extra] != 1]
    return (*range(extra), *repeated)


def _accumulate(leaf: Tensor, g: np.ndarray, ours: bool) -> None:
    """Add to ``leaf.grad``; the first gradient is taken, not copied, if nobody else holds it."""
    before = leaf._grad
    if before is None:
        # References: the caller's variable, this argument, and getrefcount's own (or fewer).
        if ours or (getrefcount(g) <= 3 and _owns_memory(g)):
            leaf._grad = wrap(g)
        else:
            leaf._grad = wrap(np.array(g, order="C"))
    elif before._rg:
        leaf._grad = before + wrap(g)
    else:
        try:
            before._a += g
        except ValueError:
            raise RuntimeError(
                f"a gradient of shape {tuple(g.shape)} cannot be added to .grad, which has shape "
                f"{tuple(before._a.shape)}: its tensor has changed shape; set .grad to None first"
            ) from None
        before._bump()
    if leaf._hooks:
        _after_accumulation(leaf)


def _accumulate_tensor(leaf: Tensor, g: Tensor, graph: bool) -> None:
    before = leaf._grad
    leaf._grad = (g * 1 if graph else g) if before is None else before + g
    if leaf._hooks:
        _after_accumulation(leaf)


def _after_accumulation(leaf: Tensor) -> None:
    for hook in list((leaf._hooks or {}).values()):
        if type(hook) is AfterAccumulation:
            hook.hook(leaf)


def _owns_memory(g: np.ndarray) -> bool:
    """Whether the memory is this array's alone, directly or through one hidden parent."""
    base = g.base
    if base is None:
        return g.flags.writeable
    # References to the parent: from the view, from ``base`` here, and getrefcount's own.
    return (
        type(base) is np.ndarray
        and base.base is None
        and getrefcount(base) <= 3
        and base.size == g.size
        and g.flags.writeable
    )


def _unshared(g: np.ndarray) -> np.ndarray:
    # References: the caller's variable, this argument, and getrefcount's own (or fewer).
    return g if getrefcount(g) <= 3 and _owns_memory(g) else np.array(g, order="C")


_tensor._backward = backward
_tensor._pass_on_arrays = _pass_on_arrays
_tensor._ones = _ONES
