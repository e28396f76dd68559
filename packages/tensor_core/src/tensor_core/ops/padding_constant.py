"""A border of one value around a tensor."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._card import Case
from .._define import op


def pad_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(2, 3)), (1, 2))
    yield Case(rng.normal(size=(2, 3)), (0, 1, 2, 0), value=1.5)
    yield Case(rng.normal(size=(2, 5)), (-1, -2))
    yield Case(np.asarray(rng.normal()), ())


@op(name="pad_constant", cases=pad_cases)
def pad_constant(x: Any, /, pad: Any, value: float = 0.0) -> Any:
    """``x`` with a border of ``value``; pairs from the last dimension forward, negative crops.

    >>> import tensor_core as torch
    >>> torch.nn.functional.pad(torch.tensor([1, 2, 3]), (-1, 2))
    tensor([2, 3, 0, 0])
    """
    widths, crop = _widths(pad, x.ndim)
    if any(n + a + b < 0 for n, (a, b) in zip(x.shape[::-1], pairs(pad), strict=False)):
        raise RuntimeError(f"pad: {tuple(pad)} takes more than there is of shape {x.shape}")
    return np.pad(x[crop], widths, constant_values=value) if widths else x.copy()


def pairs(pad: Any) -> list[tuple[int, int]]:
    """(before, after) from the last dimension forward."""
    return [(int(pad[i]), int(pad[i + 1])) for i in range(0, len(pad), 2)]


def _widths(pad: Any, ndim: int) -> tuple[list[tuple[int, int]], tuple[slice, ...]]:
    if len(pad) % 2 or len(pad) > 2 * ndim:
        raise RuntimeError(
            f"pad: {tuple(pad)} must hold one pair for each of the last dimensions, at most {ndim}"
        )
    given = pairs(pad)
    sides = [(0, 0)] * (ndim - len(given)) + given[::-1]
    crop = tuple(slice(max(-a, 0), None if b >= 0 else b) for a, b in sides)
    return [(max(a, 0), max(b, 0)) for a, b in sides], crop


@pad_constant.vjp
def _(g: Any, pad: Any) -> Any:
    return pad_constant.plain(g, tuple(-int(p) for p in pad), 0.0)
