"""Linear algebra under the names of ``torch.linalg``: batched, and differentiable.

>>> import tensor_core as torch
>>> torch.linalg.det(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
tensor(-2.)
"""

from . import lu as factors  # noqa: F401  (its functions hide the module)
from . import singular as singular
from . import symmetric as symmetric
from ._shared import LinAlgError
from .eig import eig, eigvals
from .inverses import det, inv, inv_ex, matrix_exp, matrix_power, slogdet
from .lu import lu, lu_factor, lu_factor_ex, lu_solve
from .norms import matrix_norm, norm, vector_norm
from .products import (
    cross,
    diagonal,
    householder_product,
    matmul,
    multi_dot,
    vander,
    vecdot,
)
from .qr import qr
from .singular import cond, matrix_rank, pinv, svd, svdvals
from .solving import lstsq, solve, solve_ex, solve_triangular, tensorinv, tensorsolve
from .symmetric import cholesky, cholesky_ex, eigh, eigvalsh

__all__ = [
    "LinAlgError",
    "cholesky",
    "cholesky_ex",
    "cond",
    "cross",
    "det",
    "diagonal",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "householder_product",
    "inv",
    "inv_ex",
    "lstsq",
    "lu",
    "lu_factor",
    "lu_factor_ex",
    "lu_solve",
    "matmul",
    "matrix_exp",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "multi_dot",
    "norm",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_ex",
    "solve_triangular",
    "svd",
    "svdvals",
    "tensorinv",
    "tensorsolve",
    "vander",
    "vecdot",
    "vector_norm",
]
