"""Dimensions added, exchanged, turned and cut: compositions of views, under torch's many names."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._card import Case, composed
from .._geometry import check_dim
from .._tensor import Tensor
from .copies import flip, repeat
from .keys import raw
from .parts import split
from .view import ints, reshape, transpose, unsqueeze


@composed(torch="ravel", cases=lambda rng: iter([Case(rng.normal(size=(2, 3)))]))
def ravel(input: Tensor) -> Tensor:
    """All elements in one dimension; a view where possible. Shapes: any -> (n).

    >>> import tensor_core as torch
    >>> torch.ravel(torch.tensor([[1, 2], [3, 4]]))
    tensor([1, 2, 3, 4])
    """
    return reshape(input, (-1,) if input._a.size else (0,))


def _at_least(ndim: int, tensors: tuple[Any, ...], grow: Any) -> Any:
    if len(tensors) == 1 and isinstance(tensors[0], list | tuple):
        return tuple(grow(t) for t in tensors[0])
    grown = tuple(t if t._a.ndim >= ndim else grow(t) for t in tensors)
    return grown[0] if len(grown) == 1 else grown


def _rank_cases(rng: np.random.Generator) -> Any:
    for shape in ((), (3,), (2, 3), (2, 3, 2)):
        yield Case(np.asarray(rng.normal(size=shape)))


@composed(torch="atleast_1d", cases=_rank_cases)
def atleast_1d(*tensors: Any) -> Any:
    """Each tensor with at least one dimension. Shapes: () -> (1), others as they are.

    >>> import tensor_core as torch
    >>> torch.atleast_1d(torch.tensor(1.0))
    tensor([1.])
    """
    return _at_least(1, tensors, lambda t: reshape(t, (1,)) if not t._a.ndim else t)


@composed(torch="atleast_2d", cases=_rank_cases)
def atleast_2d(*tensors: Any) -> Any:
    """Each tensor with at least two dimensions. Shapes: () -> (1, 1), (n) -> (1, n).

    >>> import tensor_core as torch
    >>> torch.atleast_2d(torch.tensor([1, 2]))
    tensor([[1, 2]])
    """
    return _at_least(2, tensors, _as_matrix)


def _as_matrix(t: Tensor) -> Tensor:
    if t._a.ndim > 1:
        return t
    return unsqueeze(t, 0) if t._a.ndim else reshape(t, (1, 1))


@composed(torch="atleast_3d", cases=_rank_cases)
def atleast_3d(*tensors: Any) -> Any:
    """Each tensor with at least three dimensions. Shapes: (n) -> (1, n, 1), (n, m) -> (n, m, 1).

    >>> import tensor_core as torch
    >>> torch.atleast_3d(torch.zeros(2, 3)).shape
    torch.Size([2, 3, 1])
    """
    return _at_least(3, tensors, _as_block)


def _as_block(t: Tensor) -> Tensor:
    if t._a.ndim > 2:
        return t
    return unsqueeze(_as_matrix(t), -1)


@composed(
    torch="tile",
    cases=lambda rng: iter([Case(rng.normal(size=(2, 3)), (2,)), Case(rng.normal(size=2), (3, 2))]),
)
def tile(input: Tensor, dims: Any) -> Tensor:
    """The whole tensor laid beside itself; dimensions that are not named once.

    >>> import tensor_core as torch
    >>> torch.tile(torch.tensor([[1, 2], [3, 4]]), (2,))
    tensor([[1, 2, 1, 2],
            [3, 4, 3, 4]])
    """
    counts = ints(dims)
    return repeat(input, (1,) * (input._a.ndim - len(counts)) + counts)


def _turn_cases(rng: np.random.Generator) -> Any:
    for k in range(-1, 3):
        yield Case(rng.normal(size=(2, 3)), k, (0, 1))
    yield Case(rng.normal(size=(2, 3, 2)), 1, (2, 0))


@composed(torch="rot90", cases=_turn_cases)
def rot90(input: Tensor, k: int = 1, dims: Any = (0, 1)) -> Tensor:
    """The plane of two dimensions turned ``k`` times from the first towards the second (a copy).

    Raises:
        RuntimeError: ``dims`` are not two different dimensions of the tensor.

    >>> import tensor_core as torch
    >>> torch.rot90(torch.tensor([[1, 2], [3, 4]]))
    tensor([[2, 4],
            [1, 3]])
    """
    axes = ints(dims)
    if len(axes) != 2:
        raise RuntimeError(f"rot90: expected total rotation dims == 2, but got dims = {len(axes)}")
    if input._a.ndim < 2:
        raise RuntimeError(f"rot90: expected total dims >= 2, but got total dims = {input._a.ndim}")
    for d in axes:
        if not -input._a.ndim <= d < input._a.ndim:
            raise RuntimeError(f"rot90: dimension {d} is out of range for {input._a.ndim}")
    a, b = (check_dim(d, input._a.ndim) for d in axes)
    if a == b:
        raise RuntimeError(f"rot90: expected rotation dims to be different, but got {a} and {b}")
    turns = k % 4
    if turns == 0:
        return input.clone()
    if turns == 2:
        return flip(input, (a, b))
    return transpose(flip(input, (b,)), a, b) if turns == 1 else flip(transpose(input, a, b), (b,))


@composed(torch="fliplr", cases=lambda rng: iter([Case(rng.normal(size=(2, 3)))]))
def fliplr(input: Tensor) -> Tensor:
    """Columns in reverse order (a copy). Shapes: (n, m, ...) -> same.

    >>> import tensor_core as torch
    >>> torch.fliplr(torch.tensor([[1, 2], [3, 4]]))
    tensor([[2, 1],
            [4, 3]])
    """
    if input._a.ndim < 2:
        raise RuntimeError("Input must be >= 2-d.")
    return flip(input, (1,))


@composed(torch="flipud", cases=lambda rng: iter([Case(rng.normal(size=(2, 3)))]))
def flipud(input: Tensor) -> Tensor:
    """Rows in reverse order (a copy). Shapes: (n, ...) -> same.

    >>> import tensor_core as torch
    >>> torch.flipud(torch.tensor([[1, 2], [3, 4]]))
    tensor([[3, 4],
            [1, 2]])
    """
    if input._a.ndim < 1:
        raise RuntimeError("Input must be >= 1-d.")
    return flip(input, (0,))


@composed(torch="adjoint", cases=lambda rng: iter([Case(rng.normal(size=(2, 3, 4)))]))
def adjoint(input: Tensor) -> Tensor:
    """The last two dimensions exchanged, conjugated where complex.

    Shapes: (..., n, m) -> (..., m, n).

    >>> import tensor_core as torch
    >>> torch.adjoint(torch.tensor([[1, 2], [3, 4]]))
    tensor([[1, 3],
            [2, 4]])
    """
    if input._a.ndim < 2:
        raise RuntimeError(
            f"tensor.adjoint() is only supported on matrices or batches of matrices. "
            f"Got {input._a.ndim}D tensor."
        )
    turned = transpose(input, -2, -1)
    return np.conjugate(turned) if input._a.dtype.kind == "c" else turned  # type: ignore[return-value]


# -- parts of several sizes ----------------------------------------------------------------------


@composed(
    torch="split_with_sizes", cases=lambda rng: iter([Case(rng.normal(size=(5, 2)), [2, 0, 3])])
)
def split_with_sizes(input: Tensor, split_sizes: Any, dim: int = 0) -> Any:
    """Consecutive parts of the sizes listed (views).

    >>> import tensor_core as torch
    >>> torch.split_with_sizes(torch.arange(3), [1, 2])
    (tensor([0]), tensor([1, 2]))
    """
    return split(input, list(split_sizes), dim)


def _cut_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(7, 2)), 3)
    yield Case(rng.normal(size=(2, 5)), (1, 4), dim=1)
    yield Case(rng.normal(size=(2, 3)), 5)


@composed(torch="tensor_split", cases=_cut_cases)
def tensor_split(
    input: Tensor, indices_or_sections: Any = None, dim: int = 0, *, indices: Any = None,
    sections: Any = None,
) -> tuple[Tensor, ...]:  # fmt: skip
    """Parts along ``dim`` (views): a number of nearly equal ones, or cut at the indices given.

    Raises:
        RuntimeError: the number of parts is not positive.

    >>> import tensor_core as torch
    >>> torch.tensor_split(torch.arange(5), 2), torch.tensor_split(torch.arange(5), (1, 4))
    ((tensor([0, 1, 2]), tensor([3, 4])), (tensor([0]), tensor([1, 2, 3]), tensor([4])))
    """
    given = next((a for a in (indices_or_sections, indices, sections) if a is not None), None)
    if not input._a.ndim:
        raise RuntimeError(
            "tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims"
        )
    n = input._a.shape[check_dim(dim, input._a.ndim)]
    given = raw(given)
    if isinstance(given, np.ndarray):
        given = given.tolist()
    if isinstance(given, int):
        if given <= 0:
            raise RuntimeError(f"number of sections must be larger than 0, got {given}")
        small, extra = divmod(n, given)
        given = [small * i + min(i, extra) for i in range(1, given)]
    bounds = [0, *(range(n)[: int(i)].stop for i in given), n]
    starts = bounds[:-1]
    lengths = [max(b - a, 0) for a, b in zip(starts, bounds[1:], strict=True)]
    return tuple(
        input.narrow(dim, min(a, n), length) for a, length in zip(starts, lengths, strict=True)
    )


def _even(name: str, input: Tensor, given: Any, least: int, dim: int) -> tuple[Tensor, ...]:
    if input._a.ndim < least:
        raise RuntimeError(
            f"torch.{name} requires a tensor with at least {least} dimension, but got a tensor "
            f"with {input._a.ndim} dimensions!"
        )
    if isinstance(given, int) and (given <= 0 or input._a.shape[dim] % given):
        raise RuntimeError(
            f"torch.{name} attempted to split along dimension {dim}, but the size of the "
            f"dimension {input._a.shape[dim]} is not divisible by the split_size {given}!"
        )
    return tensor_split(input, given, dim)


@composed(torch="hsplit", cases=lambda rng: iter([Case(rng.normal(size=(2, 4)), 2)]))
def hsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Parts side by side (views): along dimension 1, or 0 of a vector.

    >>> import tensor_core as torch
    >>> torch.hsplit(torch.arange(4), 2)
    (tensor([0, 1]), tensor([2, 3]))
    """
    return _even("hsplit", input, indices_or_sections, 1, 0 if input._a.ndim == 1 else 1)


@composed(torch="vsplit", cases=lambda rng: iter([Case(rng.normal(size=(4, 2)), (1, 3))]))
def vsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Parts one above another (views): along dimension 0.

    >>> import tensor_core as torch
    >>> torch.vsplit(torch.tensor([[1, 2], [3, 4]]), 2)
    (tensor([[1, 2]]), tensor([[3, 4]]))
    """
    return _even("vsplit", input, indices_or_sections, 2, 0)


@composed(torch="dsplit", cases=lambda rng: iter([Case(rng.normal(size=(1, 2, 4)), 2)]))
def dsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Parts one behind another (views): along dimension 2.

    >>> import tensor_core as torch
    >>> [part.shape for part in torch.dsplit(torch.zeros(1, 2, 4), 2)]
    [torch.Size([1, 2, 2]), torch.Size([1, 2, 2])]
    """
    return _even("dsplit", input, indices_or_sections, 3, 2)


def numel(input: Tensor) -> int:
    """The number of elements.

    >>> import tensor_core as torch
    >>> torch.numel(torch.zeros(2, 3))
    6
    """
    return input._a.size
