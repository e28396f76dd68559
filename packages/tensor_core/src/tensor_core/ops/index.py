"""Reading and writing by key: ``x[key]`` and ``x[key] = value`` under autograd."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import kernels
from .._card import Case
from .._define import op
from .._dtypes import fitted
from .._grad_mode import mode
from .._inplace import in_place
from .._op import NO_GRAD
from .._tensor import Tensor, wrap
from .keys import FULL, Key, _check_index, all_integers, arrays, raw, split_key


def _slice_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(4, 3)), (slice(1, 3),))
    yield Case(rng.normal(size=(4, 3)), (slice(None), 1))
    yield Case(rng.normal(size=(4, 3)), (slice(None, None, 2), None))


@op(name="slice_view", view=True, cases=_slice_cases)
def slice_view(x: Any, /, key: Key) -> Any:
    """The basic part of ``x[key]``: integers, slices, ``None`` and ``...`` (a view).

    >>> import tensor_core as torch
    >>> x = torch.arange(6).reshape(2, 3)
    >>> x[:, 1], x[0, ::2]
    (tensor([1, 4]), tensor([0, 2]))
    """
    y = x[key]
    return y if isinstance(y, np.ndarray) else x[(*key, Ellipsis)]


@slice_view.vjp
def _(g: Any, x_shape: Any, key: Any) -> Any:
    return _placed(g, x_shape, key, True)


def _index_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(4, 3)), (np.array([0, 2, 2]),))
    yield Case(rng.normal(size=(4, 3)), (slice(None), np.array([[0, 1], [1, 1]])))
    yield Case(rng.normal(size=(4, 3)), (np.array([0, 1, 1]), np.array([2, 2, -1])))
    yield Case(rng.normal(size=(4, 3)), (rng.random((4, 3)) < 0.5,))
    yield Case(rng.normal(size=(2, 3, 4)), (np.array([0, 1]), slice(None), np.array([3, 3])))


@op(name="index", cases=_index_cases)
def index(x: Any, /, key: Key) -> Any:
    """The advanced part of ``x[key]``: index arrays and masks (a copy).

    >>> import tensor_core as torch
    >>> x = torch.arange(6).reshape(2, 3)
    >>> x[:, [2, 0]]
    tensor([[2, 0],
            [5, 3]])
    >>> x[x > 3]
    tensor([4, 5])
    """
    y = x[arrays(key)]
    return y if y.flags.c_contiguous else np.ascontiguousarray(y)  # NumPy keeps the source's order


@index.vjp
def _(g: Any, x_shape: Any, key: Any) -> Any:
    key = arrays(key)
    return _placed(g, x_shape, key, _unique(key))


def _unique(key: Key) -> bool:
    arrays = [k for k in key if isinstance(k, np.ndarray)]
    return all(k.dtype == np.bool_ for k in arrays) and len(arrays) == 1


def _of_rows(key: Key) -> bool:
    """Whether the key picks whole rows of a table."""
    return not isinstance(key[0], slice) and all(isinstance(k, slice) for k in key[1:])


def _placed(g: Any, shape: tuple[int, ...], key: Key, unique: bool) -> Any:
    """Zeros of a shape with ``g`` added at the key."""
    if isinstance(g, Tensor):
        return index_put(wrap(np.zeros(shape, g._a.dtype)), g, key, not unique)
    zero = np.zeros(shape, g.dtype)
    if unique:
        zero[key] = g
    elif _of_rows(key) and g.dtype.kind == "f":
        rows = np.asarray(key[0])
        width = int(np.prod(shape[1:]))
        flat = np.ascontiguousarray(g).reshape(rows.size, width)
        ids = rows.reshape(-1) % shape[0]
        return kernels.active.embedding_backward(flat, ids, shape[0]).reshape(shape)
    else:
        np.add.at(zero, key, g)
    return zero


def _put_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(4, 3)), rng.normal(size=(2, 3)), (np.array([0, 2]),), False)
    yield Case(rng.normal(size=(4, 3)), rng.normal(size=(3,)), (np.array([1, 1]),), True)
    yield Case(rng.normal(size=3), rng.normal(size=(1, 1)), (np.array([0, 2]),), False)


@op(name="index_put", cases=_put_cases)
def index_put(x: Any, values: Any, /, key: Key, accumulate: bool = False) -> Any:
    """``x`` with ``values`` written (or added, also repeatedly) at a key.

    >>> import tensor_core as torch
    >>> x = torch.zeros(4)
    >>> x[torch.tensor([0, 3])] = torch.tensor([1.0, 2.0])
    >>> x
    tensor([1., 0., 0., 2.])
    """
    out = x.copy()
    key = arrays(key)
    if accumulate:
        np.add.at(out, key, values)
    else:
        try:
            out[key] = values
        except (ValueError, TypeError):
            raise RuntimeError(
                f"shape mismatch: value tensor of shape {list(values.shape)} cannot be broadcast "
                f"to indexing result of shape {list(out[key].shape)}"
            ) from None
    return out


@index_put.vjp("x")
def _(g: Any, key: Any, accumulate: Any) -> Any:
    if accumulate:
        return g
    zero = np.zeros((), raw(g).dtype)
    return (
        index_put(g, wrap(zero), key) if isinstance(g, Tensor) else index_put.forward(g, zero, key)
    )


@index_put.vjp("values")
def _(g: Any, values_shape: Any, key: Any) -> Any:
    part = g[arrays(key)]
    extra = len(values_shape) - part.ndim  # values may have more dimensions, of length 1
    return part.reshape((1,) * extra + tuple(part.shape)) if extra > 0 else part


def element(self: Tensor, key: Key) -> Tensor | None:
    """``self[i, j]`` for as many plain integers as dimensions, of a tensor without history.

    ``None`` if the key is not of that kind. Counting in a table is a program of its own (a
    bigram's ``N[i, j] += 1``), and this is all it needs.
    """
    for k in key:
        if type(k) is not int:
            return None
    a = self._a
    if len(key) != a.ndim:
        return None
    try:
        part = a[(*key, ...)]
    except IndexError:
        return None  # the long way says which index is out of range
    out = wrap(part)
    out._ver = version = self._ver
    out._seen = version[0]
    out._untracked = 0 if mode.enabled else NO_GRAD
    out._base = self
    out._replay = ((slice_view, (key,), None),)
    return out


def getitem(self: Tensor, key: Any) -> Tensor:
    """``self[key]`` with every kind of key torch knows.

    >>> import tensor_core as torch
    >>> x = torch.arange(6).reshape(2, 3)
    >>> x[1, -1], x[..., None].shape
    (tensor(5), torch.Size([2, 3, 1]))
    """
    if type(key) is tuple and not self._rg and self._base is None:
        out = element(self, key)
        if out is not None:
            return out
    if type(key) is int:
        if not self._a.ndim:
            raise IndexError("invalid index of a 0-dim tensor. Use `tensor.item()`")
        _check_index(key, 0, self._a.shape)
        return slice_view(self, (key,))
    if all_integers(key, self._a.shape):
        return slice_view(self, key)
    basic, advanced = split_key(key, self._a.shape)
    if not advanced:
        return slice_view(self, basic)
    if any(k != FULL for k in basic):
        self = slice_view(self, basic)
    return index(self, advanced)


def setitem(self: Tensor, key: Any, value: Any) -> None:
    """``self[key] = value``, in place and under autograd.

    >>> import tensor_core as torch
    >>> x = torch.zeros(2, 3)
    >>> x[:, 0] = 5
    >>> x
    tensor([[5., 0., 0.],
            [5., 0., 0.]])
    """
    if type(value) is Tensor and value._base is self and value._replay[-1][1][0] is key:
        return  # x[i, j] += y: the element has been changed already
    if not isinstance(value, Tensor):
        if isinstance(value, str | bytes):
            raise TypeError(f"can't assign a {type(value).__name__} to a Tensor")
        value = wrap(np.asarray(fitted(value, self._a.dtype)).astype(self._a.dtype))
    elif value._a is self._a:
        value = value.clone()
    numbers = all_integers(key, self._a.shape)
    basic, advanced = (key, ()) if numbers else split_key(key, self._a.shape)
    if not advanced and value._base is self and value._replay == ((slice_view, (basic,), None),):
        return  # x[key] += y: the view has been changed already
    part = slice_view(self, basic) if any(k != FULL for k in basic) else self
    if advanced:
        in_place(part, index_put, _of_type(value, part, advanced), advanced, False)
    else:
        while value._a.ndim > part._a.ndim and value._a.shape[0] == 1:
            value = value.squeeze(0)
        in_place(part, copy, value)


def _of_type(value: Tensor, part: Tensor, key: Key) -> Tensor:
    """What is written through index arrays: of one type with ``part``, as torch asks."""
    if value._a.dtype == part._a.dtype:
        return value
    if value._a.size != 1 or not _unique(key):  # a mask with one value does convert
        raise RuntimeError(
            "Index put requires the source and destination dtypes match, got "
            f"{part.dtype.name} for the destination and {value.dtype.name} for the source; "
            "convert the value with .to()"
        )
    return value.to(part.dtype)


def _copy_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(2, 3)), rng.normal(size=(2, 3)))
    yield Case(rng.normal(size=(2, 3)), rng.normal(size=(3,)))
    yield Case(rng.normal(size=(2, 3)), np.asarray(rng.normal()))


@op(name="copy", forgets=True, cases=_copy_cases)
def copy(x: Any, source: Any, /, non_blocking: bool = False) -> Any:
    """``source`` at the shape and type of ``x``, whose values do not matter.

    >>> import tensor_core as torch
    >>> torch.zeros(2, 2).copy_(torch.tensor([1.0, 2.0]))
    tensor([[1., 2.],
            [1., 2.]])
    """
    try:
        return np.broadcast_to(source, x.shape).astype(x.dtype)
    except ValueError:
        raise RuntimeError(
            f"The expanded size of the tensor {list(x.shape)} must match the existing size "
            f"{list(source.shape)}: the value does not broadcast to it"
        ) from None


@copy.vjp("x")
def _(g: Any) -> Any:
    return np.zeros_like(g)


@copy.vjp("source")
def _(g: Any) -> Any:
    return g
