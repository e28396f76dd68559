"""A border around a tensor: of one value, or of the tensor's own elements."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._card import Case, composed
from .._tensor import Tensor
from .copies import flip
from .join import cat
from .padding_constant import pad_cases, pad_constant, pairs
from .reshaping import narrow
from .view import expand

# -- borders of the tensor's own elements: reflected, repeated, or from the other side -----------


def _part(x: Tensor, dim: int, start: int, stop: int) -> Tensor:
    return narrow(x, dim, start, stop - start)


def _reflect(x: Tensor, dim: int, before: int, after: int) -> list[Tensor]:
    n = x.shape[dim]
    if max(before, after) >= n:
        raise RuntimeError(
            f"pad: Padding size should be less than the corresponding input dimension, but got: "
            f"padding ({before}, {after}) at dimension {dim} of input {list(x.shape)}"
        )
    left = [flip(_part(x, dim, 1, before + 1), (dim,))] if before > 0 else []
    right = [flip(_part(x, dim, n - after - 1, n - 1), (dim,))] if after > 0 else []
    return [*left, x, *right]


def _replicate(x: Tensor, dim: int, before: int, after: int) -> list[Tensor]:
    n = x.shape[dim]
    if not n:
        raise RuntimeError(f"pad: dimension {dim} of input {list(x.shape)} is empty: no edge")

    def edge(i: int, count: int) -> Tensor:
        shape = [count if k == dim else -1 for k in range(x.ndim)]
        return expand(_part(x, dim, i, i + 1), shape)

    left = [edge(0, before)] if before > 0 else []
    return [*left, x, *([edge(n - 1, after)] if after > 0 else [])]


def _circular(x: Tensor, dim: int, before: int, after: int) -> list[Tensor]:
    n = x.shape[dim]
    if max(before, after) > n:
        raise RuntimeError(
            f"pad: Padding value causes wrapping around more than once: padding ({before}, "
            f"{after}) at dimension {dim}, which has {n} elements left"
        )
    left = [_part(x, dim, n - before, n)] if before > 0 else []
    return [*left, x, *([_part(x, dim, 0, after)] if after > 0 else [])]


_BORDERS: dict[str, Any] = {
    "reflect": _reflect,
    "replicate": _replicate,
    "circular": _circular,
}


def _own_border(x: Tensor, pad: Any, mode: str) -> Tensor:
    """A border along the last dimensions, the last one first, as each is padded in torch."""
    sides = pairs(pad)
    left = [n + a + b for n, (a, b) in zip(reversed(x.shape), sides, strict=False)]
    if min(left) < 0 or max(left) < 1 or (mode == "circular" and min(left) < 1):
        raise RuntimeError(
            f"pad: input {list(x.shape)} is too small: with padding {tuple(pad)} nothing is left"
        )
    for k, (before, after) in enumerate(sides):
        dim = x.ndim - 1 - k
        if mode == "circular":  # what is cropped does not come round again
            x = _cropped(x, dim, before, after)
        parts = _BORDERS[mode](x, dim, before, after)
        x = cat(parts, dim) if len(parts) > 1 else x
        if mode != "circular":
            x = _cropped(x, dim, before, after)
    return x


def _cropped(x: Tensor, dim: int, before: int, after: int) -> Tensor:
    if before >= 0 and after >= 0:
        return x
    return _part(x, dim, max(-before, 0), x.shape[dim] - max(-after, 0))


def _cases(rng: np.random.Generator) -> Any:
    yield from pad_cases(rng)
    yield Case(rng.normal(size=(1, 2, 4)), (3, 2), "reflect")
    yield Case(rng.normal(size=(1, 1, 3, 3)), (2, 0, -1, 2), "reflect")
    yield Case(rng.normal(size=(1, 2, 3)), (-2, 3), "replicate")
    yield Case(rng.normal(size=(1, 1, 2, 2, 2)), (1, 0, 2, 0, 0, 3), "replicate")
    yield Case(rng.normal(size=(1, 2, 3)), (3, 2), "circular")
    yield Case(rng.normal(size=(1, 1, 3, 3)), (-1, 2, 1, 0), "circular")


@composed(torch="nn.functional.pad", cases=_cases)
def pad(input: Tensor, pad: Any, mode: str = "constant", value: float | None = None) -> Tensor:
    """``input`` with a border: ``pad`` holds pairs from the last dimension forward.

    ``mode`` says of what: "constant" (``value``), "reflect" (mirrored without the edge),
    "replicate" (the edge again) or "circular" (from the other side). Negative numbers crop.

    Raises:
        RuntimeError: the pairs do not fit the shape.
        NotImplementedError: an unknown mode, or one that torch has not for this shape.

    >>> import tensor_core as torch
    >>> torch.nn.functional.pad(torch.ones(1, 2), (1, 0, 0, 1), value=7.0)
    tensor([[7., 1., 1.],
            [7., 7., 7.]])
    >>> torch.nn.functional.pad(torch.tensor([[0, 1, 2]]), (2, 1), "reflect")
    tensor([[2, 1, 0, 1, 2, 1]])
    """
    pad = tuple(int(p) for p in pad)
    if mode == "constant":
        return pad_constant(input, pad, 0.0 if value is None else value)
    if len(pad) % 2:
        raise RuntimeError(f"pad: Padding length must be divisible by 2: {pad}")
    if mode not in _BORDERS:
        raise NotImplementedError(
            f"Unrecognised padding mode {mode}; known are constant, {', '.join(_BORDERS)}"
        )
    if value:
        raise RuntimeError(f'Padding mode "{mode}" doesn\'t take in value argument')
    k = len(pad) // 2
    if k not in (1, 2, 3) or input.ndim not in (k + 1, k + 2):
        raise NotImplementedError(
            f"pad: Padding size {len(pad)} is not supported for {input.ndim}D input with mode "
            f"{mode!r}: it takes one pair for each dimension behind (N, C) or (C)"
        )
    return _own_border(input, pad, mode)
