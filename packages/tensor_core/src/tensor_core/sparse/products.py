"""Products of a sparse matrix with dense ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._card import Case
from .._define import op
from .._tensor import Tensor
from ..kernels import active as kernels
from ..ops.keys import raw
from .tensor import SparseTensor


def _cases(rng: np.random.Generator) -> Any:
    rows, columns = np.array([0, 2, 2, 1]), np.array([1, 0, 2, 1])
    yield Case(rng.normal(size=4), rng.normal(size=(3, 2)), rows, columns, 3)
    yield Case(rng.normal(size=4), rng.normal(size=(3, 2)), columns, rows, 4)
    yield Case(np.zeros(0), rng.normal(size=(3, 2)), rows[:0], columns[:0], 2)


@op(name="sparse_mm", cases=_cases)
def sparse_mm(values: Any, dense: Any, /, rows: Any, columns: Any, n: int) -> Any:
    """The product of the n-row matrix with ``values`` at rows and columns, and a dense matrix.

    >>> import tensor_core as torch
    >>> torch.eye(2).to_sparse() @ torch.tensor([[1.0], [2.0]])
    tensor([[1.],
            [2.]])
    """
    rows, columns = raw(rows), raw(columns)
    return _summed(values[:, None] * dense[columns], rows, n)


def _summed(parts: np.ndarray, rows: np.ndarray, n: int) -> np.ndarray:
    """The rows of ``parts`` added up by where they belong. Shapes: (nnz, k) -> (n, k)."""
    if parts.dtype.kind == "f" and parts.dtype.itemsize > 2:
        return kernels.embedding_backward(np.ascontiguousarray(parts), rows, n)
    out = np.zeros((n, parts.shape[1]), parts.dtype)
    np.add.at(out, rows, parts)
    return out


@sparse_mm.vjp
def _(g: Any, values: Any, dense: Any, rows: Any, columns: Any, needs: Any) -> Any:
    rows, columns = raw(rows), raw(columns)
    gv = (g[rows] * dense[columns]).sum(-1) if needs[0] else None
    gd = sparse_mm.plain(values, g, columns, rows, dense.shape[0]) if needs[1] else None
    return gv, gd


def mm(mat1: Any, mat2: Any) -> Any:
    """The product of a sparse matrix and a dense one (or a dense vector): dense.

    Derivatives go to the dense side and, where they require them, to the sparse values.

    Raises:
        RuntimeError: the inner sizes or the types differ.

    >>> import tensor_core as torch
    >>> A = torch.sparse_coo_tensor([[0, 1], [1, 0]], [2.0, 3.0], (2, 2))
    >>> torch.sparse.mm(A, torch.tensor([[1.0], [10.0]]))
    tensor([[20.],
            [ 3.]])
    """
    if not isinstance(mat1, SparseTensor):
        if not isinstance(mat2, SparseTensor):
            return mat1 @ mat2
        return mm(mat2.t(), mat1.t()).t()  # dense @ sparse
    if isinstance(mat2, SparseTensor):
        return mm(mat1, mat2.to_dense()).to_sparse()
    dense = mat2.unsqueeze(-1) if mat2._a.ndim == 1 else mat2
    if mat1.dim() != 2 or mat1.sparse_dim() != 2 or dense._a.ndim != 2:
        raise RuntimeError("sparse.mm: both must be matrices")
    if mat1.shape[1] != dense._a.shape[0]:
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({mat1.shape[0]}x{mat1.shape[1]} and "
            f"{dense._a.shape[0]}x{dense._a.shape[1]})"
        )
    if mat1.dtype is not dense.dtype:
        raise RuntimeError(f"expected both to have one type, but got {mat1.dtype}, {dense.dtype}")
    rows, columns = mat1._indices()._a
    y = sparse_mm(mat1._values(), dense, rows, columns, mat1.shape[0])
    return y.squeeze(-1) if mat2._a.ndim == 1 else y


def spmm(input: Any, mat2: Any) -> Any:
    """The product of a sparse matrix and a dense one, under torch's older name.

    >>> import tensor_core as torch
    >>> torch.spmm(torch.eye(2).to_sparse(), torch.ones(2, 1))
    tensor([[1.],
            [1.]])
    """
    return mm(input, mat2)


def addmm(input: Tensor, mat1: Any, mat2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """``beta * input + alpha * (mat1 @ mat2)`` with a sparse ``mat1``.

    >>> import tensor_core as torch
    >>> torch.sparse.addmm(torch.ones(1, 1), torch.eye(1).to_sparse(), torch.ones(1, 1))
    tensor([[2.]])
    """
    return input * beta + mm(mat1, mat2) * alpha


def sum(input: SparseTensor, dim: Any = None, dtype: Any = None) -> Tensor:
    """The sum of all values, or along dimensions (dense).

    >>> import tensor_core as torch
    >>> torch.sparse.sum(torch.eye(3).to_sparse())
    tensor(3.)
    """
    total = input.sum(dim)
    return total if dtype is None else total.to(dtype)
