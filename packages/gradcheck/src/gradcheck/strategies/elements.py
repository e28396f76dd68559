"""Arrays of numbers: inside a domain, away from kinks or on them, distinct, integers."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from hypothesis import strategies as st

from gradcheck.drawing import GAP, Domain, Shape, grid, jitter, spread
from gradcheck.forward import Array

AnyShape: TypeAlias = "Shape | st.SearchStrategy[Shape]"

FEW = 24
"""Up to so many elements are drawn one by one and shrink one by one."""


def _seeded(draw: Any) -> np.random.Generator:
    return np.random.default_rng(draw(st.integers(0, 2**32 - 1)))


def _shape(draw: Any, shape: AnyShape) -> Shape:
    return tuple(draw(shape)) if isinstance(shape, st.SearchStrategy) else tuple(shape)


def _chosen(draw: Any, shape: Shape, options: Sequence[Any], dtype: Any) -> Array:
    """An array of options, of which the first is the simplest."""
    size = int(np.prod(shape))
    if size == 0:
        return np.zeros(shape, dtype)
    if size > FEW:
        return np.asarray(_seeded(draw).choice(options, size=shape), dtype)
    picked = draw(st.lists(st.sampled_from(options), min_size=size, max_size=size))
    return np.array(picked, dtype).reshape(shape)


@st.composite
def values(
    draw: Any,
    shape: AnyShape = (3,),
    domain: Domain = None,
    *,
    kinks: Sequence[float] = (),
    on_kinks: bool = False,
    gap: float = GAP,
    noise: bool = True,
    dtype: Any = np.float64,
) -> Array:
    """An array with elements inside the open domain, at least ``gap / 2`` away from every kink.

    With ``on_kinks`` some elements, at least one, stand on a kink. The numbers are small dyadic
    fractions; ``noise`` moves about half of the arrays off them. Raises ValueError when the kinks
    leave nothing of the domain.

    >>> from hypothesis import find
    >>> find(values((2,), (0.0, 1.0)), lambda x: x[0] > 0.6)
    array([0.75, 0.5 ])
    >>> find(values((2,), kinks=(0.0,), on_kinks=True), lambda x: x[1] != 0)
    array([0., 1.])
    """
    actual = _shape(draw, shape)
    found = _chosen(draw, actual, grid(domain, kinks, gap), np.float64)
    if noise and draw(st.booleans()):
        found = jitter(_seeded(draw), found, domain, kinks)
    if on_kinks and found.size:
        if not kinks:
            raise ValueError("on_kinks=True needs kinks=(...), the places where the slope jumps")
        flat = found.reshape(-1)
        few = st.sets(st.integers(0, flat.size - 1), min_size=1, max_size=min(flat.size, FEW))
        for place in draw(few):
            flat[place] = draw(st.sampled_from(list(kinks)))
    return np.asarray(found, dtype)


@st.composite
def distinct(
    draw: Any,
    shape: AnyShape = (3,),
    gap: float = GAP,
    kinks: Sequence[float] = (),
    dtype: Any = np.float64,
    *,
    domain: Domain = None,
    noise: bool = True,
) -> Array:
    """An array whose elements differ by at least ``gap``, and from every kink by half of it.

    For functions that compare elements (max, sort, median) or compare with constants (relu, clip).
    Raises ValueError when the domain has no room.

    >>> from hypothesis import find
    >>> find(distinct((3,), gap=0.8, domain=(0.0, None)), lambda x: x[0] > x[1])
    array([2., 1., 3.])
    """
    actual = _shape(draw, shape)
    size = int(np.prod(actual))
    line = spread(size, domain, kinks, gap)
    if noise and draw(st.booleans()):
        line = line + gap / 8 * _seeded(draw).uniform(-1, 1, size)
    if size > FEW:
        line = _seeded(draw).permutation(line)
    elif size > 1:
        line = line[draw(st.permutations(range(size)))]
    return np.asarray(line.reshape(actual), dtype)


@st.composite
def integers(draw: Any, below: int, shape: AnyShape = (3,), dtype: Any = np.int64) -> Array:
    """An array of integers from 0 up to, not including, ``below``, with repetitions among them.

    For indices and classes, whose repetitions have to be added up.

    >>> from hypothesis import find
    >>> find(integers(5, (3,)), lambda k: k.sum() > 3)
    array([0, 0, 4])
    """
    actual = _shape(draw, shape)
    if below < 1 and int(np.prod(actual)):
        raise ValueError(f"there is no integer from 0 below {below}")
    return _chosen(draw, actual, range(below), dtype)
