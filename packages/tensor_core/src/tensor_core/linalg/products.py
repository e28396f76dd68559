"""Products of vectors and of several matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._card import Case, composed
from .._tensor import Tensor, wrap
from ..ops.contract import matmul as _matmul
from ..ops.matrix import cross as _cross
from ..ops.view import diagonal as _diagonal
from .inverses import _into


def matmul(input: Tensor, other: Tensor, *, out: Any = None) -> Tensor:
    """The matrix product; see ``torch.matmul``.

    >>> import tensor_core as torch
    >>> torch.linalg.matmul(torch.eye(1) * 2, torch.eye(1) * 3)
    tensor([[6.]])
    """
    return _into(_matmul(input, other), out)


def cross(input: Tensor, other: Tensor, *, dim: int = -1, out: Any = None) -> Tensor:
    """The vector product along ``dim``, which has length 3. Shapes broadcast.

    >>> import tensor_core as torch
    >>> torch.linalg.cross(torch.tensor([1, 0, 0]), torch.tensor([0, 1, 0]))
    tensor([0, 0, 1])
    """
    return _cross(input, other, dim, out=out)


def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """The diagonals of matrices (views). Shapes: (..., n, n) -> (..., n).

    >>> import tensor_core as torch
    >>> torch.linalg.diagonal(torch.tensor([[1, 2], [3, 4]]))
    tensor([1, 4])
    """
    return _diagonal(A, offset, dim1, dim2)


def _pair_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(2, 3)), rng.normal(size=(2, 3)))
    yield Case(rng.normal(size=(2, 1, 3)), rng.normal(size=(4, 3)))


@composed(torch="linalg.vecdot", cases=_pair_cases)
def vecdot(x: Tensor, y: Tensor, *, dim: int = -1, out: Any = None) -> Tensor:
    """Inner products along ``dim``, the first conjugated. Shapes broadcast.

    >>> import tensor_core as torch
    >>> torch.linalg.vecdot(torch.tensor([[1, 2], [3, 4]]), torch.tensor([1, 1]))
    tensor([3, 7])
    """
    conjugate: Any = np.conjugate(x) if x._a.dtype.kind == "c" else x  # type: ignore[call-overload]
    return _into((conjugate * y).sum(dim), out)


def multi_dot(tensors: Any, *, out: Any = None) -> Tensor:
    """The product of several matrices in the order of least work; the ends may be vectors.

    The order is found by dynamic programming (Cormen et al., "Introduction to Algorithms", 15.2).

    Raises:
        RuntimeError: there are fewer than two, or their sizes do not fit.

    >>> import tensor_core as torch
    >>> torch.linalg.multi_dot([torch.ones(2), torch.ones(2, 3), torch.ones(3)])
    tensor(6.)
    """
    items = list(tensors)
    if len(items) < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {len(items)}")
    row, column = items[0]._a.ndim == 1, items[-1]._a.ndim == 1
    if row:
        items[0] = items[0].unsqueeze(0)
    if column:
        items[-1] = items[-1].unsqueeze(-1)
    for i, t in enumerate(items):
        if t._a.ndim != 2:
            raise RuntimeError(f"multi_dot(): tensor {i} must be 2D but got {t._a.ndim}D")
    sizes = [t._a.shape[0] for t in items] + [items[-1]._a.shape[1]]
    result = _multiply(items, _splits(sizes), 0, len(items) - 1)
    if row:
        result = result.squeeze(0)
    return _into(result.squeeze(-1) if column else result, out)


def _splits(sizes: list[int]) -> dict[tuple[int, int], int]:
    """Where to cut each stretch of matrices so that the products cost least."""
    n = len(sizes) - 1
    cost = dict.fromkeys(((i, i) for i in range(n)), 0)
    cut: dict[tuple[int, int], int] = {}
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            options = (
                (cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k)
                for k in range(i, j)
            )
            cost[i, j], cut[i, j] = min(options)
    return cut


def _multiply(items: list[Tensor], cut: dict[tuple[int, int], int], i: int, j: int) -> Tensor:
    if i == j:
        return items[i]
    k = cut[i, j]
    return _matmul(_multiply(items, cut, i, k), _multiply(items, cut, k + 1, j))


def _vander_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=4))
    yield Case(rng.normal(size=(2, 3)), N=2)


@composed(torch="linalg.vander", cases=_vander_cases)
def vander(x: Tensor, *, N: int | None = None) -> Tensor:
    """Powers 0 to N - 1 of each element, along a new last dimension.

    Shapes: (..., n) -> (..., n, N).

    >>> import tensor_core as torch
    >>> torch.linalg.vander(torch.tensor([2, 3]))
    tensor([[1, 2],
            [1, 3]])
    """
    count = x._a.shape[-1] if N is None else N
    if count <= 1:
        raise RuntimeError(f"N must be greater than 1, not {count}")
    powers = [x * 0 + 1]
    while len(powers) < count:
        powers.append(powers[-1] * x)
    from ..ops.join import stack

    return stack(powers, -1)


# -- Householder ---------------------------------------------------------------------------------


def _reflector_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(4, 2)), rng.uniform(0.5, 1.5, 2))
    yield Case(rng.normal(size=(2, 3, 3)), rng.uniform(0.5, 1.5, (2, 2)))


@composed(torch="linalg.householder_product", cases=_reflector_cases)
def householder_product(A: Tensor, tau: Tensor, *, out: Any = None) -> Tensor:
    """The first columns of ``H1 @ H2 ...``, each ``H = I - tau v v^H`` of a column of ``A``.

    The elements above the diagonal do not count, and 1 stands on it, as LAPACK stores reflectors.
    Shapes: (..., m, n), (..., k) -> (..., m, n).

    >>> import tensor_core as torch
    >>> torch.linalg.householder_product(torch.zeros(2, 1), torch.tensor([2.0]))
    tensor([[-1.],
            [ 0.]])
    """
    m, n = A._a.shape[-2:]
    if m < n or tau._a.shape[-1] > n:
        raise RuntimeError(
            f"linalg.householder_product: A of shape {list(A._a.shape)} and tau of "
            f"{list(tau._a.shape)} must be (..., m, n) and (..., k) with m >= n >= k"
        )
    below = A.tril(-1) + wrap(np.eye(m, n, dtype=A._a.dtype))
    result = wrap(np.broadcast_to(np.eye(m, n, dtype=A._a.dtype), A._a.shape))
    for i in reversed(range(tau._a.shape[-1])):
        v = below[..., :, i : i + 1]
        result = result - tau[..., i, None, None] * _matmul(v, _matmul(v.mH, result))
    return _into(result, out)
