"""Indexing: reading and writing by integers, slices, ``None``, ``...``, masks and index arrays.

Every key falls into two steps. The basic part (integers, slices, ``None``, ``...``) makes a view;
the rest (index arrays and masks, with full slices between) gathers a copy from that view. This
order is torch's; NumPy's differs where an integer stands beside index arrays.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import kernels
from .._card import Case, composed
from .._inplace import in_place
from .._op import op
from .._tensor import Tensor, check_dim, wrap

Key = tuple[Any, ...]
_FULL = slice(None)


def raw(value: Any) -> Any:
    """The array behind a Tensor; anything else as it is."""
    return value._a if isinstance(value, Tensor) else value


def _listed(item: Any) -> np.ndarray:
    array = np.asarray([raw(i) for i in item] if isinstance(item, list | tuple) else list(item))
    return array.astype(np.int64) if not array.size else array


def _element(item: Any) -> Any:
    """One part of a key: an int, a slice, None, ..., or an array of indices or truths."""
    if isinstance(item, Tensor):
        item = item._a
        if item.ndim == 0 and item.dtype.kind in "iu":
            return int(item)
    if isinstance(item, bool | np.bool_):
        return np.asarray(item)
    if isinstance(item, int | np.integer):
        return int(item)
    if isinstance(item, slice):
        return _checked_slice(item)
    if item is None or item is Ellipsis:
        return item
    if isinstance(item, list | range | tuple):
        item = _listed(item)
    if not isinstance(item, np.ndarray):
        raise TypeError(
            f"tensors can be indexed by int, slice, None, ..., list and tensor, "
            f"not {type(item).__name__}"
        )
    if item.dtype.kind not in "iub":
        raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
    return item


def _checked_slice(s: slice) -> slice:
    parts = [v if v is None else int(v) for v in (s.start, s.stop, s.step)]
    if parts[2] is not None and parts[2] <= 0:
        raise ValueError("step must be greater than zero")
    return slice(*parts)


def split_key(key: Any, shape: tuple[int, ...]) -> tuple[Key, Key]:
    """The basic and the advanced part of a key; the second is empty without index arrays.

    Raises:
        IndexError: too many indices, or one out of range.
    """
    items = [_element(k) for k in (key if isinstance(key, tuple) else (key,))]
    used = sum(_consumes(k) for k in items)
    if used > len(shape):
        raise IndexError(f"too many indices for tensor of dimension {len(shape)}")
    dots = [i for i, k in enumerate(items) if k is Ellipsis]
    if len(dots) > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    fill = [_FULL] * (len(shape) - used)
    items = items[: dots[0]] + fill + items[dots[0] + 1 :] if dots else items + fill
    basic: list[Any] = []
    rest: list[Any] = []
    axis = 0
    for k in items:
        if isinstance(k, np.ndarray):
            n = k.ndim if k.dtype == np.bool_ else 1
            basic.extend([_FULL] * n if n else [None])
            rest.append(_in_range(k, axis, shape) if n else k.reshape(1))
            axis += n
            continue
        if isinstance(k, int):
            _check_index(k, axis, shape)
        elif k is None or isinstance(k, slice):
            rest.append(_FULL)
        basic.append(k)
        axis += k is not None
    advanced = tuple(rest) if any(isinstance(k, np.ndarray) for k in rest) else ()
    return tuple(basic), advanced


def _consumes(k: Any) -> int:
    if isinstance(k, np.ndarray):
        return k.ndim if k.dtype == np.bool_ else 1
    return int(isinstance(k, int | slice))


def _check_index(k: int, axis: int, shape: tuple[int, ...]) -> None:
    if not -shape[axis] <= k < shape[axis]:
        raise IndexError(f"index {k} is out of bounds for dimension {axis} with size {shape[axis]}")


def _in_range(k: np.ndarray, axis: int, shape: tuple[int, ...]) -> np.ndarray:
    if k.dtype == np.bool_:
        if k.shape != shape[axis : axis + k.ndim]:
            raise IndexError(
                f"The shape of the mask {list(k.shape)} at index 0 does not match the shape of "
                f"the indexed tensor {list(shape)} at index {axis}"
            )
    elif k.size and (k.min() < -shape[axis] or k.max() >= shape[axis]):
        worst = k.min() if k.min() < -shape[axis] else k.max()
        raise IndexError(
            f"index {worst} is out of bounds for dimension {axis} with size {shape[axis]}"
        )
    return k


# -- reading -------------------------------------------------------------------------------------


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
    return x[_arrays(key)]


@index.vjp
def _(g: Any, x_shape: Any, key: Any) -> Any:
    key = _arrays(key)
    return _placed(g, x_shape, key, _unique(key))


def _arrays(key: Key) -> Key:
    """The key with the arrays behind its Tensors."""
    return tuple(raw(k) for k in key)


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
    key = _arrays(key)
    if accumulate:
        np.add.at(out, key, values)
    else:
        try:
            out[key] = values
        except ValueError:
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
def _(g: Any, key: Any) -> Any:
    return g[_arrays(key)]


def _numbers(key: Any, shape: tuple[int, ...]) -> bool:
    """Whether the key is one valid integer for every dimension, the frequent simple case."""
    if type(key) is not tuple or len(key) != len(shape):
        return False
    return all(type(k) is int and -n <= k < n for k, n in zip(key, shape, strict=True))


def getitem(self: Tensor, key: Any) -> Tensor:
    """``self[key]`` with every kind of key torch knows.

    >>> import tensor_core as torch
    >>> x = torch.arange(6).reshape(2, 3)
    >>> x[1, -1], x[..., None].shape
    (tensor(5), torch.Size([2, 3, 1]))
    """
    if type(key) is int:
        if not self._a.ndim:
            raise IndexError("invalid index of a 0-dim tensor. Use `tensor.item()`")
        _check_index(key, 0, self._a.shape)
        return slice_view(self, (key,))
    if _numbers(key, self._a.shape):
        return slice_view(self, key)
    basic, advanced = split_key(key, self._a.shape)
    if not advanced:
        return slice_view(self, basic)
    if any(k != _FULL for k in basic):
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
    if not isinstance(value, Tensor):
        value = wrap(np.asarray(value, dtype=self._a.dtype if self._a.dtype.kind != "b" else None))
    elif value._a is self._a:
        value = value.clone()
    numbers = _numbers(key, self._a.shape)
    basic, advanced = (key, ()) if numbers else split_key(key, self._a.shape)
    if not advanced and value._base is self and value._replay == ((slice_view, (basic,), None),):
        return  # x[key] += y: the view has been changed already
    part = slice_view(self, basic) if any(k != _FULL for k in basic) else self
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


@op(name="copy", cases=_copy_cases)
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


@copy.vjp("source")
def _(g: Any) -> Any:
    return g


# -- named forms ---------------------------------------------------------------------------------


def _select_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(4, 3)), 0, np.array([0, 2, 2]))
    yield Case(rng.normal(size=(4, 3)), 1, np.array([2, 0]))


@composed(torch="index_select", cases=_select_cases)
def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """The slices along ``dim`` that a 1-d index names.

    >>> import tensor_core as torch
    >>> torch.index_select(torch.tensor([[1, 2, 3], [4, 5, 6]]), 1, torch.tensor([2, 0]))
    tensor([[3, 1],
            [6, 4]])
    """
    axis = check_dim(dim, input._a.ndim)
    if not input._a.ndim:  # a 0-d tensor counts as one element
        return getitem(input.reshape(1), raw(index)).reshape(())
    return getitem(input, ((_FULL,) * axis) + (raw(index),))


def _gather_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(2, 3)), 1, np.array([[0, 0], [2, 1]]))
    yield Case(rng.normal(size=(3, 3)), 0, np.array([[0, 1, 2]]))
    yield Case(np.asarray(rng.normal()), 0, np.array([0, 0]))  # a 0-d tensor counts as one element


@op(torch="gather", cases=_gather_cases)
def gather(x: Any, /, dim: int, index: Any, sparse_grad: bool = False) -> Any:
    """Elements picked along ``dim``: ``y[i][j] = x[index[i][j]][j]`` for dim 0.

    Raises:
        RuntimeError: the numbers of dimensions differ, or an index is out of range.

    >>> import tensor_core as torch
    >>> torch.gather(torch.tensor([[1, 2], [3, 4]]), 1, torch.tensor([[0, 0], [1, 0]]))
    tensor([[1, 1],
            [4, 3]])
    """
    picks = raw(index)
    axis = check_dim(dim, x.ndim)
    _check_picks("gather", x, axis, picks)
    if not (x.ndim and picks.ndim):  # a 0-d tensor counts as one element
        return x.reshape(x.shape or 1)[picks.reshape(-1)].reshape(picks.shape)
    return x[_grid(picks, axis)]


def _check_picks(name: str, x: np.ndarray, axis: int, picks: np.ndarray) -> None:
    if max(picks.ndim, 1) != max(x.ndim, 1):
        raise RuntimeError(
            f"{name}: Index tensor must have the same number of dimensions as input tensor, "
            f"but they have {picks.ndim} and {x.ndim}"
        )
    size = x.shape[axis] if x.ndim else 1
    if picks.size and (picks.min() < 0 or picks.max() >= size):
        raise RuntimeError(f"{name}: index out of bounds for dimension {axis} with size {size}")


def _grid(picks: np.ndarray, axis: int) -> Key:
    """The full index arrays of a gather along one axis."""
    grid = list(np.ogrid[tuple(slice(n) for n in picks.shape)])
    grid[axis] = picks
    return tuple(grid)


@gather.vjp
def _(g: Any, x_shape: Any, dim: Any, index: Any) -> Any:
    picks = raw(index)
    if not (x_shape and picks.ndim):
        flat = _placed_grid(g.reshape(picks.size), x_shape or (1,), (picks.reshape(-1),))
        return flat.reshape(x_shape)
    return _placed_grid(g, x_shape, _grid(picks, dim % len(x_shape)))


def _placed_grid(g: Any, shape: tuple[int, ...], key: Key) -> Any:
    zero = np.zeros(shape, raw(g).dtype)
    return (
        index_put(wrap(zero), g, key, True)
        if isinstance(g, Tensor)
        else index_put.forward(zero, g, key, True)
    )


def _scatter_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(2, 3)), 1, np.array([[0, 2], [2, 1]]), rng.normal(size=(2, 2)))
    yield Case(np.asarray(rng.normal()), 0, np.array([0]), rng.normal(size=1))


def _scattered(name: str, accumulate: bool) -> Any:
    def function(input: Tensor, dim: int, index: Tensor, src: Any) -> Tensor:
        picks = raw(index)
        axis = check_dim(dim, input._a.ndim)
        if not isinstance(src, Tensor):
            src = wrap(np.asarray(src, input._a.dtype))
        _check_picks(name, input._a, axis, picks)
        if not input._a.ndim:  # a 0-d tensor counts as one element
            one, at, values = (t.reshape(-1) for t in (input, wrap(picks), src))
            return function(one, 0, at, values).reshape(())
        key = _grid(picks, axis)
        if src._a.ndim and src._a.shape != picks.shape:
            src = src[tuple(slice(n) for n in picks.shape)]
        return index_put(input, src, key, accumulate)

    function.__name__ = name
    function.__doc__ = f"""Values {"added" if accumulate else "written"} at indices along ``dim``.

    >>> import tensor_core as torch
    >>> index, src = torch.tensor([[2, 0]]), torch.tensor([[5.0, 6.0]])
    >>> torch.{name}(torch.ones(1, 3), 1, index, src)
    tensor([[{"7., 1., 6." if accumulate else "6., 1., 5."}]])
    """
    return composed(torch=name, cases=_scatter_cases)(function)


scatter = _scattered("scatter", False)
scatter_add = _scattered("scatter_add", True)


def _index_add_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(4, 3)), 0, np.array([0, 2, 2]), rng.normal(size=(3, 3)))


@composed(torch="index_add", cases=_index_add_cases)
def index_add(
    input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: float = 1
) -> Tensor:
    """Slices of ``source`` added along ``dim`` at the indices; repeats add up.

    >>> import tensor_core as torch
    >>> x, rows = torch.zeros(3), torch.tensor([0, 0, 2])
    >>> torch.index_add(x, 0, rows, torch.tensor([1.0, 2.0, 3.0]))
    tensor([3., 0., 3.])
    """
    axis = check_dim(dim, input._a.ndim)
    part = source if alpha == 1 else source * alpha
    if not input._a.ndim:  # a 0-d tensor counts as one element
        return index_put(input.reshape(1), part.reshape(-1), (raw(index),), True).reshape(())
    return index_put(input, part, (_FULL,) * axis + (raw(index),), True)


@composed(
    torch="take_along_dim",
    cases=lambda rng: iter([Case(rng.normal(size=(2, 3)), np.array([[0, 2], [1, 1]]), 1)]),
)
def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """Elements picked along ``dim``, where input and indices broadcast elsewhere.

    >>> import tensor_core as torch
    >>> x = torch.tensor([[3, 1, 2], [9, 8, 7]])
    >>> torch.take_along_dim(x, x.argsort(1), 1)
    tensor([[1, 2, 3],
            [7, 8, 9]])
    """
    if dim is None:
        return gather(input.reshape(-1), 0, indices.reshape(-1))
    axis = check_dim(dim, input._a.ndim)
    shape = [max(a, b) for a, b in zip(input._a.shape, raw(indices).shape, strict=True)]
    shape[axis] = input._a.shape[axis]
    wide = input.expand(shape)
    shape[axis] = raw(indices).shape[axis]
    return gather(wide, dim, wrap(np.broadcast_to(raw(indices), shape)))


def _matrices(name: str, x: np.ndarray) -> None:
    if x.ndim < 2:
        raise RuntimeError(f"{name}: input tensor must have at least 2 dimensions, not {x.ndim}")


def _triangle_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(3, 3)))
    yield Case(rng.normal(size=(2, 3, 4)), 1)
    yield Case(rng.normal(size=(4, 3)), diagonal=-1)


@op(torch="tril", cases=_triangle_cases)
def tril(x: Any, /, diagonal: int = 0) -> Any:
    """The lower triangle of the last two dimensions, zeros above.

    >>> import tensor_core as torch
    >>> torch.tril(torch.ones(3, 3))
    tensor([[1., 0., 0.],
            [1., 1., 0.],
            [1., 1., 1.]])
    """
    _matrices("tril", x)
    return np.tril(x, diagonal)


@tril.vjp
def _(g: Any, diagonal: Any) -> Any:
    return np.tril(g, diagonal)


@op(torch="triu", cases=_triangle_cases)
def triu(x: Any, /, diagonal: int = 0) -> Any:
    """The upper triangle of the last two dimensions, zeros below.

    >>> import tensor_core as torch
    >>> torch.triu(torch.ones(3, 3), diagonal=1)
    tensor([[0., 1., 1.],
            [0., 0., 1.],
            [0., 0., 0.]])
    """
    _matrices("triu", x)
    return np.triu(x, diagonal)


@triu.vjp
def _(g: Any, diagonal: Any) -> Any:
    return np.triu(g, diagonal)
