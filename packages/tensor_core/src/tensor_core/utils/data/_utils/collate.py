"""Making one batch out of a list of samples."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import numpy as np

from ...._creation import as_tensor, tensor
from ...._dtypes import float64
from ...._tensor import Tensor
from ....ops import stack

_KINDS_WITHOUT_NUMBERS = "SUO"  # bytes, text, objects


def default_convert(data: Any) -> Any:
    """Arrays become tensors, inside lists, tuples and dicts too; anything else stays.

    >>> default_convert({"a": np.array([1, 2]), "b": "text"})
    {'a': tensor([1, 2]), 'b': 'text'}
    """
    if isinstance(data, Tensor):
        return data
    if isinstance(data, np.ndarray | np.generic):
        if data.dtype.kind in _KINDS_WITHOUT_NUMBERS:
            return data
        return as_tensor(data)
    if isinstance(data, Mapping):
        return _mapping(data, {key: default_convert(data[key]) for key in data})
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*map(default_convert, data))
    if isinstance(data, tuple):
        return [default_convert(d) for d in data]
    if isinstance(data, Sequence) and not isinstance(data, str | bytes):
        return _sequence(data, [default_convert(d) for d in data])
    return data


def _mapping(like: Mapping[Any, Any], values: dict[Any, Any]) -> Any:
    """The values in a mapping of the same type, with what else it carries where it can be kept."""
    try:
        if isinstance(like, MutableMapping):
            out = copy.copy(like)
            out.update(values)
            return out
        return type(like)(values)  # type: ignore[call-arg]
    except TypeError:
        return values


def _sequence(like: Sequence[Any], values: list[Any]) -> Any:
    """The same for a sequence."""
    try:
        if isinstance(like, MutableSequence):
            out = copy.copy(like)
            for i, value in enumerate(values):
                out[i] = value
            return out
        return type(like)(values)  # type: ignore[call-arg]
    except TypeError:
        return values


Collate = Callable[..., Any]


def collate(batch: Any, *, collate_fn_map: dict[Any, Collate] | None = None) -> Any:
    """One batch of samples of the same structure; the table says what becomes of their elements.

    Raises:
        RuntimeError: lists of different lengths.
        TypeError: an element the table does not know.

    >>> collate([[1, "a"], [2, "b"]], collate_fn_map=default_collate_fn_map)
    [tensor([1, 2]), ('a', 'b')]
    """
    first = batch[0]
    table = collate_fn_map or {}
    function = table.get(type(first)) or next(
        (f for kind, f in table.items() if isinstance(first, kind)), None
    )
    if function is not None:
        return function(batch, collate_fn_map=collate_fn_map)

    def column(values: Any) -> Any:
        return collate(values, collate_fn_map=collate_fn_map)

    if isinstance(first, Mapping):
        return _mapping(first, {key: column([sample[key] for sample in batch]) for key in first})
    if isinstance(first, tuple) and hasattr(first, "_fields"):
        return type(first)(*(column(values) for values in zip(*batch, strict=False)))
    if isinstance(first, Sequence):
        if any(len(sample) != len(first) for sample in batch):
            raise RuntimeError(
                "default_collate: each element in list of batch should be of equal size, "
                f"but they have sizes {[len(sample) for sample in batch]}"
            )
        columns = [column(values) for values in zip(*batch, strict=True)]
        return columns if isinstance(first, tuple) else _sequence(first, columns)
    raise TypeError(_UNKNOWN.format(type(first)))


_UNKNOWN = (
    "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {}"
)


def collate_tensor_fn(batch: Any, *, collate_fn_map: Any = None) -> Tensor:
    """Tensors of one shape, stacked."""
    return stack(list(batch), 0)


def collate_numpy_array_fn(batch: Any, *, collate_fn_map: Any = None) -> Any:
    """Arrays of one shape, as a stacked tensor."""
    if batch[0].dtype.kind in _KINDS_WITHOUT_NUMBERS:
        raise TypeError(_UNKNOWN.format(batch[0].dtype))
    return collate([as_tensor(b) for b in batch], collate_fn_map=collate_fn_map)


def collate_numpy_scalar_fn(batch: Any, *, collate_fn_map: Any = None) -> Tensor:
    """NumPy's numbers, as a tensor of their type."""
    return tensor(np.array(batch))


def collate_float_fn(batch: Any, *, collate_fn_map: Any = None) -> Tensor:
    """Python's floats: as precise as they are."""
    return tensor(batch, dtype=float64)


def collate_int_fn(batch: Any, *, collate_fn_map: Any = None) -> Tensor:
    """Integers and truths."""
    return tensor(batch)


def collate_str_fn(batch: Any, *, collate_fn_map: Any = None) -> Any:
    """Text stays as it is."""
    return batch


default_collate_fn_map: dict[Any, Collate] = {
    Tensor: collate_tensor_fn,
    np.ndarray: collate_numpy_array_fn,
    (np.bool_, np.number, np.object_): collate_numpy_scalar_fn,
    float: collate_float_fn,
    int: collate_int_fn,
    str: collate_str_fn,
    bytes: collate_str_fn,
}


def default_collate(batch: Any) -> Any:
    """Samples of the same structure as one batch, numbers and arrays as tensors.

    >>> default_collate([(0, 1.5), (1, 2.5)])
    [tensor([0, 1]), tensor([1.5000, 2.5000], dtype=torch.float64)]
    """
    return collate(batch, collate_fn_map=default_collate_fn_map)
