"""Inverses and determinants of square matrices, their powers and exponentials.

The derivatives are those of Giles (2008), "An extended collection of matrix derivative results
for forward and reverse mode algorithmic differentiation", sections 2.2.2 to 2.2.4.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import return_types
from .._card import Case, composed
from .._define import op
from .._op import write_out
from .._tensor import Tensor, wrap
from ..ops.complex import holds_complex
from ..ops.contract import matmul
from ..ops.view import expand
from ._shared import LinAlgError, diagonal_of, hermitian, kind_of, matrices


def mT(x: Any) -> Any:
    """Matrices transposed, not conjugated."""
    return np.swapaxes(x, -1, -2)


def well(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Square matrices far from singular."""
    return rng.normal(size=shape) * 0.5 + 2 * np.eye(shape[-1])


def _square_cases(rng: np.random.Generator) -> Any:
    yield Case(well(rng, 3, 3))
    yield Case(well(rng, 2, 2, 2))
    yield Case(well(rng, 1, 1))
    yield Case(np.zeros((0, 2, 2)))
    yield Case(np.zeros((0, 0)))


def _singular(x: np.ndarray) -> str:
    """Which matrix of a batch, and where elimination meets a zero."""
    from .lu import eliminate

    flat = x.reshape(-1, *x.shape[-2:])
    for i, m in enumerate(flat):
        zero = diagonal_of(eliminate(m[None])[0])[0] == 0
        if zero.any():
            batch = f"(Batch element {i}): " if x.ndim > 2 else ""
            return f"{batch}The diagonal element {int(zero.argmax()) + 1} is zero"
    return "A pivot is zero"


@op(name="inv", torch="linalg.inv", cases=_square_cases)
def inv_op(x: Any, /) -> Any:
    """The inverse of square matrices. Shapes: (..., n, n) -> same.

    >>> import tensor_core as torch
    >>> torch.linalg.inv(torch.tensor([[2.0, 0.0], [0.0, 4.0]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.2500]])
    """
    try:
        return np.linalg.inv(x)
    except np.linalg.LinAlgError:
        raise LinAlgError(
            f"linalg.inv: {_singular(x)}, the inversion could not be completed because the input "
            "matrix is singular."
        ) from None


@inv_op.vjp
def _(g: Any, y: Any) -> Any:
    return -(mT(y) @ g @ mT(y))


def _into(result: Tensor, out: Tensor | None) -> Tensor:
    return result if out is None else write_out(result, out)


def inv(A: Tensor, *, out: Any = None) -> Tensor:
    """The inverse of square matrices. Shapes: (..., n, n) -> same.

    Raises:
        LinAlgError: a matrix is singular.
        RuntimeError: they are not square matrices of floating-point numbers.

    >>> import tensor_core as torch
    >>> torch.linalg.inv(torch.tensor([[0.0, 1.0], [2.0, 0.0]]))
    tensor([[0.0000, 0.5000],
            [1.0000, 0.0000]])
    """
    return _into(inv_op(matrices("linalg.inv", A, True)), out)


inverse = inv


def inv_ex(A: Tensor, *, check_errors: bool = False, out: Any = None) -> Any:
    """The inverse, and for each matrix 0 or the place of the zero pivot that made it fail.

    A matrix that has no inverse gives NaN.

    >>> import tensor_core as torch
    >>> torch.linalg.inv_ex(torch.eye(2)).info
    tensor(0, dtype=torch.int32)
    """
    matrices("linalg.inv", A, True)
    info = zero_pivots(A._a)
    if check_errors or not info.any():
        return return_types.linalg_inv_ex((inv(A), wrap(info)))
    bad = wrap((info != 0)[..., None, None])
    safe = inv(A.masked_fill(bad, 0) + bad * wrap(np.eye(A._a.shape[-1], dtype=A._a.dtype)))
    return return_types.linalg_inv_ex((safe.masked_fill(bad, math.nan), wrap(info)))


def zero_pivots(a: np.ndarray) -> np.ndarray:
    """For each matrix the number (from 1) of the first zero pivot, 0 if there is none."""
    from .lu import eliminate

    zero = diagonal_of(eliminate(a)[0]) == 0
    first = np.where(zero.any(-1), zero.argmax(-1) + 1, 0)
    return np.asarray(first, np.int32)


# -- determinants --------------------------------------------------------------------------------


def _det_cases(rng: np.random.Generator) -> Any:
    yield Case(well(rng, 3, 3))
    yield Case(well(rng, 2, 2, 2))
    yield Case(np.zeros((0, 2, 2)))


