"""How attention is cut into blocks, laid out in memory, masked and reduced."""

from collections.abc import Iterator
from functools import lru_cache
from itertools import product

import numpy as np

Array = np.ndarray
Index = tuple[int | slice, ...]

# Scores of a block: 512 KB in float32, so that the passes between two products find them in cache.
_BLOCK = 131_072
_FEW = 16
_SPAN = 256  # queries: causal blocks of so many skip the keys that none of them sees


def batch_blocks(batch: tuple[int, ...], size: int) -> Iterator[Index]:
    """Indices that cut the batch dimensions into blocks, each item of which has ``size`` scores.

    >>> list(batch_blocks((2, 3), 60_000))
    [(0, slice(0, 2, None)), (0, slice(2, 4, None)), (1, slice(0, 2, None)), (1, slice(2, 4, None))]
    >>> list(batch_blocks((4,), 60_000))
    [(slice(0, 2, None),), (slice(2, 4, None),)]
    """
    axis = len(batch) - 1
    while axis > 0 and size * batch[axis] <= _BLOCK:
        size *= batch[axis]
        axis -= 1
    if axis < 0:
        yield ()
        return
    step = max(1, _BLOCK // max(1, size))
    for outer in product(*map(range, batch[:axis])):
        for start in range(0, batch[axis], step):
            yield (*outer, slice(start, start + step))


def heads_together(shape: tuple[int, ...], dtype: np.dtype) -> Array:
    """An empty array; (B, H, T, D) lies in memory as (B, T, H, D), ready to join the heads.

    >>> heads_together((2, 3, 4, 5), np.dtype(np.float32)).transpose(0, 2, 1, 3).flags.c_contiguous
    True
    """
    if len(shape) != 4:
        return np.empty(shape, dtype)
    b, h, t, d = shape
    return np.empty((b, t, h, d), dtype).transpose(0, 2, 1, 3)


def score_array(batch: tuple[int, ...], t: int, s: int, dtype: np.dtype) -> Array:
    """An empty array (..., T, S); with many keys, queries are neighbours in memory.

    NumPy reduces short rows one by one, but whole blocks of columns at a time.

    >>> score_array((2,), 3, 20, np.dtype(np.float32)).shape
    (2, 3, 20)
    """
    if s <= _FEW:
        return np.empty((*batch, t, s), dtype)
    return np.empty((*batch, s, t), dtype).swapaxes(-1, -2)


def query_spans(t: int, s: int, causal: bool) -> Iterator[tuple[slice, slice]]:
    """Spans of queries, and the keys that each needs.

    >>> list(query_spans(300, 300, True))
    [(slice(0, 256, None), slice(0, 256, None)), (slice(256, 300, None), slice(0, 300, None))]
    """
    step = _SPAN if causal else t
    for start in range(0, t, step):
        stop = min(start + step, t)
        yield slice(start, stop), slice(0, min(stop, s) if causal else s)


def key_spans(t: int, s: int, causal: bool) -> Iterator[tuple[slice, slice]]:
    """Spans of keys that queries see, each after the queries that may.

    >>> list(key_spans(300, 300, True))
    [(slice(0, 300, None), slice(0, 256, None)), (slice(256, 300, None), slice(256, 300, None))]
    """
    if not causal:
        yield slice(0, t), slice(0, s)
        return
    end = min(s, t)
    for start in range(0, end, _SPAN):
        yield slice(start, t), slice(start, min(start + _SPAN, end))


@lru_cache(maxsize=32)
def hidden_scores(t: int, s: int, dtype: np.dtype) -> Array:
    """-inf above the diagonal, 0 elsewhere, laid out as scores are. Shape: (t, s).

    >>> hidden_scores(2, 2, np.dtype(float)).tolist()
    [[0.0, -inf], [0.0, 0.0]]
    """
    hidden = score_array((), t, s, dtype)
    hidden[...] = np.triu(np.full((t, s), -np.inf, dtype), 1)
    hidden.flags.writeable = False
    return hidden


def row_max(p: Array) -> Array:
    """The largest score of each row. Shape: (..., T, S) -> (..., T, 1).

    >>> row_max(np.array([[1.0, 3.0, 2.0]])).tolist()
    [[3.0]]
    """
    if p.shape[-1] > _FEW:
        return p.max(axis=-1, keepdims=True)
    peak = p[..., 0].copy()  # NumPy takes longer to start on a row than to finish a short one
    for s in range(1, p.shape[-1]):
        np.maximum(peak, p[..., s], out=peak)
    return peak[..., None]


def matmul_into(a: Array, b: Array, out: Array) -> None:
    """``a @ b`` into ``out``, whose last two axes may be swapped in memory.

    >>> out = np.empty((2, 1, 1)).swapaxes(0, 1)
    >>> matmul_into(np.ones((1, 2, 3)), np.ones((1, 3, 1)), out); out.tolist()
    [[[3.0], [3.0]]]
    """
    if out.strides[-1] == out.itemsize:
        np.matmul(a, b, out=out)
    else:  # so that BLAS writes into place: NumPy would go through a copy
        np.matmul(b.swapaxes(-1, -2), a.swapaxes(-1, -2), out=out.swapaxes(-1, -2))
