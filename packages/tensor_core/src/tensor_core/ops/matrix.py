"""Products of vectors, matrices and batches of them, with what is added to them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._card import Case, composed
from .._tensor import Tensor
from .contract import _require, matmul
from .einsum import einsum
from .view import expand, ints, permute, reshape


def _plus(name: str, input: Tensor, product: Tensor, beta: Any, alpha: Any) -> Tensor:
    """``beta * input + alpha * product`` of the product's shape; with beta 0 no NaN of input."""
    for t in (input,):
        if t._a.dtype != product._a.dtype:
            raise RuntimeError(
                f"{name}: expected all tensors to have the same dtype, but got {t.dtype} and "
                f"{product.dtype}"
            )
    if np.broadcast_shapes(input._a.shape, product._a.shape) != product._a.shape:
        raise RuntimeError(
            f"{name}: the input of shape {list(input._a.shape)} does not broadcast to the "
            f"product's shape {list(product._a.shape)}"
        )
    scaled = product if alpha == 1 else product * alpha
    if beta == 0:
        return scaled
    return scaled + (input if beta == 1 else input * beta)


def _of(*shapes: tuple[int, ...], whole: tuple[int, ...] | None = None) -> Any:
    def cases(rng: np.random.Generator) -> Any:
        if whole is not None:
            yield Case(*(rng.normal(size=s) for s in (whole, *shapes[1:])))
        yield Case(*(rng.normal(size=s) for s in shapes))
        yield Case(*(rng.normal(size=s) for s in shapes), beta=0.5, alpha=-2)

    return cases


@composed(torch="addmm", cases=_of((4,), (2, 3), (3, 4), whole=(2, 4)))
def addmm(
    input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Any = 1, alpha: Any = 1, out: Any = None
) -> Tensor:
    """``beta * input + alpha * (mat1 @ mat2)``. Shapes: (n, m) or less, (n, k), (k, m) -> (n, m).

    >>> import tensor_core as torch
    >>> torch.addmm(torch.tensor([10, 20]), torch.tensor([[1, 2]]), torch.tensor([[1, 0], [0, 1]]))
    tensor([[11, 22]])
    """
    _require("addmm", mat1, 2, "mat1")
    _require("addmm", mat2, 2, "mat2")
    return _into(_plus("addmm", input, matmul(mat1, mat2), beta, alpha), out)


def _into(result: Tensor, out: Tensor | None) -> Tensor:
    from .._op import write_out

    return result if out is None else write_out(result, out)


@composed(torch="addmv", cases=_of((2,), (2, 3), (3,)))
def addmv(
    input: Tensor, mat: Tensor, vec: Tensor, *, beta: Any = 1, alpha: Any = 1, out: Any = None
) -> Tensor:
    """``beta * input + alpha * (mat @ vec)``. Shapes: (n), (n, k), (k) -> (n).

    >>> import tensor_core as torch
    >>> torch.addmv(torch.tensor([1, 1]), torch.tensor([[1, 2], [3, 4]]), torch.tensor([1, 1]))
    tensor([4, 8])
    """
    _require("addmv", mat, 2, "mat")
    _require("addmv", vec, 1, "vec")
    return _into(_plus("addmv", input, matmul(mat, vec), beta, alpha), out)


@composed(torch="addr", cases=_of((2, 3), (2,), (3,)))
def addr(
    input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: Any = 1, alpha: Any = 1, out: Any = None
) -> Tensor:
    """``beta * input + alpha * outer(vec1, vec2)``. Shapes: (n, m), (n), (m) -> (n, m).

    >>> import tensor_core as torch
    >>> torch.addr(torch.ones(2, 2), torch.tensor([1.0, 2.0]), torch.tensor([1.0, 0.0]))
    tensor([[2., 1.],
            [3., 1.]])
    """
    _require("addr", vec1, 1, "vec1")
    _require("addr", vec2, 1, "vec2")
    return _into(_plus("addr", input, einsum("i,j->ij", vec1, vec2), beta, alpha), out)


