"""Views and rearrangements: the same elements under another shape."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .._card import Case, composed
from .._op import op
from .._tensor import Tensor, check_dim


def _ints(shape: Any) -> tuple[int, ...]:
    if isinstance(shape, int | np.integer):
        return (int(shape),)
    return tuple(int(n) for n in shape)


def infer(shape: Sequence[int], numel: int, name: str = "view") -> tuple[int, ...]:
    """The shape with its one -1 worked out.

    Raises:
        RuntimeError: the elements do not fit.

    >>> infer((2, -1), 6)
    (2, 3)
    """
    sizes = _ints(shape)
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
    axes = tuple(check_dim(d, x.ndim) for d in _ints(dims))
    if sorted(axes) != list(range(x.ndim)):
        raise RuntimeError(
            f"permute(sparse_coo): dims {tuple(dims)} is not a permutation of the "
            f"{x.ndim} dimensions"
        )
    return x.transpose(axes)


@permute.vjp
def _(g: Any, dims: Any) -> Any:
    axes = [d % g.ndim for d in _ints(dims)]
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
    sizes = _ints(size)
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
    return np.broadcast_to(x, shape)


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
    axes = tuple(check_dim(d, x.ndim) for d in _ints(dim))
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
    torch="flip",
    cases=lambda rng: iter(
        [
            Case(rng.normal(size=(2, 3)), (1,)),
            Case(rng.normal(size=(2, 3, 2)), (0, -1)),
            Case(np.asarray(rng.normal()), (0,)),
        ]
    ),
)
def flip(x: Any, /, dims: Any) -> Any:
    """The order of elements reversed along ``dims`` (a copy).

    >>> import tensor_core as torch
    >>> torch.flip(torch.tensor([[1, 2], [3, 4]]), (1,))
    tensor([[2, 1],
            [4, 3]])
    """
    axes = tuple(check_dim(d, x.ndim) for d in _ints(dims))
    if len(set(axes)) < len(axes):
        raise RuntimeError(f"flip: a dimension appears more than once in dims {axes}")
    return np.flip(x, axes).copy() if x.ndim else x.copy()


@flip.vjp
def _(g: Any, dims: Any) -> Any:
    return np.flip(g, _ints(dims)) if g.ndim else g


@op(
    torch="roll",
    cases=lambda rng: iter(
        [
            Case(rng.normal(size=(2, 3)), 1, 1),
            Case(rng.normal(size=(2, 3)), 2),
            Case(rng.normal(size=(2, 3)), (1, -1), (0, 1)),
        ]
    ),
)
def roll(x: Any, /, shifts: Any, dims: Any = None) -> Any:
    """Elements moved along ``dims``, those beyond the end coming in at the start.

    >>> import tensor_core as torch
    >>> torch.roll(torch.tensor([1, 2, 3, 4]), 1)
    tensor([4, 1, 2, 3])
    """
    return np.roll(x, shifts, None if dims is None or dims == () else dims)


@roll.vjp
def _(g: Any, shifts: Any, dims: Any) -> Any:
    back = tuple(-s for s in shifts) if isinstance(shifts, tuple | list) else -shifts
    return np.roll(g, back, None if dims is None or dims == () else dims)


@op(torch="clone", cases=lambda rng: iter([Case(rng.normal(size=(2, 3)))]))
def clone(x: Any, /, memory_format: Any = None) -> Any:
    """A copy with memory of its own.

    >>> import tensor_core as torch
    >>> x = torch.tensor([1.0])
    >>> y = x.clone().add_(1)
    >>> x, y
    (tensor([1.]), tensor([2.]))
    """
    return x.copy(order="K")


@clone.vjp
def _(g: Any) -> Any:
    return g


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


@op(
    torch="Tensor.contiguous", view="maybe", cases=lambda rng: iter([Case(rng.normal(size=(2, 3)))])
)
def contiguous(x: Any, /, memory_format: Any = None) -> Any:
    """The elements in row-major memory; copies only if they are not.

    >>> import tensor_core as torch
    >>> x = torch.arange(4).reshape(2, 2).t()
    >>> x.contiguous().stride(), x.stride()
    ((2, 1), (1, 2))
    """
    return np.ascontiguousarray(x) if x.ndim else x


@contiguous.vjp
def _(g: Any) -> Any:
    return g


def _repeat_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(2, 3)), (2, 2))
    yield Case(rng.normal(size=3), (4, 1, 2))


@op(torch="Tensor.repeat", cases=_repeat_cases)
def repeat(x: Any, /, sizes: Any) -> Any:
    """The whole tensor laid beside itself ``sizes`` times along each dimension (a copy).

    >>> import tensor_core as torch
    >>> torch.tensor([1, 2]).repeat(2, 2)
    tensor([[1, 2, 1, 2],
            [1, 2, 1, 2]])
    """
    counts = _ints(sizes)
    if len(counts) < x.ndim:
        raise RuntimeError(
            "Number of dimensions of repeat dims can not be smaller than number of dimensions of "
            f"tensor: {counts} for shape {x.shape}"
        )
    return np.tile(x, counts)


@repeat.vjp
def _(g: Any, x_shape: Any, sizes: Any) -> Any:
    counts = _ints(sizes)
    shape = (1,) * (len(counts) - len(x_shape)) + tuple(x_shape)
    split = [n for pair in zip(counts, shape, strict=True) for n in pair]
    return g.reshape(tuple(split)).sum(tuple(range(0, 2 * len(counts), 2))).reshape(x_shape)


@op(
    torch="repeat_interleave",
    cases=lambda rng: iter(
        [
            Case(rng.normal(size=(2, 3)), 2, 1),
            Case(rng.normal(size=(2, 3)), 3),
            Case(rng.normal(size=(2, 3)), 2, 0),
        ]
    ),
)
def repeat_interleave(x: Any, /, repeats: Any, dim: int | None = None) -> Any:
    """Each element repeated in place along ``dim`` (flattened without).

    >>> import tensor_core as torch
    >>> torch.repeat_interleave(torch.tensor([1, 2]), 2)
    tensor([1, 1, 2, 2])
    """
    counts = getattr(repeats, "_a", repeats)
    return np.repeat(x, counts, None if dim is None else check_dim(dim, x.ndim))


@repeat_interleave.vjp
def _(g: Any, x_shape: Any, repeats: Any, dim: Any) -> Any:
    counts = np.asarray(getattr(repeats, "_a", repeats))
    axis = 0 if dim is None else dim % len(x_shape)
    n = math.prod(x_shape) if dim is None else x_shape[axis]
    counts = np.broadcast_to(counts, (n,))
    if (counts == counts[:1]).all() and n and counts[0]:  # equal counts: a sum over a new axis
        shape = (n,) if dim is None else tuple(x_shape)
        k = int(counts[0])
        return g.reshape((*shape[: axis + 1], k, *shape[axis + 1 :])).sum(axis + 1).reshape(x_shape)
    pick = np.repeat(np.arange(n), counts)
    matrix = (pick[None, :] == np.arange(n)[:, None]).astype(_type(g))
    moved = np.swapaxes(g, axis, -1) if g.ndim else g
    return np.swapaxes(moved @ matrix.T, axis, -1).reshape(x_shape)


# -- several views of one tensor -----------------------------------------------------------------


def _split_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(5, 2)), 2)
    yield Case(rng.normal(size=(2, 6)), [1, 2, 3], 1)
    yield Case(rng.normal(size=(2, 6)), 3, dim=-1)
    yield Case(rng.normal(size=(2, 3)), 5)  # one part is a tuple too


@op(torch="split", view=True, cases=_split_cases)
def split(x: Any, /, split_size_or_sections: Any, dim: int = 0) -> Any:
    """Consecutive parts along ``dim`` (views): of one size, or of the sizes listed.

    >>> import tensor_core as torch
    >>> torch.split(torch.arange(5), 2)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    """
    axis = check_dim(dim, x.ndim)
    n = x.shape[axis]
    if isinstance(split_size_or_sections, int | np.integer):
        size = int(split_size_or_sections)
        if size < 0 or (size == 0 and n):
            raise RuntimeError(f"split expects split_size be non-negative and fitting, got {size}")
        sizes = [min(size, n - i) for i in range(0, n, size)] if n else [0]
    else:
        sizes = [int(s) for s in split_size_or_sections]
        if sum(sizes) != n or any(s < 0 for s in sizes):
            raise RuntimeError(
                f"split_with_sizes expects split_sizes to sum exactly to {n} (input tensor's size "
                f"at dimension {dim}), but got split_sizes={sizes}"
            )
    head = (slice(None),) * axis
    parts, start = [], 0
    for s in sizes:
        parts.append(x[(*head, slice(start, start + s))])
        start += s
    return tuple(parts)


@split.vjp
def _(g: Any, dim: Any) -> Any:
    return np.concatenate(g, axis=dim)


@op(
    torch="unbind",
    view=True,
    cases=lambda rng: iter([Case(rng.normal(size=s), -1) for s in ((3, 2), (2, 1))]),
)
def unbind(x: Any, /, dim: int = 0) -> Any:
    """The slices along ``dim`` (views), without that dimension.

    >>> import tensor_core as torch
    >>> torch.unbind(torch.tensor([[1, 2], [3, 4]]))
    (tensor([1, 2]), tensor([3, 4]))
    """
    axis = check_dim(dim, x.ndim)
    if not x.ndim:
        raise RuntimeError("unbind: dimension specified as 0 but tensor has no dimensions")
    return tuple(np.moveaxis(x, axis, 0)[i, ...] for i in range(x.shape[axis]))


@unbind.vjp
def _(g: Any, dim: Any) -> Any:
    return np.stack(g, axis=dim)


@composed(
    torch="chunk",
    cases=lambda rng: iter(
        [Case(rng.normal(size=(5, 2)), 3), Case(rng.normal(size=(2, 6)), 2, dim=1)]
    ),
)
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most ``chunks`` parts of equal size along ``dim`` (views); the last may be smaller.

    >>> import tensor_core as torch
    >>> torch.chunk(torch.arange(5), 2)
    (tensor([0, 1, 2]), tensor([3, 4]))
    """
    if chunks < 1:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    n = input.size(dim)
    size = max(-(-n // chunks), 0)
    return split(input, size, dim) if n else (input,) * 1


# -- compositions --------------------------------------------------------------------------------


@composed(
    torch="flatten",
    cases=lambda rng: iter(
        [
            Case(rng.normal(size=(2, 3, 4))),
            Case(rng.normal(size=(2, 3, 4)), 1),
            Case(rng.normal(size=(2, 3, 4)), 0, 1),
        ]
    ),
)
def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The dimensions from ``start_dim`` to ``end_dim`` as one.

    >>> import tensor_core as torch
    >>> torch.flatten(torch.zeros(2, 3, 4), 1).shape
    torch.Size([2, 12])
    """
    n = input._a.ndim
    a, b = check_dim(start_dim, n), check_dim(end_dim, n)
    if a > b:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    shape = input._a.shape
    if not n:
        return reshape(input, (1,))
    return reshape(input, (*shape[:a], math.prod(shape[a : b + 1]), *shape[b + 1 :]))


@composed(torch="unflatten", cases=lambda rng: iter([Case(rng.normal(size=(2, 6)), 1, (2, 3))]))
def unflatten(input: Tensor, dim: int, sizes: Any) -> Tensor:
    """One dimension as several.

    >>> import tensor_core as torch
    >>> torch.unflatten(torch.zeros(2, 6), 1, (3, -1)).shape
    torch.Size([2, 3, 2])
    """
    axis = check_dim(dim, input._a.ndim)
    shape = input._a.shape
    return view_op(input, (*shape[:axis], *infer(sizes, shape[axis]), *shape[axis + 1 :]))


@composed(
    torch="movedim",
    cases=lambda rng: iter(
        [Case(rng.normal(size=(2, 3, 4)), 0, -1), Case(rng.normal(size=(2, 3, 4)), (0, 1), (2, 0))]
    ),
)
def movedim(input: Tensor, source: Any, destination: Any) -> Tensor:
    """Dimensions moved to other places, the rest keeping their order (a view).

    >>> import tensor_core as torch
    >>> torch.movedim(torch.zeros(2, 3, 4), 0, -1).shape
    torch.Size([3, 4, 2])
    """
    n = input._a.ndim
    src = [check_dim(d, n) for d in _ints(source)]
    dst = [check_dim(d, n) for d in _ints(destination)]
    rest = iter(d for d in range(n) if d not in src)
    return permute(input, tuple(src[dst.index(i)] if i in dst else next(rest) for i in range(n)))


@composed(
    torch="t", cases=lambda rng: iter([Case(rng.normal(size=(2, 3))), Case(rng.normal(size=3))])
)
def t(input: Tensor) -> Tensor:
    """The transpose of a matrix; vectors and numbers as they are.

    Raises:
        RuntimeError: more than two dimensions.

    >>> import tensor_core as torch
    >>> torch.t(torch.tensor([[1, 2], [3, 4]]))
    tensor([[1, 3],
            [2, 4]])
    """
    if input._a.ndim > 2:
        raise RuntimeError(
            f"t() expects a tensor with <= 2 dimensions, but self is {input._a.ndim}D"
        )
    return transpose(input, 0, 1) if input._a.ndim == 2 else input


@composed(torch="narrow", cases=lambda rng: iter([Case(rng.normal(size=(4, 3)), 0, 1, 2)]))
def narrow(input: Tensor, dim: int, start: Any, length: int) -> Tensor:
    """``length`` slices along ``dim`` from ``start`` (a view).

    Raises:
        RuntimeError: they reach beyond the end.

    >>> import tensor_core as torch
    >>> torch.narrow(torch.arange(5), 0, 1, 3)
    tensor([1, 2, 3])
    """
    axis = check_dim(dim, input._a.ndim)
    n = input._a.shape[axis]
    first = int(start) + (n if int(start) < 0 else 0)
    if length < 0 or first < 0 or first + length > n:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({n}).")
    return input[(slice(None),) * axis + (slice(first, first + length),)]


@composed(torch="broadcast_to", cases=lambda rng: iter([Case(rng.normal(size=(2, 1)), (2, 3))]))
def broadcast_to(input: Tensor, size: Any) -> Tensor:
    """The tensor expanded to a shape (a view).

    >>> import tensor_core as torch
    >>> torch.broadcast_to(torch.tensor([1, 2]), (2, 2))
    tensor([[1, 2],
            [1, 2]])
    """
    return expand(input, size)
