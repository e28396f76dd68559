"""A first look at an input too large to try element by element.

One random direction in which no wrong element can hide, and a single element, at a step so small
that a kink hardly ever lies within it. Two numbers of different origin that agree to seven digits
leave nothing to measure; all else is left to :mod:`gradcheck.large`.
"""

from typing import Any

import numpy as np

from gradcheck.forward import Array, Forward
from gradcheck.numeric import EPS

STEP = 2.0**-16  # to both sides
FINE = 2.0**-26  # to one side, where less is asked
ELEMENTS = 1
CURVED = 4e-10  # the error of the difference itself: STEP**2 / 6 times a third derivative of 10
VISIBLE = 1e-6  # one element wrong by this part of a typical one must show


def agrees(
    forward: Forward, primal: int, gradient: Array, cotangents: Array, rng: np.random.Generator
) -> bool:
    """Whether gradients (cotangents, elements) are right beyond doubt.

    >>> f = Forward(lambda primals: (np.sin(primals[0]),), [np.linspace(0, 1, 5000)])
    >>> g = np.ones((1, 5000))
    >>> agrees(f, 0, g * np.cos(f.flat[0]), g, np.random.default_rng(0))
    True
    """
    weights = spread_signs(gradient.shape[1], rng)
    found = _central(forward, primal, slice(None), weights, cotangents)
    if found is None:
        return False
    slope, noise = found
    terms = gradient * weights
    typical = np.sqrt(np.einsum("ij,ij->i", terms, terms) / max(terms.shape[1], 1))
    # A cotangent whose gradient vanishes (ones under softmax) is measured against the others.
    size = np.maximum(typical, 0.3 * typical.max(initial=0.0))
    bound = noise + CURVED * np.sqrt(terms.shape[1]) * size
    if not ((np.abs(terms.sum(axis=1) - slope) <= bound) & (bound <= VISIBLE * size)).all():
        return False
    elements = rng.integers(0, gradient.shape[1], ELEMENTS).tolist()
    return all(_right_at(forward, primal, e, gradient[:, e], cotangents) for e in elements)


def agree_together(
    forward: Forward,
    gradients: dict[int, Array],
    cotangent: Array,
    rng: np.random.Generator,
    precision: float,
) -> bool:
    """Whether the gradients of all primals together are right along one random direction.

    To the few digits that tell this point from its neighbours, and what ``precision`` allows.
    """
    moves = {i: spread_signs(g.size, rng) for i, g in gradients.items()}
    value = forward.moved_together({i: FINE * w for i, w in moves.items()})
    if value is None:
        return False
    slope = cotangent @ (value - forward.base) / FINE
    terms = np.concatenate([g * moves[i] for i, g in gradients.items()])
    noise = 8 * EPS * np.sqrt(np.square(cotangent) @ np.square(forward.base)) / FINE
    size = np.sqrt(terms @ terms)
    bound = noise + (1e-6 + 64 * precision) * size
    return bool(abs(terms.sum() - slope) <= bound and bound <= (1e-4 + 128 * precision) * size)


def _right_at(
    forward: Forward, primal: int, element: int, analytic: Array, cotangents: Array
) -> bool:
    """Whether the gradient of one element is right, to about six digits."""
    value = forward.moved(primal, slice(element, element + 1), np.array([FINE]))
    if value is None:
        return False
    slope = cotangents @ (value - forward.base) / FINE
    noise = 8 * EPS * _size(cotangents, forward) / FINE
    return bool((np.abs(slope - analytic) <= 2e-6 * np.abs(analytic) + noise).all())


def _central(
    forward: Forward, primal: int, where: slice, weights: Array, cotangents: Array
) -> tuple[Array, Array] | None:
    """The central difference for every cotangent, and its noise; None where there is none."""
    values: list[Any] = []
    for step in (STEP, -STEP):
        value = forward.moved(primal, where, step * weights)
        if value is None:
            return None
        values.append(value)
    change = values[0] - values[1]
    return cotangents @ change / (2 * STEP), 4 * EPS * _size(cotangents, forward) / STEP


def _size(cotangents: Array, forward: Forward) -> Array:
    """What the roundings of all outputs amount to, in roundings, for every cotangent."""
    return np.sqrt(np.square(cotangents) @ np.square(forward.base))


def spread_signs(size: int, rng: np.random.Generator) -> Array:
    """Random weights of either sign with sizes in [1/2, 1), of sixteen bits each.

    Their sizes differ so that two elements exchanged for one another cannot cancel.

    >>> w = spread_signs(1000, np.random.default_rng(0))
    >>> float(np.abs(w).min()) >= 0.5, float(np.abs(w).max()) < 1.01
    (True, True)
    """
    weights = np.frombuffer(rng.bytes(2 * size), np.int16) * (1 / 65536)
    weights += np.copysign(0.5, weights)
    return weights