@composed(torch="addbmm", cases=_of((3, 4), (2, 3, 5), (2, 5, 4)))
def addbmm(
    input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Any = 1, alpha: Any = 1,
    out: Any = None,
) -> Tensor:  # fmt: skip
    """``beta * input + alpha * sum of batch1[i] @ batch2[i]``.

    Shapes: (n, m), (b, n, k), (b, k, m) -> (n, m).

    >>> import tensor_core as torch
    >>> torch.addbmm(torch.zeros(1, 1), torch.ones(5, 1, 2), torch.ones(5, 2, 1))
    tensor([[10.]])
    """
    _require("addbmm", batch1, 3, "batch1")
    _require("addbmm", batch2, 3, "batch2")
    _same_batch("addbmm", batch1, batch2)
    total = einsum("bij,bjk->ik", batch1, batch2)
    return _into(_plus("addbmm", input, total, beta, alpha), out)


def _same_batch(name: str, a: Tensor, b: Tensor) -> None:
    if a._a.shape[0] != b._a.shape[0] or a._a.shape[2] != b._a.shape[1]:
        raise RuntimeError(
            f"{name}: batch1 of shape {list(a._a.shape)} and batch2 of shape {list(b._a.shape)} "
            "must be (b, n, k) and (b, k, m)"
        )


@composed(torch="baddbmm", cases=_of((2, 1, 4), (2, 3, 5), (2, 5, 4), whole=(2, 3, 4)))
def baddbmm(
    input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Any = 1, alpha: Any = 1,
    out: Any = None,
) -> Tensor:  # fmt: skip
    """``beta * input + alpha * (batch1 @ batch2)``, one product a batch.

    Shapes: (b, n, m), (b, n, k), (b, k, m) -> (b, n, m).

    >>> import tensor_core as torch
    >>> torch.baddbmm(torch.ones(1), torch.ones(2, 1, 3), torch.ones(2, 3, 1)).shape
    torch.Size([2, 1, 1])
    """
    _require("baddbmm", batch1, 3, "batch1")
    _require("baddbmm", batch2, 3, "batch2")
    _same_batch("baddbmm", batch1, batch2)
    return _into(_plus("baddbmm", input, matmul(batch1, batch2), beta, alpha), out)


# -- products of two -----------------------------------------------------------------------------


def _inner_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=3), rng.normal(size=3))
    yield Case(rng.normal(size=(2, 3)), rng.normal(size=(4, 5, 3)))
    yield Case(rng.normal(size=(2, 3)), np.asarray(rng.normal()))


@composed(torch="inner", cases=_inner_cases)
def inner(input: Tensor, other: Tensor) -> Tensor:
    """Sums of products over the last dimensions. Shapes: (..., k), (***, k) -> (..., ***).

    Raises:
        RuntimeError: the last sizes differ.

    >>> import tensor_core as torch
    >>> torch.inner(torch.tensor([1, 2]), torch.tensor([[1, 0], [0, 1]]))
    tensor([1, 2])
    """
    if not input._a.ndim or not other._a.ndim:
        return input * other
    if input._a.shape[-1] != other._a.shape[-1]:
        raise RuntimeError(
            "inner() the last dimension must match on both input tensors but got shapes "
            f"{list(input._a.shape)} and {list(other._a.shape)}"
        )
    return tensordot(input, other, ([-1], [-1]))


@composed(torch="vdot", cases=lambda rng: iter([Case(rng.normal(size=3), rng.normal(size=3))]))
def vdot(input: Tensor, other: Tensor) -> Tensor:
    """The inner product of two vectors, the first conjugated. Shapes: (n), (n) -> ().

    >>> import tensor_core as torch
    >>> torch.vdot(torch.tensor([1, 2]), torch.tensor([3, 4]))
    tensor(11)
    """
    _require("vdot", input, 1, "self")
    _require("vdot", other, 1, "other")
    if input._a.shape != other._a.shape:
        raise RuntimeError(
            f"inconsistent tensor size, expected tensor {list(input._a.shape)} and src "
            f"{list(other._a.shape)} to have the same number of elements"
        )
    return matmul(np.conjugate(input), other)  # type: ignore[arg-type]  # NumPy dispatches


def _kron_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(2, 3)), rng.normal(size=(2, 2)))
    yield Case(rng.normal(size=2), rng.normal(size=(2, 1, 3)))


