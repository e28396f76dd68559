"""A gradient of the wrong shape: what would make it right."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import combinations

import numpy as np

from gradcheck.diagnosis.evidence import axes_words
from gradcheck.forward import Array

Shape = tuple[int, ...]
Repair = tuple[str, Callable[[Array], Array]]


def shape_words(got: Shape, wanted: Shape) -> str:
    """What is missing, judged by the shapes alone.

    >>> shape_words((3, 4), (4,))
    'not summed over the axes the input was broadcast along: sum over axis 0'
    """
    for words, repair in repairs(got, wanted):
        if repair(np.empty(got)).shape == wanted:
            return words
    return ""


def fitting_words(grads: list[Array], wanted: list[Array], near: list[Array]) -> str:
    """The repair after which the gradients are right as numbers, or an empty string.

    ``grads`` are gradients of the wrong shape, ``wanted`` and ``near`` the right ones and how close
    they must come, one for each cotangent.
    """
    for words, repair in repairs(grads[0].shape, wanted[0].shape):
        made = [repair(grad) for grad in grads]
        if all(
            a.shape == b.shape and bool((np.abs(a - b) <= c).all())
            for a, b, c in zip(made, wanted, near, strict=True)
        ):
            return words
    return ""


def repairs(got: Shape, wanted: Shape) -> Iterator[Repair]:
    """Ways from one shape to another, the likeliest first."""
    if len(got) >= len(wanted):
        yield from _sums(got, wanted)
    if got[::-1] == wanted and len(got) > 1:
        yield "transposed", lambda a: a.T
    size = int(np.prod(got))
    if size == int(np.prod(wanted)):
        yield "not reshaped back to the shape of the input", lambda a: a.reshape(wanted)
    if size == 1 or all(n == 1 for n in got):
        text = "summed to one number, or not spread over the elements: broadcast it"
        yield text, lambda a: np.broadcast_to(a.reshape(()), wanted).copy()
    elif _broadcasts(got, wanted):
        text = "not spread over the input: np.broadcast_to(grad, x.shape)"
        yield text, lambda a: np.broadcast_to(a, wanted).copy()
    for axis in range(len(wanted) if len(got) == len(wanted) - 1 else 0):
        if got == wanted[:axis] + wanted[axis + 1 :]:
            text = f"axis {axis} is missing: put it back (np.expand_dims) and spread over it"

            def spread(a: Array, axis: int = axis) -> Array:
                return np.broadcast_to(np.expand_dims(a, axis), wanted).copy()

            yield text, spread


def _sums(got: Shape, wanted: Shape) -> Iterator[Repair]:
    """Sums over leading axes, and over axes that must have length 1; then over any axes."""
    extra = len(got) - len(wanted)
    padded = (1,) * extra + wanted
    axes = tuple(a for a, n in enumerate(got) if a < extra or (padded[a] == 1 and n != 1))
    lead = "not summed over the axes the input was broadcast along"
    if axes:
        yield f"{lead}: sum over {axes_words(axes)}", lambda a: a.sum(axes).reshape(wanted)
    for count in range(1, len(got) if len(got) <= 4 else 1):
        for some in combinations(range(len(got)), count):
            rest = tuple(n for a, n in enumerate(got) if a not in some)
            if rest == wanted and some != axes:
                yield f"{lead}: sum over {axes_words(some)}", partial(np.sum, axis=some)


def _broadcasts(got: Shape, wanted: Shape) -> bool:
    try:
        return np.broadcast_shapes(got, wanted) == wanted
    except ValueError:
        return False
