"""The exchanges of a shuffle, which depend on each other one by one."""

import numpy as np


def shuffle(order: np.ndarray, picks: np.ndarray) -> None:
    """Exchange elements i and picks[i] for every i in turn, in place.

    Shapes: order (n,) and picks (at most n,), int64.

    >>> order = np.arange(3)
    >>> shuffle(order, np.array([2, 2])); order.tolist()
    [2, 0, 1]
    """
    values = order.tolist()  # a list: NumPy takes longer to find one element than to add a thousand
    for i, j in enumerate(picks.tolist()):
        values[i], values[j] = values[j], values[i]
    order[...] = values
