"""The rule does something to the cotangent that a linear map does not do, or forgets it."""

from collections.abc import Iterator
from itertools import pairwise, permutations

import numpy as np

from gradcheck.diagnosis.evidence import Evidence, axes_words, blocks
from gradcheck.forward import Array


def state(e: Evidence) -> str:
    """Calls with one cotangent return different gradients."""
    if e.pull is None:
        return ""
    first, second = (e.pull(e.cotangents[:1])[:, e.chosen] for _ in range(2))
    adds = (np.abs(second - first - e.numeric[:1]) <= 4 * e.near[:1]).all()
    if adds and not np.array_equal(first, second):
        return "each call adds to what the last one returned: state is kept between calls"
    before = first if e.before is None else e.before[:, e.chosen]
    size = 1e-6 * np.abs(before).max(initial=0.0)
    text = "two calls with the same cotangent differ"
    if (np.abs(before - e.numeric[:1]) <= e.near[:1]).all():
        text = "the first calls are right and later ones are not"
    for other in (first, second, e.claimed[:1]):
        if np.abs(other - before).max(initial=0.0) > size:
            return f"{text}: it keeps state, changes its arguments, or is random"
    return ""


def replaced(e: Evidence) -> str:
    """Something made of the cotangent stands where the cotangent belongs."""
    for words, other in _instead(e):
        if e.explains(other):
            return words
    return ""


def _instead(e: Evidence) -> Iterator[tuple[str, Array]]:
    g = e.cotangents
    ones = np.ones_like(g)
    yield "right only for g = 1: the cotangent is not used", ones
    yield "right only for g = 1: the mean of the cotangent is used", ones * g.mean(1, keepdims=True)
    yield "right only for g = 1: the sum of the cotangent is used", ones * g.sum(1, keepdims=True)
    yield "the absolute value of the cotangent is used, |g| in place of g", np.abs(g)
    yield "the square of the cotangent is used, g * g in place of g", g * g
    yield "only the sign of the cotangent is used, sign(g) in place of g", np.sign(g)
    yield "the cotangent is clipped to [-1, 1]", np.clip(g, -1, 1)
    yield "the cotangent is cut off below 0, max(g, 0) in place of g", np.maximum(g, 0)
    yield "the cotangent is divided by its norm", g / np.linalg.norm(g, axis=1, keepdims=True)
    yield "the cotangent is divided by its largest element", g / np.abs(g).max(1, keepdims=True)
    yield "the square root of the cotangent is used", np.sqrt(np.abs(g)) * np.sign(g)
    yield "the cube of the cotangent is used", g**3
    yield "tanh(g) is used in place of g", np.tanh(g)
    yield "exp(g) is used in place of g", np.exp(g)
    yield from _clipped(e)
    yield "only the first element of the cotangent is used", ones * g[:, :1]
    yield "only the last element of the cotangent is used", ones * g[:, -1:]


def _clipped(e: Evidence) -> Iterator[tuple[str, Array]]:
    """The cotangent cut at the size that the gradients of separate elements show."""
    if e.slopes is None or e.single != e.shape or not e.whole:
        return
    diagonal = np.diagonal(e.slopes)
    if np.count_nonzero(e.slopes) != np.count_nonzero(diagonal) or not diagonal.all():
        return
    limit = float(np.abs(e.claimed / diagonal).max())
    clipped = np.clip(e.cotangents, -limit, limit)
    yield f"the cotangent is clipped to [-{limit:.6g}, {limit:.6g}]", clipped


def nonlinear(e: Evidence) -> str:
    """Twice the cotangent does not give twice the gradient."""
    if e.pull is None:
        return ""
    twice = e.pull(2 * e.cotangents) - 2 * e.analytic
    size = np.abs(e.analytic).max(initial=0.0)
    if np.isfinite(twice).all() and np.abs(twice).max(initial=0.0) > 1e-5 * size:
        return "not linear in g: twice the cotangent does not give twice the gradient"
    return ""


