"""Several views of one tensor: consecutive parts, slices."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._card import Case, composed
from .._define import op
from .._geometry import check_dim
from .._tensor import Tensor


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
    if not x.ndim:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
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
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
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
    if not input.dim():
        raise RuntimeError("chunk expects at least a 1-dimensional tensor")
    n = input.size(dim)
    return split(input, -(-n // chunks), dim) if n else (input,)


unsafe_split = split
unsafe_split_with_sizes = split
unsafe_chunk = chunk
