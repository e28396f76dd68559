"""The right numbers in the wrong places: axes, elements, cotangents, inputs, the Jacobian."""

from collections.abc import Iterator
from itertools import permutations

import numpy as np

from gradcheck.diagnosis.evidence import Evidence
from gradcheck.forward import Array

Moved = Iterator[tuple[str, Array]]


def swapped(e: Evidence) -> str:
    """Another input's gradient is the right one."""
    for other, rows in e.others.items():
        if rows.shape == e.analytic.shape and e.fits(rows):
            return f"this is what the rule returns for input {other}: the two are swapped"
        if rows.shape == e.analytic.shape and e.fits(-rows):
            return f"the negative of this is what the rule returns for input {other}"
    return ""


def gradient_moved(e: Evidence) -> str:
    """The gradient with its axes permuted, reversed or rolled would pass."""
    if not e.whole:
        return ""
    for words, grid in moves(e.analytic.reshape(-1, *e.shape), e.shape):
        if e.fits(grid.reshape(len(e.analytic), -1)):
            return words
        if e.fits(-grid.reshape(len(e.analytic), -1)):
            return f"{words}, and the sign flipped"
    return ""


def cotangent_moved(e: Evidence) -> str:
    """The gradient is right for the cotangent permuted, reversed or rolled."""
    shape = e.single
    if shape is None or e.slopes is None:
        return ""
    for words, grid in moves(e.cotangents.reshape(-1, *shape), shape):
        if e.explains(grid.reshape(len(e.cotangents), -1)):
            return f"the cotangent is used {words}"
    return ""


def moves(grid: Array, shape: tuple[int, ...]) -> Moved:
    """Every rearrangement worth trying, in words; ``grid`` has the cotangents in front."""
    for order in permutations(range(len(shape))) if len(shape) <= 4 else ():
        turned = np.transpose(grid, (0, *(a + 1 for a in order)))
        if order != tuple(range(len(shape))) and turned.shape == grid.shape:
            yield _permutation(order), turned
    for order in permutations(range(len(shape))) if len(shape) <= 4 else ():
        mixed = tuple(shape[a] for a in order)
        if order != tuple(range(len(shape))) and mixed != shape:
            turned = np.transpose(
                grid.reshape(-1, *mixed), (0, *(a + 1 for a in np.argsort(order)))
            )
            yield f"{_permutation(order)} and then reshaped, which mixes rows", turned
    for axis, length in enumerate(shape):
        if length > 1:
            yield f"reversed along axis {axis}", np.flip(grid, axis + 1)
        for k in [1, -1, 2, -2]:
            if length > 2 and abs(k) <= length // 2:
                yield f"rolled by {-k} along axis {axis}", np.roll(grid, k, axis + 1)


def _permutation(order: tuple[int, ...]) -> str:
    if order == tuple(range(len(order)))[::-1]:
        return "transposed"
    away = [a for a, b in enumerate(order) if a != b]
    if len(away) == 2:
        return f"transposed: axes {away[0]} and {away[1]} are exchanged"
    return f"with its axes permuted to {order}"


def exchanged(e: Evidence) -> str:
    """Every gradient is right, for another element."""
    count = e.claimed.shape[1]
    if not 2 <= count <= 400 or len(e.claimed) < 2:
        return ""
    off = np.abs(e.claimed[:, :, None] - e.numeric[:, None, :])
    match = (off <= e.near[:, None, :]).all(axis=0)  # (claimed, belongs to)
    if not ((match.sum(axis=0) == 1).all() and (match.sum(axis=1) == 1).all()):
        return ""
    owner = match.argmax(axis=1)
    first = int(np.flatnonzero(owner != np.arange(count))[0])
    one, other = (e.index(int(e.chosen[k])) for k in (first, owner[first]))
    return f"the right numbers at the wrong places: element {one} has what belongs to {other}"


def outputs_exchanged(e: Evidence) -> str:
    """The rows of the Jacobian are the right ones, for other outputs."""
    a, n = e.jacobian, e.slopes
    if a is None or n is None or not e.whole or len(n) < 3 or a.shape[1] < 2:
        return ""
    near = e.slope_error + 1e-7 * np.abs(n).max(initial=0.0) + np.zeros_like(n)
    wrong = np.flatnonzero((np.abs(a - n) > near).any(axis=1))
    left = wrong.tolist()
    for k in wrong:
        found = next((j for j in left if (np.abs(a[k] - n[j]) <= near[j]).all()), None)
        if found is None:
            return ""
        left.remove(found)
    if not wrong.size:
        return ""
    return "the cotangent's elements are used in the wrong order (reshaped, transposed or indexed)"


def jacobian_transposed(e: Evidence) -> str:
    """The transpose of the rule's Jacobian is the right one."""
    a, n = e.jacobian, e.slopes
    if a is None or n is None or not e.whole or a.shape[0] != a.shape[1]:
        return ""
    if e.fits(e.cotangents @ a.T):
        return "the Jacobian is transposed: J g stands where J^T g belongs"
    if e.fits(-e.cotangents @ a.T):
        return "the Jacobian is transposed, and the sign flipped"
    return ""


def spread(e: Evidence) -> str:
    """The same number for all elements, with the right sum."""
    if not e.whole or e.analytic.shape[1] < 2 or np.ptp(e.analytic, axis=1).any():
        return ""
    total = np.abs(e.analytic.sum(axis=1) - e.numeric.sum(axis=1))
    near = np.maximum(e.bound.sum(axis=1), 1e-7 * np.abs(e.numeric).sum(axis=1))
    return "spread evenly over the elements: the sum is right" if (total <= near).all() else ""
