"""Forward mode against reverse mode: ``<g, J v>`` both ways."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gradcheck.engines.base import floating
from gradcheck.forward import Array, Direction
from gradcheck.numeric import DENSE, measure
from gradcheck.report import Finding
from gradcheck.subject import Subject, blame
from gradcheck.values import ROUNDINGS, SAFETY

if TYPE_CHECKING:
    from gradcheck.probes import Trial


@dataclass
class Sides:
    """The same number from forward and from reverse mode, and the size of the terms in it."""

    forward: float
    reverse: float
    terms: float

    def near(self, eps: float) -> bool:
        """Whether they are equal but for roundings."""
        return abs(self.forward - self.reverse) <= 2 * ROUNDINGS * eps * self.terms


def forward_against_reverse(trial: "Trial") -> Iterator[Finding]:
    """``<g, J v>`` by forward mode equals ``<J'g, v>`` by reverse mode, where an engine has both.

    Where they differ, the slope of ``f`` along ``v`` says which of them is wrong; where ``f`` has a
    kink, either may choose as it likes.
    """
    subject = trial.subject
    usable = [i for i in subject.wrt if i in trial.rows]
    if not hasattr(subject.engine, "jvp"):
        return  # an adapter with the required members alone
    if subject.engine.name == "numpy" and getattr(subject.f, "jvp", None) is None:
        return  # before tangents are drawn, which takes longer than some functions do
    if not usable or not all(np.isfinite(trial.rows[i]).all() for i in usable):
        return
    weights = {i: _signed(subject, i) for i in usable}
    tangents = [
        weights[i].reshape(p.shape).astype(p.dtype) if i in weights else np.zeros(p.shape, _kind(p))
        for i, p in enumerate(subject.primals)
    ]
    with blame("forward mode"):
        found = subject.engine.jvp(subject.f, [p.copy() for p in subject.primals], tangents)
    if found is None:
        return
    trial.count += 1
    faults = list(_faults(subject, *found))
    yield from faults
    if faults:
        return
    moved = _flat(subject, found[1])
    g = trial.cotangents[0]
    sides = _sides(g, moved, {i: trial.rows[i][0] for i in usable}, weights)
    if not np.isfinite(moved[g != 0]).all():
        yield Finding("forward mode", "forward mode gives tangents that are not finite")
    elif not sides.near(max(subject.precision(i) for i in usable)):
        yield from _judged(subject, g, moved, weights, usable)


def _signed(subject: Subject, primal: int) -> Array:
    """Normal weights away from zero, exact in the primal's own precision."""
    p = subject.primals[primal]
    draw = subject.rng.standard_normal(p.size)
    return (draw + np.sign(draw) / 4).astype(p.dtype).astype(np.float64)


def _kind(primal: Array) -> Any:
    return primal.dtype if floating(primal) else np.float64


def _flat(subject: Subject, arrays: Any) -> Array:
    parts = [np.ravel(arrays[k]).astype(np.float64) for k in subject.floating]
    return np.concatenate(parts)


def _faults(subject: Subject, outputs: Any, moved: Any) -> Iterator[Finding]:
    """Other outputs than those of ``f``, or tangents that are no tangents of them."""
    if len(outputs) != len(subject.outputs) or len(moved) != len(subject.outputs):
        text = f"{len(moved)} tangents for {len(subject.outputs)} outputs"
        yield Finding("forward mode", f"forward mode gives {text}")
        return
    for k in subject.floating:
        y, t = subject.outputs[k], moved[k]
        if outputs[k].shape != y.shape or not _alike(outputs[k], y):
            yield Finding("forward mode", f"forward mode computes another output {k} than f")
        elif t.shape != y.shape:
            text = f"tangent of output {k} has shape {t.shape} in forward mode, must be {y.shape}"
            yield Finding("forward mode", text)
        elif t.dtype != y.dtype:
            text = f"tangent of output {k} has dtype {t.dtype} in forward mode, must be {y.dtype}"
            yield Finding("forward mode", text)


def _alike(a: Array, b: Array) -> bool:
    """Equal but for roundings in the size of the largest."""
    limit = 1e4 * float(np.finfo(b.dtype).eps) * np.abs(b[np.isfinite(b)]).max(initial=0.0)
    return bool(((a == b) | (np.abs(a - b) <= limit) | (np.isnan(a) & np.isnan(b))).all())


def _sides(g: Array, moved: Array, rows: dict[int, Array], weights: dict[int, Array]) -> Sides:
    left = np.where(g != 0, g * np.where(g != 0, moved, 0.0), 0.0)
    right = np.concatenate([rows[i] * weights[i] for i in rows])
    terms = float(np.abs(left).sum() + np.abs(right).sum())
    return Sides(float(left.sum()), float(right.sum()), terms)


def _judged(
    subject: Subject, g: Array, moved: Array, weights: dict[int, Array], usable: list[int]
) -> Iterator[Finding]:
    """Which side is wrong, by the slopes of ``f`` at outputs without a kink."""
    direction = Direction({i: (slice(None), weights[i]) for i in usable})
    slopes = measure(subject.forward, [direction], DENSE)
    smooth = ~(slopes.kink | slopes.jump)[0] & np.isfinite(slopes.error[0])
    eps = max(subject.precision(i) for i in usable)
    kept = g * smooth
    grads = subject.jacobian_rows(kept[None])
    sides = _sides(kept, moved, {i: grads[i][0] for i in usable}, weights)
    if sides.near(eps) or not kept.any():
        return
    numeric = float(kept[smooth] @ slopes.low[0][smooth])
    shaken = _shaken(subject, kept, grads, weights)
    bound = float(SAFETY * np.abs(kept[smooth]) @ slopes.error[0][smooth])
    bound += ROUNDINGS * eps * sides.terms + 8 * shaken
    if abs(sides.forward - sides.reverse) <= 16 * shaken:
        return
    off = [abs(side - numeric) > bound for side in (sides.forward, sides.reverse)]
    text = (
        f"<g, J v> is {sides.forward:.9g} by forward mode and {sides.reverse:.9g} by reverse mode"
    )
    who = {
        (True, False): "the forward mode is wrong: reverse mode and the slope of f agree",
        (False, True): "the reverse mode is wrong: forward mode and the slope of f agree",
        (True, True): "both are wrong: the slope of f is another number",
        (False, False): "the slope of f cannot tell which of them is wrong",
    }[(off[0], off[1])]
    yield Finding(
        "forward mode",
        text,
        verdict="fail" if any(off) else "inconclusive",
        analytic=sides.forward,
        numeric=numeric,
        error=bound,
        diagnosis=who,
    )


def _shaken(
    subject: Subject, g: Array, grads: dict[int, Array], weights: dict[int, Array]
) -> float:
    """What one rounding error does to the reverse side."""
    slack = subject.sensitivity(g[None], grads)
    return float(sum(np.abs(slack[i][0] * weights[i]).sum() for i in weights))
