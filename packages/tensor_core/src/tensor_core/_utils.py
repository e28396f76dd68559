"""How tensors are put together again from what a pickle holds; files name these functions."""

from __future__ import annotations

from typing import Any

from ._tensor import Tensor
from .storage import on_storage, placed


def _rebuild_tensor(storage: Any, storage_offset: int, size: Any, stride: Any) -> Tensor:
    return on_storage(storage, storage.dtype, storage_offset, size, stride)


def _rebuild_tensor_v2(
    storage: Any,
    storage_offset: int,
    size: Any,
    stride: Any,
    requires_grad: bool,
    backward_hooks: Any,
    metadata: Any = None,
) -> Tensor:
    return _rebuild_tensor_v3(
        storage, storage_offset, size, stride, requires_grad, backward_hooks, storage.dtype,
        metadata,
    )  # fmt: skip


def _rebuild_tensor_v3(
    storage: Any,
    storage_offset: int,
    size: Any,
    stride: Any,
    requires_grad: bool,
    backward_hooks: Any,
    dtype: Any,
    metadata: Any = None,
) -> Tensor:
    t = on_storage(storage, dtype, storage_offset, size, stride)
    for name, wanted in (metadata or {}).items():
        if wanted and name == "conj":
            t._a = t._a.conj()
        elif wanted and name == "neg":
            t._a = -t._a
    return t.requires_grad_(True) if requires_grad else t


def _rebuild_parameter(data: Tensor, requires_grad: bool, backward_hooks: Any) -> Any:
    from .nn.parameter import Parameter

    return Parameter(data, requires_grad)


def _rebuild_parameter_with_state(
    data: Tensor, requires_grad: bool, backward_hooks: Any, state: Any
) -> Any:
    return _with_state(_rebuild_parameter(data, requires_grad, backward_hooks), state)


def _rebuild_from_type_v2(func: Any, new_type: type, args: Any, state: Any) -> Any:
    made = func(*args)
    if type(made) is not new_type:
        t = Tensor.__new__(new_type)
        t._a, t._rg, t._ver = made._a, made._rg, made._ver
        made = t
    if "__setstate__" in vars(new_type):
        made.__setstate__(state)
        return made
    return _with_state(made, state)


def _with_state(t: Any, state: Any) -> Any:
    """Give a tensor its attributes; state is a dict, or that and one of slots."""
    attributes, slots = state if isinstance(state, tuple) else (state, None)
    t.__dict__.update(attributes or {})
    for name, value in (slots or {}).items():
        setattr(t, name, value)
    return t


def _attributes(t: Any) -> dict[str, Any]:
    """What a program has hung on a tensor; what the engine has is not kept."""
    return {k: v for k, v in t.__dict__.items() if k != "_retains"}


def reduce_tensor(t: Any) -> Any:
    """What pickle writes for a tensor: the function that makes it again, and its arguments."""
    from collections import OrderedDict

    from .nn.parameter import Parameter

    state = _attributes(t)
    if type(t) is Parameter:
        plain: tuple[Any, ...] = (t.data, t.requires_grad, OrderedDict())
        if state:
            return (_rebuild_parameter_with_state, (*plain, state))
        return (_rebuild_parameter, plain)
    store, offset, size, stride = placed(t)
    args: tuple[Any, ...] = (store, offset, size, stride, t.requires_grad, OrderedDict())
    function: Any = _rebuild_tensor_v2
    if t.dtype.name in ("uint16", "uint32", "uint64"):
        function, args = _rebuild_tensor_v3, (store._untyped_storage, *args[1:], t.dtype)
    if type(t) is Tensor and not state:
        return (function, args)
    return (_rebuild_from_type_v2, (function, type(t), args, state or None))


def deepcopied(t: Any, memo: dict[Any, Any]) -> Any:
    """A copy of a leaf with its gradient and attributes; copies of views share memory again.

    Raises:
        RuntimeError: an operation made it.
    """
    from copy import deepcopy

    if t.grad_fn is not None:
        raise RuntimeError(
            "Only Tensors created explicitly by the user (graph leaves) support the deepcopy "
            "protocol at the moment; use detach() or clone() for the result of an operation"
        )
    if id(t) in memo:
        return memo[id(t)]
    store, offset, size, stride = placed(t)
    made = on_storage(store.__deepcopy__(memo), store.dtype, offset, size, stride)
    out = memo[id(t)] = Tensor.__new__(type(t))
    out._a, out._rg = made._a, t.requires_grad
    if t.grad is not None:
        out._grad = deepcopied(t.grad, memo)
    out.__dict__.update(deepcopy(_attributes(t), memo))
    return out
