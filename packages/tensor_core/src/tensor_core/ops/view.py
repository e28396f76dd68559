"""Views: the same memory under another shape."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .._card import Case, composed
from .._define import op
from .._geometry import check_dim
from .._layouts import contiguous_format, preserve_format
from .._memory_order import copied
from .._tensor import Tensor


def ints(shape: Any) -> tuple[int, ...]:
    if isinstance(shape, int | np.integer):
        return (int(shape),)
    return tuple(int(n) for n in shape)


def infer(shape: Sequence[int], numel: int) -> tuple[int, ...]:
    """The shape with its one -1 worked out.

    Raises:
        RuntimeError: the elements do not fit.

    >>> infer((2, -1), 6)
    (2, 3)
    """
    sizes = ints(shape)
    if sizes.count(-1) > 1:
        raise RuntimeError("only one dimension can be inferred")
    if -1 in sizes:
        rest = math.prod(n for n in sizes if n != -1)
        if not rest and not numel:
            raise RuntimeError(
                f"cannot reshape tensor of 0 elements into shape {list(sizes)} because the "
                "unspecified dimension size -1 can be any value and is ambiguous"
            )
        if not rest or numel % rest:
            raise RuntimeError(f"shape '{list(sizes)}' is invalid for input of size {numel}")
        return tuple(numel // rest if n == -1 else n for n in sizes)
    if any(n < 0 for n in sizes):
        raise RuntimeError(f"invalid shape dimension {min(sizes)}")
    if math.prod(sizes) != numel:
        raise RuntimeError(f"shape '{list(sizes)}' is invalid for input of size {numel}")
    return sizes


def _reshape_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(2, 3)), (3, 2))
    yield Case(rng.normal(size=(2, 3, 4)), (-1, 4))
    yield Case(np.asarray(rng.normal()), (1, 1))
    yield Case(rng.normal(size=(0, 3)), (3, 0))


@op(torch="reshape", view="maybe", cases=_reshape_cases)
def reshape(x: Any, /, shape: Any) -> Any:
    """The elements in row-major order under another shape; a view where that is possible.

    >>> import tensor_core as torch
    >>> torch.reshape(torch.arange(6), (2, -1))
    tensor([[0, 1, 2],
            [3, 4, 5]])
    """
    return x.reshape(infer(shape, x.size))


@reshape.vjp
def _(g: Any, x_shape: Any) -> Any:
    return g.reshape(x_shape)


@op(name="view", view=True, torch="Tensor.view", cases=_reshape_cases)
def view_op(x: Any, /, shape: Any) -> Any:
    """Like :func:`reshape`, but always sharing memory.

    Raises:
        RuntimeError: the memory's layout does not allow it; use ``reshape``.

    >>> import tensor_core as torch
    >>> x = torch.zeros(4)
    >>> x.view(2, 2)[0, 0] = 1
    >>> x
    tensor([1., 0., 0., 0.])
    """
    sizes = infer(shape, x.size)
    if x.flags.c_contiguous:
        return x.reshape(sizes)
    try:
        return x.reshape(sizes, copy=False)
    except ValueError:
        raise RuntimeError(
            "view size is not compatible with input tensor's size and stride (at least one "
            f"dimension spans across two contiguous subspaces): {x.shape} to {sizes}. "
            "Use .reshape(...) instead."
        ) from None


@view_op.vjp
def _(g: Any, x_shape: Any) -> Any:
    return g.reshape(x_shape)


def _transpose_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(2, 3)), 0, 1)
    yield Case(rng.normal(size=(2, 3, 4)), -1, 0)
    yield Case(rng.normal(size=(3, 3)), 0, 1)


@op(torch="transpose", view=True, cases=_transpose_cases)
def transpose(x: Any, /, dim0: int, dim1: int) -> Any:
    """Two dimensions exchanged (a view).

    >>> import tensor_core as torch
    >>> torch.transpose(torch.tensor([[1, 2], [3, 4]]), 0, 1)
    tensor([[1, 3],
            [2, 4]])
    """
    n = x.ndim
    a, b = check_dim(dim0, n), check_dim(dim1, n)
    return x.swapaxes(a, b) if n else x[...]


@transpose.vjp
def _(g: Any, dim0: Any, dim1: Any) -> Any:
    return np.swapaxes(g, dim0, dim1) if g.ndim else g


@op(
    torch="permute",
    view=True,
    cases=lambda rng: iter(
        [Case(rng.normal(size=(2, 3, 4)), (2, 0, 1)), Case(rng.normal(size=(2, 3)), (-1, 0))]
    ),
)
def permute(x: Any, /, dims: Any) -> Any:
    """The dimensions in another order (a view).

    Raises:
        RuntimeError: ``dims`` is not a permutation of all dimensions.

    >>> import tensor_core as torch
    >>> torch.permute(torch.zeros(2, 3, 4), (2, 0, 1)).shape
    torch.Size([4, 2, 3])
    """
    axes = tuple(check_dim(d, x.ndim) for d in ints(dims))
    if sorted(axes) != list(range(x.ndim)):
        raise RuntimeError(
            f"permute(sparse_coo): dims {tuple(dims)} is not a permutation of the "
            f"{x.ndim} dimensions"
        )
    return x.transpose(axes)


@permute.vjp
def _(g: Any, dims: Any) -> Any:
    axes = [d % g.ndim for d in ints(dims)]
    return np.transpose(g, [axes.index(i) for i in range(len(axes))])


def _expand_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(2, 1)), (2, 3))
    yield Case(rng.normal(size=(3,)), (4, -1))
    yield Case(np.asarray(rng.normal()), (2,))


@op(torch="Tensor.expand", view=True, cases=_expand_cases)
def expand(x: Any, /, size: Any) -> Any:
    """Dimensions of length 1 repeated without copying (a view); -1 keeps a length.

    Raises:
        RuntimeError: a length other than 1 would have to change.

    >>> import tensor_core as torch
    >>> torch.tensor([[1], [2]]).expand(2, 3)
    tensor([[1, 1, 1],
            [2, 2, 2]])
    """
    sizes = ints(size)
    extra = len(sizes) - x.ndim
    if extra < 0:
        raise RuntimeError(
            f"expand: the number of sizes provided ({len(sizes)}) must be greater or equal to the "
            f"number of dimensions in the tensor ({x.ndim})"
        )
    shape = tuple(x.shape[i - extra] if n == -1 and i >= extra else n for i, n in enumerate(sizes))
    for i, n in enumerate(shape):
        if n < 0 or (i >= extra and x.shape[i - extra] not in (1, n)):
            raise RuntimeError(
                f"The expanded size of the tensor ({n}) must match the existing size "
                f"({x.shape[i - extra]}) at non-singleton dimension {i}. Target sizes: "
                f"{list(sizes)}. Tensor sizes: {list(x.shape)}"
            )
    y = np.broadcast_to(x, shape)
    if x.flags.writeable:
        y.flags.writeable = True  # single rows of it may be written
    return y


@expand.vjp
def _(g: Any) -> Any:
    return g  # the engine sums what was broadcast


def _squeeze_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(2, 1, 3, 1)))
    yield Case(rng.normal(size=(2, 1, 3)), 1)
    yield Case(rng.normal(size=(2, 1, 3)), 0)
    yield Case(rng.normal(size=(1, 2, 1)), (0, 2))


@op(torch="squeeze", view=True, cases=_squeeze_cases)
def squeeze(x: Any, /, dim: Any = None) -> Any:
    """Dimensions of length 1 removed: all, or those named that have it (a view).

    >>> import tensor_core as torch
    >>> torch.squeeze(torch.zeros(1, 2, 1), 0).shape
    torch.Size([2, 1])
    """
    if dim is None:
        return x.squeeze()
    axes = tuple(check_dim(d, x.ndim) for d in ints(dim))
    if len(set(axes)) < len(axes):
        raise RuntimeError(f"squeeze: a dimension appears more than once in {ints(dim)}")
    return x.squeeze(tuple(a for a in axes if x.ndim and x.shape[a] == 1))


@squeeze.vjp
def _(g: Any, x_shape: Any) -> Any:
    return g.reshape(x_shape)


@op(
    torch="unsqueeze",
    view=True,
    cases=lambda rng: iter(
        [Case(rng.normal(size=(2, 3)), 1), Case(rng.normal(size=3), -1), Case(np.asarray(1.5), 0)]
    ),
)
def unsqueeze(x: Any, /, dim: int) -> Any:
    """A dimension of length 1 inserted at ``dim`` (a view).

    >>> import tensor_core as torch
    >>> torch.unsqueeze(torch.zeros(2, 3), 1).shape
    torch.Size([2, 1, 3])
    """
    n = x.ndim + 1
    if not -n <= dim < n:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {dim})"
        )
    return np.expand_dims(x, dim)


@unsqueeze.vjp
def _(g: Any, x_shape: Any) -> Any:
    return g.reshape(x_shape)


def _diagonal_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(3, 3)))
    yield Case(rng.normal(size=(3, 4)), 1)
    yield Case(rng.normal(size=(2, 3, 4)), -1, 0, 2)


@op(torch="diagonal", view=True, cases=_diagonal_cases)
def diagonal(x: Any, /, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    """The diagonal of two dimensions, as a last dimension (a view).

    >>> import tensor_core as torch
    >>> torch.diagonal(torch.tensor([[1, 2], [3, 4]]))
    tensor([1, 4])
    """
    y = np.diagonal(x, offset, check_dim(dim1, x.ndim), check_dim(dim2, x.ndim))
    if x.flags.writeable:
        y.flags.writeable = True
    return y


@diagonal.vjp
def _(g: Any, x_shape: Any, offset: Any, dim1: Any, dim2: Any) -> Any:
    from .index import index_put

    i, j = np.nonzero(np.eye(x_shape[dim1], x_shape[dim2], offset, dtype=bool))
    a, b = dim1 % len(x_shape), dim2 % len(x_shape)
    rest = tuple(k for k in range(len(x_shape)) if k not in (a, b))
    zero = np.zeros(tuple(x_shape[k] for k in (*rest, a, b)), _type(g))
    full = index_put.plain(zero, g, (Ellipsis, i, j), False)
    order = (*rest, a, b)
    return np.transpose(full, [order.index(k) for k in range(len(order))])


def _type(g: Any) -> Any:
    return g._a.dtype if isinstance(g, Tensor) else g.dtype


@op(
    name="alias",
    view=True,
    cases=lambda rng: iter([Case(rng.normal(size=(2, 3))), Case(np.asarray(rng.normal()))]),
)
def alias(x: Any, /) -> Any:
    """The same memory as a tensor of its own on the graph.

    >>> import tensor_core as torch
    >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> torch.alias(x).is_leaf, torch.equal(torch.alias(x), x)
    (False, True)
    """
    return x[...]


@alias.vjp
def _(g: Any) -> Any:
    return g


@op(name="row_major", cases=lambda rng: iter([Case(rng.normal(size=(2, 3)).T)]))
def _row_major(x: Any, /, memory_format: Any = contiguous_format) -> Any:
    """A copy of the elements in row-major memory, or in the order of a memory format.

    >>> import tensor_core as torch
    >>> torch.arange(4).reshape(2, 2).t().contiguous().stride()
    (2, 1)
    """
    return copied(x, memory_format)


@_row_major.vjp
def _(g: Any) -> Any:
    return g


def _contiguous_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(2, 3)))
    yield Case(rng.normal(size=(2, 3)).T)


@composed(torch="Tensor.contiguous", cases=_contiguous_cases)
def contiguous(input: Tensor, memory_format: Any = None) -> Tensor:
    """The elements in row-major memory; the tensor itself if they are.

    >>> import tensor_core as torch
    >>> x = torch.arange(4).reshape(2, 2).t()
    >>> x.contiguous().stride(), x.stride()
    ((2, 1), (1, 2))
    """
    if memory_format is None or memory_format is contiguous_format:
        return input if input._a.flags.c_contiguous else _row_major(input)
    if memory_format is preserve_format:
        raise RuntimeError("preserve memory format is unsupported by the contiguous operator")
    return input if input.is_contiguous(memory_format) else _row_major(input, memory_format)
