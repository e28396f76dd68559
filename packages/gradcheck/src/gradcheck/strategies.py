"""Hypothesis strategies for arrays that derivatives should be tried on.

Importing this module needs the extra ``gradcheck[hypothesis]``.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

try:
    from hypothesis import strategies as st
except ImportError as error:
    raise ImportError("gradcheck.strategies needs hypothesis: gradcheck[hypothesis]") from error

from gradcheck import layouts
from gradcheck.forward import Array

Shape = tuple[int, ...]


def dimensions(max_side: int = 5) -> st.SearchStrategy[int]:
    """One side length; 0 and 1 are more frequent than chance."""
    return st.one_of(st.integers(2, max_side), st.sampled_from([1, 1, 0]))


@st.composite
def shapes(draw: Any, max_dims: int = 3, max_side: int = 5) -> Shape:
    """A shape; square ones (which hide transpositions) are more frequent than chance."""
    rank = draw(st.integers(0, max_dims))
    if rank >= 2 and draw(st.booleans()):
        return (draw(st.integers(1, max_side)),) * rank
    return tuple(draw(dimensions(max_side)) for _ in range(rank))


@st.composite
def broadcastable_shapes(
    draw: Any, count: int = 2, max_dims: int = 3, max_side: int = 5
) -> tuple[Shape, ...]:
    """``count`` shapes that broadcast together.

    >>> from hypothesis import find
    >>> a, b = find(broadcastable_shapes(), lambda s: s[0] != s[1])
    >>> len(np.broadcast_shapes(a, b)) > 0
    True
    """
    full = draw(shapes(max_dims, max_side))
    found = []
    for _ in range(count):
        kept = draw(st.integers(0, len(full)))
        tail = full[len(full) - kept :]
        found.append(tuple(1 if draw(st.booleans()) else side for side in tail))
    return tuple(found)


@st.composite
def values(
    draw: Any,
    shape: Shape | st.SearchStrategy[Shape] = (3,),
    domain: tuple[float | None, float | None] | None = None,
    margin: float = 1e-3,
    dtype: Any = np.float64,
) -> Array:
    """An array with elements inside the open domain, ``margin`` of its width away from the edges.

    Unbounded sides are drawn from a normal distribution, or half of one.
    """
    actual = draw(shape) if isinstance(shape, st.SearchStrategy) else shape
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    normal = rng.standard_normal(actual)
    low, high = domain or (None, None)
    if low is not None and high is not None:
        part = margin + (1 - 2 * margin) * rng.random(actual)
        return np.asarray(low + part * (high - low), dtype)
    if low is not None:
        return np.asarray(low + margin + np.abs(normal), dtype)
    if high is not None:
        return np.asarray(high - margin - np.abs(normal), dtype)
    return np.asarray(normal, dtype)


@st.composite
def distinct(
    draw: Any,
    shape: Shape | st.SearchStrategy[Shape] = (3,),
    gap: float = 0.1,
    kinks: tuple[float, ...] = (),
    dtype: Any = np.float64,
) -> Array:
    """An array whose elements differ by at least ``gap``, and from every kink by half of it.

    For functions that compare elements (max, sort, median) or compare with constants (relu, clip).

    >>> from hypothesis import find
    >>> x = find(distinct((4,), gap=0.5), lambda x: True)
    >>> bool(np.diff(np.sort(x)).min() >= 0.5)
    True
    """
    actual = draw(shape) if isinstance(shape, st.SearchStrategy) else shape
    size = int(np.prod(actual))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    steps = gap * (1 + rng.random(size))
    line = np.cumsum(steps) - steps.sum() / 2
    for kink in sorted(kinks):
        near = np.abs(line - kink) < gap / 2
        if near.any():  # open a gap around the kink: push everything above it upwards
            line[line >= line[near].min()] += gap
    return np.asarray(rng.permutation(line).reshape(actual), dtype)


@st.composite
def cotangents(draw: Any, shape: Shape, dtype: Any = np.float64) -> Array:
    """A cotangent: signed Gaussian, ones, zeros, or a single one among zeros."""
    kind = draw(st.sampled_from(["gaussian", "ones", "zeros", "unit"]))
    if kind == "ones":
        return np.ones(shape, dtype)
    g = np.zeros(shape, dtype)
    if kind == "gaussian":
        rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        return np.asarray(rng.standard_normal(shape), dtype)
    if kind == "unit" and g.size:
        g.reshape(-1)[draw(st.integers(0, g.size - 1))] = 1
    return g


def relaid(names: tuple[str, ...] = layouts.NAMES) -> st.SearchStrategy[Callable[[Array], Array]]:
    """A function that lays an array out anew in memory.

    All but ``broadcast`` keep the values; that one repeats the first row.
    """

    def function(name: str) -> Callable[[Array], Array]:
        return lambda array: layouts.apply(name, array)

    return st.sampled_from(names).map(function)
