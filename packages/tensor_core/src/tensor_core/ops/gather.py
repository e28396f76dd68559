"""Reading and writing along one dimension by arrays of indices."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._card import Case, composed
from .._define import op
from .._geometry import check_dim
from .._tensor import Tensor, wrap
from .index import getitem, index_put
from .keys import FULL, Key, raw


def _select_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(4, 3)), 0, np.array([0, 2, 2]))
    yield Case(rng.normal(size=(4, 3)), 1, np.array([2, 0]))


@composed(torch="index_select", cases=_select_cases)
def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """The slices along ``dim`` that a 1-d index names.

    >>> import tensor_core as torch
    >>> torch.index_select(torch.tensor([[1, 2, 3], [4, 5, 6]]), 1, torch.tensor([2, 0]))
    tensor([[3, 1],
            [6, 4]])
    """
    axis = check_dim(dim, input._a.ndim)
    if not input._a.ndim:  # a 0-d tensor counts as one element
        if raw(index).size != 1:
            raise RuntimeError(
                f"index_select: a 0-d tensor has 1 element to select, not {raw(index).size}"
            )
        return getitem(input.reshape(1), raw(index)).reshape(())
    return getitem(input, ((FULL,) * axis) + (raw(index),))


def _gather_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(2, 3)), 1, np.array([[0, 0], [2, 1]]))
    yield Case(rng.normal(size=(3, 3)), 0, np.array([[0, 1, 2]]))
    yield Case(np.asarray(rng.normal()), 0, np.array([0, 0]))  # a 0-d tensor counts as one element


@op(torch="gather", cases=_gather_cases)
def gather(x: Any, /, dim: int, index: Any, sparse_grad: bool = False) -> Any:
    """Elements picked along ``dim``: ``y[i][j] = x[index[i][j]][j]`` for dim 0.

    Raises:
        RuntimeError: the numbers of dimensions differ, or an index is out of range.

    >>> import tensor_core as torch
    >>> torch.gather(torch.tensor([[1, 2], [3, 4]]), 1, torch.tensor([[0, 0], [1, 0]]))
    tensor([[1, 1],
            [4, 3]])
    """
    picks = raw(index)
    axis = check_dim(dim, x.ndim)
    _check_picks("gather", x, axis, picks)
    if not (x.ndim and picks.ndim):  # a 0-d tensor counts as one element
        return x.reshape(x.shape or 1)[picks.reshape(-1)].reshape(picks.shape)
    return x[_grid(picks, axis)]


def _check_picks(name: str, x: np.ndarray, axis: int, picks: np.ndarray) -> None:
    if max(picks.ndim, 1) != max(x.ndim, 1):
        raise RuntimeError(
            f"{name}: Index tensor must have the same number of dimensions as input tensor, "
            f"but they have {picks.ndim} and {x.ndim}"
        )
    pairs = enumerate(zip(x.shape, picks.shape, strict=False))
    if picks.size and any(i != axis and a < b for i, (a, b) in pairs):
        raise RuntimeError(
            f"{name}: Size does not match: expected index {picks.shape} to be no larger than self "
            f"{x.shape} apart from dimension {axis}"
        )
    size = x.shape[axis] if x.ndim else 1
    if picks.size and (picks.min() < 0 or picks.max() >= size):
        raise RuntimeError(f"{name}: index out of bounds for dimension {axis} with size {size}")


def _grid(picks: np.ndarray, axis: int) -> Key:
    """The full index arrays of a gather along one axis."""
    grid = list(np.ogrid[tuple(slice(n) for n in picks.shape)])
    grid[axis] = picks
    return tuple(grid)


@gather.vjp
def _(g: Any, x_shape: Any, dim: Any, index: Any) -> Any:
    picks = raw(index)
    if not (x_shape and picks.ndim):
        flat = _placed_grid(g.reshape(picks.size), x_shape or (1,), (picks.reshape(-1),))
        return flat.reshape(x_shape)
    return _placed_grid(g, x_shape, _grid(picks, dim % len(x_shape)))


def _placed_grid(g: Any, shape: tuple[int, ...], key: Key) -> Any:
    zero = np.zeros(shape, raw(g).dtype)
    return (
        index_put(wrap(zero), g, key, True)
        if isinstance(g, Tensor)
        else index_put.forward(zero, g, key, True)
    )


def _scatter_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(2, 3)), 1, np.array([[0, 2], [2, 1]]), rng.normal(size=(2, 2)))
    larger = Case(rng.normal(size=(2, 3)), 0, np.array([[1, 0]]), rng.normal(size=(2, 3)))
    yield larger.with_(wrt=(0,))  # torch cannot differentiate a source larger than the index
    yield Case(np.asarray(rng.normal()), 0, np.array([0]), rng.normal(size=1))


def _scattered(
    name: str, input: Tensor, dim: int, index: Tensor, src: Any, accumulate: bool
) -> Tensor:
    picks = raw(index)
    axis = check_dim(dim, input._a.ndim)
    if picks.dtype not in (np.int64, np.int32):
        raise RuntimeError(f"{name}(): Expected dtype int32/int64 for index, not {picks.dtype}")
    if not isinstance(src, Tensor):
        src = wrap(np.full(picks.shape, src, input._a.dtype))
    if src._a.dtype != input._a.dtype:
        raise RuntimeError(
            f"{name}(): Expected self.dtype to be equal to src.dtype, but got {input.dtype} and "
            f"{src.dtype}"
        )
    _check_picks(name, input._a, axis, picks)
    if not (input._a.ndim and picks.ndim):  # a 0-d tensor counts as one element
        flat, at, values = (t.reshape(-1) for t in (input, wrap(picks), src))
        return _scattered(name, flat, 0, at, values, accumulate).reshape(input._a.shape)
    key = _grid(picks, axis)
    if src._a.shape != picks.shape:
        if src._a.ndim != picks.ndim or any(
            a < b for a, b in zip(src._a.shape, picks.shape, strict=True)
        ):
            raise RuntimeError(
                f"{name}: Expected index {list(picks.shape)} to be no larger than src "
                f"{list(src._a.shape)} in every dimension"
            )
        src = src[tuple(slice(n) for n in picks.shape)]
    return index_put(input, src, key, accumulate)


@composed(torch="scatter", cases=_scatter_cases)
def scatter(
    input: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None,
    reduce: str | None = None,
) -> Tensor:  # fmt: skip
    """Values written at indices along ``dim``: ``y[index[i][j]][j] = src[i][j]`` for dim 0.

    ``reduce`` may be "add" or "multiply": then what stood there takes part.

    Raises:
        RuntimeError: an index is out of range, or shapes or types do not fit.

    >>> import tensor_core as torch
    >>> index, src = torch.tensor([[2, 0]]), torch.tensor([[5.0, 6.0]])
    >>> torch.scatter(torch.ones(1, 3), 1, index, src)
    tensor([[6., 1., 5.]])
    """
    src = value if src is None else src
    if reduce is None:
        return _scattered("scatter", input, dim, index, src, False)
    if reduce not in ("add", "multiply"):
        raise RuntimeError("reduce argument must be either add or multiply.")
    if reduce == "add":
        return _scattered("scatter", input, dim, index, src, True)
    from .scattering import scatter_reduce

    if not isinstance(src, Tensor):
        src = wrap(np.full(raw(index).shape, src, input._a.dtype))
    return scatter_reduce(input, dim, index, src, "prod")


@composed(torch="scatter_add", cases=_scatter_cases)
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """Values added at indices along ``dim``; repeats add up.

    >>> import tensor_core as torch
    >>> index, src = torch.tensor([[2, 0]]), torch.tensor([[5.0, 6.0]])
    >>> torch.scatter_add(torch.ones(1, 3), 1, index, src)
    tensor([[7., 1., 6.]])
    """
    return _scattered("scatter_add", input, dim, index, src, True)


def _index_add_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(4, 3)), 0, np.array([0, 2, 2]), rng.normal(size=(3, 3)))


@composed(torch="index_add", cases=_index_add_cases)
def index_add(
    input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: float = 1
) -> Tensor:
    """Slices of ``source`` added along ``dim`` at the indices; repeats add up.

    >>> import tensor_core as torch
    >>> x, rows = torch.zeros(3), torch.tensor([0, 0, 2])
    >>> torch.index_add(x, 0, rows, torch.tensor([1.0, 2.0, 3.0]))
    tensor([3., 0., 3.])
    """
    axis = check_dim(dim, input._a.ndim)
    part = source if alpha == 1 else source * alpha
    if not input._a.ndim:  # a 0-d tensor counts as one element
        return index_put(input.reshape(1), part.reshape(-1), (raw(index),), True).reshape(())
    return index_put(input, part, (FULL,) * axis + (raw(index),), True)


@composed(
    torch="take_along_dim",
    cases=lambda rng: iter([Case(rng.normal(size=(2, 3)), np.array([[0, 2], [1, 1]]), 1)]),
)
def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """Elements picked along ``dim``, where input and indices broadcast elsewhere.

    >>> import tensor_core as torch
    >>> x = torch.tensor([[3, 1, 2], [9, 8, 7]])
    >>> torch.take_along_dim(x, x.argsort(1), 1)
    tensor([[1, 2, 3],
            [7, 8, 9]])
    """
    if dim is None:
        return gather(input.reshape(-1), 0, indices.reshape(-1))
    axis = check_dim(dim, input._a.ndim)
    shape = [max(a, b) for a, b in zip(input._a.shape, raw(indices).shape, strict=True)]
    shape[axis] = input._a.shape[axis]
    wide = input.expand(shape)
    shape[axis] = raw(indices).shape[axis]
    return gather(wide, dim, wrap(np.broadcast_to(raw(indices), shape)))
