"""Methods that change what a tensor is: its shape, strides or memory, in place; and odd ones."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from . import ops
from ._creation import empty_strided, tensor
from ._grad_mode import mode, set_grad_enabled
from ._inplace import _check_leaf, as_in_place
from ._tensor import Tensor, wrap
from .ops.diagonals import fill_diagonal_
from .ops.slices import windows
from .sparse.tensor import to_dense, to_sparse

# -- the same elements, seen otherwise -----------------------------------------------------------


def _seen_otherwise(op: Any, name: str) -> Callable[..., Tensor]:
    """``name_``: the tensor itself becomes the view that ``op`` makes of it."""

    def method(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        if mode.enabled:
            if self._base is not None:
                self._sync()
            _check_leaf(self)
            view = op(self, *args, **kwargs)
        else:  # it keeps its place in the graph, so the graph must learn of its new shape
            with set_grad_enabled(self._node is not None):
                view = op(self, *args, **kwargs)
        _become(self, view)
        return self

    method.__name__ = f"{name}_"
    method.__doc__ = f"""The tensor itself as :func:`{name}` shows it; its memory stays.

    >>> import tensor_core as torch
    >>> x = torch.zeros(2, 1)
    >>> x.{name}_({_EXAMPLES[name][0]}).shape
    torch.Size({_EXAMPLES[name][1]})
    """
    return method


_EXAMPLES = {
    "t": ("", [1, 2]),
    "transpose": ("0, 1", [1, 2]),
    "swapaxes": ("0, 1", [1, 2]),
    "swapdims": ("0, 1", [1, 2]),
    "squeeze": ("", [2]),
    "unsqueeze": ("0", [1, 2, 1]),
    "as_strided": ("(2,), (1,)", [2]),
}


def _become(self: Tensor, view: Tensor) -> None:
    if view is self:
        return
    self._a = view._a
    if self._base is not None:  # a view of something is now another view of it
        self._replay, self._seen = view._replay, view._seen
        self._node, self._rg = view._node, view._rg
    elif view._node is not None:
        self._node, self._rg = view._node, view._rg


# -- other memory --------------------------------------------------------------------------------


def resize_(self: Tensor, *sizes: Any, memory_format: Any = None) -> Tensor:
    """Another shape in place; elements keep their place in memory, new ones are uninitialised.

    Raises:
        RuntimeError: the tensor requires grad, or the shape has a negative size.

    >>> import tensor_core as torch
    >>> torch.tensor([[1, 2], [3, 4]]).resize_(3)
    tensor([1, 2, 3])
    """
    shape = tuple(sizes[0]) if len(sizes) == 1 and isinstance(sizes[0], tuple | list) else sizes
    if self.requires_grad:
        raise RuntimeError("cannot resize variables that require grad")
    if any(n < 0 for n in shape):
        raise RuntimeError(f"requested resize to {list(shape)} with a negative size")
    a = self._a
    root = a
    while isinstance(root.base, np.ndarray):
        root = root.base
    flat = root.ravel(order="K")
    flat = flat if flat.dtype == a.dtype else flat.view(a.dtype)
    offset, n = self.storage_offset(), math.prod(shape)
    if offset + n > flat.size:
        grown = np.zeros(offset + n, a.dtype)
        grown[: flat.size] = flat
        flat = grown
    self._a = flat[offset : offset + n].reshape(shape)
    return self


def resize_as_(self: Tensor, tensor: Tensor, memory_format: Any = None) -> Tensor:
    """:meth:`resize_` to the shape of another tensor.

    >>> import tensor_core as torch
    >>> torch.arange(4).resize_as_(torch.zeros(1, 2))
    tensor([[0, 1]])
    """
    return resize_(self, tuple(tensor._a.shape))


def set_(
    self: Tensor, source: Any = None, storage_offset: int = 0, size: Any = None, stride: Any = None
) -> Tensor:
    """The tensor becomes one of the memory of ``source`` (without one, of none).

    Raises:
        RuntimeError: the types differ.

    >>> import tensor_core as torch
    >>> x, y = torch.zeros(1), torch.arange(2.0)
    >>> _ = x.set_(y); y[0] = 7; x
    tensor([7., 1.])
    """
    if source is None:
        self._a = np.empty(0, self._a.dtype)
        return self
    if not isinstance(source, Tensor):
        source = source._tensor() if hasattr(source, "_tensor") else tensor(source)
    if source._a.dtype != self._a.dtype:
        raise RuntimeError(
            f"Could not set tensor of type {source.dtype} to a tensor of type {self.dtype}"
        )
    if size is not None:
        steps = _row_major(size) if stride is None else stride
        source = ops.as_strided(source, size, steps, storage_offset)
    self._a, self._ver = source._a, source._ver
    self._base = None
    return self


def _row_major(size: Any) -> tuple[int, ...]:
    return tuple(math.prod(max(n, 1) for n in size[i + 1 :]) for i in range(len(size)))


# -- in place, by place --------------------------------------------------------------------------


def apply_(self: Tensor, callable: Callable[[Any], Any]) -> Tensor:
    """Every element becomes what a Python function makes of it (slow).

    >>> import tensor_core as torch
    >>> torch.tensor([1.0, 2.0]).apply_(lambda x: x * 10)
    tensor([10., 20.])
    """
    if self.requires_grad:
        raise RuntimeError("apply_: cannot be called on a Tensor that requires grad")
    return _written(self, [callable(x) for x in self._a.reshape(-1).tolist()])


def map_(self: Tensor, other: Tensor, callable: Callable[[Any, Any], Any]) -> Tensor:
    """Every element becomes what a Python function makes of it and the other's (slow).

    >>> import tensor_core as torch
    >>> torch.tensor([1.0, 2.0]).map_(torch.tensor([5.0, 6.0]), lambda x, y: x + y)
    tensor([6., 8.])
    """
    if self.requires_grad or other.requires_grad:
        raise TypeError("can't call map_() on a Variable that requires grad. Use detach() first.")
    return map2_(self, other, other, lambda x, y, _: callable(x, y))


def map2_(self: Tensor, x: Tensor, y: Tensor, callable: Callable[[Any, Any, Any], Any]) -> Tensor:
    """Every element becomes what a Python function makes of it and two others' (slow).

    >>> import tensor_core as torch
    >>> one = torch.ones(1)
    >>> torch.ones(1).map2_(one, one, lambda a, b, c: a + b + c)
    tensor([3.])
    """
    shape = self._a.shape
    columns = [np.broadcast_to(t._a, shape).reshape(-1).tolist() for t in (self, x, y)]
    return _written(self, [callable(*row) for row in zip(*columns, strict=True)])


def _written(self: Tensor, values: list[Any]) -> Tensor:
    self._a[...] = np.array(values, self._a.dtype).reshape(self._a.shape)
    self._bump()
    return self


# -- new tensors like this one -------------------------------------------------------------------


def new(self: Tensor, *args: Any) -> Tensor:
    """A tensor of this type: of a shape (uninitialised), or of data.

    >>> import tensor_core as torch
    >>> torch.zeros(1, dtype=torch.int64).new([1, 2]), torch.zeros(1).new(2, 3).shape
    (tensor([1, 2]), torch.Size([2, 3]))
    """
    from ._size import Size

    if len(args) == 1 and not isinstance(args[0], int | Size):
        return tensor(args[0], dtype=self.dtype)
    shape = args[0] if len(args) == 1 and isinstance(args[0], Size) else args
    return wrap(np.empty(shape or 0, self._a.dtype))


def new_empty_strided(
    self: Tensor, size: Any, stride: Any, *, dtype: Any = None, **more: Any
) -> Tensor:
    """``empty_strided`` of this tensor's type.

    >>> import tensor_core as torch
    >>> torch.zeros(1).new_empty_strided((2, 3), (1, 2)).stride()
    (1, 2)
    """
    return empty_strided(size, stride, dtype=dtype or self.dtype, **more)


def tile(self: Tensor, *times: Any, dims: Any = None) -> Tensor:
    """The tensor laid beside itself; dimensions that are not named once.

    >>> import tensor_core as torch
    >>> torch.tensor([1, 2]).tile(2)
    tensor([1, 2, 1, 2])
    """
    if dims is None:
        dims = times[0] if len(times) == 1 else times
    return ops.tile(self, dims)


def split(self: Tensor, split_size: Any, dim: int = 0) -> Any:
    """Consecutive parts along ``dim`` (views): of one size, or of the sizes listed.

    >>> import tensor_core as torch
    >>> torch.arange(3).split(2)
    (tensor([0, 1]), tensor([2]))
    """
    return ops.split(self, split_size, dim)


def unflatten(self: Tensor, dim: int, sizes: Any) -> Tensor:
    """One dimension as several.

    >>> import tensor_core as torch
    >>> torch.zeros(6).unflatten(0, (2, -1)).shape
    torch.Size([2, 3])
    """
    return ops.unflatten(self, dim, sizes)


def as_subclass(self: Tensor, cls: type) -> Any:
    """The same memory and history as an instance of a subclass of Tensor.

    >>> import tensor_core as torch
    >>> class Named(torch.Tensor): pass
    >>> type(torch.zeros(1).as_subclass(Named)).__name__
    'Named'
    """
    out = Tensor.__new__(cls)
    source = ops.alias(self) if self.requires_grad else self
    out._a, out._ver = source._a, source._ver
    out._node, out._rg = source._node, source._rg
    return out


def _later(name: str) -> Callable[..., Any]:
    """A method that is a function of matrices; those are imported after Tensor."""

    def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        from .linalg import older

        return getattr(older, name)(self, *args, **kwargs)

    method.__name__ = name
    method.__doc__ = f"``torch.{name}`` of this tensor."
    return method


def _short_time(name: str) -> Callable[..., Any]:
    def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        from .fft import short_time

        return getattr(short_time, name)(self, *args, **kwargs)

    method.__name__ = name
    method.__doc__ = f"``torch.{name}`` of this tensor."
    return method


def _plain(name: str) -> Callable[..., Any]:
    function = getattr(ops, name)

    def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        return function(self, *args, **kwargs)

    method.__name__ = name
    method.__doc__ = function.__doc__
    return method


OF_OPS = (
    "addbmm", "addmm", "addmv", "addr", "adjoint", "argwhere", "as_strided", "as_strided_scatter",
    "baddbmm", "cross", "diag", "diag_embed", "diagflat", "diagonal_scatter", "dsplit", "fliplr",
    "flipud", "hsplit", "index_copy", "index_fill", "index_put", "index_reduce", "inner", "kron",
    "masked_scatter", "masked_select", "narrow_copy", "nonzero_static", "put", "ravel", "rot90",
    "scatter_reduce", "select", "select_scatter", "slice_scatter", "split_with_sizes", "take",
    "tensor_split", "trace", "unsafe_chunk", "unsafe_split", "unsafe_split_with_sizes", "vdot",
    "vsplit",
)  # fmt: skip

WRITING = (
    "addbmm", "addmm", "addmv", "addr", "baddbmm", "index_copy", "index_fill", "index_put",
    "index_reduce", "masked_scatter", "put", "scatter_reduce",
)  # fmt: skip

OF_MATRICES = (
    "cholesky", "cholesky_inverse", "cholesky_solve", "det", "inverse", "logdet", "lu", "lu_solve",
    "matrix_exp", "matrix_power", "pinverse", "qr", "slogdet", "svd", "triangular_solve",
)  # fmt: skip

_VIEWS = {
    "t": ops.t, "transpose": ops.transpose, "swapaxes": ops.transpose, "swapdims": ops.transpose,
    "squeeze": ops.squeeze, "unsqueeze": ops.unsqueeze, "as_strided": ops.as_strided,
}  # fmt: skip

SHAPE_METHODS: dict[str, Any] = {
    **{name: _plain(name) for name in OF_OPS},
    **{f"{name}_": as_in_place(getattr(ops, name), f"{name}_") for name in WRITING},
    **{name: _later(name) for name in OF_MATRICES},
    **{f"{name}_": _seen_otherwise(view, name) for name, view in _VIEWS.items()},
    "stft": _short_time("stft"), "istft": _short_time("istft"), "orgqr": ops.orgqr,
    "apply_": apply_, "map_": map_, "map2_": map2_, "new": new,
    "new_empty_strided": new_empty_strided, "resize_": resize_, "resize_as_": resize_as_,
    "set_": set_, "tile": tile, "split": split, "unflatten": unflatten, "unfold": windows,
    "fill_diagonal_": fill_diagonal_,
    "as_subclass": as_subclass, "to_dense": to_dense, "to_sparse": to_sparse,
    "to_sparse_coo": to_sparse,
}  # fmt: skip
