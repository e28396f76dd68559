"""scipy.optimize.check_grad on ``<g, f(x)>`` over all inputs laid end to end, in float64.

It returns the 2-norm of the difference between the gradient and forward differences and leaves
the verdict to its user. Here the difference may be a hundred-thousandth of the gradient's norm:
forward differences at their default step of 1.5e-8 are right to about 1e-7 for smooth functions of
size 1, and a tolerance nearer to that would accuse many correct rules.
"""

from typing import Any

import numpy as np

from gradcheck.exam.judges.question import Cannot, Question
from gradcheck.exam.rule import Rule

TOLERANCE = 1e-5
LARGEST = 1.5e8  # inputs times outputs, about ten seconds of differences


def judge(rule: Rule, seed: int) -> bool:
    """Whether the difference is small beside the gradient."""
    from scipy.optimize import check_grad

    question = Question(rule, wide=True)
    if question.order > 1:
        raise Cannot("check_grad knows no second order")
    sizes = [p.size for p in question.point]
    if not sum(sizes):
        raise Cannot("check_grad needs at least one element")
    if sum(sizes) ** 2 > LARGEST:
        raise Cannot(f"{sum(sizes)} elements, one after another")
    rng = np.random.default_rng(seed)
    gs = [rng.standard_normal(question.outputs[k].shape) for k in question.kept]
    start = np.concatenate([p.ravel() for p in question.point])

    def function(x: Any) -> float:
        ys = question.value(*cut(x, question))
        return float(sum((g * y).sum() for g, y in zip(gs, ys, strict=True)))

    def gradient(x: Any) -> Any:
        floats = cut(x, question)
        given = [g.copy() for g in gs]
        grads = question.gradients(given, question.value(*floats), floats)
        return joined(grads, question)

    error = check_grad(function, gradient, start)
    return bool(error <= TOLERANCE * np.linalg.norm(gradient(start)))


def cut(x: Any, question: Question) -> list[Any]:
    """The inputs, cut from one vector."""
    point = question.point
    ends = np.cumsum([p.size for p in point])
    pieces = np.split(np.array(x), ends[:-1])
    return [piece.reshape(p.shape) for piece, p in zip(pieces, point, strict=True)]


def joined(grads: list[Any], question: Question) -> Any:
    """The gradients laid end to end; raises ValueError when one has another shape."""
    flat = []
    for grad, p in zip(grads, question.point, strict=True):
        given = np.zeros_like(p) if grad is None else np.asarray(grad)
        if given.shape != p.shape:
            raise ValueError(f"a gradient of shape {given.shape} for an input of shape {p.shape}")
        flat.append(given.ravel())
    return np.concatenate(flat)
