"""Tensors made from nothing or from data."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from . import _dtypes
from ._memory import taken
from ._memory_order import like, permuted
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
    """The data as an array of the type asked for, or of the type torch infers."""
    if isinstance(data, Tensor):
        data = data._a
    elif isinstance(data, list | tuple):
        data = _plain(data)
    if isinstance(data, np.ndarray):
        _dtypes.of_array(data)
        return data if dtype is None else data.astype(_dtypes.to_numpy(dtype))
    try:
        a = np.asarray(data)
    except (ValueError, TypeError, OverflowError):
        raise _refusal(data) from None
    if a.dtype.kind not in "biufcV" or (a.dtype.kind == "u" and a.dtype.itemsize == 8):
        raise _refusal(data)
    if dtype is not None:
        return _converted(a, data, _dtypes.to_numpy(dtype))
    if not isinstance(data, np.generic):
        if _holds_arrays(data):
            return a.astype(_mixed(data))
        if a.dtype.kind == "f":
            return a.astype(_dtypes.get_default_dtype().numpy)
        if a.dtype.kind == "c":
            return a.astype(_dtypes.get_default_dtype().to_complex().numpy)
    _dtypes.of_array(a)
    return a


def _mixed(data: Any) -> np.dtype[Any]:
    """The type of nested data with NumPy's numbers among Python's: every one of them counts."""
    if isinstance(data, list | tuple):
        return functools.reduce(_dtypes.promote, [_mixed(d) for d in data])
    if isinstance(data, np.ndarray | np.generic):
        return data.dtype
    return _dtypes.result_numpy([data])


def _converted(a: np.ndarray, data: Any, kind: np.dtype[Any]) -> np.ndarray:
    """Python numbers as a type, if it can hold them; a byte may be given as a negative number."""
    if a.dtype.kind == "c" and kind.kind != "c":
        raise TypeError(f"tensor: complex numbers cannot be converted to {kind}")
    if kind.kind in "iu" and a.size:
        info = np.iinfo(kind)
        low = -info.max - 1 if kind.kind == "u" else info.min
        if (a.dtype.kind == "f" and not np.isfinite(a).all()) or not (
            low <= a.min() and a.max() <= info.max
        ):
            raise RuntimeError(f"value cannot be converted to type {kind} without overflow")
    with np.errstate(over="ignore"):
        return a.astype(kind)


def _refusal(data: Any) -> Exception:
    """Why nested data make no tensor, as torch's kind of error."""
    shape: list[int] = []
    first = data
    while isinstance(first, list | tuple | range):
        shape.append(len(first))
        if not first:
            break
        first = first[0]
    problem = _first_problem(data, shape, 0)
    if problem is not None:
        return problem
    return ValueError("tensor: the data do not form a rectangular array of numbers")


def _first_problem(data: Any, shape: list[int], depth: int) -> Exception | None:
    if isinstance(data, str | bytes):
        return TypeError(f"new(): invalid data type '{type(data).__name__}'")
    if isinstance(data, np.ndarray):
        return ValueError("only one element tensors can be converted to Python scalars")
    if isinstance(data, list | tuple | range):
        if depth == len(shape):
            return TypeError(f"'{type(data).__name__}' object cannot be interpreted as a number")
        if len(data) != shape[depth]:
            return ValueError(
                f"expected sequence of length {shape[depth]} at dim {depth} (got {len(data)})"
            )
        return next(
            (p for p in (_first_problem(d, shape, depth + 1) for d in data) if p is not None), None
        )
    if isinstance(data, int) and not -(2**63) <= data < 2**63:
        return ValueError("Overflow when unpacking long long")
    if not isinstance(data, int | float | complex | np.generic):
        return RuntimeError(f"Could not infer dtype of {type(data).__name__}")
    return TypeError("not a sequence") if depth < len(shape) else None


def _holds_arrays(data: Any) -> bool:
    """Whether NumPy's numbers are among the data: they keep their own types."""
    if isinstance(data, list | tuple):
        return any(_holds_arrays(d) for d in data)
    return isinstance(data, np.ndarray | np.generic)


def _plain(data: Any) -> Any:
    """Nested lists with tensors turned into what NumPy reads."""
    if isinstance(data, Tensor):
        return data._a.reshape(())[()] if data._a.size == 1 else data._a
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
        return data.to(device=device, dtype=dtype)
    if isinstance(data, np.ndarray) and (dtype is None or data.dtype == _dtypes.to_numpy(dtype)):
        shared = from_numpy(data)
        return shared if device is None else shared.to(device)
    return tensor(data, dtype=dtype, device=device)


