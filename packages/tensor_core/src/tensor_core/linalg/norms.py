"""Norms of vectors and matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._card import Case, composed
from .._define import op
from .._op import write_out
from .._tensor import Tensor
from ..ops.reduce import axes_of, kept
from ._shared import matrices


def _vector_cases(rng: np.random.Generator) -> Any:
    x = rng.uniform(0.3, 2.0, (2, 3)) * rng.choice([-1.0, 1.0], (2, 3))
    for p in (2, 1, 3.0, 0.5, -1):
        yield Case(x, p)
    yield Case(x, 2.5, 1, True)
    yield Case(np.linspace(-1, 1.3, 6).reshape(2, 3), float("inf"), 0)
    yield Case(np.linspace(-1, 1.3, 6).reshape(2, 3), float("-inf"), 1)


@op(name="vector_norm", cases=_vector_cases, kinks="zeros and ties")
def vector_norm_op(x: Any, /, ord: Any = 2, dim: Any = None, keepdim: bool = False) -> Any:
    """The p-norm ``sum(|x|^p)^(1/p)``; its derivative at zero vectors is 0, as torch has it.

    >>> import tensor_core as torch
    >>> torch.linalg.vector_norm(torch.tensor([3.0, 4.0]))
    tensor(5.)
    """
    axes = axes_of(dim, x.ndim)
    size = np.abs(x)
    if ord == 2:
        return np.sqrt((size * size).sum(axis=axes, keepdims=keepdim))
    if ord == 1:
        return size.sum(axis=axes, keepdims=keepdim)
    if ord in (float("inf"), float("-inf")):
        return (np.max if ord > 0 else np.min)(size, axis=axes, keepdims=keepdim)
    if ord == 0:
        return (size != 0).astype(size.dtype).sum(axis=axes, keepdims=keepdim)
    with np.errstate(all="ignore"):
        return (size**ord).sum(axis=axes, keepdims=keepdim) ** size.dtype.type(1 / ord)


@vector_norm_op.vjp
def _(g: Any, y: Any, x: Any, ord: Any, dim: Any, keepdim: Any) -> Any:
    y, g = kept(y, x.shape, dim, keepdim), kept(g, x.shape, dim, keepdim)
    if ord == 0:
        return g * x * 0
    if ord == 1:
        return g * np.sign(x)
    if ord == 2:
        return g * x / np.where(y == 0, np.ones_like(y), y)
    if ord in (float("inf"), float("-inf")):
        ties = (np.abs(x) == y) * np.sign(x)
        return g * ties / np.maximum(_truths(ties, dim), 1)
    zero = (x == 0) | (y == 0)
    size = np.where(zero, np.ones_like(x), np.abs(x))
    scale = np.where(y == 0, np.ones_like(y), y)
    return g * np.where(zero, np.zeros_like(x), np.sign(x) * (size / scale) ** (ord - 1))


def _truths(ties: Any, dim: Any) -> Any:
    """How many elements reach the extreme, a constant of the derivative."""
    a = ties._a if isinstance(ties, Tensor) else ties
    count = (a != 0).sum(axis=axes_of(dim, a.ndim), keepdims=True)
    return count.astype(a.dtype)


def vector_norm(
    x: Tensor, ord: Any = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None,
    out: Any = None,
) -> Tensor:  # fmt: skip
    """The p-norm along ``dim``, or of all elements; p may be any number and ±inf.

    Raises:
        RuntimeError: the tensor is not of floating-point numbers, or is empty where the norm
            has no value for that.

    >>> import tensor_core as torch
    >>> x = torch.tensor([[3.0, 4.0], [0.0, 2.0]])
    >>> torch.linalg.vector_norm(x, dim=1), torch.linalg.vector_norm(x, float("inf"))
    (tensor([5., 2.]), tensor(4.))
    """
    if x._a.dtype.kind not in "fcV":
        raise RuntimeError(
            "linalg.vector_norm: Expected a floating point or complex tensor as input. "
            f"Got {x.dtype}"
        )
    if dtype is not None:
        x = x.to(dtype)
    if not x._a.size and (ord < 0 or ord == float("inf")):
        axes = axes_of(dim, x._a.ndim)
        if dim is None or any(x._a.shape[i] == 0 for i in axes):
            raise RuntimeError(
                f"linalg.vector_norm cannot compute the {ord} norm on an empty tensor because the "
                "operation does not have an identity"
            )
    dim = tuple(dim) if isinstance(dim, list) else dim
    result = vector_norm_op(x, ord, () if dim is None else dim, keepdim)
    return result if out is None else write_out(result, out)


def _matrix_cases(rng: np.random.Generator) -> Any:
    x = rng.uniform(0.5, 1, (2, 3)) * rng.choice([-1.0, 1.0], (2, 3))
    x = x * np.array([[1.0, 3, 9], [4, 12, 36]])  # no sum is near another, no element near 0
    for kind in ("fro", "nuc", 2, -2, 1, -1, float("inf"), float("-inf")):
        yield Case(x, kind)
    yield Case(rng.normal(size=(2, 3, 4)), "fro", (0, 2), True)
    yield Case(rng.normal(size=(2, 3, 4)), "nuc", (2, 0))


@composed(torch="linalg.matrix_norm", cases=_matrix_cases, kinks="ties")
def matrix_norm(
    A: Tensor, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, *, dtype: Any = None,
    out: Any = None,
) -> Tensor:  # fmt: skip
    """A norm of matrices: "fro", "nuc", 2, -2 (singular values), 1, -1, inf, -inf (sums).

    Raises:
        RuntimeError: another order, or dimensions that are not two different ones.

    >>> import tensor_core as torch
    >>> x = torch.tensor([[3.0, 0.0], [0.0, 4.0]])
    >>> torch.linalg.matrix_norm(x), torch.linalg.matrix_norm(x, "nuc")
    (tensor(5.), tensor(7.))
    """
    matrices("linalg.matrix_norm", A)
    if dtype is not None:
        A = A.to(dtype)
    axes = tuple(d % A._a.ndim for d in dim)
    if len(axes) != 2 or axes[0] == axes[1]:
        raise RuntimeError(f"linalg.matrix_norm: dim must be two different ones. Got {tuple(dim)}")
    if ord == "fro":
        result = vector_norm(A, 2, axes, keepdim)
    elif ord in ("nuc", 2, -2):
        result = _of_singular_values(A, ord, axes, keepdim)
    elif ord in (1, -1, float("inf"), float("-inf")):
        over, along = axes if ord in (1, -1) else axes[::-1]
        sums = vector_norm(A, 1, over, True)
        result = (sums.amax if ord > 0 else sums.amin)(along, True)
        result = result if keepdim else result.squeeze(axes)
    else:
        raise RuntimeError(
            f"linalg.matrix_norm: Order {ord} not supported; it must be 'fro', 'nuc', or one of "
            "±1, ±2, ±inf"
        )
    return result if out is None else write_out(result, out)


def _of_singular_values(A: Tensor, ord: Any, axes: tuple[int, ...], keepdim: bool) -> Tensor:
    from .singular import svdvals

    s = svdvals(A.movedim(axes, (-2, -1)))
    if ord == "nuc":
        result = s.sum(-1)
    else:
        result = s.amax(-1) if ord == 2 else s.amin(-1)
    if keepdim:
        for axis in sorted(axes):
            result = result.unsqueeze(axis)
    return result


def _norm_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(2, 3)))
    yield Case(rng.normal(size=(2, 3)), "nuc")
    yield Case(rng.normal(size=(2, 3)), 3, 1)
    yield Case(rng.normal(size=4), 1)


@composed(torch="linalg.norm", cases=_norm_cases, kinks="zeros and ties")
def linalg_norm(
    A: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False, *, out: Any = None,
    dtype: Any = None,
) -> Tensor:  # fmt: skip
    """A vector norm of all elements or along one dimension, or a matrix norm over two.

    >>> import tensor_core as torch
    >>> x = torch.tensor([[3.0, 0.0], [0.0, 4.0]])
    >>> torch.linalg.norm(x), torch.linalg.norm(x, 1), torch.linalg.norm(x[0], 1)
    (tensor(5.), tensor(4.), tensor(3.))
    """
    n = A._a.ndim
    if dim is not None:
        dims = (dim,) if isinstance(dim, int) else tuple(dim)
        if ord is not None and len(dims) == 2:
            return matrix_norm(A, ord, dims, keepdim, dtype=dtype, out=out)
        if isinstance(ord, str) and len(dims) != 2:
            raise RuntimeError(f"linalg.norm: order {ord!r} needs two dimensions, got {dims}")
        return vector_norm(A, 2 if ord is None else ord, dims, keepdim, dtype=dtype, out=out)
    if ord is None:
        flat = A if keepdim else A.reshape(-1)
        return vector_norm(flat, 2, None, keepdim, dtype=dtype, out=out)
    if n not in (1, 2):
        raise RuntimeError(
            "linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. "
            f"Got {n}D."
        )
    if n == 2:
        return matrix_norm(A, ord, (-2, -1), keepdim, dtype=dtype, out=out)
    if isinstance(ord, str):
        raise RuntimeError(f"linalg.norm: order {ord!r} needs a matrix, not a vector")
    return vector_norm(A, ord, None, keepdim, dtype=dtype, out=out)


norm = linalg_norm
