"""Changing a tensor's memory under autograd.

An in-place op computes its result out of place (recorded like any op), writes it into the
memory, bumps the version shared by all views of that memory, and gives the tensor its new place
in the graph. When the tensor is a view, its base gets one: the base with the view's region
replaced; every other view notices by the version and re-makes itself from the base.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ._grad_mode import mode
from ._hooks import move_retained
from ._op import CUSTOM, NO_GRAD, SEVERAL, Op
from ._tensor import Tensor, wrap


def in_place(target: Tensor, compute: Callable[..., Any], *args: Any, **kwargs: Any) -> Tensor:
    """Replace the value of ``target`` by ``compute(target, *args)`` and return ``target``.

    Raises:
        RuntimeError: ``target`` is a leaf that requires grad (or a view of one) while
            operations are recorded, or the result does not fit its shape or type.
    """
    if not mode.enabled:
        return _write(target, compute(target, *args, **kwargs))
    base = target._base
    if base is not None:
        target._sync()
    if target._rg or (base is not None and base._rg):
        _check_leaf(target)
    kept = target._rg or (_is_recorded(args, kwargs) and _keeps_target(compute))
    if getattr(compute, "forgets", False):  # a view's former values are its base's affair
        source = target if base is None else wrap(target._a)
    else:
        source = _snapshot(target) if kept else target
    out = compute(source, *args, **kwargs)
    if out._a is target._a:
        return target
    recorded = out._rg or target._rg or (base is not None and base._rg)
    if recorded and base is not None and target._untracked:
        raise RuntimeError(_UNTRACKED[target._untracked])
    made = out
    if out._rg and out._a.dtype != target._a.dtype:
        _check_fit(target, out)
        out = out.to(target.dtype)
    _write(target, out)
    if recorded:
        if made is out:
            _move_output(out, target)
        _rebase(target, out)
    return target


_UNTRACKED = {
    CUSTOM: "Output 0 of a custom Function is a view and is being modified inplace, which would "
    "overrule the Function's backward(). clone() the output of the Function first.",
    NO_GRAD: "A view was created in no_grad mode and is being modified inplace with grad mode "
    "enabled. Make the view outside of no_grad, or change it inside.",
    SEVERAL: "This tensor is one of several views that one function returned (split, chunk, "
    "unbind, iteration) and is being modified inplace. Such functions do not allow it: clone() "
    "the view first, or write into the tensor it came from by index.",
}


def _move_output(out: Tensor, target: Tensor) -> None:
    """Let a rule that saved the output find it in ``target``, where it has just been written.

    The memory has a version then that later writes will change, so that they are noticed.
    """
    node = out._node
    if node is None or node.op.n_arrays > 1 or not getattr(node.plan, "keeps_y", False):
        return
    if not any(cell is out._ver for cell in node.cells):
        return
    node.cells = [target._ver if cell is out._ver else cell for cell in node.cells]
    node.mark = sum(cell[0] for cell in node.cells)
    node.saved = tuple(target._a if value is out._a else value for value in node.saved)


def _is_recorded(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    return any(isinstance(a, Tensor) and a.requires_grad for a in (*args, *kwargs.values()))


def _keeps_target(compute: Callable[..., Any]) -> bool:
    """Whether the derivative for another input needs the value that is about to be replaced."""
    rules = getattr(compute, "rules", ())
    return not rules or any(compute.names[0] in rule.names for rule in rules)  # type: ignore[attr-defined]


def _check_leaf(target: Tensor) -> None:
    if target._rg and target._node is None:
        raise RuntimeError(
            "a leaf Variable that requires grad is being used in an in-place operation."
        )
    base = target._base
    if base is not None and base._rg and base._node is None:
        raise RuntimeError(
            "a view of a leaf Variable that requires grad is being used in an in-place operation."
        )


def _snapshot(target: Tensor) -> Tensor:
    """The value before the change, for a rule that saves it; on the same place of the graph."""
    before = wrap(target._a.copy())
    before._node, before._rg = target._node, target._rg
    return before


def _check_fit(target: Tensor, out: Tensor) -> None:
    if out._a.shape != target._a.shape:
        raise RuntimeError(
            f"output with shape {list(target._a.shape)} doesn't match the broadcast shape "
            f"{list(out._a.shape)}"
        )
    have, want = out.dtype, target.dtype
    if have.category > want.category:
        raise RuntimeError(
            f"result type {have.name} can't be cast to the desired output type {want.name}"
        )


def _write(target: Tensor, out: Tensor) -> Tensor:
    a = target._a
    if out._a is not a:
        if out._a.dtype is not a.dtype or out._a.shape != a.shape:
            _check_fit(target, out)
        check_writable(target)
        a[...] = out._a
    target._ver[0] += 1
    return target


def overlaps(a: np.ndarray) -> bool:
    """Whether several elements lie at one place, as after ``expand``."""
    return (
        0 in a.strides
        and a.size > 1
        and any(not step and n > 1 for step, n in zip(a.strides, a.shape, strict=True))
    )


def check_writable(target: Tensor) -> None:
    """Make sure that each element can be given a value of its own.

    Raises:
        RuntimeError: several lie at one place, or the memory is read-only.
    """
    if overlaps(target._a):
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a "
            "single memory location. Please clone() the tensor before performing the operation."
        )
    if not target._a.flags.writeable:
        raise RuntimeError(
            "unsupported operation: the memory of the written-to tensor is read-only. Please "
            "clone() the tensor before performing the operation."
        )


def _rebase(target: Tensor, out: Tensor) -> None:
    """Give ``target`` (and the base it is a view of) the result's place in the graph."""
    base = target._base
    if base is None:
        old = target._node
        target._node, target._rg = out._node, out._rg
        if old is not None and old._hooks:
            move_retained(target, old, out._node)
        return
    if not (base._rg or out._rg):
        return
    joined = replace_view.record(base, out, target._replay)
    old = base._node
    base._node, base._rg = joined._node, True
    if old is not None and old._hooks:
        move_retained(base, old, base._node)
    target._seen = -1  # stale: the next look re-makes it from the base
    target._sync()


