"""LU with partial pivoting, and what is solved with it.

The derivative follows from d(P A) = dL U + L dU by splitting L^-1 d(PA) U^-1 into its strictly
lower and upper parts; see Giles (2008), section 2.2.5, for the same argument on Cholesky's.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from .. import return_types
from .._card import Case, composed
from .._op import Op
from .._tensor import Tensor, wrap
from ..ops.contract import matmul
from ._shared import LinAlgError, diagonal_of, matrices
from .inverses import _into, mT
from .solving import solve_triangular, triangular_op


def eliminate(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gaussian elimination with partial pivoting: L and U in one array, and the order of rows.

    Shapes: (..., m, n) -> (..., m, n), (..., m).
    """
    m, n = x.shape[-2:]
    lu = x.reshape(-1, m, n).copy()
    order = np.tile(np.arange(m), (len(lu), 1))
    batch = np.arange(len(lu))
    for k in range(min(m, n)):
        p = k + np.abs(lu[:, k:, k]).argmax(-1)
        lu[batch, k], lu[batch, p] = lu[batch, p], lu[batch, k].copy()
        order[batch, k], order[batch, p] = order[batch, p], order[batch, k].copy()
        pivot = lu[:, k, k, None]
        safe = np.where(pivot == 0, 1, pivot)  # a column of zeros stays as it is
        lu[:, k + 1 :, k] /= safe.astype(lu.dtype)
        lu[:, k + 1 :, k + 1 :] -= lu[:, k + 1 :, k, None] * lu[:, k, None, k + 1 :]
    return lu.reshape(x.shape), order.reshape(x.shape[:-1])


def _lu_cases(rng: np.random.Generator) -> Any:
    for shape in ((3, 3), (2, 3, 3), (4, 2), (2, 4)):
        yield Case(rng.normal(size=shape))


def _three(x: Any, /) -> Any:
    """``P``, ``L`` and ``U`` with ``x = P @ L @ U``, by elimination with partial pivoting."""
    m, n = x.shape[-2:]
    k = min(m, n)
    packed, order = eliminate(x)
    lower = np.tril(packed[..., :k], -1) + np.eye(m, k, dtype=x.dtype)
    upper = np.triu(packed[..., :k, :])
    return permutation(order, x.dtype), lower, upper


def permutation(order: np.ndarray, kind: np.dtype[Any]) -> np.ndarray:
    """The matrix that puts row i of its right factor at ``order[i]``."""
    return (np.arange(order.shape[-1])[:, None] == order[..., None, :]).astype(kind)


lu_op = Op(_three, name="linalg_lu")


@lu_op.vjp
def _(g: Any, y: Any) -> Any:
    P, L, U = y
    P = P._a if isinstance(P, Tensor) else P
    gL, gU = g[1], g[2]
    m, n = L.shape[-2], U.shape[-1]
    k = min(m, n)
    L1, U1 = L[..., :k, :], U[..., :, :k]
    below = mT(L1) @ gL[..., :k, :]
    above = gU[..., :, :k] @ mT(U1)
    if n > m:
        below = below - gU[..., :, k:] @ mT(U[..., :, k:])
    if m > n:
        above = above - mT(L[..., k:, :]) @ gL[..., k:, :]
    middle = np.tril(below, -1) + np.triu(above)
    left = triangular_op.plain(mT(L1), middle, True, True)  # L1^-T middle
    square = mT(triangular_op.plain(U1, mT(left), True))  # ... U1^-T
    if n > m:
        rest = triangular_op.plain(mT(L1), gU[..., :, k:], True, True)
        square = np.concatenate([square, rest], -1)
    if m > n:
        rest = mT(triangular_op.plain(U1, mT(gL[..., k:, :]), True))
        square = np.concatenate([square, rest], -2)
    return P @ square


def _checked(name: str, A: Tensor, pivot: bool) -> Tensor:
    if not pivot:
        raise RuntimeError(f"linalg.{name}: LU without pivoting is not implemented on the CPU")
    return matrices(f"linalg.{name}", A)