@composed(torch="kron", cases=_kron_cases)
def kron(input: Tensor, other: Tensor) -> Tensor:
    """The Kronecker product: every element of ``input`` times the whole of ``other``.

    >>> import tensor_core as torch
    >>> torch.kron(torch.tensor([1, 10]), torch.tensor([1, 2]))
    tensor([ 1,  2, 10, 20])
    """
    n = max(input._a.ndim, other._a.ndim)
    a = (1,) * (n - input._a.ndim) + input._a.shape
    b = (1,) * (n - other._a.ndim) + other._a.shape
    wide = reshape(input, tuple(k for s in a for k in (s, 1)))
    tall = reshape(other, tuple(k for s in b for k in (1, s)))
    return reshape(wide * tall, tuple(s * t for s, t in zip(a, b, strict=True)))


def _tensordot_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(2, 3, 4)), rng.normal(size=(3, 4, 5)), 2)
    yield Case(rng.normal(size=(2, 3)), rng.normal(size=(4, 2)), ([0], [1]))
    yield Case(rng.normal(size=2), rng.normal(size=3), 0)


@composed(torch="tensordot", cases=_tensordot_cases)
def tensordot(a: Tensor, b: Tensor, dims: Any = 2, out: Any = None) -> Tensor:
    """Sums of products over pairs of dimensions: a number of last and first ones, or two lists.

    Raises:
        RuntimeError: the sizes of a pair differ.

    >>> import tensor_core as torch
    >>> torch.tensordot(torch.ones(2, 3), torch.ones(3, 4), dims=1).shape
    torch.Size([2, 4])
    """
    if isinstance(dims, Tensor):
        dims = dims.tolist()
    if isinstance(dims, int):
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        if dims > min(a._a.ndim, b._a.ndim):
            raise RuntimeError(f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims}")
        dims = (range(a._a.ndim - dims, a._a.ndim), range(dims))
    over_a = [d % a._a.ndim for d in ints(dims[0])]
    over_b = [d % b._a.ndim for d in ints(dims[1])]
    if len(over_a) != len(over_b):
        raise RuntimeError(
            f"both dimension lists should have the same length, got {over_a} and {over_b}"
        )
    for i, j in zip(over_a, over_b, strict=True):
        if 1 != a._a.shape[i] != b._a.shape[j] != 1:
            raise RuntimeError(
                f"contracted dimensions need to match, but first has size {a._a.shape[i]} in dim "
                f"{i} and second has size {b._a.shape[j]} in dim {j}"
            )
    for i, j in zip(over_a, over_b, strict=True):  # length 1 broadcasts
        n = max(a._a.shape[i], b._a.shape[j])
        a = _widened(a, i, n)
        b = _widened(b, j, n)
    keep_a = [i for i in range(a._a.ndim) if i not in over_a]
    keep_b = [i for i in range(b._a.ndim) if i not in over_b]
    inner = math.prod(a._a.shape[i] for i in over_a)
    rows = tuple(a._a.shape[i] for i in keep_a)
    columns = tuple(b._a.shape[i] for i in keep_b)
    left = reshape(permute(a, (*keep_a, *over_a)), (math.prod(rows), inner))
    right = reshape(permute(b, (*over_b, *keep_b)), (inner, math.prod(columns)))
    return _into(reshape(matmul(left, right), rows + columns), out)


def _widened(t: Tensor, dim: int, n: int) -> Tensor:
    if t._a.shape[dim] == n:
        return t
    return expand(t, tuple(n if i == dim else -1 for i in range(t._a.ndim)))


def chain_matmul(*matrices: Any, out: Any = None) -> Tensor:
    """The product of several matrices, in the order of least work.

    >>> import tensor_core as torch
    >>> torch.chain_matmul(torch.ones(2, 3), torch.ones(3, 4), torch.ones(4, 1)).shape
    torch.Size([2, 1])
    """
    from ..linalg import multi_dot

    if len(matrices) == 1 and isinstance(matrices[0], list | tuple):
        matrices = tuple(matrices[0])
    for m in matrices:
        _require("chain_matmul", m, 2, "each")
    if len(matrices) == 1:
        return matrices[0]
    return multi_dot(matrices, out=out)


def _cross_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(2, 3)), rng.normal(size=(2, 3)))
    yield Case(rng.normal(size=(3, 2)), rng.normal(size=(3, 1)), 0)


