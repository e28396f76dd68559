"""Cut work into blocks that stay in a core's second-level cache."""

from collections.abc import Iterator

import numpy as np

# A kernel makes ten to twenty passes over its operands. 32 768 float32 values are 128 KB, so the
# four to six arrays a kernel touches fit in 1 MB and only the first pass goes to main memory.
BLOCK = 32_768

# inf and nan are results like any other here, nothing to warn of: @quiet stands over every kernel
quiet = np.errstate(all="ignore")


def row_blocks(rows: int, width: int, size: int = BLOCK) -> Iterator[slice]:
    """Slices covering ``rows`` rows of ``width`` values, about ``size`` values each.

    >>> list(row_blocks(5, 10, size=20))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    step = max(1, size // max(1, width))
    for start in range(0, rows, step):
        yield slice(start, min(start + step, rows))


def flat_blocks(*arrays: np.ndarray, size: int = BLOCK) -> Iterator[tuple[np.ndarray, ...]]:
    """The same stretch of each (contiguous, equally large) array, one stretch after another.

    >>> [a.tolist() for a, in flat_blocks(np.arange(5), size=2)]
    [[0, 1], [2, 3], [4]]
    """
    flat = [a.reshape(-1) for a in arrays]
    n = flat[0].size
    if n <= size:
        yield tuple(flat)
        return
    for start in range(0, n, size):
        yield tuple(a[start : start + size] for a in flat)


def row_sums(a: np.ndarray) -> np.ndarray:
    """Sums of short rows, which BLAS adds five times as fast as np.sum. Shapes: (n, d) -> (n, 1).

    >>> row_sums(np.ones((2, 3))).tolist()
    [[3.0], [3.0]]
    """
    return (a @ np.ones(a.shape[1], a.dtype))[:, None]
