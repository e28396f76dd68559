"""What a gradient may be at a kink that no single element shows.

At a tie of three elements, moving one of them tells of two neighbours only, and the middle one of a
median does not move it at all. Any gradient found close by, with all elements moved a little, is a
limit of gradients and so a subgradient of Clarke's (Optimization and Nonsmooth Analysis, 1983).
"""

import numpy as np

from gradcheck.comparison import Comparison
from gradcheck.engines.base import floating
from gradcheck.forward import Array, Forward, inside
from gradcheck.values import Judged

NEAR = 2.0**-26  # how far the neighbours lie, of the size of each element
POINTS = 12
ELEMENTS = 16


def widen(c: Comparison, primal: int, judged: Judged) -> Judged:
    """Judge accused elements by all slopes close by, where these differ from each other."""
    accused = np.flatnonzero(judged.wrong.any(axis=0))[:ELEMENTS]
    slopes = [_slopes(c, primal, accused) for _ in range(POINTS if accused.size else 0)]
    found = [s for s in slopes if s is not None and np.isfinite(s).all()]
    if len(found) < 3:
        return judged
    twice = np.array(found)  # (points, two steps, elements, outputs)
    jacobians = twice[:, 0]
    low, high = jacobians.min(axis=0), jacobians.max(axis=0)
    largest = np.maximum(np.abs(low), np.abs(high))
    # The steps are small, and so the noise large: what two steps do not agree on is no kink.
    noise = np.abs(twice[:, 0] - twice[:, 1]).max(axis=0)
    kinked = high - low > np.maximum(1e-2 * largest, 4 * noise)
    weighed = np.einsum("peo,co->pce", jacobians, c.cotangents)
    numeric = judged.numeric
    for k, element in enumerate(accused.tolist()):
        if kinked[k].any():
            numeric.low[:, element] = weighed[:, :, k].min(axis=0)
            numeric.high[:, element] = weighed[:, :, k].max(axis=0)
            size = np.abs(weighed[:, :, k]).max(axis=0)
            numeric.error[:, element] = 1e-6 * size + 1e-9 * np.abs(c.cotangents).max()
            numeric.kinks[element] = kinked[k]
    return c.judged(primal, numeric)


def _slopes(c: Comparison, primal: int, elements: Array) -> Array | None:
    """Central differences at a point close by, or None where there are none.

    With two steps: (2, elements, outputs).
    """
    rng, points = c.subject.rng, []
    for p, bounds in zip(c.subject.primals, c.subject.bounds, strict=True):
        if floating(p):
            moved = p + NEAR * _sizes(p) * rng.uniform(-1, 1, p.shape)
            p = moved if bounds is None else np.where(inside(moved, bounds), moved, p)
        points.append(np.asarray(p))
    forward = Forward(c.subject.forward.call, points, c.subject.bounds, c.subject.outputs)
    sizes = _sizes(forward.flat[primal])
    found: list[list[Array]] = [[], []]
    for element in elements.tolist():
        where = slice(element, element + 1)
        for k, part in enumerate((1 / 16, 1 / 40)):
            step = np.array([NEAR * part * float(sizes[element])])
            up, down = forward.moved(primal, where, step), forward.moved(primal, where, -step)
            if up is None or down is None:
                return None
            found[k].append((up - down) / (2 * step))
    return np.array(found)


def _sizes(x: Array) -> Array:
    """The size of every element; of a zero that of the largest, or 1."""
    size = np.abs(x).astype(np.float64)
    return np.where(size > 0, size, size.max(initial=0.0) or 1.0)