@composed(torch="cross", cases=_cross_cases)
def cross(input: Tensor, other: Tensor, dim: int | None = None, *, out: Any = None) -> Tensor:
    """The vector product along ``dim`` (the first of length 3 without). Shapes broadcast.

    Raises:
        RuntimeError: no dimension has length 3, or the one named has not.

    >>> import tensor_core as torch
    >>> torch.cross(torch.tensor([1, 0, 0]), torch.tensor([0, 1, 0]), dim=0)
    tensor([0, 0, 1])
    """
    if dim is None:
        dim = next((i for i, n in enumerate(input._a.shape) if n == 3), None)
        if dim is None:
            raise RuntimeError("no dimension of size 3 in input")
    if input._a.ndim != other._a.ndim:
        raise RuntimeError(
            "linalg.cross: inputs must have the same number of dimensions, but got "
            f"{input._a.ndim} and {other._a.ndim}"
        )
    for t in (input, other):
        if t.size(dim) != 3:
            raise RuntimeError(
                f"linalg.cross: inputs dimension {dim} must have length 3. Got "
                f"{input.size(dim)} and {other.size(dim)}"
            )
    a, b = (t.movedim(dim, 0) for t in (input, other))
    parts = [a[i] * b[j] - a[j] * b[i] for i, j in ((1, 2), (2, 0), (0, 1))]
    from .join import stack

    return _into(stack(parts, dim % max(input._a.ndim, 1)), out)


def _cdist_cases(rng: np.random.Generator) -> Any:
    for p in (2.0, 1.0, 3.0, float("inf")):  # torch has first derivatives alone
        yield Case(rng.normal(size=(4, 3)), rng.normal(size=(2, 3)), p).with_(max_order=1)
    yield Case(rng.normal(size=(2, 2, 3)), rng.normal(size=(4, 3))).with_(max_order=1)


@composed(torch="cdist", cases=_cdist_cases, kinks="where rows are equal")
def cdist(
    x1: Tensor, x2: Tensor, p: float = 2.0,
    compute_mode: str = "use_mm_for_euclid_dist_if_necessary",
) -> Tensor:  # fmt: skip
    """The p-norm distance of every row of ``x1`` to every row of ``x2``.

    Shapes: (..., n, d), (..., m, d) -> (..., n, m).

    Raises:
        RuntimeError: the rows' lengths differ, or p is negative.

    >>> import tensor_core as torch
    >>> torch.cdist(torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0], [0.0, 1.0]]))
    tensor([[5., 1.]])
    """
    from ..linalg.norms import vector_norm

    for name, t in (("X1", x1), ("X2", x2)):
        if t._a.ndim < 2:
            raise RuntimeError(f"cdist only supports at least 2D tensors, {name} got: {t._a.ndim}D")
    if x1._a.shape[-1] != x2._a.shape[-1]:
        raise RuntimeError(
            f"X1 and X2 must have the same number of columns. X1: {x1._a.shape[-1]} X2: "
            f"{x2._a.shape[-1]}"
        )
    if p < 0:
        raise RuntimeError("cdist only supports non-negative p values")
    difference = x1.unsqueeze(-2) - x2.unsqueeze(-3)  # (..., n, m, d)
    if not difference._a.shape[-1]:
        return difference.sum(-1)
    return vector_norm(difference, p, -1)


def _bilinear_cases(rng: np.random.Generator) -> Any:
    a, b = rng.normal(size=(4, 2)), rng.normal(size=(4, 3))
    yield Case(a, b, rng.normal(size=(5, 2, 3)), rng.normal(size=5))
    yield Case(rng.normal(size=(2, 2, 2)), rng.normal(size=(2, 2, 3)), rng.normal(size=(1, 2, 3)))


@composed(torch="bilinear", cases=_bilinear_cases)
def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Any = None) -> Tensor:
    """``input1 @ weight[k] @ input2 + bias[k]`` for every k.

    Shapes: (..., n), (..., m), (k, n, m), (k) -> (..., k).

    >>> import tensor_core as torch
    >>> torch.bilinear(torch.ones(1, 2), torch.ones(1, 3), torch.ones(4, 2, 3))
    tensor([[6., 6., 6., 6.]])
    """
    y = einsum("...i,kij,...j->...k", input1, weight, input2)
    return y if bias is None else y + bias
