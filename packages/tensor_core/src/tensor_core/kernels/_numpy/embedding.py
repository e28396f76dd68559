"""Sum rows that belong to the same index: the cotangent of a table look-up."""

import numpy as np

from .blocks import quiet

Array = np.ndarray


@quiet
def embedding_backward(g: Array, ids: Array, num_rows: int) -> Array:
    """Sum of the rows of ``g`` for each index; zero for an index that does not occur.

    Shapes: g (n, c), ids (n,) integers in [0, num_rows) -> (num_rows, c).

    >>> embedding_backward(np.array([[1.0], [2.0], [4.0]]), np.array([2, 0, 2]), 3).tolist()
    [[2.0], [0.0], [5.0]]
    """
    if num_rows <= 256 and ids.size:
        table = _one_hot(ids, num_rows, g.dtype) @ g
        # 0 * nan is nan: a row that holds one must not reach the other indices
        if np.isfinite(np.vdot(table, table)):
            return table
    return _sorted_sums(g, ids, num_rows)


def _one_hot(ids: Array, num_rows: int, dtype: np.dtype) -> Array:
    hot = np.zeros((num_rows, ids.size), dtype)  # (num_rows, n)
    hot[ids, np.arange(ids.size)] = 1
    return hot


def _sorted_sums(g: Array, ids: Array, num_rows: int) -> Array:
    table = np.zeros((num_rows, g.shape[1]), g.dtype)
    if ids.size == 0:
        return table
    order = np.argsort(ids, kind="stable")
    ranked = ids[order]
    starts = np.flatnonzero(np.concatenate(([True], ranked[1:] != ranked[:-1])))
    table[ranked[starts]] = np.add.reduceat(g[order], starts, axis=0)
    return table
