"""Singular values, and what is made of them: pseudo-inverse, rank, condition.

The derivative of the decomposition is that of Townsend (2016), "Differentiating the Singular
Value Decomposition"; that of the pseudo-inverse is Golub and Pereyra's (1973).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import return_types
from .._card import Case, composed
from .._define import op
from .._op import Op, write_out
from .._tensor import Tensor, wrap
from ..ops.complex import holds_complex
from ._shared import LinAlgError, diagonal_of, hermitian, matrices, over, with_diagonal
from .inverses import _into, inv
from .norms import norm
from .symmetric import eigvalsh


def _decomposed(x: np.ndarray, full: bool, vectors: Any = True) -> Any:
    try:
        return np.linalg.svd(x, full_matrices=full, compute_uv=vectors)
    except np.linalg.LinAlgError:
        raise LinAlgError(
            "linalg.svd: The algorithm failed to converge because the input matrix contained "
            "non-finite values."
        ) from None


def _cases(rng: np.random.Generator) -> Any:
    for shape in ((3, 3), (4, 2), (2, 2, 3)):
        yield Case(rng.normal(size=shape))


def _three(x: Any, /, full_matrices: bool = False) -> Any:
    """``U``, the singular values and ``V^H`` with ``x = U @ diag(S) @ V^H``."""
    return tuple(_decomposed(x, full_matrices))


svd_op = Op(_three, name="linalg_svd", kinks="where singular values are equal")


@svd_op.vjp
def _(g: Any, y: Any, full_matrices: Any) -> Any:
    (u, s, vh), (gu, gs, gvh) = y, g
    m, n, k = u.shape[-2], vh.shape[-1], s.shape[-1]
    if full_matrices and m != n:
        raise RuntimeError(
            "linalg.svd: the derivative exists for full_matrices=False alone: the other vectors "
            "are any that complete the basis"
        )
    eye = np.eye(k, dtype=bool)
    gaps = (s[..., None, :] - s[..., :, None]) * (s[..., None, :] + s[..., :, None]) + eye
    turned = _skew(hermitian(u) @ gu)
    inner = over(turned, gaps) * s[..., None, :]
    inner = inner + s[..., :, None] * over(_skew(vh @ hermitian(gvh)), gaps)
    if holds_complex(u):  # complex vectors may turn, both of a pair by one angle
        inner = inner + with_diagonal(over(diagonal_of(turned), 2 * s))
    result = u @ (inner + with_diagonal(gs)) @ vh
    if m > k:
        result = result + over(gu - u @ (hermitian(u) @ gu), s[..., None, :]) @ vh
    if n > k:
        result = result + u @ over(gvh - (gvh @ hermitian(vh)) @ vh, s[..., :, None])
    return result


def _skew(x: Any) -> Any:
    return x - hermitian(x)


def svd(
    A: Tensor, full_matrices: bool = True, *, driver: str | None = None, out: Any = None
) -> Any:
    """``U``, the singular values in descending order and ``V^H``: ``A = U @ diag(S) @ V^H``.

    Shapes: (..., m, n) -> (..., m, m), (..., k), (..., n, n), or (m, k), (k), (k, n) when not full.

    Raises:
        LinAlgError: the numbers are not finite.

    >>> import tensor_core as torch
    >>> torch.linalg.svd(torch.tensor([[0.0, 2.0], [1.0, 0.0]])).S
    tensor([2., 1.])
    """
    _check_driver(driver)
    result = svd_op(matrices("linalg.svd", A), full_matrices)
    if out is not None:
        for made, place in zip(result, out, strict=True):
            write_out(made, place)
    return return_types.linalg_svd(result)


def _check_driver(driver: str | None) -> None:
    if driver is not None:
        raise RuntimeError(
            "torch.linalg.svd: keyword argument `driver=` is only supported on CUDA inputs with "
            "cuSOLVER backend."
        )


def torch_svd(input: Tensor, some: bool = True, compute_uv: bool = True, *, out: Any = None) -> Any:
    """``U``, the singular values and ``V`` (not its adjoint), as torch's older function has them.

    >>> import tensor_core as torch
    >>> torch.svd(torch.tensor([[2.0]])).S
    tensor([2.])
    """
    if not compute_uv:
        m, n = input._a.shape[-2:]
        batch, kind = input._a.shape[:-2], input._a.dtype
        U, V = (wrap(np.zeros((*batch, k, k), kind)) for k in (m, n))
        return return_types.svd((U, svdvals(input), V))
    U, S, Vh = svd(input, not some)
    return return_types.svd((U, S, Vh.mH))


@composed(torch="linalg.svdvals", cases=_cases, kinks="at zero")
def svdvals(A: Tensor, *, driver: str | None = None, out: Any = None) -> Tensor:
    """The singular values in descending order. Shapes: (..., m, n) -> (..., min(m, n)).

    >>> import tensor_core as torch
    >>> torch.linalg.svdvals(torch.tensor([[0.0, 2.0], [1.0, 0.0]]))
    tensor([2., 1.])
    """
    _check_driver(driver)
    return _into(svd_op(matrices("linalg.svdvals", A), False)[1], out)


@composed(torch=None, cases=_cases)
def svd_invariants(x: Tensor) -> Any:
    """What of the decomposition is nobody's choice: the singular values, and the best rank one.

    >>> import tensor_core as torch
    >>> torch.linalg.singular.svd_invariants(torch.tensor([[2.0]]))[1]
    tensor([[1.]])
    """
    U, S, Vh = svd_op(x, False)
    return S, U[..., :, :1] @ Vh[..., :1, :], U[..., :, :1] @ U[..., :, :1].mH


# -- pseudo-inverse ------------------------------------------------------------------------------


@op(name="linalg_pinv", torch="linalg.pinv", cases=_cases, kinks="where the rank changes")
def pinv_op(x: Any, /, rtol: float | None = None, atol: float = 0.0) -> Any:
    """The pseudo-inverse of Moore and Penrose. Shapes: (..., m, n) -> (..., n, m).

    >>> import tensor_core as torch
    >>> torch.linalg.pinv(torch.tensor([[2.0, 0.0], [0.0, 0.0]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.0000]])
    """
    u, s, vh = _decomposed(x, False)
    kept = s > _cutoff(s, x.shape, rtol, atol)
    inverse = np.where(kept, 1 / np.where(kept, s, 1), 0).astype(s.dtype)
    return (hermitian(vh) * inverse[..., None, :]) @ hermitian(u)


def _cutoff(s: np.ndarray, shape: Any, rtol: Any, atol: Any) -> Any:
    """What a singular value must exceed to count."""
    if rtol is None:
        rtol = 0.0 if np.any(np.asarray(atol) > 0) else max(shape[-2:]) * np.finfo(s.dtype).eps
    largest = s.max(-1, keepdims=True, initial=0)
    return np.maximum(_column(atol), _column(rtol) * largest)


def _column(value: Any) -> Any:
    a = value._a if isinstance(value, Tensor) else np.asarray(value)
    return a[..., None] if a.ndim else a


@pinv_op.vjp
def _(g: Any, y: Any, x: Any) -> Any:
    yh, gh = hermitian(y), hermitian(g)
    left = gh @ y @ yh
    right = yh @ y @ gh
    return -(yh @ g @ yh) + (left - x @ (y @ left)) + (right - (right @ y) @ x)


def pinv(
    A: Tensor, rcond: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None,
    out: Any = None,
) -> Tensor:  # fmt: skip
    """The pseudo-inverse; singular values up to ``max(atol, rtol * largest)`` count as zero.

    >>> import tensor_core as torch
    >>> torch.linalg.pinv(torch.tensor([[2.0], [0.0]]))
    tensor([[0.5000, 0.0000]])
    """
    matrices("linalg.pinv", A, hermitian)
    rtol = rcond if rtol is None else rtol
    return _into(pinv_op(A, rtol, 0.0 if atol is None else atol), out)


def pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """The pseudo-inverse under torch's older name.

    >>> import tensor_core as torch
    >>> torch.pinverse(torch.tensor([[4.0]]))
    tensor([[0.2500]])
    """
    return pinv(input, rtol=rcond)


# -- rank and condition --------------------------------------------------------------------------


def matrix_rank(
    A: Tensor, tol: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None,
    out: Any = None,
) -> Tensor:  # fmt: skip
    """How many singular values exceed ``max(atol, rtol * largest)``. Shapes: (..., m, n) -> (...).

    >>> import tensor_core as torch
    >>> torch.linalg.matrix_rank(torch.tensor([[1.0, 2.0], [2.0, 4.0]]))
    tensor(1)
    """
    matrices("linalg.matrix_rank", A, hermitian)
    if tol is not None:
        atol, rtol = tol, 0.0
    x = A.detach()
    s = np.abs(eigvalsh(x)._a) if hermitian else _decomposed(x._a, False, False)
    kept = s > _cutoff(s, A._a.shape, rtol, 0.0 if atol is None else atol)
    return _into(wrap(np.asarray(kept.sum(-1), np.int64)), out)


@composed(
    torch="linalg.cond",
    cases=lambda rng: iter(Case(rng.normal(size=(3, 3)), p) for p in (None, -2)),
    kinks="ties",
)
def cond(A: Tensor, p: Any = None, *, out: Any = None) -> Tensor:
    """The condition number: a norm of A times that of its inverse (2 by default, or -2).

    Infinite for a singular matrix.

    >>> import tensor_core as torch
    >>> torch.linalg.cond(torch.tensor([[4.0, 0.0], [0.0, 2.0]]))
    tensor(2.)
    """
    matrices("linalg.cond", A)
    if p in (None, 2, -2):
        s = svdvals(A)
        result = s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
        return _into(result, out)
    matrices("linalg.cond", A, True)
    try:
        inverse = inv(A)
    except LinAlgError:
        return _into(wrap(np.full(A._a.shape[:-2], np.inf, A._a.real.dtype)), out)
    result = norm(A, p, (-2, -1)) * norm(inverse, p, (-2, -1))
    return _into(result, out)
