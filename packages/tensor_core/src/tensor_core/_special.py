"""Which element types an op does not meet as they are: halves and complex numbers."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

import numpy as np

from . import _complex, _half
from ._dtypes import SPECIAL

_WAYS = {"E": _half, "e": _half, "F": _complex, "D": _complex}  # by NumPy's character


def arranged(function: Any) -> Any:
    """A composition of ops as it meets such types: most are right as they are.

    Those that torch computes at one go round once here too, and those that torch has for real
    numbers alone refuse complex ones.
    """
    once, real = function.__name__ in _half.ONCE, function.__name__ in _complex.REFUSED
    if not (once or real):
        return function

    @functools.wraps(function)
    def careful(*args: Any, **kwargs: Any) -> Any:
        way = special(getattr(a, "_a", None) for a in (*args, *kwargs.values()))
        if way is _complex and real:
            _complex.refuse(function.__name__)
        if way is _half and once:
            return _half.at_once(function, args, kwargs)
        return function(*args, **kwargs)

    return careful


def special(values: Iterable[Any]) -> Any:
    """The module that runs an op on such arrays, or ``None`` if the op runs as it is."""
    for a in values:
        if isinstance(a, np.ndarray) and a.dtype.char in SPECIAL:
            return _WAYS[a.dtype.char]
    return None