def asarray(
    obj: Any, *, dtype: Any = None, device: Any = None, copy: bool | None = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """A tensor of the object, sharing its memory where that is possible unless ``copy``.

    The bytes of a storage are taken as numbers of ``dtype``.

    Raises:
        ValueError: ``copy=False``, and the memory cannot be shared.

    >>> import tensor_core as torch
    >>> torch.asarray([1, 2])
    tensor([1, 2])
    """
    if copy is False and isinstance(obj, list | tuple | int | float | complex):
        raise ValueError("can't alias arbitrary sequence into a tensor.")
    if hasattr(obj, "untyped"):  # a storage
        kind = dtype or getattr(obj, "dtype", _dtypes.int64)
        obj = obj.untyped()._bytes.view(kind.numpy)
    made = as_tensor(obj, dtype, device)
    shared = isinstance(obj, Tensor | np.ndarray) and np.may_share_memory(
        made._a, obj._a if isinstance(obj, Tensor) else obj
    )
    if copy is False and not shared:
        raise ValueError("asarray: a copy is needed, which copy=False forbids")
    if copy and shared:
        made = made.clone()
    return made.requires_grad_() if requires_grad and not made.requires_grad else made


def from_numpy(ndarray: np.ndarray) -> Tensor:
    """A tensor sharing the array's memory; memory that is read-only brings a warning.

    Raises:
        TypeError: it is no array, or of a type tensors do not have.
        ValueError: its strides are negative, its numbers lie askew or in foreign byte order.

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
    if not ndarray.dtype.isnative:
        raise ValueError(
            "given numpy array has byte order different from the native byte order. Conversion "
            "between byte orders is currently not supported."
        )
    _dtypes.of_array(ndarray)
    return wrap(taken(ndarray))


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
    parts = size[0] if len(size) == 1 and isinstance(size[0], tuple | list) else size
    for n in parts:
        if not hasattr(n, "__index__"):
            raise TypeError(
                f"argument 'size' (position 1) must be tuple of ints, not {type(n).__name__}"
            )
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
    pin_memory: bool = False,
) -> Tensor:
    """One value in a whole shape; its type is the value's unless given.

    >>> import tensor_core as torch
    >>> torch.full((2,), 7)
    tensor([7, 7])
    """
    value = fill_value.item() if isinstance(fill_value, Tensor) else fill_value
    kind = _array(value, None).dtype if dtype is None else _dtypes.to_numpy(dtype)
    filled = np.full(_shape((size,)), _dtypes.fitted(value, kind), kind)
    return finish(filled, requires_grad, device, out)


def _like(make: Any, name: str) -> Any:
    def function(
        input: Tensor,
        *,
        dtype: Any = None,
        layout: Any = None,
        device: Any = None,
        pin_memory: bool = False,
        requires_grad: bool = False,
        memory_format: Any = None,
    ) -> Tensor:
        kind = input._a.dtype if dtype is None else _dtypes.to_numpy(dtype)
        return finish(like(input._a, make, kind, memory_format), requires_grad, device)

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


def full_like(
    input: Tensor, fill_value: Any, *, dtype: Any = None, layout: Any = None, device: Any = None,
    pin_memory: bool = False, requires_grad: bool = False, memory_format: Any = None,
) -> Tensor:  # fmt: skip
    """One value in the shape and type of ``input``.

    >>> import tensor_core as torch
    >>> torch.full_like(torch.zeros(2), 7)
    tensor([7., 7.])
    """
    kind = input._a.dtype if dtype is None else _dtypes.to_numpy(dtype)
    array = like(input._a, np.empty, kind, memory_format)
    array[...] = (
        fill_value._a if isinstance(fill_value, Tensor) else _dtypes.fitted(fill_value, kind)
    )
    return finish(array, requires_grad, device)


def empty_strided(
    size: Any, stride: Any, *, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """Uninitialised memory of a shape and strides, in elements.

    >>> import tensor_core as torch
    >>> torch.empty_strided((2, 3), (1, 2)).stride()
    (1, 2)
    """
    shape, steps = _shape((tuple(size),)), _shape((tuple(stride),))
    if len(shape) != len(steps):
        raise RuntimeError(f"mismatch in length of strides and shape: {steps} and {shape}")
    kind = _type(dtype)
    last = sum((n - 1) * s for n, s in zip(shape, steps, strict=True))
    flat = np.empty(0 if 0 in shape else last + 1, kind)
    strides = tuple(s * kind.itemsize for s in steps)
    return finish(np.lib.stride_tricks.as_strided(flat, shape, strides), requires_grad, device)


def empty_permuted(
    size: Any, physical_layout: Any, *, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """Uninitialised memory whose dimensions lie in the order named, the slowest first.

    >>> import tensor_core as torch
    >>> torch.empty_permuted((2, 3, 4), (0, 2, 1)).stride()
    (12, 1, 3)
    """
    order = _shape((tuple(physical_layout),))
    if sorted(order) != list(range(len(size))):
        raise RuntimeError(
            f"empty_permuted: physical_layout {order} must name each dimension of {tuple(size)} "
            "once"
        )
    return finish(permuted(np.empty, tuple(size), order, _type(dtype)), requires_grad, device)


def eye(
    n: int,
    m: int | None = None,
    *,
    out: Any = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Ones on the diagonal, zeros elsewhere.

    >>> import tensor_core as torch
    >>> torch.eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    for name, size in (("n", n), ("m", m)):
        if size is not None and size < 0:
            raise RuntimeError(f"{name} must be greater or equal to 0, got {size}")
    return finish(np.eye(n, m, dtype=_type(dtype)), requires_grad, device, out)


def scalar_tensor(
    value: Any, *, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """A 0-d tensor of the default type.

    >>> import tensor_core as torch
    >>> torch.scalar_tensor(2)
    tensor(2.)
    """
    kind = dtype or _dtypes.get_default_dtype()
    return tensor(value, dtype=kind, device=device, requires_grad=requires_grad)
