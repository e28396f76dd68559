"""Shapes, and the axes of shapes."""

from typing import Any

from hypothesis import strategies as st

from gradcheck.drawing import Shape


def dimensions(max_side: int = 5, min_side: int = 0) -> st.SearchStrategy[int]:
    """One side length; 0 and 1 are more frequent than chance, and 1 is the simplest.

    >>> from hypothesis import find
    >>> find(dimensions(), lambda n: n > 1)
    2
    """
    special = [n for n in (1, 1, 0) if min_side <= n <= max_side]
    more = st.integers(max(2, min_side), max_side) if max_side >= 2 else None
    return st.one_of(
        *([st.sampled_from(special)] if special else []), *([] if more is None else [more])
    )


@st.composite
def shapes(
    draw: Any, max_dims: int = 3, max_side: int = 5, min_dims: int = 0, min_side: int = 0
) -> Shape:
    """A shape; square ones (which hide transpositions) are more frequent than chance.

    >>> from hypothesis import find
    >>> find(shapes(), lambda shape: len(shape) == 2)
    (1, 1)
    """
    rank = draw(st.integers(min_dims, max_dims))
    if rank >= 2 and draw(st.booleans()):
        return (draw(st.integers(max(1, min_side), max_side)),) * rank
    return tuple(draw(dimensions(max_side, min_side)) for _ in range(rank))


@st.composite
def broadcastable_shapes(
    draw: Any,
    count: int = 2,
    max_dims: int = 3,
    max_side: int = 5,
    min_dims: int = 0,
    min_side: int = 0,
) -> tuple[Shape, ...]:
    """``count`` shapes that broadcast together, of one rank or several, with sides of 1 among them.

    >>> from hypothesis import find
    >>> find(broadcastable_shapes(), lambda s: len(s[0]) < len(s[1]))
    ((), (1,))
    """
    full = draw(shapes(max_dims, max_side, min_dims, min_side))
    found = []
    for _ in range(count):
        form = draw(st.sampled_from(["whole", "stretched", "shorter"]))
        dropped = draw(st.integers(0, len(full) - min_dims)) if form == "shorter" else 0
        tail = full[dropped:]
        if form != "whole" and min_side < 2:
            tail = tuple(1 if side != 1 and draw(st.booleans()) else side for side in tail)
        found.append(tail)
    return tuple(found)


def axis(ndim: int, *, negative: bool = True, none: bool = False) -> st.SearchStrategy[int | None]:
    """One axis of an array, counted from the front or the back; ``none`` allows None.

    An array of rank 0 has None alone. Raises ValueError when it may not be None either.

    >>> from hypothesis import find
    >>> find(axis(3), lambda a: a < 0)
    -1
    """
    if ndim == 0 and not none:
        raise ValueError("an array of rank 0 has no axis; allow none=True")
    choices: list[int | None] = list(range(ndim))
    choices += [-1 - k for k in range(ndim)] if negative else []
    return st.sampled_from(choices + ([None] if none else []))


@st.composite
def axes(
    draw: Any, ndim: int, *, min_size: int = 1, negative: bool = True, none: bool = False
) -> tuple[int, ...] | None:
    """Several distinct axes of an array in any order, or None where ``none`` allows it.

    >>> from hypothesis import find
    >>> find(axes(3, min_size=2), lambda a: a[0] > a[1] >= 0)
    (1, 0)
    """
    if none and draw(st.booleans()):
        return None
    chosen = (
        draw(st.lists(st.integers(0, ndim - 1), min_size=min_size, unique=True)) if ndim else []
    )
    return tuple(k - ndim if negative and draw(st.booleans()) else k for k in chosen)