def one_sided(e: Evidence) -> str:
    """The rule is right for the cotangent plus or minus its transpose."""
    shape = e.single
    if e.pull is None or shape is None or len(shape) < 2 or not shape[-1] == shape[-2] > 1:
        return ""
    turned = e.cotangents.reshape(-1, *shape).swapaxes(-1, -2).reshape(e.cotangents.shape)
    both = e.cotangents + turned
    if e.fits(e.pull(both)):
        return "right with g + g.T where it uses g: the transposed part is missing"
    if e.fits(e.pull(both / 2)):
        return "right with (g + g.T) / 2 where it uses g"
    if e.fits(e.pull(e.cotangents - turned)):
        return "right with g - g.T where it uses g: the transposed part is missing"
    return ""


def summed(e: Evidence) -> str:
    """A sum or mean of the cotangent over axes stands where the cotangent belongs."""
    for words, other in _along_axes(e):
        if e.explains(other):
            return words
    return ""


def _along_axes(e: Evidence) -> Iterator[tuple[str, Array]]:
    shape = e.single
    if shape is None or len(shape) < 2:
        return
    grid = e.cotangents.reshape(-1, *shape)
    ways = (("sum", np.sum), ("mean", np.mean))
    for axes in blocks(shape):
        for name, way in ways:
            made = way(grid, axis=tuple(a + 1 for a in axes), keepdims=True)
            text = f"the {name} of the cotangent over {axes_words(axes)} is used in place of itself"
            yield text, np.broadcast_to(made, grid.shape).reshape(e.cotangents.shape)
        first = grid.take([0], axis=axes[0] + 1)
        text = f"only index 0 along axis {axes[0]} of the cotangent is used"
        yield text, np.broadcast_to(first, grid.shape).reshape(e.cotangents.shape)


def only_ones(e: Evidence) -> str:
    """Right for a cotangent of ones, wrong for all others."""
    if e.pull is None or e.slopes is None:
        return ""
    ones = np.ones_like(e.cotangents[:1])
    made, right = e.pull(ones)[:, e.chosen], ones @ e.slopes
    scale = np.abs(e.slopes).sum(axis=0)
    telling = np.abs(right).max(initial=0.0) > 1e-6 * scale.max(initial=0.0)
    near = 4 * e.near.max(axis=0) + 1e-9 * scale
    if telling and (np.abs(made - right) <= near).all():
        if e.jacobian is not None:  # linear in g, and so the wrong parts of g are summed
            return "right only for g = 1: elements of the cotangent reach the wrong elements"
        return "right only for g = 1: g does not multiply all that it should"
    return ""


def affine(e: Evidence) -> str:
    """The zero cotangent leaves something, without which the rule is right."""
    if e.pull is None:
        return ""
    rest = e.pull(np.zeros_like(e.cotangents[:1]))
    if not rest.any() or not np.isfinite(rest).all():
        return ""
    if (e.analytic == rest).all():
        return "the same gradient for every g: it is kept from an earlier call, or g is not used"
    if e.fits(e.analytic - rest):
        size = np.abs(rest).max()
        return f"a term that does not depend on g is added, up to {size:.3g}: without it right"
    return only_ones(e) or "not zero for g = 0: something is added that does not depend on g"


def output_ignored(e: Evidence) -> str:
    """One of several outputs has its cotangent ignored, or treated as another's."""
    if len(e.output_shapes) < 2 or e.slopes is None:
        return ""
    ends = np.cumsum([0, *(int(np.prod(s)) for s in e.output_shapes)])
    for k, (start, end) in enumerate(pairwise(ends.tolist())):
        without = e.cotangents.copy()
        without[:, start:end] = 0
        if e.explains(without):
            return f"the cotangent of output {k} is ignored"
        without[:, start:end] = -e.cotangents[:, start:end]
        if e.explains(without):
            return f"the sign of output {k}'s cotangent is flipped"
    return _outputs_confused(e, [slice(a, b) for a, b in pairwise(ends.tolist())])


def _outputs_confused(e: Evidence, parts: list[slice]) -> str:
    """The cotangent of one output is used for another."""
    for (j, one), (k, two) in permutations(enumerate(parts), 2):
        if e.output_shapes[j] != e.output_shapes[k]:
            continue
        other = e.cotangents.copy()
        other[:, two] = e.cotangents[:, one]
        if e.explains(other):
            return f"the cotangent of output {j} is used for output {k}, too"
        other[:, one] = e.cotangents[:, two]
        if e.explains(other):
            return f"the cotangents of outputs {j} and {k} are swapped"
    return ""
