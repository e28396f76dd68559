"""Matrix products under their own names: einsums frequent enough for a direct path."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._card import Case, composed
from .._define import op
from .._products import product
from .._tensor import Tensor
from .einsum import einsum


def _matmul_cases(rng: np.random.Generator) -> Any:
    pairs = [((2, 3), (3, 4)), ((3,), (3,)), ((3,), (3, 2)), ((2, 3), (3,)), ((5, 2, 3), (5, 3, 4)),
             ((5, 2, 3), (3, 4)), ((2, 1, 2, 3), (4, 3, 2)), ((2, 3), (5, 3, 2)), ((3,), (2, 3, 2)),
             ((2, 2, 3), (3,)), ((2, 0), (0, 3)), ((2, 2), (2, 2)), ((0,), (0, 2)),
             ((2, 0), (0,)), ((2, 3, 0), (0, 2))]  # fmt: skip
    for a, b in pairs:
        yield Case(rng.normal(size=a), rng.normal(size=b))


@op(torch="matmul", cases=_matmul_cases)
def matmul(x: Any, other: Any, /) -> Any:
    """The matrix product. Shapes: (..., n, k) @ (..., k, m) -> (..., n, m); vectors as in NumPy.

    Raises:
        RuntimeError: a 0-d operand, inner sizes that differ, or types that differ.

    >>> import tensor_core as torch
    >>> a = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> a @ torch.tensor([1.0, 1.0])
    tensor([3., 7.])
    """
    try:
        if x.dtype is other.dtype or x.dtype == other.dtype:
            if x.ndim == 2 == other.ndim:
                return x.dot(other)  # the same product with less ceremony
            return np.matmul(x, other)
    except AttributeError:
        raise TypeError("matmul(): both arguments must be Tensors, not numbers") from None
    except ValueError:
        pass
    raise RuntimeError(_matmul_error(x, other))


def _matmul_error(x: Any, other: Any) -> str:
    if not x.ndim or not other.ndim:
        return (
            "matmul: both arguments to matmul need to be at least 1D, "
            f"but they are {x.ndim}D and {other.ndim}D"
        )
    a, b = x.shape[-1], other.shape[-2 if other.ndim > 1 else 0]
    if a != b:
        return (
            f"matmul: {x.shape} @ {other.shape}: inner sizes {a} and {b} differ "
            "(mat1 and mat2 shapes cannot be multiplied)"
        )
    if x.dtype != other.dtype:
        return f"matmul: expected both to have the same dtype, but got {x.dtype} and {other.dtype}"
    return f"matmul: the batch dimensions of {x.shape} and {other.shape} do not broadcast"


@matmul.vjp("x")
def _(g: Any, other: Any, x_shape: Any) -> Any:
    if len(x_shape) == 2 == other.ndim:
        return g.dot(other.T) if type(g) is np.ndarray else g @ other.T
    if other.ndim == 1:  # (..., n, k) @ (k) -> (..., n)
        return g[..., None] * other if len(x_shape) > 1 else g * other
    if len(x_shape) == 1:
        return _rows((other @ g[..., None])[..., 0]).sum(0)
    return g @ other.mT


@matmul.vjp("other")
def _(g: Any, x: Any, other_shape: Any) -> Any:
    if x.ndim == 2 == len(other_shape):
        return x.T.dot(g) if type(g) is np.ndarray else x.T @ g
    if x.ndim == 1:
        return x[:, None] * g[..., None, :] if len(other_shape) > 1 else g * x
    if len(other_shape) == 1:
        return _rows((np.swapaxes(x, -1, -2) @ g[..., None])[..., 0]).sum(0)
    if len(other_shape) == 2 and x.ndim > 2:  # one product over all rows, not one a batch
        return _rows(x).T @ _rows(g)
    return x.mT @ g


def _rows(x: Any) -> Any:
    """All dimensions but the last in one; -1 would not do for an empty array."""
    return x.reshape((math.prod(x.shape[:-1]), x.shape[-1]))


def _linear_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(2, 3)), rng.normal(size=(4, 3)), rng.normal(size=4))
    yield Case(rng.normal(size=(2, 5, 3)), rng.normal(size=(4, 3)), None)
    yield Case(rng.normal(size=3), rng.normal(size=(4, 3)), rng.normal(size=4))
    yield Case(rng.normal(size=(0, 3)), rng.normal(size=(2, 3)), rng.normal(size=2))
    yield Case(rng.normal(size=(2, 0)), rng.normal(size=(3, 0)), rng.normal(size=3))
    yield Case(rng.normal(size=3), rng.normal(size=(0, 3)), None)


@op(torch="nn.functional.linear", cases=_linear_cases)
def linear(x: Any, weight: Any, bias: Any = None, /) -> Any:
    """``x @ weight.T + bias``. Shapes: (..., k), (n, k), (n) -> (..., n).

    Raises:
        RuntimeError: the last size of ``x`` is not the weight's, or their types differ.

    >>> import tensor_core as torch
    >>> x, weight = torch.tensor([[1.0, 2.0]]), torch.tensor([[1.0, 1.0], [0.0, 3.0]])
    >>> torch.nn.functional.linear(x, weight, torch.tensor([0.5, 0.5]))
    tensor([[3.5000, 6.5000]])
    """
    if weight.ndim != 2 or not x.ndim or x.shape[-1] != weight.shape[1]:
        raise RuntimeError(
            f"linear: input of shape {x.shape} and weight of shape {weight.shape}: the input's "
            "last size must equal the weight's last (mat1 and mat2 shapes cannot be multiplied)"
        )
    if x.dtype != weight.dtype:
        raise RuntimeError(
            f"linear: mat1 and mat2 must have the same dtype, but got {x.dtype} and {weight.dtype}"
        )
    y = product(_rows(x), weight.T)  # one product over all rows, not one a batch
    if bias is not None:
        y += bias
    return y.reshape((*x.shape[:-1], weight.shape[0]))


@linear.vjp("x")
def _(g: Any, weight: Any, x_shape: Any) -> Any:
    return product(_rows(g), weight).reshape(x_shape)


@linear.vjp("weight")
def _(g: Any, x: Any) -> Any:
    return product(_rows(g).T, _rows(x))


@linear.vjp("bias")
def _(g: Any) -> Any:
    return _rows(g).sum(0)


def _require(name: str, t: Tensor, ndim: int, position: str) -> None:
    if t._a.ndim != ndim:
        raise RuntimeError(f"{name}: {position} must be a {ndim}-D tensor, got {t._a.ndim}-D")


def _square_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(2, 3)), rng.normal(size=(3, 2)))


@composed(torch="mm", cases=_square_cases)
def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """The product of two matrices. Shapes: (n, k), (k, m) -> (n, m).

    >>> import tensor_core as torch
    >>> torch.mm(torch.tensor([[1, 2]]), torch.tensor([[3], [4]]))
    tensor([[11]])
    """
    if not isinstance(input, Tensor):
        return input @ mat2  # a sparse matrix multiplies in its own way
    _require("mm", input, 2, "self")
    _require("mm", mat2, 2, "mat2")
    return matmul(input, mat2)


@composed(
    torch="bmm",
    cases=lambda rng: iter([Case(rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 4, 2)))]),
)
def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """A batch of matrix products. Shapes: (b, n, k), (b, k, m) -> (b, n, m).

    >>> import tensor_core as torch
    >>> torch.bmm(torch.ones(5, 2, 3), torch.ones(5, 3, 4)).shape
    torch.Size([5, 2, 4])
    """
    _require("bmm", input, 3, "batch1")
    _require("bmm", mat2, 3, "batch2")
    if input._a.shape[0] != mat2._a.shape[0]:
        raise RuntimeError(f"bmm: batch sizes of {input._a.shape} and {mat2._a.shape} differ")
    return matmul(input, mat2)


def _vector_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=3), rng.normal(size=3))


@composed(torch="mv", cases=lambda rng: iter([Case(rng.normal(size=(2, 3)), rng.normal(size=3))]))
def mv(input: Tensor, vec: Tensor) -> Tensor:
    """A matrix times a vector. Shapes: (n, k), (k) -> (n).

    >>> import tensor_core as torch
    >>> torch.mv(torch.tensor([[1, 2], [3, 4]]), torch.tensor([1, -1]))
    tensor([-1, -1])
    """
    _require("mv", input, 2, "self")
    _require("mv", vec, 1, "vec")
    return matmul(input, vec)


@composed(torch="dot", cases=_vector_cases)
def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """The inner product of two vectors. Shapes: (n), (n) -> ().

    >>> import tensor_core as torch
    >>> torch.dot(torch.tensor([1, 2]), torch.tensor([3, 4]))
    tensor(11)
    """
    _require("dot", input, 1, "self")
    _require("dot", tensor, 1, "tensor")
    return matmul(input, tensor)


@composed(torch="outer", cases=lambda rng: iter([Case(rng.normal(size=2), rng.normal(size=3))]))
def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """The outer product of two vectors. Shapes: (n), (m) -> (n, m).

    >>> import tensor_core as torch
    >>> torch.outer(torch.tensor([1, 2]), torch.tensor([10, 20]))
    tensor([[10, 20],
            [20, 40]])
    """
    _require("outer", input, 1, "self")
    _require("outer", vec2, 1, "vec2")
    return einsum("i,j->ij", input, vec2)
