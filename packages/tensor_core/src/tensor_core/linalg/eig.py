"""Eigenvalues and eigenvectors of any square matrix, which are complex.

The derivative is that of Giles (2008), section 3.1, with the eigenvectors' length held at 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import return_types
from .._op import Op, write_out
from .._tensor import Tensor
from ._shared import hermitian, matrices, with_diagonal
from .inverses import _into
from .solving import solve_op


def _spectrum(x: Any, /) -> Any:
    """Eigenvalues and eigenvectors, complex."""
    try:
        values, vectors = np.linalg.eig(x)
    except np.linalg.LinAlgError:
        raise RuntimeError(
            "linalg.eig: The algorithm failed to converge, or the input contained non-finite values"
        ) from None
    kind = np.result_type(x.dtype, np.complex64)
    return values.astype(kind), vectors.astype(kind)


eig_op = Op(_spectrum, name="linalg_eig")


@eig_op.vjp
def _(g: Any, y: Any) -> Any:
    (values, vectors), (gv, gV) = y, g
    vh = hermitian(vectors)
    eye = np.eye(values.shape[-1], dtype=bool)
    inner = vh @ gV
    inner = inner - (vh @ vectors) * (inner * eye).real.sum(-1)[..., None, :]
    gaps = (values[..., None, :] - values[..., :, None]).conj() + eye
    middle = inner / gaps * ~eye + with_diagonal(gv)
    return solve_op.plain(vh, middle @ vh)


def eig(A: Tensor, *, out: Any = None) -> Any:
    """Eigenvalues and eigenvectors (columns) of square matrices, both complex.

    >>> import tensor_core as torch
    >>> torch.linalg.eig(torch.tensor([[2.0]])).eigenvalues
    tensor([2.+0.j])
    """
    result = eig_op(matrices("linalg.eig", A, True))
    if out is not None:
        for made, place in zip(result, out, strict=True):
            write_out(made, place)
    return return_types.linalg_eig(result)


def eigvals(A: Tensor, *, out: Any = None) -> Tensor:
    """The eigenvalues of square matrices, complex. Shapes: (..., n, n) -> (..., n).

    >>> import tensor_core as torch
    >>> torch.linalg.eigvals(torch.tensor([[0.0, -1.0], [1.0, 0.0]])).imag.sort().values
    tensor([-1.,  1.])
    """
    return _into(eig(A)[0], out)