def lu(A: Tensor, *, pivot: bool = True, out: Any = None) -> Any:
    """``P``, ``L`` and ``U`` with ``A = P @ L @ U``. Shapes: (..., m, n) -> (m, m), (m, k), (k, n).

    >>> import tensor_core as torch
    >>> P, L, U = torch.linalg.lu(torch.tensor([[0.0, 2.0], [1.0, 1.0]]))
    >>> P
    tensor([[0., 1.],
            [1., 0.]])
    """
    P, L, U = lu_op(_checked("lu", A, pivot))
    return return_types.linalg_lu((P.detach(), L, U))


@composed(torch=None, cases=_lu_cases, kinks="where pivots tie")
def lu_factors(x: Tensor) -> Any:
    """``L`` and ``U`` alone, which have derivatives: the card of :func:`lu`.

    >>> import tensor_core as torch
    >>> torch.linalg.factors.lu_factors(torch.tensor([[2.0]]))[1]
    tensor([[2.]])
    """
    return lu_op(x)[1:]


def _swaps(order: np.ndarray, k: int) -> np.ndarray:
    """LAPACK's pivots: row i was exchanged with row ``pivots[i]``, counted from 1."""
    flat = order.reshape(-1, order.shape[-1])
    pivots = np.empty((len(flat), k), np.int32)
    for row, wanted in zip(pivots, flat, strict=True):
        now = list(range(len(wanted)))
        for i in range(k):
            j = now.index(wanted[i])
            now[i], now[j] = now[j], now[i]
            row[i] = j + 1
    return pivots.reshape(*order.shape[:-1], k)


def _order(pivots: np.ndarray, m: int) -> np.ndarray:
    """The order of rows that a sequence of exchanges leaves."""
    flat = pivots.reshape(-1, pivots.shape[-1])
    order = np.tile(np.arange(m), (len(flat), 1))
    for row, swaps in zip(order, flat, strict=True):
        for i, j in enumerate(swaps - 1):
            row[i], row[j] = row[j], row[i]
    return order.reshape(*pivots.shape[:-1], m)


def lu_factor_ex(A: Tensor, *, pivot: bool = True, check_errors: bool = False) -> Any:
    """L and U in one matrix, the exchanges of rows, and 0 or the place of a zero pivot.

    >>> import tensor_core as torch
    >>> torch.linalg.lu_factor_ex(torch.zeros(2, 2)).info
    tensor(1, dtype=torch.int32)
    """
    _checked("lu_factor", A, pivot)
    k = min(A._a.shape[-2:])
    _, L, U = lu_op(A)
    packed, order = eliminate(A._a)
    if A.requires_grad:  # the ones on L's diagonal are not stored
        LU = _packed(L, U)
    else:
        LU = wrap(packed)
    zero = diagonal_of(packed) == 0
    info = np.asarray(np.where(zero.any(-1), zero.argmax(-1) + 1, 0), np.int32)
    if check_errors and info.any():
        raise LinAlgError(f"torch.linalg.lu_factor: U[{info.max()},{info.max()}] is zero")
    return return_types.linalg_lu_factor_ex((LU, wrap(_swaps(order, k)), wrap(info)))


def _packed(L: Tensor, U: Tensor) -> Tensor:
    m, n = L._a.shape[-2], U._a.shape[-1]
    lower = L.tril(-1)
    if n > m:
        return _pad(lower, (0, n - m)) + U
    return lower + _pad(U, (0, 0, 0, m - n))


def _pad(t: Tensor, widths: tuple[int, ...]) -> Tensor:
    from ..ops.join import pad_constant

    return pad_constant(t, widths, 0.0)


