"""Which element types an op does not meet as they are: halves and complex numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from . import _complex, _half
from ._dtypes import SPECIAL

_WAYS = {"E": _half, "e": _half, "F": _complex, "D": _complex}  # by NumPy's character


def special(values: Iterable[Any]) -> Any:
    """The module that runs an op on such arrays, or ``None`` if the op runs as it is."""
    for a in values:
        if isinstance(a, np.ndarray) and a.dtype.char in SPECIAL:
            return _WAYS[a.dtype.char]
    return None
