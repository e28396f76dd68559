"""The exchanges of a shuffle, which depend on each other one by one."""

import numpy as np
from numba import int64, types

from .compiling import IDS, kernel

_ORDER = types.Array(int64, 1, "C")


def shuffle(order: np.ndarray, picks: np.ndarray) -> None:
    """As the NumPy kernel of this name."""
    _exchange(order, picks)


@kernel(_ORDER, IDS)
def _exchange(order, picks):  # type: ignore[no-untyped-def]
    for i in range(picks.size):
        j = picks[i]
        order[i], order[j] = order[j], order[i]