def follow(array: Any, replay: tuple[Any, ...]) -> Any:
    """The view of an array (or Tensor) that these steps make."""
    tensor = isinstance(array, Tensor)
    for step, params, index in replay:
        array = step(array, *params) if tensor else step.forward(array, *params)
        if index is not None:
            array = array[index]
    return array


class _ReplaceView(Op):
    def record(self, base: Tensor, part: Tensor, replay: tuple[Any, ...]) -> Tensor:
        """The graph's side alone: the memory has been written already."""
        out = wrap(base._a)
        needs = (1 if base._rg else 0) | (2 if part._rg else 0)
        self._record(out, [base._a, part._a, replay], (base, part, replay), needs)
        return out


def _replace(base: np.ndarray, part: np.ndarray, /, replay: tuple[Any, ...]) -> np.ndarray:
    """``base`` with the region that ``replay`` views replaced by ``part``."""
    out = base.copy()
    follow(out, replay)[...] = part
    return out


replace_view = _ReplaceView(_replace, name="replace_view")


@replace_view.vjp("base")
def _(g: Any, replay: Any) -> Any:
    if isinstance(g, Tensor):
        zero = wrap(np.zeros_like(follow(g._a, replay)))
        return replace_view(g, zero, replay)
    return _replace(g, np.zeros((), np.int8), replay)  # the view may be of another type than g


@replace_view.vjp("part")
def _(g: Any, replay: Any) -> Any:
    return follow(g, replay)


def count_up(add: Callable[..., Tensor]) -> Callable[[Tensor, Any], Tensor]:
    """The method ``+=`` made of ``add``, its general form, with a short way for one integer."""

    def __iadd__(self: Tensor, other: Any) -> Tensor:
        a = self._a
        if type(other) is int and not a.ndim and a.dtype.kind == "i":
            try:
                a[()] = a.item() + other
            except (OverflowError, ValueError):  # it wraps around, or cannot be written
                return add(self, other)
            self._ver[0] += 1
            return self
        return add(self, other)

    return __iadd__


def forgetting(compute: Callable[..., Any]) -> Callable[..., Any]:
    """``compute`` in the type of its first tensor, and on its graph with slope 0."""

    def forgotten(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        y = compute(x.detach(), *args, **kwargs).to(x.dtype)
        return y + (x * 0).nan_to_num(0.0, 0.0, 0.0) if x.requires_grad and mode.enabled else y

    forgotten.rules = ()  # type: ignore[attr-defined]
    return forgotten


def as_in_place(compute: Callable[..., Any], name: str) -> Callable[..., Tensor]:
    """The method ``name`` that applies ``compute`` in place: ``add_`` from ``add``."""

    def method(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return in_place(self, compute, *args, **kwargs)

    method.__name__ = name
    method.__doc__ = f"In-place version of ``{name.rstrip('_')}``; returns self."
    return method
