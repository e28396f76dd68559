"""Methods whose arguments differ from the op's: sizes given one by one, defaults, types."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import _dtypes, ops
from ._creation import full, tensor
from ._inplace import in_place, overlaps
from ._layouts import preserve_format
from ._legacy_types import named_type
from ._tensor import Tensor, wrap


def _sizes(args: tuple[Any, ...]) -> tuple[int, ...]:
    """``(2, 3)`` and ``((2, 3),)`` alike."""
    return tuple(args[0]) if len(args) == 1 and isinstance(args[0], tuple | list) else args


def add(self: Tensor, other: Any, *, alpha: Any = 1) -> Tensor:
    """``self + alpha * other``.

    >>> import tensor_core as torch
    >>> torch.tensor([1, 2]).add(torch.tensor([3, 4]), alpha=2)
    tensor([ 7, 10])
    """
    return ops.add(self, other, alpha)


def view(self: Tensor, *shape: Any, size: Any = None, dtype: Any = None) -> Tensor:
    """The same memory under another shape (or, with a dtype, of another type).

    >>> import tensor_core as torch
    >>> torch.arange(6).view(2, -1)
    tensor([[0, 1, 2],
            [3, 4, 5]])
    >>> torch.tensor([1.0]).view(torch.int32)
    tensor([1065353216], dtype=torch.int32)
    """
    if dtype is not None or (len(shape) == 1 and isinstance(shape[0], _dtypes.dtype)):
        return _of_bits(self, shape[0] if dtype is None else dtype)
    return ops.view_op(self, _sizes(shape) if size is None else size)


def _of_bits(self: Tensor, kind: _dtypes.dtype) -> Tensor:
    try:
        out = wrap(self._a.view(kind.numpy))
    except ValueError:
        last = self._a.shape[-1:] or (1,)
        raise RuntimeError(
            f"self.size(-1) must be divisible to view {self.dtype} as {kind} (different element "
            f"sizes), and self.stride(-1) must be 1, but they are {last[0]} and "
            f"{self.stride()[-1:]}"
        ) from None
    out._ver = self._ver
    return out


def reshape(self: Tensor, *sizes: Any, shape: Any = None) -> Tensor:
    """The elements under another shape; a view where possible.

    >>> import tensor_core as torch
    >>> torch.arange(6).t().reshape(3, 2).shape
    torch.Size([3, 2])
    """
    return ops.reshape(self, _sizes(sizes) if shape is None else shape)


def permute(self: Tensor, *order: Any, dims: Any = None) -> Tensor:
    """The dimensions in another order (a view).

    >>> import tensor_core as torch
    >>> torch.zeros(2, 3, 4).permute(2, 0, 1).shape
    torch.Size([4, 2, 3])
    """
    return ops.permute(self, _sizes(order) if dims is None else dims)


def expand(self: Tensor, *sizes: Any, size: Any = None, implicit: bool = False) -> Tensor:
    """Length-1 dimensions repeated without copying (a view).

    >>> import tensor_core as torch
    >>> torch.tensor([[1], [2]]).expand(-1, 3)
    tensor([[1, 1, 1],
            [2, 2, 2]])
    """
    return ops.expand(self, _sizes(sizes) if size is None else size)


def repeat(self: Tensor, *sizes: Any, repeats: Any = None) -> Tensor:
    """The tensor laid beside itself (a copy).

    >>> import tensor_core as torch
    >>> torch.tensor([1, 2]).repeat(2)
    tensor([1, 2, 1, 2])
    """
    return ops.repeat(self, _sizes(sizes) if repeats is None else repeats)


def flip(self: Tensor, *along: Any, dims: Any = None) -> Tensor:
    """Elements in reverse order along the dimensions.

    >>> import tensor_core as torch
    >>> torch.tensor([1, 2, 3]).flip(0)
    tensor([3, 2, 1])
    """
    return ops.flip(self, _sizes(along) if dims is None else dims)


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
    order = kwargs.pop("memory_format", None)
    made = ops.to(self, *args, **kwargs)
    return made if order is None or order is preserve_format else ops.contiguous(made, order)


def type_(self: Tensor, dtype: Any = None, non_blocking: bool = False) -> Any:
    """The type's name, or the tensor as another type.

    >>> import tensor_core as torch
    >>> torch.tensor([1.5]).type()
    'torch.FloatTensor'
    """
    if dtype is None:
        return f"torch.{_TYPE_NAMES[self.dtype.name]}Tensor"
    if isinstance(dtype, str):
        dtype = named_type(dtype)
    return ops.to(self, getattr(dtype, "_tensor_dtype", dtype))


_TYPE_NAMES = {
    "float16": "Half", "float32": "Float", "float64": "Double", "int8": "Char", "int16": "Short",
    "int32": "Int", "int64": "Long", "uint8": "Byte", "bool": "Bool", "complex64": "ComplexFloat",
    "complex128": "ComplexDouble", "bfloat16": "BFloat16",
    "uint16": "UInt16", "uint32": "UInt32", "uint64": "UInt64",
}  # fmt: skip


def fill_(self: Tensor, value: Any) -> Tensor:
    """Every element becomes ``value``.

    >>> import tensor_core as torch
    >>> torch.zeros(3).fill_(7)
    tensor([7., 7., 7.])
    """
    source = (
        value
        if isinstance(value, Tensor)
        else wrap(np.asarray(_dtypes.fitted(value, self._a.dtype), self._a.dtype))
    )
    if overlaps(self._a) and not (self.requires_grad or source._rg) and not source._a.ndim:
        self._a[...] = source._a  # one value: no matter how often it is written to a place
        self._bump()
        return self
    return in_place(self, ops.copy, source)


def zero_(self: Tensor) -> Tensor:
    """Every element becomes 0.

    >>> import tensor_core as torch
    >>> torch.ones(3).zero_()
    tensor([0., 0., 0.])
    """
    return fill_(self, 0)


def polygamma(self: Tensor, n: int) -> Tensor:
    """The ``n``-th derivative of ``digamma``.

    >>> import tensor_core as torch
    >>> torch.tensor([1.0]).polygamma(1)
    tensor([1.6449])
    """
    return ops.polygamma(n, self)


def float_power_(self: Tensor, exponent: Any) -> Tensor:
    """``float_power`` in place, for float64 tensors alone.

    >>> import tensor_core as torch
    >>> torch.tensor([1.0, 2.0], dtype=torch.float64).float_power_(2)
    tensor([1., 4.], dtype=torch.float64)
    """
    wide = _dtypes.complex128 if self.is_complex() else _dtypes.float64
    if self.dtype is not wide:
        raise RuntimeError(
            f"the base given to float_power_ has dtype {self.dtype} but the operation's result "
            f"requires dtype {wide}"
        )
    return in_place(self, ops.float_power, exponent)


def sum_to_size(self: Tensor, *size: Any) -> Tensor:
    """The sums over every dimension that broadcasting from ``size`` would have made.

    Raises:
        RuntimeError: ``size`` does not broadcast to this shape.

    >>> import tensor_core as torch
    >>> torch.ones(2, 3).sum_to_size(1, 3)
    tensor([[2., 2., 2.]])
    """
    shape, have = _sizes(size), self._a.shape
    extra = len(have) - len(shape)
    fits = extra >= 0 and all(
        n in (1, m) for n, m in zip(shape, have[max(extra, 0) :], strict=True)
    )
    if not fits:
        raise RuntimeError(f"size {{{list(shape)}}} is not expandable to size {{{list(have)}}}.")
    dims = [*range(extra), *(i + extra for i, n in enumerate(shape) if n != have[i + extra])]
    return ops.sum(self, dims, True).reshape(shape) if dims else self


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


def cuda(
    self: Tensor, device: Any = None, non_blocking: bool = False, memory_format: Any = None
) -> Tensor:
    """The tensor on a CUDA device; raises AssertionError, since there is none.

    >>> import tensor_core as torch
    >>> x = torch.zeros(1)
    >>> x = x.cuda() if torch.cuda.is_available() else x
    """
    return ops.to(self, device="cuda" if device is None else device)


def xpu(
    self: Tensor, device: Any = None, non_blocking: bool = False, memory_format: Any = None
) -> Tensor:
    """The tensor on an XPU device; raises AssertionError, since there is none.

    >>> import tensor_core as torch
    >>> x = torch.zeros(1)
    >>> x = x.xpu() if torch.xpu.is_available() else x
    """
    return ops.to(self, device="xpu" if device is None else device)


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
