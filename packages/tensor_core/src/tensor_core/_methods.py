"""The table of Tensor's methods: which op each name calls.

``attach()`` puts them on the class once, when the package is imported.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import _dtypes, ops
from ._creation import full, tensor
from ._inplace import as_in_place, in_place
from ._protocols import array_function, array_ufunc
from ._tensor import Tensor, wrap

# Same name, the tensor as first argument.
DIRECT: tuple[str, ...] = (
    "abs", "acos", "all", "allclose", "amax", "amin", "any", "argmax", "argmin", "argsort", "asin",
    "atan", "bernoulli", "bincount", "bitwise_and", "bitwise_not", "bitwise_or", "bitwise_xor",
    "bmm", "broadcast_to", "ceil", "chunk", "clamp", "clone", "contiguous", "cos", "cosh",
    "cumsum", "diagonal", "div", "dot", "eq", "equal", "erf", "exp", "exp2", "expm1", "flatten",
    "floor", "floor_divide", "gather", "ge", "gt", "index_add", "index_select", "isclose",
    "isfinite", "isinf", "isnan", "le", "log", "log10", "log1p", "log2", "log_softmax",
    "logical_and", "logical_not", "logical_or", "logical_xor", "logsumexp", "lt", "masked_fill",
    "matmul", "max", "maximum", "mean", "min", "minimum", "mm", "movedim", "mul", "multinomial",
    "mv", "narrow", "ne", "neg", "nonzero", "norm", "outer", "pow", "prod", "reciprocal", "relu",
    "remainder", "repeat_interleave", "round", "rsqrt", "scatter", "scatter_add", "sigmoid",
    "sign", "sin", "sinh", "softmax", "sort", "split", "sqrt", "square", "squeeze", "std", "sub",
    "sum", "t", "take_along_dim", "tan", "tanh", "to", "topk", "transpose", "tril", "triu",
    "trunc", "unbind", "unflatten", "unique", "unsqueeze", "var",
)  # fmt: skip

# Other names torch has for the same thing.
ALIASES: dict[str, str] = {
    "absolute": "abs", "arccos": "acos", "arcsin": "asin", "arctan": "atan", "clip": "clamp",
    "divide": "div", "true_divide": "div", "greater": "gt", "greater_equal": "ge", "less": "lt",
    "less_equal": "le", "moveaxis": "movedim", "multiply": "mul", "negative": "neg",
    "not_equal": "ne", "subtract": "sub", "swapaxes": "transpose", "swapdims": "transpose",
    "ger": "outer",
}  # fmt: skip

# ``name_`` applies ``name`` in place.
IN_PLACE: tuple[str, ...] = (
    "abs", "acos", "add", "asin", "atan", "bitwise_and", "bitwise_not", "bitwise_or",
    "bitwise_xor", "ceil", "clamp", "cos", "cosh", "cumsum", "div", "erf", "exp", "exp2", "expm1",
    "floor", "floor_divide", "index_add", "log", "log10", "log1p", "log2", "logical_not",
    "masked_fill", "mul", "neg", "pow", "reciprocal", "relu", "remainder", "round", "rsqrt",
    "scatter", "scatter_add", "sigmoid", "sign", "sin", "sinh", "sqrt", "square", "sub", "tan",
    "tanh", "tril", "triu", "trunc", "copy",
)  # fmt: skip

# Drawing into the tensor.
RANDOM: tuple[str, ...] = ("uniform_", "normal_", "exponential_", "bernoulli_", "random_")

CONVERSIONS: dict[str, _dtypes.dtype] = {
    "float": _dtypes.float32, "double": _dtypes.float64, "half": _dtypes.float16,
    "int": _dtypes.int32, "long": _dtypes.int64, "short": _dtypes.int16, "char": _dtypes.int8,
    "byte": _dtypes.uint8, "bool": _dtypes.bool,
}  # fmt: skip


def _method(function: Any, name: str) -> Callable[..., Any]:
    def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        return function(self, *args, **kwargs)

    method.__name__ = name
    method.__doc__ = function.__doc__
    return method


def _sizes(args: tuple[Any, ...]) -> tuple[int, ...]:
    """``(2, 3)`` and ``((2, 3),)`` alike."""
    return tuple(args[0]) if len(args) == 1 and isinstance(args[0], tuple | list) else args


# -- methods whose arguments differ from the op's ------------------------------------------------


def add(self: Tensor, other: Any, *, alpha: Any = 1) -> Tensor:
    """``self + alpha * other``.

    >>> import tensor_core as torch
    >>> torch.tensor([1, 2]).add(torch.tensor([3, 4]), alpha=2)
    tensor([ 7, 10])
    """
    return ops.add(self, other, alpha)


def view(self: Tensor, *shape: Any, dtype: Any = None) -> Tensor:
    """The same memory under another shape (or, with a dtype, of another type).

    >>> import tensor_core as torch
    >>> torch.arange(6).view(2, -1)
    tensor([[0, 1, 2],
            [3, 4, 5]])
    >>> torch.tensor([1.0]).view(torch.int32)
    tensor([1065353216], dtype=torch.int32)
    """
    if dtype is not None or (len(shape) == 1 and isinstance(shape[0], _dtypes.dtype)):
        kind = shape[0] if dtype is None else dtype
        out = wrap(self._a.view(kind.numpy))
        out._ver = self._ver
        return out
    return ops.view_op(self, _sizes(shape))


def reshape(self: Tensor, *shape: Any) -> Tensor:
    """The elements under another shape; a view where possible.

    >>> import tensor_core as torch
    >>> torch.arange(6).t().reshape(3, 2).shape
    torch.Size([3, 2])
    """
    return ops.reshape(self, _sizes(shape))


def permute(self: Tensor, *dims: Any) -> Tensor:
    """The dimensions in another order (a view).

    >>> import tensor_core as torch
    >>> torch.zeros(2, 3, 4).permute(2, 0, 1).shape
    torch.Size([4, 2, 3])
    """
    return ops.permute(self, _sizes(dims))


def expand(self: Tensor, *sizes: Any) -> Tensor:
    """Length-1 dimensions repeated without copying (a view).

    >>> import tensor_core as torch
    >>> torch.tensor([[1], [2]]).expand(-1, 3)
    tensor([[1, 1, 1],
            [2, 2, 2]])
    """
    return ops.expand(self, _sizes(sizes))


def repeat(self: Tensor, *sizes: Any) -> Tensor:
    """The tensor laid beside itself (a copy).

    >>> import tensor_core as torch
    >>> torch.tensor([1, 2]).repeat(2)
    tensor([1, 2, 1, 2])
    """
    return ops.repeat(self, _sizes(sizes))


def flip(self: Tensor, *dims: Any) -> Tensor:
    """Elements in reverse order along the dimensions.

    >>> import tensor_core as torch
    >>> torch.tensor([1, 2, 3]).flip(0)
    tensor([3, 2, 1])
    """
    return ops.flip(self, _sizes(dims))


def roll(self: Tensor, shifts: Any, dims: Any = None) -> Tensor:
    """Elements moved round along the dimensions.

    >>> import tensor_core as torch
    >>> torch.tensor([1, 2, 3]).roll(1)
    tensor([3, 1, 2])
    """
    return ops.roll(self, shifts, dims)


def where(self: Tensor, condition: Tensor, other: Any) -> Tensor:
    """``self`` where the condition holds, else ``other``.

    >>> import tensor_core as torch
    >>> x = torch.tensor([1.0, -2.0])
    >>> x.where(x > 0, 0.0)
    tensor([1., 0.])
    """
    return ops.where(condition, self, other)


def to(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """The tensor as another type; see :func:`tensor_core.ops.to`.

    >>> import tensor_core as torch
    >>> torch.tensor([1.5]).to(torch.int64)
    tensor([1])
    """
    kwargs.pop("non_blocking", None)
    kwargs.pop("memory_format", None)
    return ops.to(self, *args, **kwargs)


def type_(self: Tensor, dtype: Any = None, non_blocking: bool = False) -> Any:
    """The type's name, or the tensor as another type.

    >>> import tensor_core as torch
    >>> torch.tensor([1.5]).type()
    'torch.FloatTensor'
    """
    if dtype is None:
        return f"torch.{_TYPE_NAMES[self.dtype.name]}Tensor"
    if isinstance(dtype, str):
        dtype = next(d for d in _dtypes.ALL if f"torch.{_TYPE_NAMES[d.name]}Tensor" == dtype)
    return ops.to(self, getattr(dtype, "_tensor_dtype", dtype))


_TYPE_NAMES = {
    "float16": "Half", "float32": "Float", "float64": "Double", "int8": "Char", "int16": "Short",
    "int32": "Int", "int64": "Long", "uint8": "Byte", "bool": "Bool", "complex64": "ComplexFloat",
    "complex128": "ComplexDouble",
}  # fmt: skip


def fill_(self: Tensor, value: Any) -> Tensor:
    """Every element becomes ``value``.

    >>> import tensor_core as torch
    >>> torch.zeros(3).fill_(7)
    tensor([7., 7., 7.])
    """
    source = value if isinstance(value, Tensor) else wrap(np.asarray(value, self._a.dtype))
    return in_place(self, ops.copy, source)


def zero_(self: Tensor) -> Tensor:
    """Every element becomes 0.

    >>> import tensor_core as torch
    >>> torch.ones(3).zero_()
    tensor([0., 0., 0.])
    """
    return fill_(self, 0)


def lerp(self: Tensor, end: Tensor, weight: Any) -> Tensor:
    """``self + weight * (end - self)``.

    >>> import tensor_core as torch
    >>> torch.tensor([0.0, 10.0]).lerp(torch.tensor([1.0, 20.0]), 0.5)
    tensor([ 0.5000, 15.0000])
    """
    return self + weight * (end - self)


def addcmul(self: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Any = 1) -> Tensor:
    """``self + value * tensor1 * tensor2``.

    >>> import tensor_core as torch
    >>> torch.zeros(2).addcmul(torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0]), value=10)
    tensor([30., 80.])
    """
    return self + value * tensor1 * tensor2


def addcdiv(self: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Any = 1) -> Tensor:
    """``self + value * tensor1 / tensor2``.

    >>> import tensor_core as torch
    >>> torch.zeros(2).addcdiv(torch.tensor([1.0, 2.0]), torch.tensor([4.0, 4.0]))
    tensor([0.2500, 0.5000])
    """
    return self + value * (tensor1 / tensor2)


def clamp_min(self: Tensor, min: Any) -> Tensor:
    """``clamp`` from below.

    >>> import tensor_core as torch
    >>> torch.tensor([-1.0, 2.0]).clamp_min(0)
    tensor([0., 2.])
    """
    return ops.clamp(self, min, None)


def clamp_max(self: Tensor, max: Any) -> Tensor:
    """``clamp`` from above.

    >>> import tensor_core as torch
    >>> torch.tensor([-1.0, 2.0]).clamp_max(0)
    tensor([-1.,  0.])
    """
    return ops.clamp(self, None, max)


def _new_factory(make: Any, name: str) -> Callable[..., Tensor]:
    def method(self: Tensor, *size: Any, dtype: Any = None, device: Any = None,
               requires_grad: bool = False, **named: Any) -> Tensor:  # fmt: skip
        shape = _sizes((named.pop("size"),) if "size" in named else size)
        kind = self._a.dtype if dtype is None else _dtypes.to_numpy(dtype)
        out = wrap(make(shape, kind))
        return out.requires_grad_() if requires_grad else out

    method.__name__ = name
    method.__doc__ = f"``{name.removeprefix('new_')}`` of this tensor's type."
    return method


def view_as(self: Tensor, other: Tensor) -> Tensor:
    """``view`` in the shape of ``other``.

    >>> import tensor_core as torch
    >>> torch.arange(4).view_as(torch.zeros(2, 2))
    tensor([[0, 1],
            [2, 3]])
    """
    return ops.view_op(self, tuple(other._a.shape))


def reshape_as(self: Tensor, other: Tensor) -> Tensor:
    """``reshape`` to the shape of ``other``.

    >>> import tensor_core as torch
    >>> torch.arange(4).reshape_as(torch.zeros(2, 2))
    tensor([[0, 1],
            [2, 3]])
    """
    return ops.reshape(self, tuple(other._a.shape))


def expand_as(self: Tensor, other: Tensor) -> Tensor:
    """``expand`` to the shape of ``other``.

    >>> import tensor_core as torch
    >>> torch.tensor([1, 2]).expand_as(torch.zeros(2, 2))
    tensor([[1, 2],
            [1, 2]])
    """
    return ops.expand(self, tuple(other._a.shape))


def type_as(self: Tensor, other: Tensor) -> Tensor:
    """The tensor as the type of ``other``.

    >>> import tensor_core as torch
    >>> torch.arange(2).type_as(torch.zeros(1))
    tensor([0., 1.])
    """
    return ops.to(self, other.dtype)


def cpu(self: Tensor, *memory_format: Any, **more: Any) -> Tensor:
    """The tensor itself, which is on the CPU already.

    >>> import tensor_core as torch
    >>> x = torch.zeros(1)
    >>> x.cpu() is x
    True
    """
    return self


def is_shared(self: Tensor) -> bool:
    """Whether the memory is shared between processes: never.

    >>> import tensor_core as torch
    >>> torch.zeros(1).is_shared()
    False
    """
    return False


def pin_memory(self: Tensor, *device: Any) -> Tensor:
    """The tensor itself: there is no other device to pin memory for.

    >>> import tensor_core as torch
    >>> x = torch.zeros(1)
    >>> x.pin_memory() is x
    True
    """
    return self


def new_full(self: Tensor, size: Any, fill_value: Any, *, dtype: Any = None, **more: Any) -> Tensor:
    """``full`` of this tensor's type.

    >>> import tensor_core as torch
    >>> torch.zeros(1, dtype=torch.int64).new_full((2,), 7)
    tensor([7, 7])
    """
    return full(size, fill_value, dtype=dtype or self.dtype, **more)


def new_tensor(self: Tensor, data: Any, *, dtype: Any = None, **more: Any) -> Tensor:
    """``tensor`` of this tensor's type.

    >>> import tensor_core as torch
    >>> torch.zeros(1, dtype=torch.float64).new_tensor([1, 2]).dtype
    torch.float64
    """
    return tensor(data, dtype=dtype or self.dtype, **more)


# -- operators -----------------------------------------------------------------------------------

_OTHER = (int, float, complex, np.generic, np.ndarray)
_OPERAND = (Tensor, *_OTHER)


def _operator(op: Any, swap: bool = False, *more: Any) -> Callable[[Tensor, Any], Any]:
    if swap:

        def operator(self: Tensor, other: Any) -> Any:
            return op(other, self, *more) if isinstance(other, _OTHER) else NotImplemented
    else:

        def operator(self: Tensor, other: Any) -> Any:
            if isinstance(other, _OPERAND):
                return op(self, other, *more)
            return NotImplemented

    return operator


def _equality(op: Any, different: bool) -> Callable[[Tensor, Any], Any]:
    def operator(self: Tensor, other: Any) -> Any:
        if isinstance(other, _OPERAND):
            return op(self, other)
        return NotImplemented if other is not None else different

    return operator


def _rpow(self: Tensor, other: Any) -> Any:
    return ops.pow(other, self)


def _rmatmul(self: Tensor, other: Any) -> Any:
    return ops.matmul(wrap(np.asarray(other)), self)


OPERATORS: dict[str, Any] = {
    "__add__": _operator(ops.add, False, 1),
    "__radd__": _operator(ops.add, True, 1),
    "__sub__": _operator(ops.sub, False, 1),
    "__rsub__": _operator(ops.sub, True, 1),
    "__mul__": _operator(ops.mul),
    "__rmul__": _operator(ops.mul, True),
    "__truediv__": _operator(ops.true_div),
    "__rtruediv__": _operator(ops.true_div, True),
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
}  # fmt: skip

ADAPTED: dict[str, Any] = {
    "add": add, "view": view, "reshape": reshape, "permute": permute, "expand": expand,
    "repeat": repeat, "flip": flip, "roll": roll, "where": where, "to": to, "type": type_,
    "fill_": fill_, "zero_": zero_, "lerp": lerp, "lerp_": as_in_place(lerp, "lerp_"),
    "addcmul": addcmul, "addcmul_": as_in_place(addcmul, "addcmul_"), "addcdiv": addcdiv,
    "addcdiv_": as_in_place(addcdiv, "addcdiv_"), "clamp_min": clamp_min, "clamp_max": clamp_max,
    "clamp_min_": as_in_place(clamp_min, "clamp_min_"),
    "clamp_max_": as_in_place(clamp_max, "clamp_max_"),
    "new_zeros": _new_factory(np.zeros, "new_zeros"),
    "new_ones": _new_factory(np.ones, "new_ones"),
    "new_empty": _new_factory(np.empty, "new_empty"),
    "new_full": new_full, "new_tensor": new_tensor,
    "cpu": cpu, "view_as": view_as, "reshape_as": reshape_as, "expand_as": expand_as,
    "type_as": type_as, "is_shared": is_shared, "pin_memory": pin_memory,
}  # fmt: skip

PROPERTIES: dict[str, Any] = {
    "T": lambda self: ops.permute(self, tuple(reversed(range(self._a.ndim)))),
    "mT": lambda self: ops.transpose(self, -2, -1),
    "real": lambda self: self if self._a.dtype.kind != "c" else wrap(self._a.real),
}


def attach() -> None:
    """Put every method of the tables on :class:`Tensor`."""
    for name in DIRECT:
        setattr(Tensor, name, _method(getattr(ops, name), name))
    for name, function in ADAPTED.items():
        setattr(Tensor, name, function)
    for alias, name in ALIASES.items():
        setattr(Tensor, alias, getattr(Tensor, name))
    for name in IN_PLACE:
        setattr(Tensor, f"{name}_", as_in_place(getattr(ops, name), f"{name}_"))
    for name in ("divide", "multiply", "subtract", "clip", "absolute", "negative"):
        setattr(Tensor, f"{name}_", getattr(Tensor, f"{ALIASES[name]}_"))
    for name in RANDOM:
        setattr(Tensor, name, getattr(ops, name))
    for name, kind in CONVERSIONS.items():
        setattr(Tensor, name, _conversion(name, kind))
    for name, function in OPERATORS.items():
        setattr(Tensor, name, function)
    for name, function in IN_PLACE_OPERATORS.items():
        setattr(Tensor, name, as_in_place(function, name))
    for name, function in PROPERTIES.items():
        setattr(Tensor, name, property(function))
    Tensor.__array_ufunc__ = array_ufunc  # type: ignore[attr-defined]
    Tensor.__array_function__ = array_function  # type: ignore[attr-defined]
    Tensor.__array_priority__ = 1000  # type: ignore[attr-defined]


def _conversion(name: str, kind: _dtypes.dtype) -> Callable[..., Tensor]:
    def method(self: Tensor, memory_format: Any = None) -> Tensor:
        return ops.to(self, kind)

    method.__name__ = name
    method.__doc__ = f"The tensor as {kind.name}."
    return method
