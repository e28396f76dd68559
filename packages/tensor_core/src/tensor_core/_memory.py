"""The memory under arrays: its whole extent, and where a tensor's own begins."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np


class _Memory:
    """A stretch of memory, and what keeps it alive, as NumPy's array interface presents it."""

    def __init__(self, start: int, nbytes: int, writable: bool, owner: Any) -> None:
        self.owner = owner
        self.__array_interface__ = {
            "data": (start, not writable),
            "shape": (nbytes,),
            "typestr": "|u1",
            "version": 3,
        }


def memory_of(array: np.ndarray) -> np.ndarray:
    """The bytes of the whole memory an array is part of. Shape: (nbytes,), uint8, shared.

    >>> memory_of(np.zeros((2, 3))[1:, 1]).shape
    (48,)
    """
    root = array
    while isinstance(root.base, np.ndarray):
        root = root.base
    start, end = np.lib.array_utils.byte_bounds(root) if root.size else (0, 0)
    if start == end:
        return np.empty(0, np.uint8)
    return np.asarray(_Memory(start, end - start, array.flags.writeable, root))


_warned: list[bool] = []


def taken(array: np.ndarray) -> np.ndarray:
    """The array itself as the memory of a new tensor, which begins at its first element.

    Raises:
        ValueError: a stride is negative or no multiple of the element's size.
    """
    strides = array.strides
    if array.size and strides and min(strides) < 0:
        raise ValueError(
            "At least one stride in the given numpy array is negative, and tensors with negative "
            "strides are not currently supported. (You can probably work around this by making a "
            "copy of your array with array.copy().)"
        )
    if any(s % array.itemsize for s in strides):
        raise ValueError(
            "given numpy array strides not a multiple of the element byte size. Copy the numpy "
            "array to reallocate the memory."
        )
    if not array.flags.writeable and not _warned:
        _warned.append(True)
        warnings.warn(
            "The given NumPy array is not writable, and tensors are meant to be: writing to this "
            "one raises. Copy the array to protect its data. This is said only once.",
            stacklevel=3,
        )
    if array.base is None or array.dtype.kind == "V":
        return array
    return np.asarray(_Part(array))


class _Part:
    """An array cut off from the one it is a view of, so that its memory ends where it ends."""

    def __init__(self, array: np.ndarray) -> None:
        self.owner = array
        self.__array_interface__ = array.__array_interface__
