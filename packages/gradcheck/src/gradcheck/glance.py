"""A first look at an input too large to try element by element.

One random direction in which no wrong element can hide, and a few single elements, at two steps so
small that a kink hardly ever lies between them. What agrees here to seven digits needs no ladder;
all else is left to :mod:`gradcheck.large`.
"""

import numpy as np

from gradcheck.forward import Array, Direction, Forward
from gradcheck.large import WIDE, weighted
from gradcheck.numeric import EPS
from gradcheck.values import ROUNDINGS, SAFETY

STEPS = np.array([-15, -17])
ELEMENTS = 1
VISIBLE = 2e-6  # one element wrong by this part of a typical one would show


def agrees(
    forward: Forward,
    primal: int,
    gradient: Array,
    cotangents: Array,
    rng: np.random.Generator,
    eps: float,
) -> bool:
    """Whether gradients (cotangents, elements) are right beyond doubt.

    >>> f = Forward(lambda primals: (np.sin(primals[0]),), [np.linspace(0, 1, 5000)])
    >>> g = np.ones((1, 5000))
    >>> agrees(f, 0, g * np.cos(f.flat[0]), g, np.random.default_rng(0), EPS)
    True
    """
    seen = weighted(forward, cotangents) if forward.base.size > WIDE else forward
    contraction = np.eye(len(cotangents)) if seen is not forward else cotangents
    size = forward.flat[primal].size
    noise = EPS * np.sqrt(np.square(contraction) @ np.square(np.abs(seen.base) + seen.floor))
    if not _along(seen, contraction, primal, gradient, noise, rng, eps):
        return False
    return all(
        _at(seen, contraction, primal, element, gradient[:, element], noise)
        for element in rng.integers(0, size, ELEMENTS).tolist()
    )


def _along(
    seen: Forward,
    contraction: Array,
    primal: int,
    gradient: Array,
    noise: Array,
    rng: np.random.Generator,
    eps: float,
) -> bool:
    """Compare along a random direction, for every cotangent."""
    weights = spread_signs(gradient.shape[1], rng)
    direction = Direction({primal: (slice(None), weights)})
    up, down, plus, minus = seen.sample([direction], [STEPS])
    coarse, fine = ((up - down) / (plus + minus))[:, 0]
    change = fine - coarse
    value = fine + change / 15
    numeric = contraction @ value
    error = np.abs(contraction @ change) + noise / plus[1, 0]
    terms = gradient * weights
    square = np.einsum("ij,ij->i", terms, terms)
    typical = np.sqrt(square / max(terms.shape[1], 1))
    size = np.sqrt(square) + np.abs(contraction) @ np.abs(value)
    bound = SAFETY * error + ROUNDINGS * eps * size
    # A cotangent whose gradient vanishes (ones under softmax) is measured against the others.
    visible = bound <= VISIBLE * np.maximum(typical, 0.3 * typical.max(initial=0.0))
    right = np.abs(terms.sum(axis=1) - numeric) <= bound
    return bool((visible & right).all())


def _at(
    seen: Forward, contraction: Array, primal: int, element: int, analytic: Array, noise: Array
) -> bool:
    """Compare one element, to about six digits."""
    direction = Direction({primal: (element, 1.0)}, single=True)
    up, down, plus, minus = seen.sample([direction], [STEPS[:1]])
    slopes = ((up - down) / (plus + minus))[0, 0]
    numeric = contraction @ slopes
    size = np.abs(contraction) @ np.abs(slopes) + np.abs(analytic)
    return bool((np.abs(numeric - analytic) <= 1e-6 * size + 4 * noise / plus[0, 0]).all())


def spread_signs(size: int, rng: np.random.Generator) -> Array:
    """Random weights of either sign with sizes in [1/2, 1), of eight bits each.

    Their sizes differ so that two elements exchanged for one another cannot cancel.

    >>> w = spread_signs(1000, np.random.default_rng(0))
    >>> float(np.abs(w).min()) >= 0.5, float(np.abs(w).max()) < 1.01
    (True, True)
    """
    weights = rng.integers(-128, 128, size, dtype=np.int8) * (1 / 256)
    weights += np.copysign(0.5, weights)
    return weights
