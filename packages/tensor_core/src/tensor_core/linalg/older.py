"""The functions of matrices that torch also has outside ``torch.linalg``, some with older forms."""

from __future__ import annotations

from .inverses import det, inverse, logdet, matrix_exp, matrix_power
from .inverses import torch_slogdet as slogdet
from .lu import lu_unpack
from .lu import torch_lu as lu
from .lu import torch_lu_solve as lu_solve
from .qr import torch_qr as qr
from .singular import pinverse
from .singular import torch_svd as svd
from .solving import triangular_solve
from .symmetric import cholesky_inverse, cholesky_solve
from .symmetric import torch_cholesky as cholesky

__all__ = [
    "cholesky",
    "cholesky_inverse",
    "cholesky_solve",
    "det",
    "inverse",
    "logdet",
    "lu",
    "lu_solve",
    "lu_unpack",
    "matrix_exp",
    "matrix_power",
    "pinverse",
    "qr",
    "slogdet",
    "svd",
    "triangular_solve",
]
