"""QR: an orthonormal basis of the columns, and the triangle that they are of it.

The derivative is that of Seeger et al. (2017), "Auto-Differentiating Linear Algebra", section
3.3; wide matrices after Roberts and Roberts (2020), "QR and LQ Decomposition Matrix
Backpropagation Algorithms for Square, Wide, and Deep Matrices".
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import return_types
from .._card import Case
from .._define import op
from .._op import write_out
from .._tensor import Tensor, wrap
from ._shared import hermitian, matrices
from .solving import triangular_op


def _cases(rng: np.random.Generator) -> Any:
    for shape in ((4, 2), (3, 3), (2, 4, 3), (2, 3)):  # R's signs are those of the diagonal
        yield Case(rng.normal(size=shape) * 0.5 + 2 * np.eye(*shape[-2:]))


@op(name="linalg_qr", torch="linalg.qr", cases=_cases, kinks="where columns are dependent")
def qr_op(x: Any, /, mode: Any = "reduced") -> Any:
    """``Q`` with orthonormal columns and an upper triangular ``R`` with ``x = Q @ R``.

    >>> import tensor_core as torch
    >>> torch.linalg.qr(torch.tensor([[3.0], [4.0]])).R
    tensor([[-5.]])
    """
    q, r = np.linalg.qr(x, mode)
    return q, r


@qr_op.vjp
def _(g: Any, y: Any, mode: Any) -> Any:
    (q, r), (gq, gr) = y, g
    m, n = q.shape[-2], r.shape[-1]
    if mode != "reduced" and m > n:
        raise RuntimeError(
            "linalg.qr: the derivative exists for mode='reduced' alone (or for matrices with no "
            "more rows than columns)"
        )
    if m >= n:
        return _tall(q, r, gq, gr)
    # The first m columns determine Q, and with it what R makes of the rest.
    head, rest = r[..., :m], r[..., m:]
    gq = gq + (q @ rest) @ hermitian(gr[..., m:])
    return np.concatenate([_tall(q, head, gq, gr[..., :m]), q @ gr[..., m:]], -1)


def _tall(q: Any, r: Any, gq: Any, gr: Any) -> Any:
    m = r @ hermitian(gr) - hermitian(gq) @ q
    lower = np.tril(m, -1)
    symmetric = lower + hermitian(lower) + _real_diagonal(m)
    return hermitian(triangular_op.plain(r, hermitian(gq + q @ symmetric), True))


def _real_diagonal(m: Any) -> Any:
    mine = m * np.eye(m.shape[-1], dtype=bool)
    return (mine + hermitian(mine)) / 2


def qr(A: Tensor, mode: str = "reduced", *, out: Any = None) -> Any:
    """``Q`` and ``R`` with ``A = Q @ R``; ``mode`` is "reduced", "complete" or "r" (R alone).

    Shapes: (..., m, n) -> (..., m, k), (..., k, n) with k = min(m, n), or m when complete.

    Raises:
        RuntimeError: another mode.

    >>> import tensor_core as torch
    >>> Q, R = torch.linalg.qr(torch.tensor([[0.0, 1.0], [1.0, 0.0]]))
    >>> (Q @ R).abs()
    tensor([[0., 1.],
            [1., 0.]])
    """
    matrices("linalg.qr", A)
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(
            f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), "
            "'r', or 'complete'"
        )
    if mode == "r":
        if A.requires_grad:
            A = A.detach()
        Q, R = qr_op(A, "reduced")
        Q = wrap(np.empty(0, A._a.dtype))
    else:
        Q, R = qr_op(A, mode)
    if out is not None:
        write_out(Q, out[0])
        write_out(R, out[1])
    return return_types.linalg_qr((Q, R))


def torch_qr(input: Tensor, some: bool = True, *, out: Any = None) -> Any:
    """``Q`` and ``R``, complete where not only ``some`` columns are wanted.

    >>> import tensor_core as torch
    >>> torch.qr(torch.tensor([[2.0]])).R.abs()
    tensor([[2.]])
    """
    return return_types.qr(qr(input, "reduced" if some else "complete", out=out))