@op(name="det", torch="linalg.det", cases=_det_cases)
def det_op(x: Any, /) -> Any:
    """The determinant of square matrices. Shapes: (..., n, n) -> (...).

    >>> import tensor_core as torch
    >>> torch.linalg.det(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor(-2.)
    """
    return np.asarray(np.linalg.det(x))


@det_op.vjp
def _(g: Any, y: Any, x: Any) -> Any:
    recorded = isinstance(g, Tensor)
    if (recorded and kind_of(y).kind == "c") or _regular(_array(y), _array(x), recorded):
        return (g * y)[..., None, None] * mT(inv_op.plain(x))
    return g[..., None, None] * (minors(x) if recorded else cofactors(x))


def _array(x: Any) -> np.ndarray:
    return x._a if isinstance(x, Tensor) else x


def _regular(y: np.ndarray, x: np.ndarray, recorded: bool) -> bool:
    """Whether the inverse serves; a large matrix may have a small determinant and still be far
    from singular, which is worth a look where minors would cost more."""
    if y.dtype.kind == "f" and (np.abs(y) > 1e-12).all():
        return True
    return recorded and bool((np.linalg.cond(x) < 1e12).all())


def cofactors(x: np.ndarray) -> np.ndarray:
    """The transposed adjugate, which exists for singular matrices too: from the singular values."""
    u, s, vh = np.linalg.svd(x)
    n = x.shape[-1]
    others = np.where(np.eye(n, dtype=bool), 1, s[..., None, :]).prod(-1)  # product of the others
    unitary = np.linalg.det(u) * np.linalg.det(vh)
    return unitary[..., None, None] * (u.conj() * others[..., None, :]) @ vh.conj()


def minors(x: Any) -> Any:
    """The transposed adjugate from determinants one size smaller. Shapes: (..., n, n) -> same.

    Differentiable at singular matrices to any order, for n**4 numbers of memory.
    """
    n = x.shape[-1]
    others = np.array([[j for j in range(n) if j != i] for i in range(n)], int).reshape(n, -1)
    parts = x[..., others[:, None, :, None], others[None, :, None, :]]  # (..., n, n, n-1, n-1)
    signs = 1 - 2 * (np.add.outer(np.arange(n), np.arange(n)) % 2)
    return det_op.plain(parts) * signs.astype(kind_of(x))


def det(A: Tensor, *, out: Any = None) -> Tensor:
    """The determinant of square matrices. Shapes: (..., n, n) -> (...).

    >>> import tensor_core as torch
    >>> torch.det(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor(-2.)
    """
    return _into(det_op(matrices("linalg.det", A, True)), out)


@op(name="slogdet", torch="linalg.slogdet", cases=_square_cases)
def slogdet_op(x: Any, /) -> Any:
    """The sign of the determinant and the logarithm of its size.

    >>> import tensor_core as torch
    >>> torch.linalg.slogdet(torch.tensor([[1.0, 2.0], [3.0, 4.0]])).sign
    tensor(-1.)
    """
    sign, log = np.linalg.slogdet(x)
    return np.asarray(sign, x.dtype), np.asarray(log, x.real.dtype)


@slogdet_op.vjp
def _(g: Any, y: Any, x: Any) -> Any:
    if not holds_complex(x):  # the sign of real numbers is constant
        return g[1][..., None, None] * mT(inv_op.plain(x))
    turned = -np.imag(np.conjugate(g[0]) * y[0])  # the sign of complex ones turns
    return (g[1] + 1j * turned)[..., None, None] * hermitian(inv_op.plain(x))


def _slogdet(A: Tensor, name: str, out: Any) -> Any:
    result = getattr(return_types, name)(slogdet_op(matrices("linalg.slogdet", A, True)))
    if out is not None:
        write_out(result[0], out[0])
        write_out(result[1], out[1])
    return result


def slogdet(A: Tensor, *, out: Any = None) -> Any:
    """The sign of the determinant and the logarithm of its size, which cannot overflow.

    >>> import tensor_core as torch
    >>> torch.linalg.slogdet(torch.eye(2) * 2).logabsdet
    tensor(1.3863)
    """
    return _slogdet(A, "linalg_slogdet", out)


def torch_slogdet(input: Tensor, *, out: Any = None) -> Any:
    """The sign of the determinant and the logarithm of its size.

    >>> import tensor_core as torch
    >>> torch.slogdet(torch.eye(2)).sign
    tensor(1.)
    """
    return _slogdet(input, "slogdet", out)


