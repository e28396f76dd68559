"""Matrices with orthonormal columns as functions of unconstrained ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import ops
from ..._creation import eye, zeros_like
from ..._grad_mode import no_grad
from ..._tensor import Tensor, wrap
from ..module import Module

MAPS = ("matrix_exp", "cayley", "householder")


def _is_orthogonal(q: np.ndarray) -> bool:
    n, k = q.shape[-2:]
    tolerance = 10.0 * n * np.finfo(q.dtype).eps
    return bool(np.allclose(np.swapaxes(q, -1, -2) @ q, np.eye(k), atol=tolerance))


def _made_orthogonal(a: np.ndarray) -> np.ndarray:
    """The Q of QR with a positive diagonal of R: the nearest choice of signs."""
    q, r = np.linalg.qr(a)
    diagonal = np.diagonal(r, axis1=-2, axis2=-1)
    return q * np.sign(diagonal)[..., None, :]


def _diagonal(n: int, k: int, value: float, like: Tensor) -> Tensor:
    out = zeros_like(like)
    for i in range(min(n, k)):
        out[..., i, i] = value
    return out


class _Orthogonal(Module):
    """From any matrix to one with orthonormal columns (rows, where there are fewer of them).

    "matrix_exp" and "cayley" go through a skew-symmetric matrix, "householder" through
    reflections. With ``base`` the result is measured from the matrix of the start.
    """

    base: Tensor

    def __init__(
        self, weight: Tensor, orthogonal_map: str, *, use_trivialization: bool = True
    ) -> None:
        super().__init__()
        self.shape = weight.shape
        self.orthogonal_map = orthogonal_map
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, X: Tensor) -> Any:
        """The orthogonal matrix. Shapes: (..., n, k) -> same."""
        n, k = X.shape[-2:]
        transposed = n < k
        if transposed:
            X, n, k = X.mT, k, n
        q: Any = self._reflections(X) if self.orthogonal_map == "householder" else self._skew(X)
        if hasattr(self, "base"):
            q = self.base @ q
        return q.mT if transposed else q

    def _skew(self, x: Tensor) -> Any:
        from ... import linalg

        n, k = x.shape[-2:]
        x = ops.tril(x)
        if n != k:
            x = ops.cat([x, x.new_zeros((*x.shape[:-2], n, n - k))], dim=-1)
        a = x - x.mT
        if self.orthogonal_map == "matrix_exp":
            q: Any = linalg.matrix_exp(a)
        else:
            one = eye(n, dtype=a.dtype)
            q = linalg.solve(one - 0.5 * a, one + 0.5 * a)
        return q[..., :k] if n != k else q

    def _reflections(self, x: Tensor) -> Any:
        from ... import linalg

        a = ops.tril(x, -1)
        tau = 2.0 / (1.0 + (a * a).sum(-2))
        signs = wrap(np.trunc(np.diagonal(x.detach()._a, axis1=-2, axis2=-1))[..., None, :])
        return linalg.householder_product(a, tau) * signs

    def right_inverse(self, Q: Tensor) -> Any:
        """The matrix to learn from so that the result is ``Q``, made orthogonal if it is not.

        Raises:
            NotImplementedError: a map through skew matrices without a base.
        """
        if tuple(Q.shape) != tuple(self.shape):
            raise ValueError(
                f"Expected a matrix or batch of matrices of shape {self.shape}. Got a tensor of "
                f"shape {Q.shape}."
            )
        with no_grad():
            return self._based(Q) if hasattr(self, "base") else self._unbased(Q)

    def _based(self, Q: Tensor) -> Tensor:
        """Keep Q as the base; minus one stands for no reflection and no turn."""
        n, k = Q.shape[-2:]
        tall = Q.mT if n < k else Q
        q: np.ndarray = tall.detach()._a
        rows, columns = q.shape[-2:]
        if rows != columns:
            drawn = ops.randn((*q.shape[:-2], rows, rows - columns), dtype=Q.dtype)
            q = _made_orthogonal(np.concatenate([q, drawn._a], axis=-1))
        elif not _is_orthogonal(q):
            q = _made_orthogonal(q)
        self.base = wrap(np.array(q))
        return _diagonal(n, k, -1.0, Q)

    def _unbased(self, Q: Tensor) -> Tensor:
        if self.orthogonal_map != "householder":
            raise NotImplementedError(
                "It is not possible to assign to the matrix exponential or the Cayley "
                "parametrizations when use_trivialization=False."
            )
        transposed = Q.shape[-2] < Q.shape[-1]
        q: np.ndarray = (Q.mT if transposed else Q).detach()._a
        flat = q.reshape(-1, *q.shape[-2:])
        out = np.stack([_as_reflections(one) for one in flat]).reshape(q.shape)
        return wrap(np.ascontiguousarray(np.swapaxes(out, -1, -2) if transposed else out))


def _as_reflections(q: np.ndarray) -> np.ndarray:
    """LAPACK's reflections of a matrix below the diagonal, and on it the signs."""
    raw, tau = np.linalg.qr(q, mode="raw")
    a = np.array(raw.T)
    for i in range(min(a.shape)):
        a[i, i] = np.sign(a[i, i]) * (-1 if tau[i] == 0 else 1)
    return a
