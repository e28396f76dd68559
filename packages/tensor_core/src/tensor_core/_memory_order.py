"""In which order dimensions lie in memory: arrays like others, channels last."""

from __future__ import annotations

from typing import Any

import numpy as np


def named(memory_format: Any, otherwise: str) -> str:
    """The name of a memory format; ``None`` means the one that stands for it."""
    return getattr(memory_format, "_name", otherwise)


def like(a: np.ndarray, make: Any, kind: Any, memory_format: Any = None) -> np.ndarray:
    """A new array of the shape of ``a``, its dimensions in the same order in memory."""
    name = named(memory_format, "preserve_format")
    if name == "contiguous_format" or (name == "preserve_format" and a.flags.c_contiguous):
        return make(a.shape, kind)
    if name != "preserve_format":
        return permuted(make, a.shape, channels_last_order(a.ndim, name), kind)
    if any(s == 0 and n > 1 for s, n in zip(a.strides, a.shape, strict=True)):
        return make(a.shape, kind)  # elements that share memory have no order to keep
    return permuted(make, a.shape, sorted(range(a.ndim), key=lambda i: -a.strides[i]), kind)


def permuted(make: Any, shape: Any, order: Any, kind: Any) -> np.ndarray:
    """A new array whose dimensions lie in memory in an order, the slowest first."""
    dense = make(tuple(shape[i] for i in order), kind)
    return dense.transpose([list(order).index(i) for i in range(len(order))])


def channels_last_order(ndim: int, name: str) -> list[int]:
    """The order of dimensions in memory in which channels come last.

    Raises:
        RuntimeError: there are not as many dimensions as the format has.
    """
    rank = 5 if name.endswith("3d") else 4
    if ndim != rank:
        raise RuntimeError(f"required rank {rank} tensor to use {name} format")
    return [0, *range(2, rank), 1]


def copied(a: np.ndarray, memory_format: Any = None) -> np.ndarray:
    """A copy in the same order in memory, or in a format's."""
    if memory_format is None and a.flags.c_contiguous:
        return a.copy()
    out = like(a, np.empty, a.dtype, memory_format)
    out[...] = a
    return out
