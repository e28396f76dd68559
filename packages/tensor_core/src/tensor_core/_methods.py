"""The table of Tensor's methods: which op each name calls.

``attach()`` puts them on the class once, when the package is imported.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np

from . import _dtypes, ops
from ._adapted_methods import (
    _new_factory,
    add,
    cpu,
    cuda,
    expand,
    expand_as,
    fill_,
    flip,
    float_power_,
    is_shared,
    new_full,
    new_tensor,
    permute,
    pin_memory,
    polygamma,
    repeat,
    reshape,
    reshape_as,
    roll,
    sum_to_size,
    to,
    type_,
    type_as,
    view,
    view_as,
    where,
    xpu,
    zero_,
)
from ._inplace import as_in_place, count_up, forgetting
from ._op import Op
from ._operators import IN_PLACE_OPERATORS, OPERATORS
from ._protocols import array_function, array_ufunc
from ._shape_methods import SHAPE_METHODS
from ._tensor import Tensor
from .ops.complex import set_imag, set_real
from .storage import share_memory_, storage, untyped_storage

# Same name, the tensor as first argument.
DIRECT: tuple[str, ...] = (
    "hardshrink", "prelu",
    "abs", "angle", "conj", "conj_physical", "is_conj", "resolve_conj", "resolve_neg", "sgn",
    "acos", "all", "allclose", "amax", "amin", "any", "argmax", "argmin", "argsort", "asin",
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
    "acosh", "addcdiv", "addcmul", "aminmax", "asinh", "atan2", "atanh", "bitwise_left_shift",
    "bitwise_right_shift", "clamp_max", "clamp_min", "copysign", "corrcoef", "count_nonzero",
    "cov", "cummax", "cummin", "cumprod", "deg2rad", "diff", "digamma", "dist", "erfc", "erfinv",
    "float_power", "fmax", "fmin", "fmod", "frac", "frexp", "gcd", "heaviside", "histc",
    "histogram", "hypot", "i0", "igamma", "igammac", "is_nonzero", "is_same_size", "is_signed",
    "isneginf", "isposinf", "isreal", "isin", "kthvalue", "lcm", "ldexp", "lerp", "lgamma",
    "logaddexp", "logaddexp2", "logcumsumexp", "logit", "median", "mode", "msort", "mvlgamma",
    "nan_to_num", "nanmean", "nanmedian", "nanquantile", "nansum", "nextafter", "positive",
    "quantile", "rad2deg", "renorm", "signbit", "sinc", "unique_consecutive", "xlogy",
)  # fmt: skip

# Other names torch has for the same thing.
ALIASES: dict[str, str] = {
    "absolute": "abs", "arccos": "acos", "arcsin": "asin", "arctan": "atan", "clip": "clamp",
    "divide": "div", "true_divide": "div", "greater": "gt", "greater_equal": "ge", "less": "lt",
    "less_equal": "le", "moveaxis": "movedim", "multiply": "mul", "negative": "neg",
    "not_equal": "ne", "subtract": "sub", "swapaxes": "transpose", "swapdims": "transpose",
    "ger": "outer", "arccosh": "acosh", "arcsinh": "asinh", "arctanh": "atanh",
    "arctan2": "atan2", "fix": "trunc",
}  # fmt: skip

# ``name_`` applies ``name`` in place.
IN_PLACE: tuple[str, ...] = (
    "conj_physical", "sgn",
    "abs", "acos", "add", "asin", "atan", "bitwise_and", "bitwise_not", "bitwise_or",
    "bitwise_xor", "ceil", "clamp", "cos", "cosh", "cumsum", "div", "erf", "exp", "exp2", "expm1",
    "floor", "floor_divide", "index_add", "log", "log10", "log1p", "log2", "logical_not",
    "masked_fill", "mul", "neg", "pow", "reciprocal", "relu", "remainder", "round", "rsqrt",
    "scatter", "scatter_add", "sigmoid", "sign", "sin", "sinh", "sqrt", "square", "sub", "tan",
    "tanh", "tril", "triu", "trunc", "copy",
    "acosh", "addcdiv", "addcmul", "asinh", "atan2", "atanh", "bitwise_left_shift",
    "bitwise_right_shift", "clamp_max", "clamp_min", "copysign", "cumprod", "deg2rad", "digamma",
    "erfc", "erfinv", "fmod", "frac", "gcd", "heaviside", "hypot", "i0", "igamma",
    "igammac", "lcm", "ldexp", "lerp", "lgamma", "logit", "mvlgamma", "nan_to_num", "nextafter",
    "rad2deg", "renorm", "sinc", "xlogy",
)  # fmt: skip

# In place too, but truths and signs keep nothing of what they replace.
TRUTHS: tuple[str, ...] = (
    "eq", "ge", "gt", "le", "lt", "ne", "logical_and", "logical_or", "logical_xor",
)  # fmt: skip

# Drawing into the tensor.
RANDOM: tuple[str, ...] = (
    "uniform_", "normal_", "exponential_", "bernoulli_", "random_", "cauchy_", "geometric_",
    "log_normal_",
)  # fmt: skip

CONVERSIONS: dict[str, _dtypes.dtype] = {
    "float": _dtypes.float32, "double": _dtypes.float64, "half": _dtypes.float16,
    "int": _dtypes.int32, "long": _dtypes.int64, "short": _dtypes.int16, "char": _dtypes.int8,
    "byte": _dtypes.uint8, "bool": _dtypes.bool, "bfloat16": _dtypes.bfloat16,
    "cfloat": _dtypes.complex64, "cdouble": _dtypes.complex128, "chalf": _dtypes.complex32,
}  # fmt: skip


def _method(function: Any, name: str) -> Callable[..., Any]:
    if isinstance(function, Op) and isinstance(function.__call__, FunctionType):
        return function.__call__  # binds as it is

    def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        return function(self, *args, **kwargs)

    method.__name__ = name
    method.__doc__ = function.__doc__
    return method


ADAPTED: dict[str, Any] = {
    **SHAPE_METHODS,
    "add": add, "polygamma": polygamma, "polygamma_": as_in_place(polygamma, "polygamma_"),
    "sum_to_size": sum_to_size, "float_power_": float_power_,
    "view": view, "reshape": reshape, "permute": permute, "expand": expand,
    "repeat": repeat, "flip": flip, "roll": roll, "where": where, "to": to, "type": type_,
    "fill_": fill_, "zero_": zero_,
    "new_zeros": _new_factory(np.zeros, "new_zeros"),
    "new_ones": _new_factory(np.ones, "new_ones"),
    "new_empty": _new_factory(np.empty, "new_empty"),
    "new_full": new_full, "new_tensor": new_tensor,
    "cpu": cpu, "cuda": cuda, "xpu": xpu, "view_as": view_as, "reshape_as": reshape_as,
    "expand_as": expand_as,
    "share_memory_": share_memory_, "storage": storage, "untyped_storage": untyped_storage,
    "type_as": type_as, "is_shared": is_shared, "pin_memory": pin_memory,
}  # fmt: skip


def _conjugate_transpose(self: Tensor) -> Tensor:
    if self._a.ndim == 2:
        return ops.adjoint(self)
    if self._a.ndim == 0:
        return ops.conj(self)
    raise RuntimeError(
        f"tensor.H is only supported on matrices (2-D tensors). Got {self._a.ndim}-D tensor."
    )


def _matrix_transpose(self: Tensor) -> Tensor:
    if self._a.ndim == 0:
        return self
    if self._a.ndim == 1:
        raise RuntimeError(
            f"tensor.mT is only supported on matrices or batches of matrices. Got {self._a.ndim}-D "
            "tensor."
        )
    return ops.transpose(self, -2, -1)


PROPERTIES: dict[str, Any] = {
    "T": lambda self: ops.permute(self, tuple(reversed(range(self._a.ndim)))),
    "mT": _matrix_transpose,
    "mH": lambda self: ops.adjoint(self),
    "H": _conjugate_transpose,
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
    for name in TRUTHS:
        setattr(Tensor, f"{name}_", as_in_place(forgetting(getattr(ops, name)), f"{name}_"))
    for name, same in ALIASES.items():
        if hasattr(Tensor, f"{same}_"):
            setattr(Tensor, f"{name}_", getattr(Tensor, f"{same}_"))
    for name in RANDOM:
        setattr(Tensor, name, getattr(ops, name))
    for name, kind in CONVERSIONS.items():
        setattr(Tensor, name, _conversion(name, kind))
    for name, function in OPERATORS.items():
        setattr(Tensor, name, function)
    for name, function in IN_PLACE_OPERATORS.items():
        setattr(Tensor, name, as_in_place(function, name))
    Tensor.__iadd__ = count_up(Tensor.__iadd__)  # type: ignore[method-assign, assignment]
    for name, function in PROPERTIES.items():
        setattr(Tensor, name, property(function))
    Tensor.real = property(ops.real, set_real)  # type: ignore[method-assign, assignment]
    Tensor.imag = property(ops.imag, set_imag)  # type: ignore[method-assign, assignment]
    Tensor.__array_ufunc__ = array_ufunc  # type: ignore[attr-defined]
    Tensor.__array_function__ = array_function  # type: ignore[attr-defined]
    Tensor.__array_priority__ = 1000  # type: ignore[attr-defined]


def _conversion(name: str, kind: _dtypes.dtype) -> Callable[..., Tensor]:
    def method(self: Tensor, memory_format: Any = None) -> Tensor:
        return ops.to(self, kind)

    method.__name__ = name
    method.__doc__ = f"The tensor as {kind.name}."
    return method
