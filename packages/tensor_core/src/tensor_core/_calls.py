"""The short ways into an op: floating-point Tensors, nothing to convert.

They are what a program of small tensors spends its time on. So each op's call is written out for
its own signature, as ``dataclass`` does for a class: what ``Op.general`` and ``Op.finish`` do in
the plain case, without a loop, a tuple of arguments or a call that can be spared. Whatever does
not fit goes there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ._grad_mode import mode
from ._node import Node
from ._tensor import Tensor, new

if TYPE_CHECKING:
    from ._op import Op

F32, F64 = np.dtype(np.float32), np.dtype(np.float64)
MISSING = type("Missing", (), {"__repr__": lambda self: "<missing>"})()

_FIRST = """
def call({signature}, **_more):
    if _more or not _isinstance({x}, _Tensor):
        return _slowly(({names}), _more)
    if {x}._base is not None and {x}._seen != {x}._ver[0]:
        {x}._sync()
    _a0 = {x}._a
    _d = _a0.dtype
    if _d is not _F32 and _d is not _F64:
        return _slowly(({names}), _more)
    _needs = 1 if {x}._rg else 0
"""

_FURTHER = """
    if _isinstance({x}, _Tensor):
        if {x}._base is not None and {x}._seen != {x}._ver[0]:
            {x}._sync()
        _a{i} = {x}._a
        if _a{i}.dtype is not _d:
            return _slowly(({names}), _more)
        if {x}._rg:
            _needs += {bit}
    elif {x} is None or _type({x}) is _float or _type({x}) is _int:
        _a{i} = {x}
    else:
        return _slowly(({names}), _more)
"""

_FORWARD = """
    _y = _forward({values})
"""

_FORWARD_OF_SEVERAL = """
    try:
        _y = _forward({values})
    except (_ValueError, _TypeError) as _error:
        raise _op.explained(_error, [{values}]) from None
"""

_END = """
    if _type(_y) is not _ndarray:
        if _type(_y) is _tuple:
            return _op.finish(_y, [{values}], ({names}), _needs)
        _y = _asarray(_y){in_rows}
    _out = _new(_Tensor)
    _out._a = _y
    _out._rg = False
    _out._node = _out._grad = _out._base = _out._hooks = None
    _out._ver = _version = [0]
    if _needs and _mode.enabled and _op.rules:
        if _y.dtype is not _d:
            return _op.finish(_y, [{values}], ({names}), _needs)
        _plan = _plans.get(_needs) or _op.plan(_needs)
        _out._node = _plan.record(_Node, _version, {arrays}{values}, _y)
        _out._rg = True
    return _out
"""

_END_OF_VIEW = """
    return _op.finish(_y, [{values}], ({names}), _needs)
"""

_IN_ROWS = """
    elif not _y.flags.c_contiguous:
        _y = _ascontiguousarray(_y)"""

_NAMES: dict[str, Any] = {
    "_isinstance": isinstance, "_type": type, "_float": float, "_int": int, "_tuple": tuple,
    "_ValueError": ValueError, "_TypeError": TypeError, "_ndarray": np.ndarray,
    "_asarray": np.asarray, "_ascontiguousarray": np.ascontiguousarray, "_F32": F32, "_F64": F64,
    "_Tensor": Tensor, "_Node": Node, "_new": new, "_mode": mode,
}  # fmt: skip


def way_in(op: Op, otherwise: Callable[..., Any] | None = None) -> Callable[..., Any]:
    """An op's :func:`short_call`, written out when it is first needed.

    It then takes its own place: as the op's ``__call__`` and among Tensor's methods.
    """
    made: list[Callable[..., Any]] = []

    def first(*args: Any, **kwargs: Any) -> Any:
        if not made:
            made.append(short_call(op, otherwise))
        call = made[0]  # two threads may both have made one
        if op.__call__ is first:
            op.__call__ = call  # type: ignore[method-assign]
        for name, method in list(vars(Tensor).items()):
            if method is first:
                setattr(Tensor, name, call)
        return call(*args, **kwargs)

    first.__name__ = first.__qualname__ = op.name
    first.__doc__ = op.__doc__
    return first


def short_call(op: Op, otherwise: Callable[..., Any] | None = None) -> Callable[..., Any]:
    """The call of an op whose first array is a Tensor, and the others Tensors, numbers or ``None``.

    Calls that do not fit go to ``otherwise`` if it is given and all arguments are there, else to
    ``op.general``.
    """

    def slowly(values: tuple[Any, ...], more: dict[str, Any]) -> Any:
        if otherwise is not None and not more and not any(v is MISSING for v in values):
            return otherwise(*values)
        given = {k: v for k, v in zip(op.names, values, strict=True) if v is not MISSING}
        return op.general(**given, **more)

    own = {"_op": op, "_forward": op.forward, "_plans": op.plans, "_slowly": slowly}
    defaults = {f"_default_{name}": op.defaults.get(name, MISSING) for name in op.names}
    space = {**_NAMES, **own, **defaults}
    exec(compile(_source(op), f"<call of {op.name}>", "exec"), space)
    call = space["call"]
    call.__name__ = call.__qualname__ = op.name
    call.__doc__ = op.__doc__
    return call


def _source(op: Op) -> str:
    """The text of an op's call."""
    arrays, params = op.names[: op.n_arrays], op.names[op.n_arrays :]
    parts = {
        "signature": ", ".join(f"{name}=_default_{name}" for name in op.names),
        "names": "".join(f"{name}, " for name in op.names),
        "arrays": "".join(f"{name}, " for name in arrays),
        "values": ", ".join([*(f"_a{i}" for i in range(len(arrays))), *params]),
        "in_rows": _IN_ROWS if op.row_major else "",
    }
    texts = [_FIRST.format(x=arrays[0], **parts)]
    for i, name in enumerate(arrays[1:], 1):
        texts.append(_FURTHER.format(i=i, bit=1 << i, x=name, **parts))
    texts.append((_FORWARD_OF_SEVERAL if len(arrays) > 1 else _FORWARD).format(**parts))
    texts.append((_END_OF_VIEW if op.view else _END).format(**parts))
    return "".join(texts)
