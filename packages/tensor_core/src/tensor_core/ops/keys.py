"""Index keys: what ``x[key]`` means, in two steps.

Every key falls into two parts. The basic part (integers, slices, ``None``, ``...``) makes a view;
the rest (index arrays and masks, with full slices between) gathers a copy from that view. This
order is torch's; NumPy's differs where an integer stands beside index arrays.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._tensor import Tensor

Key = tuple[Any, ...]


FULL = slice(None)


def raw(value: Any) -> Any:
    """The array behind a Tensor; anything else as it is."""
    return value._a if isinstance(value, Tensor) else value


def _listed(item: Any) -> np.ndarray:
    array = np.asarray([raw(i) for i in item] if isinstance(item, list | tuple) else list(item))
    return array.astype(np.int64) if not array.size else array


def _element(item: Any) -> Any:
    """One part of a key: an int, a slice, None, ..., or an array of indices or truths."""
    if isinstance(item, Tensor):
        item = item._a
        if item.ndim == 0 and item.dtype.kind in "iu":
            return int(item)
    if isinstance(item, bool | np.bool_):
        return np.asarray(item)
    if isinstance(item, int | np.integer):
        return int(item)
    if isinstance(item, slice):
        return _checked_slice(item)
    if item is None or item is Ellipsis:
        return item
    if isinstance(item, list | range | tuple):
        item = _listed(item)
    if not isinstance(item, np.ndarray):
        raise (IndexError if isinstance(item, float) else TypeError)(
            f"tensors can be indexed by int, slice, None, ..., list and tensor, "
            f"not {type(item).__name__}"
        )
    if item.dtype.kind not in "iub":
        raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
    return item


def _checked_slice(s: slice) -> slice:
    parts = [v if v is None else int(v) for v in (s.start, s.stop, s.step)]
    if parts[2] is not None and parts[2] <= 0:
        raise ValueError("step must be greater than zero")
    return slice(*parts)


def split_key(key: Any, shape: tuple[int, ...]) -> tuple[Key, Key]:
    """The basic and the advanced part of a key; the second is empty without index arrays.

    Raises:
        IndexError: too many indices, or one out of range.
    """
    items = [_element(k) for k in (key if isinstance(key, tuple) else (key,))]
    used = sum(_consumes(k) for k in items)
    if used > len(shape):
        raise IndexError(f"too many indices for tensor of dimension {len(shape)}")
    dots = [i for i, k in enumerate(items) if k is Ellipsis]
    for i in reversed(dots[1:]):  # the first takes all that is left; further ones nothing
        del items[i]
    fill = [FULL] * (len(shape) - used)
    items = items[: dots[0]] + fill + items[dots[0] + 1 :] if dots else items + fill
    basic: list[Any] = []
    rest: list[Any] = []
    axis = 0
    for k in items:
        if isinstance(k, np.ndarray):
            n = k.ndim if k.dtype == np.bool_ else 1
            basic.extend([FULL] * n if n else [None])
            rest.append(_in_range(k, axis, shape) if n else k.reshape(1))
            axis += n
            continue
        if isinstance(k, int):
            _check_index(k, axis, shape)
        elif k is None or isinstance(k, slice):
            rest.append(FULL)
        basic.append(k)
        axis += k is not None
    advanced = tuple(rest) if any(isinstance(k, np.ndarray) for k in rest) else ()
    return tuple(basic), advanced


def _consumes(k: Any) -> int:
    if isinstance(k, np.ndarray):
        return k.ndim if k.dtype == np.bool_ else 1
    return int(isinstance(k, int | slice))


def _check_index(k: int, axis: int, shape: tuple[int, ...]) -> None:
    if not -shape[axis] <= k < shape[axis]:
        raise IndexError(f"index {k} is out of bounds for dimension {axis} with size {shape[axis]}")


def _in_range(k: np.ndarray, axis: int, shape: tuple[int, ...]) -> np.ndarray:
    if k.dtype == np.bool_:
        if k.shape != shape[axis : axis + k.ndim]:
            raise IndexError(
                f"The shape of the mask {list(k.shape)} at index 0 does not match the shape of "
                f"the indexed tensor {list(shape)} at index {axis}"
            )
    elif k.size and (k.min() < -shape[axis] or k.max() >= shape[axis]):
        worst = k.min() if k.min() < -shape[axis] else k.max()
        raise IndexError(
            f"index {worst} is out of bounds for dimension {axis} with size {shape[axis]}"
        )
    return k


def arrays(key: Key) -> Key:
    """The key with the arrays behind its Tensors."""
    return tuple(raw(k) for k in key)


def all_integers(key: Any, shape: tuple[int, ...]) -> bool:
    """Whether the key is one valid integer for every dimension, the frequent simple case."""
    if type(key) is not tuple or len(key) != len(shape):
        return False
    valid = True
    for k, n in zip(key, shape, strict=True):
        valid = valid and type(k) is int and -n <= k < n
    return valid
