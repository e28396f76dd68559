"""Functions a module calls on the way: before and after forward, and on the way back."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .._tensor import Tensor
from ..autograd import Function

if TYPE_CHECKING:
    from .module import Module

Table = OrderedDict[int, Any]

_ids = itertools.count()


class RemovableHandle:
    """What registering a hook returns; ``remove()`` takes the hook away again.

    Also a context manager that removes the hook at the end of the block.

    >>> from tensor_core import nn
    >>> layer = nn.Identity()
    >>> handle = layer.register_forward_hook(lambda module, args, output: output + 1)
    >>> layer(1)
    2
    >>> handle.remove()
    >>> layer(1)
    1
    """

    def __init__(self, table: Table) -> None:
        self.id = next(_ids)
        self._table = table

    def remove(self) -> None:
        """Take the hook away; a second call does nothing."""
        self._table.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()


class ModuleHooks:
    """All hooks of one module; made when the first is registered."""

    def __init__(self) -> None:
        self.forward_pre: Table = OrderedDict()
        self.forward: Table = OrderedDict()
        self.backward_pre: Table = OrderedDict()
        self.backward: Table = OrderedDict()
        self.state_pre: Table = OrderedDict()
        self.state: Table = OrderedDict()
        self.load_pre: Table = OrderedDict()
        self.load_post: Table = OrderedDict()


def register(table: Table, hook: Any, prepend: bool = False) -> RemovableHandle:
    """Put ``hook`` last in ``table``, or first with ``prepend``."""
    handle = RemovableHandle(table)
    table[handle.id] = hook
    if prepend:
        table.move_to_end(handle.id, last=False)
    return handle


def call_with_hooks(module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Run ``module.forward`` with every hook around it, in the order they were registered."""
    hooks = module._hooks
    assert hooks is not None
    done: set[int] = set()
    try:
        args, kwargs = _before_forward(module, hooks, args, kwargs)
        tap = _BackwardTap(module, hooks) if hooks.backward or hooks.backward_pre else None
        if tap is not None:
            args = tap.enter(args)
        result = _after_forward(module, hooks, args, kwargs, module.forward(*args, **kwargs), done)
        return result if tap is None else tap.leave(result)
    except Exception:
        _call_always(module, hooks, args, kwargs, done)
        raise


def _before_forward(
    module: Module, hooks: ModuleHooks, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    for hook, with_kwargs in list(hooks.forward_pre.values()):
        if with_kwargs:
            changed = hook(module, args, kwargs)
            if changed is None:
                continue
            if not (isinstance(changed, tuple) and len(changed) == 2):
                raise RuntimeError(
                    "a forward pre-hook registered with_kwargs must return None or a tuple "
                    f"of (new_args, new_kwargs), got {changed!r}"
                )
            args, kwargs = changed
        else:
            changed = hook(module, args)
            if changed is not None:
                args = changed if isinstance(changed, tuple) else (changed,)
    return args, kwargs


def _after_forward(
    module: Module,
    hooks: ModuleHooks,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    result: Any,
    done: set[int],
) -> Any:
    for key, (hook, with_kwargs, _) in list(hooks.forward.items()):
        done.add(key)
        changed = hook(module, args, kwargs, result) if with_kwargs else hook(module, args, result)
        if changed is not None:
            result = changed
    return result


def _call_always(
    module: Module,
    hooks: ModuleHooks,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    done: set[int],
) -> None:
    """After an error: the forward hooks that asked to be called whatever happens."""
    for key, (hook, with_kwargs, always) in list(hooks.forward.items()):
        if always and key not in done:
            if with_kwargs:
                hook(module, args, kwargs, None)
            else:
                hook(module, args, None)


class _Together(Function):
    """The identity on several tensors whose gradients arrive, and can be changed, together."""

    @staticmethod
    def forward(ctx: Any, arrived: Callable[..., Any], *tensors: Tensor) -> tuple[Tensor, ...]:
        ctx.arrived = arrived
        return tuple(tensor.view_as(tensor) for tensor in tensors)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return (None, *ctx.arrived(grads))


class _BackwardTap:
    """Calls a module's backward hooks once the gradients of all its inputs are known."""

    def __init__(self, module: Module, hooks: ModuleHooks) -> None:
        self.module = module
        self.pre = list(hooks.backward_pre.values())
        self.hooks = list(hooks.backward.values())
        self.grad_output: tuple[Any, ...] = ()
        self.inputs = 0
        self.input_needs_grad = False

    def enter(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Pass the arguments through; their gradients come back to ``_input_grads``."""
        self.inputs = len(args)
        where, tapped = _tap(args, self._input_grads)
        self.input_needs_grad = bool(where)
        return tapped

    def leave(self, result: Any) -> Any:
        """Pass the results through; their gradients come back to ``_output_grads``."""
        results = result if isinstance(result, tuple) else (result,)
        outputs = len(results)

        def output_grads(where: list[int], grads: tuple[Any, ...]) -> tuple[Any, ...]:
            return self._output_grads(where, outputs, grads)

        _, tapped = _tap(results, output_grads)
        return tapped if isinstance(result, tuple) else tapped[0]

    def _output_grads(
        self, where: list[int], outputs: int, grads: tuple[Any, ...]
    ) -> tuple[Any, ...]:
        full = _spread(where, outputs, grads)
        for hook in self.pre:
            full = _replaced(hook(self.module, full), full, "backward pre-hook")
        self.grad_output = full
        if not self.input_needs_grad:
            for hook in self.hooks:
                changed = hook(self.module, (None,) * self.inputs, full)
                if changed is not None and any(g is not None for g in _as_tuple(changed)):
                    raise RuntimeError(
                        "a backward hook of a module whose inputs need no gradient must return "
                        "None: there is no gradient to replace"
                    )
        return tuple(full[i] for i in where)

    def _input_grads(self, where: list[int], grads: tuple[Any, ...]) -> tuple[Any, ...]:
        full = _spread(where, self.inputs, grads)
        for hook in self.hooks:
            full = _replaced(hook(self.module, full, self.grad_output), full, "backward hook")
        return tuple(full[i] for i in where)


def _tap(
    values: tuple[Any, ...], arrived: Callable[[list[int], tuple[Any, ...]], tuple[Any, ...]]
) -> tuple[list[int], tuple[Any, ...]]:
    """Tap the values that need a gradient; returns their positions and all values."""
    where = [i for i, v in enumerate(values) if isinstance(v, Tensor) and v.requires_grad]
    if not where:
        return where, values
    tapped = _Together.apply(lambda grads: arrived(where, grads), *(values[i] for i in where))
    tapped = tapped if isinstance(tapped, tuple) else (tapped,)
    out = list(values)
    for i, value in zip(where, tapped, strict=True):
        out[i] = value
    return where, tuple(out)


def _spread(where: list[int], length: int, grads: tuple[Any, ...]) -> tuple[Any, ...]:
    full: list[Any] = [None] * length
    for i, grad in zip(where, grads, strict=True):
        full[i] = grad
    return tuple(full)


def _as_tuple(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _replaced(changed: Any, grads: tuple[Any, ...], what: str) -> tuple[Any, ...]:
    if changed is None:
        return grads
    changed = _as_tuple(changed)
    if len(changed) != len(grads):
        raise RuntimeError(f"the {what} returned {len(changed)} gradients, expected {len(grads)}")
    return changed
