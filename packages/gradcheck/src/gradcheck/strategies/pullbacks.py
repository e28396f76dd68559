"""What a pullback is tried with: cotangents, layouts, one array given for several arguments."""

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from gradcheck import layouts
from gradcheck.drawing import Shape
from gradcheck.forward import Array
from gradcheck.strategies.elements import values


@st.composite
def cotangents(draw: Any, shape: Shape, dtype: Any = np.float64) -> Array:
    """A cotangent: ones, zeros, a single one among zeros, or numbers of both signs.

    >>> from hypothesis import find
    >>> find(cotangents((2,)), lambda g: g[0] != g[1])
    array([1., 0.])
    """
    kind = draw(st.sampled_from(["ones", "zeros", "unit", "signed"]))
    if kind == "ones":
        return np.ones(shape, dtype)
    if kind == "signed":
        return np.asarray(draw(values(shape, dtype=dtype)))
    g = np.zeros(shape, dtype)
    if kind == "unit" and g.size:
        g.reshape(-1)[draw(st.integers(0, g.size - 1))] = 1
    return g


def relaid(
    names: tuple[str, ...] = layouts.NAMES,
) -> st.SearchStrategy[Callable[[Array], Array]]:
    """A function that lays an array out anew in memory.

    All but ``broadcast`` keep the values; that one repeats the first row.

    >>> from hypothesis import find
    >>> lay = find(relaid(("reversed",)), lambda lay: True)
    >>> lay(np.arange(3.0)), lay(np.arange(3.0)).strides
    (array([0., 1., 2.]), (-8,))
    """

    def function(name: str) -> Callable[[Array], Array]:
        return lambda array: layouts.apply(name, array)

    return st.sampled_from(names).map(function)


@st.composite
def aliased(
    draw: Any, arrays: st.SearchStrategy[Array] | None = None, count: int = 2
) -> tuple[Array, ...]:
    """``count`` arguments of which at least two are one and the same array object.

    ``arrays`` draws them (all must be of shapes that go together). Raises ValueError for fewer than
    two arguments.

    >>> from hypothesis import find
    >>> a, b, c = find(aliased(values((1,)), count=3), lambda args: args[0] is not args[1])
    >>> a is c or b is c
    True
    """
    if count < 2:
        raise ValueError(f"count is {count}; one array can stand for two arguments or more")
    each = values() if arrays is None else arrays
    first, second = draw(st.permutations(range(count)))[:2]
    same = draw(each)
    chosen = [k in (first, second) or draw(st.booleans()) for k in range(count)]
    return tuple(same if alike else draw(each) for alike in chosen)
