"""What ``+``, ``[]``, ``==`` and the other operators call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import ops
from ._calls import way_in
from ._op import Op
from ._tensor import Tensor, wrap

_OTHER = (int, float, complex, np.generic, np.ndarray)
_OPERAND = (Tensor, *_OTHER)


def _operator(op: Op, swap: bool = False) -> Callable[[Tensor, Any], Any]:
    def checked(self: Tensor, other: Any, *more: Any) -> Any:
        return op.general(self, other, *more) if isinstance(other, _OPERAND) else NotImplemented

    def swapped(self: Tensor, other: Any) -> Any:
        return op(other, self) if isinstance(other, _OTHER) else NotImplemented

    if swap:
        return swapped
    return way_in(op, checked) if isinstance(op, Op) and op.n_arrays == 2 else checked


def _equality(op: Any, different: bool) -> Callable[[Tensor, Any], Any]:
    def operator(self: Tensor, other: Any) -> Any:
        if isinstance(other, _OPERAND):
            return op(self, other)
        return NotImplemented if other is not None else different

    return operator


def _rtruediv(self: Tensor, other: Any) -> Any:
    """As torch has it: rounded twice, so 3 / x is not always torch.div(3, x)."""
    return ops.reciprocal(self) * other if isinstance(other, _OTHER) else NotImplemented


def _rpow(self: Tensor, other: Any) -> Any:
    return ops.pow(other, self)


def _rmatmul(self: Tensor, other: Any) -> Any:
    return ops.matmul(wrap(np.asarray(other)), self)


OPERATORS: dict[str, Any] = {
    "__add__": _operator(ops.add),
    "__radd__": _operator(ops.add, True),
    "__sub__": _operator(ops.sub),
    "__rsub__": _operator(ops.sub, True),
    "__mul__": _operator(ops.mul),
    "__rmul__": _operator(ops.mul, True),
    "__truediv__": _operator(ops.true_div),
    "__rtruediv__": _rtruediv,
    "__floordiv__": _operator(ops.floor_divide),
    "__rfloordiv__": _operator(ops.floor_divide, True),
    "__mod__": _operator(ops.remainder),
    "__rmod__": _operator(ops.remainder, True),
    "__pow__": _operator(ops.pow),
    "__rpow__": _rpow,
    "__matmul__": _operator(ops.matmul),
    "__rmatmul__": _rmatmul,
    "__neg__": lambda self: ops.neg(self),
    "__pos__": lambda self: self,
    "__abs__": lambda self: ops.abs(self),
    "__invert__": lambda self: ops.bitwise_not(self),
    "__and__": _operator(ops.bitwise_and),
    "__rand__": _operator(ops.bitwise_and, True),
    "__or__": _operator(ops.bitwise_or),
    "__ror__": _operator(ops.bitwise_or, True),
    "__xor__": _operator(ops.bitwise_xor),
    "__rxor__": _operator(ops.bitwise_xor, True),
    "__lshift__": _operator(ops.bitwise_left_shift),
    "__rshift__": _operator(ops.bitwise_right_shift),
    "__rlshift__": _operator(ops.bitwise_left_shift, True),
    "__rrshift__": _operator(ops.bitwise_right_shift, True),
    "__lt__": _operator(ops.lt),
    "__le__": _operator(ops.le),
    "__gt__": _operator(ops.gt),
    "__ge__": _operator(ops.ge),
    "__eq__": _equality(ops.eq, False),
    "__ne__": _equality(ops.ne, True),
    "__getitem__": ops.getitem,
    "__setitem__": ops.setitem,
}

IN_PLACE_OPERATORS: dict[str, Any] = {
    "__iadd__": ops.add, "__isub__": ops.sub, "__imul__": ops.mul, "__itruediv__": ops.true_div,
    "__ifloordiv__": ops.floor_divide, "__imod__": ops.remainder, "__ipow__": ops.pow,
    "__iand__": ops.bitwise_and, "__ior__": ops.bitwise_or, "__ixor__": ops.bitwise_xor,
    "__ilshift__": ops.bitwise_left_shift, "__irshift__": ops.bitwise_right_shift,
}  # fmt: skip
