"""Decompositions of symmetric (Hermitian) matrices: Cholesky's, and eigenvalues.

They read one triangle and take the other for its mirror image, and their derivatives are those
along symmetric directions: Murray (2016), "Differentiation of the Cholesky decomposition", and
Giles (2008), section 3.1. A single element of a symmetric matrix cannot vary alone, so the cards
try them on ``x + x^H``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import return_types
from .._card import Case, composed
from .._op import Op, write_out
from .._tensor import Tensor, wrap
from ..ops.contract import matmul
from ._shared import LinAlgError, eye_like, hermitian, matrices, over, with_diagonal
from .inverses import _into
from .solving import solve_triangular, triangular_op

# -- Cholesky ------------------------------------------------------------------------------------


def _lower(x: Any, /) -> Any:
    """The lower triangular L with ``x = L @ L^H``, of which the lower triangle is read."""
    mirrored = np.tril(x) + hermitian(np.tril(x, -1))
    try:
        return np.linalg.cholesky(mirrored)
    except np.linalg.LinAlgError:
        k = int(_first_bad(mirrored).max())
        raise LinAlgError(
            "linalg.cholesky: The factorization could not be completed because the input is not "
            f"positive-definite (the leading minor of order {k} is not positive-definite)."
        ) from None


cholesky_op = Op(_lower, name="linalg_cholesky_ex")


@cholesky_op.vjp
def _(g: Any, y: Any) -> Any:
    inner = hermitian(y) @ g
    half = np.tril(inner, -1) + np.tril(np.triu(inner)) / 2
    left = triangular_op.plain(hermitian(y), half, True)
    both = hermitian(triangular_op.plain(hermitian(y), hermitian(left), True))
    return (both + hermitian(both)) / 2


def _first_bad(x: np.ndarray) -> np.ndarray:
    """For each matrix the order of the first leading minor that is not positive, else 0."""
    flat = x.reshape(-1, *x.shape[-2:])
    found = np.zeros(len(flat), np.int32)
    for i, m in enumerate(flat):
        for k in range(1, len(m) + 1):
            try:
                np.linalg.cholesky(m[:k, :k])
            except np.linalg.LinAlgError:
                found[i] = k
                break
    return found.reshape(x.shape[:-2])


def cholesky(A: Tensor, *, upper: bool = False, out: Any = None) -> Tensor:
    """The lower triangular ``L`` with ``A = L @ L^H`` (with ``upper`` its adjoint).

    Raises:
        LinAlgError: a matrix is not positive-definite.

    >>> import tensor_core as torch
    >>> torch.linalg.cholesky(torch.tensor([[4.0, 2.0], [2.0, 5.0]]))
    tensor([[2., 0.],
            [1., 2.]])
    """
    matrices("linalg.cholesky", A, True)
    L = cholesky_op(A.mH if upper else A)
    return _into(L.mH if upper else L, out)


def torch_cholesky(input: Tensor, upper: bool = False, *, out: Any = None) -> Tensor:
    """The lower (or upper) triangular factor of positive-definite matrices.

    >>> import tensor_core as torch
    >>> torch.cholesky(torch.eye(1) * 9)
    tensor([[3.]])
    """
    return cholesky(input, upper=upper, out=out)


def cholesky_ex(
    A: Tensor, *, upper: bool = False, check_errors: bool = False, out: Any = None
) -> Any:
    """The factor, and for each matrix 0 or the order of the minor that is not positive.

    What could not be factored is NaN.

    >>> import tensor_core as torch
    >>> torch.linalg.cholesky_ex(-torch.eye(2)).info
    tensor(1, dtype=torch.int32)
    """
    matrices("linalg.cholesky", A, True)
    x = hermitian(A._a) if upper else A._a
    info = np.asarray(_first_bad(np.tril(x) + hermitian(np.tril(x, -1))), np.int32)
    if check_errors or not info.any():
        return return_types.linalg_cholesky_ex((cholesky(A, upper=upper), wrap(info)))
    bad = wrap((info != 0)[..., None, None])
    safe = A.masked_fill(bad, 0) + bad * wrap(eye_like(A))
    factor = cholesky(safe, upper=upper).masked_fill(bad, float("nan"))
    return return_types.linalg_cholesky_ex((factor, wrap(info)))


def cholesky_solve(B: Tensor, L: Tensor, upper: bool = False, *, out: Any = None) -> Tensor:
    """``X`` with ``L @ L^H @ X = B`` (with ``upper`` ``L^H @ L``).

    >>> import tensor_core as torch
    >>> torch.cholesky_solve(torch.tensor([[8.0]]), torch.tensor([[2.0]]))
    tensor([[2.]])
    """
    factor = L.mH if upper else L
    half = solve_triangular(factor, B, upper=False)
    return _into(solve_triangular(factor.mH, half, upper=True), out)


def cholesky_inverse(L: Tensor, upper: bool = False, *, out: Any = None) -> Tensor:
    """The inverse of ``L @ L^H`` (with ``upper`` of ``L^H @ L``).

    >>> import tensor_core as torch
    >>> torch.cholesky_inverse(torch.tensor([[2.0]]))
    tensor([[0.2500]])
    """
    return cholesky_solve(wrap(eye_like(L)), L, upper, out=out)


# -- eigenvalues ---------------------------------------------------------------------------------


def _spectrum(x: Any, /, UPLO: Any = "L") -> Any:
    """Eigenvalues in ascending order and eigenvectors, of which one triangle is read."""
    try:
        return tuple(np.linalg.eigh(x, UPLO))
    except np.linalg.LinAlgError:
        raise LinAlgError(
            "linalg.eigh: The algorithm failed to converge because the input matrix is "
            "ill-conditioned or has too many repeated eigenvalues"
        ) from None


eigh_op = Op(_spectrum, name="linalg_eigh")


@eigh_op.vjp
def _(g: Any, y: Any) -> Any:
    (values, vectors), (gv, gV) = y, g
    gaps = values[..., None, :] - values[..., :, None]
    gaps = gaps + np.eye(values.shape[-1], dtype=bool)  # the diagonal does not take part
    mixed = hermitian(vectors) @ gV * ~np.eye(values.shape[-1], dtype=bool)
    off = over(mixed, gaps)
    full = vectors @ (off + with_diagonal(gv)) @ hermitian(vectors)
    return (full + hermitian(full)) / 2


def _checked(name: str, A: Tensor, UPLO: str) -> Tensor:
    if UPLO.upper() not in ("L", "U"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    return matrices(name, A, True)


def eigh(A: Tensor, UPLO: str = "L", *, out: Any = None) -> Any:
    """Eigenvalues in ascending order and orthonormal eigenvectors (columns) of symmetric matrices.

    ``UPLO`` says which triangle is read.

    >>> import tensor_core as torch
    >>> torch.linalg.eigh(torch.tensor([[2.0, 0.0], [0.0, 1.0]])).eigenvalues
    tensor([1., 2.])
    """
    values, vectors = eigh_op(_checked("linalg.eigh", A, UPLO), UPLO.upper())
    if out is not None:
        write_out(values, out[0])
        write_out(vectors, out[1])
    return return_types.linalg_eigh((values, vectors))


def eigvalsh(A: Tensor, UPLO: str = "L", *, out: Any = None) -> Tensor:
    """The eigenvalues of symmetric matrices in ascending order. Shapes: (..., n, n) -> (..., n).

    >>> import tensor_core as torch
    >>> torch.linalg.eigvalsh(torch.tensor([[0.0, 1.0], [1.0, 0.0]]))
    tensor([-1.,  1.])
    """
    _checked("linalg.eigvalsh", A, UPLO)
    return _into(eigh(A, UPLO)[0], out)


# -- cards ---------------------------------------------------------------------------------------


def _symmetric_cases(rng: np.random.Generator) -> Any:
    for shape in ((3, 3), (2, 2, 2)):
        yield Case(rng.normal(size=shape) * 0.3 + np.diag(np.arange(1.0, shape[-1] + 1)))


@composed(torch=None, cases=_symmetric_cases)
def cholesky_of_symmetric(x: Tensor) -> Tensor:
    """Cholesky's factor of ``x + x^H``: the card of :func:`cholesky`.

    >>> import tensor_core as torch
    >>> torch.linalg.symmetric.cholesky_of_symmetric(torch.tensor([[2.0]]))
    tensor([[2.]])
    """
    return cholesky_op(x + x.mH)


@composed(torch=None, cases=_symmetric_cases)
def eigh_of_symmetric(x: Tensor) -> Any:
    """Eigenvalues of ``x + x^H`` and projections on its eigenvectors: the card of :func:`eigh`.

    >>> import tensor_core as torch
    >>> torch.linalg.symmetric.eigh_of_symmetric(torch.tensor([[2.0]]))[0]
    tensor([4.])
    """
    values, vectors = eigh_op(x + x.mH, "L")
    first = vectors[..., :, :1]
    return values, matmul(first, first.mH)  # an eigenvector's sign is nobody's choice
