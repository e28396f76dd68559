"""Sparse tensors in coordinates: the indices of what is not zero, and the values there.

A class of its own, not a kind of Tensor: it has the few operations that graph networks use, and
says of any other that it has it not.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _dtypes, ops
from .._layouts import sparse_coo
from .._size import Size
from .._tensor import Tensor, wrap


class SparseTensor:
    """What :func:`sparse_coo_tensor` makes: ``indices`` (d, nnz) and ``values`` (nnz, ...).

    >>> import tensor_core as torch
    >>> torch.eye(2).to_sparse()
    tensor(indices=tensor([[0, 1],
                           [0, 1]]),
           values=tensor([1., 1.]),
           size=(2, 2), nnz=2, layout=torch.sparse_coo)
    """

    is_sparse = is_cpu = True
    is_cuda = is_sparse_csr = is_quantized = False
    layout = sparse_coo

    def __init__(self, indices: Tensor, values: Tensor, size: Size, coalesced: bool) -> None:
        self._places = indices
        self._numbers = values
        self._size = size
        self._coalesced = coalesced
        self._leaf = False  # whether it was made with requires_grad, and keeps its own gradient

    # -- what it is -------------------------------------------------------------------------

    @property
    def shape(self) -> Size:
        """The shape of the dense tensor it stands for."""
        return self._size

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the length of one dimension."""
        return self._size if dim is None else self._size[dim]

    @property
    def dtype(self) -> _dtypes.dtype:
        """The type of the values."""
        return self._numbers.dtype

    @property
    def device(self) -> Any:
        """Always the CPU."""
        return self._numbers.device

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self._size)

    def dim(self) -> int:
        """The number of dimensions."""
        return len(self._size)

    def numel(self) -> int:
        """The number of elements of the dense tensor."""
        return self._size.numel()

    def sparse_dim(self) -> int:
        """How many dimensions the indices name."""
        return self._places._a.shape[0]

    def dense_dim(self) -> int:
        """How many dimensions each value has."""
        return self._numbers._a.ndim - 1

    def _nnz(self) -> int:
        return self._places._a.shape[1]

    def is_coalesced(self) -> bool:
        """Whether no index occurs twice and all are in order."""
        return self._coalesced

    @property
    def requires_grad(self) -> bool:
        """Whether the values are differentiated."""
        return self._numbers.requires_grad

    def requires_grad_(self, requires_grad: bool = True) -> SparseTensor:
        """Ask for a gradient of the values, in place."""
        self._numbers.requires_grad_(requires_grad)
        self._leaf = True
        return self

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded operation made its values."""
        return self._numbers.is_leaf

    @property
    def grad_fn(self) -> Any:
        """The node that made the values."""
        return None if self._leaf else self._numbers.grad_fn

    @property
    def grad(self) -> SparseTensor | None:
        """The gradient of the values, at the same indices."""
        g = self._numbers.grad
        if g is None:
            return None
        return SparseTensor(self._places, g, self._size, self._coalesced)

    # -- its parts --------------------------------------------------------------------------

    def _indices(self) -> Tensor:
        return self._places

    def _values(self) -> Tensor:
        return self._numbers

    def indices(self) -> Tensor:
        """The indices, one column for each value. Shapes: (dimensions, nnz).

        Raises:
            RuntimeError: the tensor is not coalesced.
        """
        self._must_be_coalesced("indices")
        return self._places

    def values(self) -> Tensor:
        """The values. Shapes: (nnz, ...).

        Raises:
            RuntimeError: the tensor is not coalesced.
        """
        self._must_be_coalesced("values")
        return self._numbers

    def _must_be_coalesced(self, what: str) -> None:
        if not self._coalesced:
            raise RuntimeError(
                f"Cannot get {what} on an uncoalesced tensor, please call .coalesce() first"
            )

    def _flat(self) -> np.ndarray:
        """The indices as numbers in row-major order."""
        sizes = self._size[: self.sparse_dim()]
        return np.ravel_multi_index(tuple(self._places._a), sizes) if sizes else np.zeros(0, int)

    def coalesce(self) -> SparseTensor:
        """The same tensor with its indices in order and none twice: values of one place added.

        >>> import tensor_core as torch
        >>> x = torch.sparse_coo_tensor([[1, 1]], [1.0, 2.0], (3,))
        >>> x.coalesce().values()
        tensor([3.])
        """
        if self._coalesced:
            return self
        places, where = np.unique(self._flat(), return_inverse=True)
        sizes = self._size[: self.sparse_dim()]
        columns = np.stack(np.unravel_index(places, sizes)).astype(np.int64)
        zero = wrap(np.zeros((len(places), *self._numbers._a.shape[1:]), self._numbers._a.dtype))
        values = ops.index_add(zero, 0, wrap(where.reshape(-1)), self._numbers)
        return SparseTensor(wrap(columns), values, self._size, True)

    def to_dense(self, dtype: Any = None, *, masked_grad: bool | None = None) -> Tensor:
        """The dense tensor, zeros written out.

        >>> import tensor_core as torch
        >>> torch.sparse_coo_tensor([[0, 2]], [1.0, 5.0], (3,)).to_dense()
        tensor([1., 0., 5.])
        """
        zero = wrap(np.zeros(self._size, self._numbers._a.dtype))
        key = tuple(self._places._a)
        from ..ops.index import index_put

        dense = index_put(zero, self._numbers, key, True)
        return dense if dtype is None else dense.to(dtype)

    def to_sparse(self, *args: Any, **kwargs: Any) -> SparseTensor:
        """The tensor itself."""
        return self

    to_sparse_coo = to_sparse

    # -- the same indices, other values -----------------------------------------------------

    def _with(self, values: Tensor) -> SparseTensor:
        return SparseTensor(self._places, values, self._size, self._coalesced)

    def detach(self) -> SparseTensor:
        """The same numbers outside the graph."""
        return self._with(self._numbers.detach())

    def clone(self, memory_format: Any = None) -> SparseTensor:
        """A copy with memory of its own."""
        return SparseTensor(
            self._places.clone(), self._numbers.clone(), self._size, self._coalesced
        )

    def to(self, *args: Any, **kwargs: Any) -> SparseTensor:
        """The tensor as another type."""
        return self._with(self._numbers.to(*args, **kwargs))

    def float(self) -> SparseTensor:
        """The tensor as float32."""
        return self._with(self._numbers.float())

    def double(self) -> SparseTensor:
        """The tensor as float64."""
        return self._with(self._numbers.double())

    def cpu(self) -> SparseTensor:
        """The tensor itself."""
        return self

    def t(self) -> SparseTensor:
        """The transpose of a matrix."""
        return self.transpose(0, 1)

    def transpose(self, dim0: int, dim1: int) -> SparseTensor:
        """Two sparse dimensions exchanged."""
        order = list(range(self.sparse_dim()))
        a, b = dim0 % len(self._size), dim1 % len(self._size)
        if max(a, b) >= len(order):
            raise RuntimeError("transpose: only sparse dimensions can be exchanged")
        order[a], order[b] = order[b], order[a]
        sizes = list(self._size)
        sizes[a], sizes[b] = sizes[b], sizes[a]
        return SparseTensor(wrap(self._places._a[order]), self._numbers, Size(sizes), False)

    def __mul__(self, other: Any) -> SparseTensor:
        if isinstance(other, int | float) or (isinstance(other, Tensor) and not other._a.ndim):
            return self._with(self._numbers * other)
        raise self._refused("multiplication by anything but a number")

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> SparseTensor:
        if isinstance(other, int | float) or (isinstance(other, Tensor) and not other._a.ndim):
            return self._with(self._numbers / other)
        raise self._refused("division by anything but a number")

    def __neg__(self) -> SparseTensor:
        return self._with(-self._numbers)

    def __add__(self, other: Any) -> Any:
        """A sparse tensor with a sparse one is sparse, with a dense one dense."""
        if isinstance(other, Tensor):
            return self.to_dense() + other
        if not isinstance(other, SparseTensor) or other._size != self._size:
            raise self._refused("addition of anything but a tensor of its shape")
        places = wrap(np.concatenate([self._places._a, other._places._a], 1))
        values = ops.cat([self._numbers, other._numbers])
        return SparseTensor(places, values, self._size, False).coalesce()

    __radd__ = __add__

    def sum(self, dim: Any = None) -> Tensor:
        """The sum of all values, or a dense sum along dimensions."""
        return self._numbers.sum() if dim is None else self.to_dense().sum(dim)

    # -- products ---------------------------------------------------------------------------

    def __matmul__(self, other: Any) -> Any:
        """The product with a dense matrix or vector; derivatives for both."""
        from .products import mm

        return mm(self, other)

    def mm(self, mat2: Any) -> Any:
        """The product with a dense matrix."""
        return self @ mat2

    matmul = mv = mm

    # -- the rest ---------------------------------------------------------------------------

    def _refused(self, what: str) -> Exception:
        return NotImplementedError(
            f"sparse tensors have no {what}: they are made, coalesced, added, scaled, multiplied "
            "with dense matrices and made dense; call .to_dense() for anything else"
        )

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or not hasattr(Tensor, name):
            raise AttributeError(f"'SparseTensor' object has no attribute {name!r}")
        raise self._refused(f"{name!r}")

    def __len__(self) -> int:
        return self._size[0]

    def __getitem__(self, key: Any) -> Any:
        raise self._refused("indexing")

    def __repr__(self) -> str:
        values = self._numbers.detach()
        lines = [
            f"indices={_indented(repr(self._places), 8)}",
            f"values={_indented(repr(values), 7)}",
            f"size={tuple(self._size)}, nnz={self._nnz()}",
        ]
        plain = (np.float32, np.int64, np.bool_, np.complex64)
        if values._a.dtype not in [np.dtype(k) for k in plain]:
            lines[1] = f"values={_indented(repr(values).split(', dtype')[0] + ')', 7)}"
            lines[-1] += f", dtype={self.dtype}"
        lines[-1] += ", layout=torch.sparse_coo"
        if self.grad_fn is not None:
            lines[-1] += f", grad_fn=<{self.grad_fn.name()}>"
        elif self.requires_grad:
            lines[-1] += ", requires_grad=True"
        return "tensor(" + ",\n       ".join(lines) + ")"


def _indented(text: str, width: int) -> str:
    return text.replace("\n", "\n" + " " * (width + 7))


def sparse_coo_tensor(
    indices: Any, values: Any = None, size: Any = None, *, dtype: Any = None, device: Any = None,
    pin_memory: bool = False, requires_grad: bool = False, check_invariants: bool | None = None,
    is_coalesced: bool | None = None,
) -> SparseTensor:  # fmt: skip
    """A sparse tensor of indices (one column for each value) and values; repeats add up.

    Without a size it is the smallest that holds every index.

    Raises:
        RuntimeError: an index is negative or beyond the size, or shapes do not fit.

    >>> import tensor_core as torch
    >>> torch.sparse_coo_tensor([[0, 1], [1, 0]], [1.0, 2.0], (2, 2)).to_dense()
    tensor([[0., 1.],
            [2., 0.]])
    """
    from .._creation import as_tensor

    if values is None or isinstance(values, tuple | Size):  # only a size: no value at all
        shape = Size(indices if values is None else values)
        kind = _dtypes.to_numpy(dtype or _dtypes.get_default_dtype())
        return SparseTensor(
            wrap(np.empty((len(shape), 0), np.int64)), wrap(np.empty(0, kind)), shape, False
        )
    places = as_tensor(indices)._a.astype(np.int64)
    numbers = as_tensor(values, dtype, device)
    if places.ndim != 2:
        raise RuntimeError(f"indices must be sparse_dim x nnz, but got: {list(places.shape)}")
    if numbers._a.ndim == 0:
        numbers = numbers.expand(places.shape[1])
    if numbers._a.shape[0] != places.shape[1]:
        raise RuntimeError(
            f"indices and values must have same nnz, but got nnz from indices: {places.shape[1]}, "
            f"nnz from values: {numbers._a.shape[0]}"
        )
    if size is None:
        size = (*(places.max(1, initial=-1) + 1).tolist(), *numbers._a.shape[1:])
    shape = Size(int(n) for n in size)
    _check_places(places, shape, numbers._a.shape[1:])
    out = SparseTensor(wrap(places), numbers, shape, bool(is_coalesced))
    return out.requires_grad_() if requires_grad and not numbers.requires_grad else out


def _check_places(places: np.ndarray, shape: Size, dense: tuple[int, ...]) -> None:
    if len(shape) != places.shape[0] + len(dense) or shape[places.shape[0] :] != dense:
        raise RuntimeError(
            f"number of dimensions must be sparse_dim ({places.shape[0]}) + dense_dim "
            f"({len(dense)}), but got {len(shape)}"
        )
    if places.size and places.min() < 0:
        raise RuntimeError(f"found negative index {places.min()}")
    for d, n in enumerate(shape[: places.shape[0]]):
        if places.shape[1] and places[d].max() >= n:
            raise RuntimeError(
                f"size is inconsistent with indices: for dim {d}, size is {n} but found index "
                f"{places[d].max()}"
            )


def to_sparse(self: Tensor, *sparse_dim: Any, layout: Any = None, **more: Any) -> SparseTensor:
    """The tensor in coordinates: the indices of what is not zero, and the values there.

    >>> import tensor_core as torch
    >>> torch.tensor([0.0, 7.0]).to_sparse().indices()
    tensor([[1]])
    """
    dims = sparse_dim[0] if sparse_dim else more.pop("sparse_dim", self._a.ndim)
    if (layout is not None and layout is not sparse_coo) or more:
        raise NotImplementedError("to_sparse: the layout torch.sparse_coo is the one there is")
    if not 0 < dims <= self._a.ndim:
        raise RuntimeError(f"to_sparse: sparse_dim must be in (0, {self._a.ndim}], not {dims}")
    rest = tuple(range(dims, self._a.ndim))
    where = np.nonzero((self._a != 0).any(axis=rest) if rest else self._a != 0)
    places = np.stack([w.astype(np.int64) for w in where])
    return SparseTensor(wrap(places), self[tuple(wrap(p) for p in places)], self.shape, True)


def to_dense(self: Tensor, dtype: Any = None, *, masked_grad: bool | None = None) -> Tensor:
    """The tensor itself, which is dense already.

    >>> import tensor_core as torch
    >>> torch.eye(1).to_dense()
    tensor([[1.]])
    """
    return self if dtype is None else self.to(dtype)
