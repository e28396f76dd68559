"""NumPy's dispatch protocols: NumPy functions applied to Tensors record a graph.

Rules are written in NumPy, so this is also what makes gradients differentiable. The two tables
name every function that is understood; any other raises instead of leaving the graph silently.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import ops
from ._tensor import Tensor, wrap

UFUNCS: dict[Any, Any] = {
    np.add: ops.add,
    np.subtract: ops.sub,
    np.multiply: ops.mul,
    np.true_divide: ops.true_div,
    np.floor_divide: ops.floor_divide,
    np.remainder: ops.remainder,
    np.power: ops.pow,
    np.negative: ops.neg,
    np.absolute: ops.abs,
    np.fabs: ops.abs,
    np.conjugate: ops.conj,
    np.square: ops.square,
    np.reciprocal: ops.reciprocal,
    np.exp: ops.exp,
    np.exp2: ops.exp2,
    np.expm1: ops.expm1,
    np.log: ops.log,
    np.log2: ops.log2,
    np.log10: ops.log10,
    np.log1p: ops.log1p,
    np.sqrt: ops.sqrt,
    np.sin: ops.sin,
    np.cos: ops.cos,
    np.tan: ops.tan,
    np.arcsin: ops.asin,
    np.arccos: ops.acos,
    np.arctan: ops.atan,
    np.sinh: ops.sinh,
    np.cosh: ops.cosh,
    np.tanh: ops.tanh,
    np.maximum: ops.maximum,
    np.minimum: ops.minimum,
    np.floor: ops.floor,
    np.ceil: ops.ceil,
    np.trunc: ops.trunc,
    np.rint: ops.round,
    np.sign: lambda x: ops.sgn(x) if x.is_complex() else ops.sign(x),
    np.matmul: ops.matmul,
    np.equal: ops.eq,
    np.not_equal: ops.ne,
    np.less: ops.lt,
    np.less_equal: ops.le,
    np.greater: ops.gt,
    np.greater_equal: ops.ge,
    np.logical_and: ops.logical_and,
    np.logical_or: ops.logical_or,
    np.logical_xor: ops.logical_xor,
    np.logical_not: ops.logical_not,
    np.bitwise_and: ops.bitwise_and,
    np.bitwise_or: ops.bitwise_or,
    np.bitwise_xor: ops.bitwise_xor,
    np.invert: ops.bitwise_not,
    np.isnan: ops.isnan,
    np.isinf: ops.isinf,
    np.isfinite: ops.isfinite,
}


def _reduce(op: Any) -> Any:
    return lambda a, axis=None, keepdims=False, **kw: op(a, axis, keepdims)


def _extreme(op: Any) -> Any:
    return lambda a, axis=None, keepdims=False, **kw: op(a, () if axis is None else axis, keepdims)


def _squeeze(a: Any, axis: Any = None) -> Any:
    return ops.squeeze(a, axis)


def _expand_dims(a: Any, axis: int) -> Any:
    return ops.unsqueeze(a, axis)


def _transpose(a: Any, axes: Any = None) -> Any:
    return ops.permute(a, tuple(reversed(range(a.ndim))) if axes is None else tuple(axes))


def _where(condition: Any, x: Any = None, y: Any = None) -> Any:
    mask = condition if isinstance(condition, Tensor) else wrap(np.asarray(condition))
    return ops.where(mask, x, y)


def _take(a: Any, indices: Any, axis: int) -> Any:
    key = [slice(None)] * a.ndim
    key[axis] = indices
    return a[tuple(key)]


FUNCTIONS: dict[Any, Any] = {
    np.real: ops.real,
    np.imag: ops.imag,
    np.sum: _reduce(ops.sum),
    np.mean: _reduce(ops.mean),
    np.max: _extreme(ops.amax),
    np.amax: _extreme(ops.amax),
    np.min: _extreme(ops.amin),
    np.amin: _extreme(ops.amin),
    np.prod: _reduce(ops.prod),
    np.all: _reduce(ops.all),
    np.any: _reduce(ops.any),
    np.argmax: _reduce(ops.argmax),
    np.argmin: _reduce(ops.argmin),
    np.cumsum: lambda a, axis: ops.cumsum(a, axis),
    np.reshape: lambda a, shape, *rest, **kw: ops.reshape(a, shape),
    np.transpose: _transpose,
    np.swapaxes: lambda a, i, j: ops.transpose(a, i, j),
    np.moveaxis: ops.movedim,
    np.broadcast_to: lambda a, shape, subok=False: ops.expand(a, tuple(shape)),
    np.squeeze: _squeeze,
    np.expand_dims: _expand_dims,
    np.flip: lambda a, axis=None: ops.flip(a, range(a.ndim) if axis is None else axis),
    np.roll: lambda a, shift, axis=None: ops.roll(a, shift, axis),
    np.concatenate: lambda arrays, axis=0: ops.cat(list(arrays), axis),
    np.stack: lambda arrays, axis=0: ops.stack(list(arrays), axis),
    np.where: _where,
    np.take: _take,
    np.tril: lambda a, k=0: ops.tril(a, k),
    np.triu: lambda a, k=0: ops.triu(a, k),
    np.clip: lambda a, a_min=None, a_max=None: ops.clamp(a, a_min, a_max),
    np.einsum: lambda subscripts, *operands: ops.einsum(subscripts, *operands),
    np.dot: lambda a, b: ops.matmul(a, b),
    np.outer: lambda a, b: ops.outer(a, b),
    np.zeros_like: lambda a, **kw: wrap(np.zeros_like(a._a)),
    np.ones_like: lambda a, **kw: wrap(np.ones_like(a._a)),
    np.empty_like: lambda a, **kw: wrap(np.empty_like(a._a)),
    np.shape: lambda a: tuple(a._a.shape),
    np.ndim: lambda a: a._a.ndim,
    np.size: lambda a: a._a.size,
}


def array_ufunc(self: Tensor, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """``np.exp(t)`` and ``ndarray * t``: the op of the same meaning."""
    op = UFUNCS.get(ufunc)
    if op is None or method != "__call__":
        raise TypeError(
            f"np.{ufunc.__name__}{'' if method == '__call__' else '.' + method} has no "
            "differentiable counterpart; convert with t.detach().numpy() first"
        )
    if kwargs:
        raise TypeError(f"np.{ufunc.__name__} on a Tensor takes no {', '.join(kwargs)}")
    if op is ops.matmul:
        inputs = tuple(wrap(x) if isinstance(x, np.ndarray) else x for x in inputs)
    return op(*inputs)


def array_function(self: Tensor, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
    """``np.sum(t)`` and the other NumPy functions of the table."""
    op = FUNCTIONS.get(function)
    if op is None:
        raise TypeError(
            f"np.{function.__name__} has no differentiable counterpart; "
            "convert with t.detach().numpy() first"
        )
    return op(*args, **kwargs)
