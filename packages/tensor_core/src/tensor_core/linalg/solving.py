"""Systems of linear equations: exact, triangular, by a factorisation, in the least-squares sense.

Derivatives after Giles (2008), section 2.3.1.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import return_types
from .._card import Case, composed
from .._define import op
from .._tensor import Tensor, wrap
from ..ops.contract import matmul
from ._shared import LinAlgError, matrices
from .inverses import _into, _singular, mT, well, zero_pivots


def _solve_cases(rng: np.random.Generator) -> Any:
    yield Case(well(rng, 3, 3), rng.normal(size=(3, 2)))
    yield Case(well(rng, 2, 3, 3), rng.normal(size=(3, 1)))
    yield Case(well(rng, 3, 3), rng.normal(size=(2, 3, 2)))


@op(name="linalg_solve", torch="linalg.solve", cases=_solve_cases)
def solve_op(A: Any, B: Any, /) -> Any:
    """``X`` with ``A @ X = B``. Shapes: (..., n, n), (..., n, k) -> (..., n, k).

    >>> import tensor_core as torch
    >>> torch.linalg.solve(torch.tensor([[2.0]]), torch.tensor([[6.0]]))
    tensor([[3.]])
    """
    try:
        return np.linalg.solve(A, B)
    except np.linalg.LinAlgError:
        raise LinAlgError(
            f"torch.linalg.solve: {_singular(A)}: the solver failed because the input matrix is "
            "singular."
        ) from None


@solve_op.vjp
def _(g: Any, y: Any, A: Any, needs: Any) -> Any:
    gb = solve_op.plain(mT(A), g)
    return (-(gb @ mT(y)) if needs[0] else None), gb


def _is_vector(A: Tensor, B: Tensor) -> bool:
    return B._a.ndim == 1 or (B._a.ndim == A._a.ndim - 1 and B._a.shape == A._a.shape[:-1])


def solve(A: Tensor, B: Tensor, *, left: bool = True, out: Any = None) -> Tensor:
    """``X`` with ``A @ X = B`` (``X @ A = B`` with ``left=False``); B may hold vectors.

    Raises:
        LinAlgError: a matrix is singular.

    >>> import tensor_core as torch
    >>> A = torch.tensor([[2.0, 1.0], [1.0, 3.0]])
    >>> torch.linalg.solve(A, torch.tensor([3.0, 5.0]))
    tensor([0.8000, 1.4000])
    """
    matrices("linalg.solve", A, True)
    if A._a.dtype != B._a.dtype:
        raise RuntimeError(
            f"linalg.solve: Expected A and B to have the same dtype, but found {A.dtype} and "
            f"{B.dtype}"
        )
    vector = _is_vector(A, B)
    if vector and not left:
        raise RuntimeError("linalg.solve: left=False needs matrices on the right-hand side")
    rhs = B.unsqueeze(-1) if vector else B
    if rhs._a.shape[-2 if left else -1] != A._a.shape[-1]:
        raise RuntimeError(
            f"linalg.solve: Incompatible shapes of A and B: {tuple(A._a.shape)} and "
            f"{tuple(B._a.shape)}"
        )
    X = solve_op(A, rhs) if left else solve_op(A.mT, rhs.mT).mT
    return _into(X.squeeze(-1) if vector else X, out)


def solve_ex(
    A: Tensor, B: Tensor, *, left: bool = True, check_errors: bool = False, out: Any = None
) -> Any:
    """The solution, and for each matrix 0 or the place of the zero pivot that made it fail.

    >>> import tensor_core as torch
    >>> torch.linalg.solve_ex(torch.eye(1), torch.ones(1)).info
    tensor(0, dtype=torch.int32)
    """
    info = zero_pivots(matrices("linalg.solve", A, True)._a)
    if info.any() and not check_errors:
        bad = wrap((info != 0)[..., None, None])
        A = A.masked_fill(bad, math.nan)
    return return_types.linalg_solve_ex((solve(A, B, left=left, out=out), wrap(info)))


# -- triangular ----------------------------------------------------------------------------------


def _triangular_cases(rng: np.random.Generator) -> Any:
    yield Case(well(rng, 3, 3), rng.normal(size=(3, 2)), True)
    yield Case(well(rng, 3, 3), rng.normal(size=(2, 3, 2)), False)
    yield Case(well(rng, 2, 3, 3), rng.normal(size=(3, 1)), False, True)


@op(name="linalg_solve_triangular", cases=_triangular_cases)
def triangular_op(A: Any, B: Any, /, upper: bool, unitriangular: bool = False) -> Any:
    """``X`` with ``A @ X = B``, of which one triangle of A is read.

    >>> import tensor_core as torch
    >>> A = torch.tensor([[1.0, 2.0], [7.0, 1.0]])
    >>> torch.linalg.solve_triangular(A, torch.tensor([[5.0], [1.0]]), upper=True)
    tensor([[3.],
            [1.]])
    """
    T = np.triu(A, int(unitriangular)) if upper else np.tril(A, -int(unitriangular))
    if unitriangular:
        T = T + np.eye(A.shape[-1], dtype=A.dtype)
    if not upper:  # turned round it is upper, which needs no pivots: elimination is substitution
        T, B = T[..., ::-1, ::-1], B[..., ::-1, :]
    try:
        X = np.linalg.solve(T, B)
    except np.linalg.LinAlgError:
        X = _substitution(T, B)
    return X if upper else np.ascontiguousarray(X[..., ::-1, :])


def _substitution(T: np.ndarray, B: np.ndarray) -> np.ndarray:
    """Back substitution, which divides by a zero on the diagonal instead of refusing."""
    X = np.zeros(np.broadcast_shapes(T.shape[:-2], B.shape[:-2]) + B.shape[-2:], B.dtype)
    with np.errstate(all="ignore"):
        for i in reversed(range(T.shape[-1])):
            rest = (T[..., i : i + 1, i + 1 :] @ X[..., i + 1 :, :])[..., 0, :]
            X[..., i, :] = (B[..., i, :] - rest) / T[..., i, i, None]
    return X


@triangular_op.vjp
def _(g: Any, y: Any, A: Any, upper: Any, unitriangular: Any, needs: Any) -> Any:
    gb = triangular_op.plain(mT(A), g, not upper, unitriangular)
    if not needs[0]:
        return None, gb
    full = -(gb @ mT(y))
    return (np.triu(full, int(unitriangular)) if upper else np.tril(full, -int(unitriangular))), gb


def solve_triangular(
    A: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False,
    out: Any = None,
) -> Tensor:  # fmt: skip
    """``X`` with ``A @ X = B`` (``X @ A = B`` with ``left=False``), A triangular.

    >>> import tensor_core as torch
    >>> A = torch.tensor([[2.0, 0.0], [1.0, 1.0]])
    >>> torch.linalg.solve_triangular(A, torch.tensor([[2.0], [3.0]]), upper=False)
    tensor([[1.],
            [2.]])
    """
    matrices("linalg.solve_triangular", A, True)
    matrices("linalg.solve_triangular", B)
    if A._a.shape[-1] != B._a.shape[-2 if left else -1]:
        raise RuntimeError(
            f"linalg.solve_triangular: Incompatible shapes of A and B: {tuple(A._a.shape)} and "
            f"{tuple(B._a.shape)}"
        )
    if left:
        return _into(triangular_op(A, B, upper, unitriangular), out)
    return _into(triangular_op(A.mT, B.mT, not upper, unitriangular).mT, out)


def triangular_solve(
    b: Tensor, A: Tensor, upper: bool = True, transpose: bool = False, unitriangular: bool = False
) -> Any:
    """``X`` with ``A @ X = b`` and a copy of A, as torch's older function has it.

    >>> import tensor_core as torch
    >>> torch.triangular_solve(torch.ones(1, 1), torch.eye(1) * 2).solution
    tensor([[0.5000]])
    """
    if transpose:
        X = solve_triangular(A.mT, b, upper=not upper, unitriangular=unitriangular)
    else:
        X = solve_triangular(A, b, upper=upper, unitriangular=unitriangular)
    return return_types.triangular_solve((X, A.clone()))


# -- least squares -------------------------------------------------------------------------------


def lstsq(A: Tensor, B: Tensor, rcond: float | None = None, *, driver: str | None = None) -> Any:
    """``X`` for which ``A @ X`` is nearest to ``B``, the shortest such X if there are several.

    Returns solution, residuals (the squared distances, if A is tall and of full rank), rank and
    singular values (for the drivers "gelsd" and "gelss").

    Raises:
        RuntimeError: the shapes do not fit, or the driver is unknown.

    >>> import tensor_core as torch
    >>> A = torch.tensor([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
    >>> torch.linalg.lstsq(A, torch.tensor([[1.0], [3.0], [5.0]])).solution
    tensor([[1.0000],
            [2.0000]])
    """
    from .singular import pinv

    matrices("torch.linalg.lstsq", A)
    kind = "gelsy" if driver is None else driver
    if kind not in ("gels", "gelsy", "gelsd", "gelss"):
        raise RuntimeError(
            "torch.linalg.lstsq: parameter `driver` should be one of (gels, gelsy, gelsd, gelss), "
            f"not {driver!r}"
        )
    vector = _is_vector(A.mT, B) if B._a.ndim == A._a.ndim - 1 else False
    rhs = B.unsqueeze(-1) if vector else B
    m, n = A._a.shape[-2:]
    if rhs._a.ndim < 2 or rhs._a.shape[-2] != m:
        raise RuntimeError(
            f"torch.linalg.lstsq: input.size(-2) should match other.size(-2), but they are "
            f"{tuple(A._a.shape)} and {tuple(B._a.shape)}"
        )
    eps = np.finfo(A._a.dtype).eps
    tolerance = float(eps * max(m, n)) if rcond is None else rcond
    s = np.linalg.svd(A._a, compute_uv=False)
    rank = (s > tolerance * s.max(-1, initial=0, keepdims=True)).sum(-1)
    X = matmul(pinv(A, rtol=tolerance), rhs)
    residuals = wrap(np.empty(0, A._a.real.dtype))
    if (m > n and (rank == n).all() and kind != "gelsy") or (
        m > n and kind == "gelsy" and (rank == n).all() and A._a.ndim >= 2
    ):
        residuals = (matmul(A, X) - rhs).abs().square().sum(-2)
    ranks = np.empty(0, np.int64) if kind == "gels" else np.asarray(rank, np.int64)
    values = s if kind in ("gelsd", "gelss") else np.empty(0, A._a.real.dtype)
    solution = X.squeeze(-1) if vector else X
    return return_types.linalg_lstsq((solution, residuals, wrap(ranks), wrap(values)))


# -- tensors as matrices -------------------------------------------------------------------------


@composed(
    torch="linalg.tensorinv",
    cases=lambda rng: iter([Case(well(rng, 6, 6).reshape(2, 3, 6), 2)]),
)
def tensorinv(A: Tensor, ind: int = 2, *, out: Any = None) -> Tensor:
    """The inverse of ``A`` as a matrix from its last dimensions to its first ``ind``.

    >>> import tensor_core as torch
    >>> torch.linalg.tensorinv(torch.eye(6).reshape(2, 3, 6)).shape
    torch.Size([6, 2, 3])
    """
    from .inverses import inv

    shape = A._a.shape
    if ind <= 0:
        raise RuntimeError(f"Expected a strictly positive integer for 'ind', not {ind}")
    rows, columns = math.prod(shape[:ind]), math.prod(shape[ind:])
    if rows != columns:
        raise RuntimeError(
            f"Expected self to satisfy the requirement prod(self.shape[ind:]) == "
            f"prod(self.shape[:ind]), but got {columns} != {rows}"
        )
    return _into(inv(A.reshape(rows, columns)).reshape((*shape[ind:], *shape[:ind])), out)


@composed(
    torch="linalg.tensorsolve",
    cases=lambda rng: iter([Case(well(rng, 6, 6).reshape(2, 3, 6), rng.normal(size=(2, 3)))]),
)
def tensorsolve(A: Tensor, B: Tensor, dims: Any = None, *, out: Any = None) -> Tensor:
    """``X`` with ``tensordot(A, X, X.ndim) = B``.

    >>> import tensor_core as torch
    >>> A = torch.eye(6).reshape(2, 3, 6)
    >>> torch.linalg.tensorsolve(A, torch.ones(2, 3)).shape
    torch.Size([6])
    """
    if dims is not None:
        A = A.movedim(tuple(dims), tuple(range(-len(dims), 0)))
    rest = A._a.shape[B._a.ndim :]
    n = math.prod(rest)
    if math.prod(A._a.shape[: B._a.ndim]) != n:
        raise RuntimeError(
            f"Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == "
            f"prod(self.shape[:other.ndim]), but got {n} and {math.prod(A._a.shape[: B._a.ndim])}"
        )
    return _into(solve(A.reshape(n, n), B.reshape(-1)).reshape(rest), out)