def lu_factor(A: Tensor, *, pivot: bool = True, out: Any = None) -> Any:
    """L and U in one matrix (L's ones left out), and the exchanges of rows, counted from 1.

    Raises:
        RuntimeError: a pivot is zero, so that ``lu_solve`` would divide by it.

    >>> import tensor_core as torch
    >>> torch.linalg.lu_factor(torch.tensor([[1.0, 2.0], [4.0, 4.0]])).pivots
    tensor([2, 2], dtype=torch.int32)
    """
    LU, pivots, info = lu_factor_ex(A, pivot=pivot)
    if info._a.any():
        k = int(info._a.max())
        raise RuntimeError(
            f"torch.linalg.lu_factor: U[{k},{k}] is zero and using it on lu_solve would result in "
            "a division by zero. If you still want to perform the factorization, consider calling "
            "linalg.lu(A, pivot) or linalg.lu_factor_ex(A, pivot)"
        )
    return return_types.linalg_lu_factor((LU, pivots))


def torch_lu(A: Tensor, pivot: bool = True, get_infos: bool = False, out: Any = None) -> Any:
    """L and U in one matrix and the exchanges of rows, as torch's older function has them.

    >>> import tensor_core as torch
    >>> torch.lu(torch.eye(2))[1]
    tensor([1, 2], dtype=torch.int32)
    """
    LU, pivots, info = lu_factor_ex(A, pivot=pivot)
    return (LU, pivots, info) if get_infos else (LU, pivots)


def lu_unpack(
    LU_data: Tensor, LU_pivots: Tensor, unpack_data: bool = True, unpack_pivots: bool = True
) -> Any:
    """``P``, ``L`` and ``U`` of what :func:`lu_factor` returned.

    >>> import tensor_core as torch
    >>> torch.lu_unpack(*torch.linalg.lu_factor(torch.eye(2))).L
    tensor([[1., 0.],
            [0., 1.]])
    """
    m, n = LU_data._a.shape[-2:]
    k = min(m, n)
    kind = LU_data._a.dtype
    empty = wrap(np.empty(0, kind))
    L = U = P = empty
    if unpack_data:
        L = LU_data[..., :k].tril(-1) + wrap(np.eye(m, k, dtype=kind))
        U = LU_data[..., :k, :].triu()
    if unpack_pivots:
        P = wrap(permutation(_order(LU_pivots._a, m), kind))
    return return_types.lu_unpack((P, L, U))


def lu_solve(
    LU: Tensor, pivots: Tensor, B: Tensor, *, left: bool = True, adjoint: bool = False,
    out: Any = None,
) -> Tensor:  # fmt: skip
    """``X`` with ``A @ X = B`` of a factored A (``A^H @ X = B`` with ``adjoint``).

    >>> import tensor_core as torch
    >>> LU, pivots = torch.linalg.lu_factor(torch.tensor([[0.0, 2.0], [1.0, 0.0]]))
    >>> torch.linalg.lu_solve(LU, pivots, torch.tensor([[4.0], [3.0]]))
    tensor([[3.],
            [2.]])
    """
    matrices("linalg.lu_solve", LU, True)
    if not left:
        solved = lu_solve(LU, pivots, B.mH, adjoint=not adjoint)
        return _into(solved.mH, out)
    P = wrap(permutation(_order(pivots._a, LU._a.shape[-1]), LU._a.dtype))
    down = functools.partial(solve_triangular, upper=False, unitriangular=True)
    if not adjoint:
        X = solve_triangular(LU, down(LU, matmul(P.mT, B)), upper=True)
        return _into(X, out)
    Y = solve_triangular(LU.mH, B, upper=False)
    X = solve_triangular(LU.mH, Y, upper=True, unitriangular=True)
    return _into(matmul(P, X), out)


def torch_lu_solve(b: Tensor, LU_data: Tensor, LU_pivots: Tensor, *, out: Any = None) -> Tensor:
    """``X`` with ``A @ X = b`` of a factored A, as torch's older function orders its arguments.

    >>> import tensor_core as torch
    >>> torch.lu_solve(torch.ones(1, 1), *torch.linalg.lu_factor(torch.eye(1) * 2))
    tensor([[0.5000]])
    """
    return lu_solve(LU_data, LU_pivots, b, out=out)
