"""Sparse matrices in coordinates, under the names of ``torch.sparse``.

>>> import tensor_core as torch
>>> adjacency = torch.sparse_coo_tensor([[0, 1], [1, 0]], [1.0, 1.0], (2, 2))
>>> adjacency @ torch.tensor([[1.0], [5.0]])
tensor([[5.],
        [1.]])
"""

from .products import addmm, mm, spmm, sum
from .tensor import SparseTensor, sparse_coo_tensor

__all__ = ["SparseTensor", "addmm", "mm", "sparse_coo_tensor", "spmm", "sum"]
