"""Tensors made from nothing or from data."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import _dtypes
from ._tensor import Tensor, wrap
from .ops.random import _shape, _type, finish


def tensor(
    data: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """A tensor of numbers, nested lists, arrays or tensors; the data are copied.

    Python floats give the default type (float32), integers int64, NumPy arrays their own.

    >>> tensor([[1, 2], [3, 4]])
    tensor([[1, 2],
            [3, 4]])
    """
    return finish(_array(data, dtype).copy(), requires_grad, device)


def _array(data: Any, dtype: Any) -> np.ndarray:
    if isinstance(data, Tensor):
        data = data._a
    elif isinstance(data, list | tuple):
        data = _plain(data)
    wanted = None if dtype is None else _dtypes.to_numpy(dtype)
    weak = not isinstance(data, np.ndarray | np.generic)
    try:
        a = np.array(data, dtype=wanted)
    except (ValueError, TypeError) as error:
        raise type(error)(
            f"tensor: the data do not form a rectangular array of numbers: {error}"
        ) from None
    if wanted is None and weak:
        if a.dtype == np.float64 and not _holds_arrays(data):
            a = a.astype(_dtypes.get_default_dtype().numpy)
        elif a.dtype == np.complex128:
            a = a.astype(_dtypes.get_default_dtype().to_complex().numpy)
        elif a.dtype.kind == "i":
            a = a.astype(np.int64)
    _dtypes.of_array(a)
    return a


def _holds_arrays(data: Any) -> bool:
    while isinstance(data, list | tuple) and data:
        data = data[0]
    return isinstance(data, np.ndarray | np.generic)


def _plain(data: Any) -> Any:
    """Nested lists with tensors turned into what NumPy reads."""
    if isinstance(data, Tensor):
        return data._a.item() if data._a.ndim == 0 else data._a
    if isinstance(data, list | tuple) and any(isinstance(d, list | tuple | Tensor) for d in data):
        return [_plain(d) for d in data]
    return data


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """A tensor of the data, sharing memory with arrays and tensors of the right type.

    >>> import tensor_core as torch
    >>> x = torch.tensor([1, 2])
    >>> torch.as_tensor(x) is x
    True
    """
    if isinstance(data, Tensor):
        return data if dtype is None else data.to(dtype)
    if isinstance(data, np.ndarray) and (dtype is None or data.dtype == _dtypes.to_numpy(dtype)):
        return from_numpy(data)
    return tensor(data, dtype=dtype, device=device)


asarray = as_tensor


def from_numpy(ndarray: np.ndarray) -> Tensor:
    """A tensor sharing the array's memory.

    Raises:
        TypeError: it is no array, or of a type tensors do not have.

    >>> import tensor_core as torch
    >>> import numpy as np
    >>> a = np.zeros(2)
    >>> t = torch.from_numpy(a)
    >>> a[0] = 5
    >>> t
    tensor([5., 0.], dtype=torch.float64)
    """
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    _dtypes.of_array(ndarray)
    return wrap(ndarray)


def zeros(
    *size: Any,
    out: Any = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
    **named: Any,
) -> Tensor:
    """Zeros of a shape.

    >>> import tensor_core as torch
    >>> torch.zeros(2, 3)
    tensor([[0., 0., 0.],
            [0., 0., 0.]])
    """
    return finish(np.zeros(_sized(size, named), _type(dtype)), requires_grad, device, out)


def ones(
    *size: Any,
    out: Any = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
    **named: Any,
) -> Tensor:
    """Ones of a shape.

    >>> import tensor_core as torch
    >>> torch.ones(3, dtype=torch.int64)
    tensor([1, 1, 1])
    """
    return finish(np.ones(_sized(size, named), _type(dtype)), requires_grad, device, out)


def empty(
    *size: Any,
    out: Any = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
    memory_format: Any = None,
    **named: Any,
) -> Tensor:
    """Uninitialised memory of a shape.

    >>> import tensor_core as torch
    >>> torch.empty(2, 3).shape
    torch.Size([2, 3])
    """
    return finish(np.empty(_sized(size, named), _type(dtype)), requires_grad, device, out)


def _sized(size: tuple[Any, ...], named: dict[str, Any]) -> tuple[int, ...]:
    if "size" in named:
        size = (named.pop("size"),)
    if named:
        raise TypeError(f"unexpected argument {next(iter(named))!r}")
    shape = _shape(size)
    if any(n < 0 for n in shape):
        raise RuntimeError(f"Trying to create tensor with negative dimension: {list(shape)}")
    return shape


def full(
    size: Any,
    fill_value: Any,
    *,
    out: Any = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """One value in a whole shape; its type is the value's unless given.

    >>> import tensor_core as torch
    >>> torch.full((2,), 7)
    tensor([7, 7])
    """
    value = fill_value.item() if isinstance(fill_value, Tensor) else fill_value
    kind = _array(value, None).dtype if dtype is None else _dtypes.to_numpy(dtype)
    return finish(np.full(_shape((size,)), value, kind), requires_grad, device, out)


def _like(make: Any, name: str) -> Any:
    def function(
        input: Tensor,
        *,
        dtype: Any = None,
        layout: Any = None,
        device: Any = None,
        requires_grad: bool = False,
        memory_format: Any = None,
    ) -> Tensor:
        kind = input._a.dtype if dtype is None else _dtypes.to_numpy(dtype)
        return finish(make(input._a.shape, kind), requires_grad, device)

    function.__name__ = name
    function.__doc__ = f"""``{name.removesuffix("_like")}`` in the shape and type of ``input``.

    >>> import tensor_core as torch
    >>> torch.{name}(torch.tensor([[1, 2]])).shape
    torch.Size([1, 2])
    """
    return function


zeros_like = _like(np.zeros, "zeros_like")
ones_like = _like(np.ones, "ones_like")
empty_like = _like(np.empty, "empty_like")


def full_like(input: Tensor, fill_value: Any, *, dtype: Any = None, **more: Any) -> Tensor:
    """One value in the shape and type of ``input``.

    >>> import tensor_core as torch
    >>> torch.full_like(torch.zeros(2), 7)
    tensor([7., 7.])
    """
    return full(input._a.shape, fill_value, dtype=dtype or input.dtype, **more)


def arange(
    start: Any = 0,
    end: Any = None,
    step: Any = 1,
    *,
    out: Any = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """The numbers from ``start`` to before ``end`` in steps; int64 if all are integers.

    Raises:
        RuntimeError: the step is zero or leads away from the end.

    >>> import tensor_core as torch
    >>> torch.arange(5), torch.arange(0, 1, 0.25)
    (tensor([0, 1, 2, 3, 4]), tensor([0.0000, 0.2500, 0.5000, 0.7500]))
    """
    if end is None:
        start, end = 0, start
    start, end, step = (
        v.item() if isinstance(v, Tensor | np.generic) else v for v in (start, end, step)
    )
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if (end - start) * step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    if dtype is not None:
        kind = _dtypes.to_numpy(dtype)
    elif all(isinstance(v, int) for v in (start, end, step)):
        kind = np.dtype(np.int64)
    else:
        kind = _dtypes.get_default_dtype().numpy
    count = int(np.ceil((end - start) / step))
    values = start + step * np.arange(count)
    return finish(values.astype(kind), requires_grad, device, out)


def linspace(
    start: Any,
    end: Any,
    steps: int,
    *,
    out: Any = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """``steps`` evenly spaced numbers from ``start`` to ``end``, both included.

    >>> import tensor_core as torch
    >>> torch.linspace(0, 1, 5)
    tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000])
    """
    a, b = (v.item() if isinstance(v, Tensor) else v for v in (start, end))
    kind = _type(dtype)
    if steps < 2:
        return finish(np.full(steps, a, kind), requires_grad, device, out)
    step = (kind.type(b) - kind.type(a)) / kind.type(steps - 1)
    i = np.arange(steps)
    lower = kind.type(a) + step * i.astype(kind)  # each half is counted from its own end
    upper = kind.type(b) - step * (steps - 1 - i).astype(kind)
    return finish(np.where(i < steps // 2, lower, upper).astype(kind), requires_grad, device, out)


def eye(
    n: int,
    m: int | None = None,
    *,
    out: Any = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Ones on the diagonal, zeros elsewhere.

    >>> import tensor_core as torch
    >>> torch.eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    return finish(np.eye(n, m, dtype=_type(dtype)), requires_grad, device, out)


def scalar_tensor(value: Any, *, dtype: Any = None, **more: Any) -> Tensor:
    """A 0-d tensor of the default type.

    >>> import tensor_core as torch
    >>> torch.scalar_tensor(2)
    tensor(2.)
    """
    return tensor(value, dtype=dtype or _dtypes.get_default_dtype())
