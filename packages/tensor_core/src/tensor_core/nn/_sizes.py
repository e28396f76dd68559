"""Sizes that are given as one number, or as one a dimension."""

from __future__ import annotations

from typing import Any


def each_dimension(value: Any, n: int) -> tuple[Any, ...]:
    """``n`` times the number given, or the numbers given.

    >>> each_dimension(3, 2), each_dimension([1, 2], 2)
    ((3, 3), (1, 2))
    """
    return tuple(value) if isinstance(value, list | tuple) else (value,) * n