def _logdet_cases(rng: np.random.Generator) -> Any:
    for case in _square_cases(rng):
        yield Case(case.args[0] @ np.swapaxes(case.args[0], -1, -2))


@composed(torch="logdet", cases=_logdet_cases)
def logdet(input: Tensor) -> Tensor:
    """The logarithm of the determinant; NaN where that is negative. Shapes: (..., n, n) -> (...).

    >>> import tensor_core as torch
    >>> torch.logdet(torch.eye(3)), torch.logdet(-torch.eye(3))
    (tensor(0.), tensor(nan))
    """
    sign, log = slogdet(input)
    if sign.is_complex():
        return sign.log() + log
    negative = wrap(np.asarray(sign._a < 0))
    return log.masked_fill(negative, math.nan) if negative._a.any() else log


# -- powers --------------------------------------------------------------------------------------


def _power_cases(rng: np.random.Generator) -> Any:
    for n in (3, -2, 1, 0):
        yield Case(well(rng, 2, 2), n)


@composed(torch="linalg.matrix_power", cases=_power_cases)
def matrix_power(A: Tensor, n: int, *, out: Any = None) -> Tensor:
    """The n-th power of square matrices by repeated squaring; negative powers of the inverse.

    >>> import tensor_core as torch
    >>> torch.linalg.matrix_power(torch.tensor([[1.0, 1.0], [0.0, 1.0]]), 5)
    tensor([[1., 5.],
            [0., 1.]])
    """
    a = A._a
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise RuntimeError(
            "linalg.matrix_power: A must be batches of square matrices, but they are of shape "
            f"{list(a.shape)}"
        )
    if n == 0:
        identity = wrap(np.eye(a.shape[-1], dtype=a.dtype))
        return _into(
            expand(identity, a.shape).clone() + A * 0
            if A._rg
            else expand(identity, a.shape).clone(),
            out,
        )
    if n < 0:
        A, n = inv(A), -n
    result: Tensor | None = None
    while n:
        if n & 1:
            result = A if result is None else matmul(result, A)
        n >>= 1
        A = matmul(A, A) if n else A
    assert result is not None
    return _into(result.clone() if result._a is a else result, out)


@op(name="matrix_exp", torch="linalg.matrix_exp", cases=_square_cases)
def matrix_exp_op(x: Any, /) -> Any:
    """The matrix exponential by scaling, a Taylor polynomial and squaring. Shapes: (..., n, n).

    Its derivative is the upper right block of the exponential of ``[[A, G], [0, A]]``
    (Mathias 1996, "A chain rule for matrix functions and applications").

    >>> import tensor_core as torch
    >>> torch.linalg.matrix_exp(torch.zeros(2, 2))
    tensor([[1., 0.],
            [0., 1.]])
    """
    if x.shape[-1] != x.shape[-2]:  # an empty one would else come back as it is
        raise RuntimeError(
            "linalg.matrix_exp: A must be batches of square matrices, but they are "
            f"{x.shape[-2]} by {x.shape[-1]} matrices"
        )
    if not x.size:
        return x.copy()
    size = np.abs(x).sum(-2).max(-1)  # the 1-norm of each matrix
    with np.errstate(divide="ignore"):
        halvings = np.maximum(np.ceil(np.log2(np.where(size > 0, size, 1) / 0.5)), 0).astype(int)
    scaled = x / np.exp2(halvings)[..., None, None].astype(x.real.dtype)
    y = np.broadcast_to(np.eye(x.shape[-1], dtype=x.dtype), x.shape)
    for k in range(16, 0, -1):  # Horner: of norm 1/2, 16 terms leave 1e-19
        y = np.eye(x.shape[-1], dtype=x.dtype) + scaled @ y / x.dtype.type(k)
    for step in range(int(halvings.max(initial=0))):
        y = np.where((halvings > step)[..., None, None], y @ y, y)
    return y


@matrix_exp_op.vjp
def _(g: Any, x: Any) -> Any:
    n = x.shape[-1]
    a = mT(x)
    top = np.concatenate([a, g], -1)
    below = np.concatenate([a * 0, a], -1)
    return matrix_exp_op.plain(np.concatenate([top, below], -2))[..., :n, n:]


def matrix_exp(A: Tensor) -> Tensor:
    """The matrix exponential of square matrices. Shapes: (..., n, n) -> same.

    >>> import tensor_core as torch
    >>> torch.matrix_exp(torch.tensor([[0.0, 1.0], [0.0, 0.0]]))
    tensor([[1., 1.],
            [0., 1.]])
    """
    return matrix_exp_op(matrices("linalg.matrix_exp", A, True))
