"""The short ways into an op: floating-point Tensors by position, nothing to convert or to bind.

They are what a program of small tensors spends its time on, so they are written out: what
``Op.general`` and ``Op.finish`` do in the plain case, without a loop or a call that can be spared.
Whatever does not fit goes there.
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


def unary(op: Op) -> Callable[..., Any]:
    """The call of an op on one array and any parameters."""
    forward, finish, general, tails, plans = op.forward, op.finish, op.general, op.tails, op.plans
    n_args, defaults, row_major = op.n_args, tails.get(1), op.row_major

    def call(*args: Any, **kwargs: Any) -> Any:
        if kwargs:
            return general(*args, **kwargs)
        if len(args) == 1 and defaults is not None:
            rest = defaults
        elif len(args) == n_args:
            rest = args[1:]
        else:
            return general(*args)
        x = args[0]
        if not isinstance(x, Tensor):
            return general(*args)
        if x._base is not None and x._seen != x._ver[0]:
            x._sync()
        a = x._a
        d = a.dtype
        if d is not F32 and d is not F64:
            return general(*args)
        values = [a, *rest]
        result = forward(*values)
        if type(result) is not np.ndarray:
            if type(result) is tuple:
                return finish(result, values, args, x._rg)
            result = np.asarray(result)
        elif row_major and not result.flags.c_contiguous:
            result = np.ascontiguousarray(result)
        out = new(Tensor)  # ``wrap``, written out
        out._a = result
        out._rg = False
        out._node = out._grad = out._base = out._hooks = None
        out._ver = [0]
        if x._rg and mode.enabled and op.rules:
            if result.dtype is not d:
                return finish(result, values, args, True)
            values.append(result)
            plan = plans.get(1) or op.plan(1)
            out._node = plan.record(Node, values, args, out._ver)
            out._rg = True
        return out

    return call


def binary(op: Op, otherwise: Callable[..., Any] | None = None) -> Callable[..., Any]:
    """The call of an op on two arrays, or an array and a number, and any parameters.

    What is neither goes to ``otherwise``, which is ``op.general`` if not given.
    """
    forward, finish, general, tails, plans = op.forward, op.finish, op.general, op.tails, op.plans
    n_args, defaults, row_major = op.n_args, tails.get(2), op.row_major
    fallback = otherwise or general

    def call(*args: Any, **kwargs: Any) -> Any:
        if kwargs:
            return general(*args, **kwargs)
        if len(args) == 2 and defaults is not None:
            rest = defaults
        elif len(args) == n_args:
            rest = args[2:]
        else:
            return general(*args)
        x = args[0]
        y = args[1]
        if not isinstance(x, Tensor):
            return fallback(*args)
        if x._base is not None and x._seen != x._ver[0]:
            x._sync()
        a = x._a
        d = a.dtype
        needs = 1 if x._rg else 0
        if isinstance(y, Tensor):
            if y._base is not None and y._seen != y._ver[0]:
                y._sync()
            b = y._a
            if b.dtype is not d:
                return general(*args)
            if y._rg:
                needs += 2
        elif type(y) is float or type(y) is int:
            b = y
        else:
            return fallback(*args)
        if d is not F32 and d is not F64:
            return general(*args)
        values = [a, b, *rest]
        try:
            result = forward(*values)
        except (ValueError, TypeError) as error:
            raise op.explained(error, values) from None
        if type(result) is not np.ndarray:
            if type(result) is tuple:
                return finish(result, values, args, needs)
            result = np.asarray(result)
        elif row_major and not result.flags.c_contiguous:
            result = np.ascontiguousarray(result)
        out = new(Tensor)  # ``wrap``, written out
        out._a = result
        out._rg = False
        out._node = out._grad = out._base = out._hooks = None
        out._ver = [0]
        if needs and mode.enabled and op.rules:
            if result.dtype is not d:
                return finish(result, values, args, needs)
            values.append(result)
            plan = plans.get(needs) or op.plan(needs)
            out._node = plan.record(Node, values, args, out._ver)
            out._rg = True
        return out

    return call
