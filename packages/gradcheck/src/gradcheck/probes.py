"""Properties every pullback has, whatever the function: tried without any derivative.

A probe takes a Trial and yields findings; ``trial.count`` counts what was compared.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from gradcheck import layouts
from gradcheck.adjoint import forward_against_reverse
from gradcheck.comparison import Comparison
from gradcheck.diagnosis.gather import shape_diagnosis
from gradcheck.engines.base import Misuse, floating
from gradcheck.forward import Array, Direction, Forward, even_exponent
from gradcheck.glance import spread_signs
from gradcheck.large import WIDE, weighted
from gradcheck.numeric import DENSE, EPS, measure
from gradcheck.report import Finding
from gradcheck.subject import Grads, Subject, same_bytes

Found = Iterator[Finding]


@dataclass
class Trial:
    """A comparison (cotangents: signed Gaussian, then ones) with its first gradients, raw."""

    comparison: Comparison
    first: Grads
    sizes: bool | None = None
    own_grads: bool = True
    right: bool = True  # the values at the point
    count: int = 0
    float32: bool = False  # whether a rule asked about float64 must answer float32 in kind
    notes: list[str] = field(default_factory=list)

    @property
    def subject(self) -> Subject:
        """The function with its rule at its point."""
        return self.comparison.subject

    @property
    def cotangents(self) -> Array:
        """One flat cotangent a row."""
        return self.comparison.cotangents

    @property
    def rows(self) -> dict[int, Array]:
        """For every primal with usable gradients an array (cotangents, elements)."""
        return self.comparison.rows

    def near(self, primal: int, a: Array, b: Array, terms: Array | float = 0.0) -> bool:
        """Equal up to the rounding errors of the rule's arithmetic, at the size of the terms."""
        self.count += a.size
        eps = self.subject.precision(primal)
        off = np.abs(a - b)
        if off.max(initial=0.0) <= 64 * eps * max(b.max(initial=0.0), -b.min(initial=0.0)):
            return True
        size = np.maximum(np.abs(a), np.abs(b)) + terms
        grown = 64 * eps * (size + size.max(initial=0.0))
        same = (off <= grown) | ~np.isfinite(grown)
        if not same.all():  # what the rule itself makes of roundings is asked only now
            natural = self.subject.natural(self.cotangents, primal)
            same |= off <= grown + 16 * self.slack_of(primal) + 64 * eps * natural
        if not same.all():  # and whether the function itself works with fewer digits
            same |= off <= 64 * self.coarseness(primal) * (size + size.max(initial=0.0))
        return bool(same.all())

    def coarseness(self, primal: int) -> float:
        """The relative rounding that the function itself gives an input, if it does."""
        flat = self.subject.forward.flat[primal]
        largest = int(np.abs(flat).argmax()) if flat.size else 0
        known = bool(flat.size) and np.isfinite(flat[largest]) and flat[largest] != 0
        return self.subject.quantum(primal, largest) / abs(flat[largest]) if known else 0.0

    def slack_of(self, primal: int) -> Array:
        """The largest change by a rounding error, for every element.

        What a few random roundings did to many elements they may by chance not have done to one.
        """
        slack = self.comparison.slack
        if primal not in slack or not slack[primal].size:
            return np.zeros(1)
        most = slack[primal].max(axis=0)
        return np.asarray(np.maximum(most, np.quantile(most, 0.9)))


def structure(subject: Subject, grads: Grads) -> Found:
    """Shape and dtype of every gradient."""
    for i in subject.wrt:
        grad, primal = grads[i], subject.primals[i]
        if grad is None:
            continue
        if grad.shape != primal.shape:
            text = f"gradient of input {i} has shape {grad.shape}, must be {primal.shape}"
            yield Finding("shape", text, input=i, diagnosis=shape_diagnosis(subject, i, grad.shape))
        elif grad.dtype != primal.dtype and not _promoted(subject, primal):
            text = f"gradient of input {i} has dtype {grad.dtype}, must be {primal.dtype}"
            yield Finding("dtype", text, input=i)


def _promoted(subject: Subject, primal: Array) -> bool:
    """Whether ``f`` mixes precisions, so that an engine's raw rule cannot know better."""
    if subject.engine.name == "numpy":
        return False
    return any(subject.outputs[k].dtype != primal.dtype for k in subject.floating)


def mutation(trial: Trial) -> Found:
    """Inputs, outputs and cotangents keep their bytes."""
    subject = trial.subject
    inputs = [p.copy() for p in subject.primals]
    outputs, pull = subject.engine.vjp(subject.f, inputs)
    cotangents = subject.split(trial.cotangents[0], outputs)
    kept = [y.copy() for y in outputs], [g.copy() for g in cotangents]
    pull(cotangents)
    groups = (
        ("input", inputs, subject.primals),
        ("output", outputs, kept[0]),
        ("cotangent", cotangents, kept[1]),
    )
    for what, now, before in groups:
        for k, (a, b) in enumerate(zip(now, before, strict=True)):
            trial.count += 1
            if not same_bytes(a, b):
                yield Finding("mutation", f"the pullback changes {what} {k}")


def calls(trial: Trial) -> int:
    """How often a pullback is called again: often where it costs little."""
    return 12 if sum(map(np.size, trial.subject.primals)) <= 2000 else 1


def repeatable(trial: Trial) -> Found:
    """The pullback gives the same bits when called again, and leaves earlier results alone."""
    subject = trial.subject
    g = trial.cotangents[0]
    with suppress(Exception):  # a rule must not take what f computed last for its own
        subject.engine.value(subject.f, trial.comparison.beside)
    raw = subject.gradients(g)
    first = [None if a is None else a.copy() for a in raw]
    for _ in range(calls(trial)):
        subject.gradients(trial.cotangents[-1])
    for i, (a, b) in enumerate(zip(first, raw, strict=True)):
        trial.count += 1
        if a is not None and b is not None and not same_bytes(a, b):
            text = f"gradient of input {i} is overwritten by a later call of the pullback"
            yield Finding("aliasing", text, input=i, diagnosis="an internal buffer is handed out")
    # The very first call came before f was evaluated at other points.
    unlike = {
        i
        for i, row in trial.rows.items()
        if (a := first[i]) is not None
        and not np.array_equal(a.reshape(-1).astype(row.dtype), row[0], equal_nan=True)
    }
    for _ in range(calls(trial)):
        for i, (a, b) in enumerate(zip(first, subject.gradients(g), strict=True)):
            trial.count += 1
            if not (a is b if a is None or b is None else same_bytes(a, b)):
                unlike.add(i)
    for i in sorted(unlike):
        text = f"gradient of input {i} differs between identical calls of the pullback"
        yield Finding("determinism", text, input=i)


def elsewhere(trial: Trial) -> Found:
    """The pullback is right a little beside the point, too, after it was called at the point."""
    subject, points, g = trial.subject, trial.comparison.beside, trial.cotangents[0]
    if not trial.right:
        return
    try:
        forward = Forward(subject.forward.call, points, subject.bounds)
    except Exception:
        return  # not a point of the domain
    if forward.base.size != g.size or not np.isfinite(forward.base).all():
        return
    rows = _rows_at(trial, points)
    if set(rows) != set(subject.wrt) or not all(np.isfinite(r).all() for r in rows.values()):
        return
    trial.count += 1
    if all(_off(trial, forward, rows, relative) for relative in (False, True)):
        text = "the pullback is wrong beside the point, after calls at the point"
        hint = "the rule keeps something from call to call, or is right at this point alone"
        yield Finding("state", text, diagnosis=hint)


def _off(trial: Trial, forward: Forward, rows: dict[int, Array], relative: bool) -> bool:
    """Whether gradients are clearly wrong along a random direction."""
    subject, g = trial.subject, trial.cotangents[0]
    moves = {}
    for i, row in rows.items():
        weights = spread_signs(row.size, subject.rng)
        if relative:  # steps of 1 see nothing of a logarithm at 1e-9
            weights = np.ldexp(weights, np.clip(even_exponent(forward.flat[i]), -200, 200))
        moves[i] = (slice(None), weights)
    seen = weighted(forward, g[None]) if forward.base.size > WIDE else forward
    contraction = np.ones(1) if seen is not forward else g
    slopes = measure(seen, [Direction(moves)], DENSE)
    numeric = contraction @ (slopes.low[0] + slopes.high[0]) / 2
    error = np.abs(contraction) @ (slopes.error[0] + slopes.high[0] - slopes.low[0])
    terms = np.concatenate([rows[i][0] * w for i, (_, w) in moves.items()])
    size = max(float(np.sqrt(terms @ terms)), abs(numeric))
    if not error <= 1e-3 * size or slopes.jump.any() or not _joined(forward, g, moves, numeric):
        return False
    precision = max(map(subject.precision, subject.wrt))
    natural = sum(
        subject.natural(trial.cotangents, i) * np.sqrt(row.size) for i, row in rows.items()
    )
    bound = 8 * error + (1e-5 + 1e3 * precision) * size + 1e3 * precision * natural
    return bool(abs(terms.sum() - numeric) > bound)


def _joined(
    forward: Forward, g: Array, moves: dict[int, tuple[slice, Array]], slope: float
) -> bool:
    """Whether the value at the point lies on the line its neighbours draw.

    Slopes over the point see nothing of a jump away from it, as that of a mode at a tie.
    """
    step = 2.0**-26
    value = forward.moved_together({i: step * w for i, (_, w) in moves.items()})
    if value is None:
        return False
    change, noise = float(g @ (value - forward.base)), 64 * EPS * np.sqrt(g**2 @ forward.base**2)
    return bool(abs(change - slope * step) <= 0.5 * abs(slope) * step + noise)


LARGE, TINY = 2.0**10, 2.0**-40


def linearity(trial: Trial) -> Found:
    """Sums and multiples of cotangents give those of gradients; zero gives exact zeros.

    The multiples are far from 1, to meet thresholds and clipping, and of either sign.
    """
    subject = trial.subject
    a, b = trial.cotangents[0], trial.cotangents[-1]
    mixed = subject.jacobian_rows(np.array([b - 2 * a, -LARGE * a, TINY * a, 0 * a]))
    for i, rows in mixed.items():
        if i not in trial.rows or not np.isfinite(trial.rows[i]).all():
            continue
        first, last = trial.rows[i][0], trial.rows[i][-1]
        terms = 2 * np.abs(first) + np.abs(last)
        if not trial.near(i, rows[0], last - 2 * first, terms):
            text = f"gradient of input {i} is not linear in the cotangent"
            yield Finding("linearity", text, input=i)
        else:
            yield from _multiples(trial, i, rows[1:3], first)
        trial.count += 1
        if rows[3].any():
            text = f"gradient of input {i} is not zero for a zero cotangent"
            yield Finding("zero cotangent", text, input=i)


def _multiples(trial: Trial, i: int, rows: Array, first: Array) -> Found:
    """Large and tiny cotangents give large and tiny gradients, where the dtype can hold them."""
    info = np.finfo(trial.subject.primals[i].dtype)
    if float(info.eps) > 1e-4:  # half precision has no such range
        return
    held = np.abs(first) > float(info.tiny) / TINY / float(info.eps)
    for scale, row in zip((-LARGE, TINY), rows, strict=True):
        # Few digits will do: clipping shows at once, and an algorithm may work less well on g.
        enough = 1e-6 if float(info.eps) < 1e-12 else 2e-2
        off = np.abs(row / scale - first) > enough * np.abs(first).max(initial=0.0)
        trial.count += first.size
        if (off & held & np.isfinite(row)).any():
            text = f"gradient of input {i} does not grow with the cotangent: wrong for {scale:g} g"
            lost = (np.abs(row / scale + first) <= 1e-6 * np.abs(first).max(initial=0.0)).all()
            hint = "the sign of g is lost" if lost else "clipping or a threshold on g"
            again = trial.subject.jacobian_rows(trial.cotangents[:1]).get(i)
            if again is None or not np.array_equal(again[0], first):
                hint = ""  # it differs from call to call, whatever the size of g
            yield Finding("linearity", text, input=i, diagnosis=hint)


def aliasing(trial: Trial) -> Found:
    """The engine's own ``.grad`` arrays are nobody else's memory, and writable."""
    subject = trial.subject
    if not trial.own_grads:
        return
    inputs = [p.copy() for p in subject.primals]
    for g in trial.cotangents:
        cotangents = subject.split(g)
        grads = subject.engine.own_grads(subject.f, inputs, cotangents)
        found = [] if grads is None else list(shared_memory(trial, grads, inputs, cotangents))
        if found:
            yield from found
            return


def shared_memory(trial: Trial, grads: Grads, inputs: list[Array], gs: list[Array]) -> Found:
    """Findings for gradients that share memory with each other, an input or a cotangent."""
    for i, grad in enumerate(grads):
        if grad is None or not grad.size:
            continue
        trial.count += 1
        others = [(f"the gradient of input {k}", h) for k, h in enumerate(grads[:i])]
        others += [(f"input {k}", x) for k, x in enumerate(inputs)]
        others += [(f"cotangent {k}", g) for k, g in enumerate(gs)]
        for name, other in others:
            if other is not None and overlap(grad, other):
                yield Finding("aliasing", f"gradient of input {i} shares memory with {name}")
        if not grad.flags.writeable:
            yield Finding("aliasing", f"gradient of input {i} is read-only memory")
        elif 0 in grad.strides and max(grad.shape, default=0) > 1 and _overlaps(grad):
            text = f"gradient of input {i} is a broadcast view: its elements share memory"
            yield Finding("aliasing", text)


def overlap(a: Array, b: Array) -> bool:
    """Whether two arrays have a byte in common; in doubt, whether their extents overlap."""
    if not np.may_share_memory(a, b):
        return False
    work: Any = 10_000  # the exact answer can take for ever; NumPy's types know two numbers alone
    try:
        return bool(np.shares_memory(a, b, max_work=work))
    except np.exceptions.TooHardError:
        return True


def _overlaps(grad: Array) -> bool:
    return any(s == 0 and n > 1 for s, n in zip(grad.strides, grad.shape, strict=True))


def relaid(trial: Trial) -> Found:
    """The same numbers in another memory layout give the same gradient."""
    for name in trial.subject.engine.layouts:
        if name == "broadcast":  # other values: constant along the first axis
            plain = layouts.values_for(name, trial.subject.primals)
            expected = _where_defined(trial, plain)
        else:
            plain, expected = trial.subject.primals, trial.rows
        if expected:
            yield from _in_layout(trial, name, plain, expected)


def _where_defined(trial: Trial, primals: list[Array]) -> dict[int, Array]:
    """Gradients at other primals, or nothing where ``f`` has no finite values or gradients."""
    try:
        outputs = trial.subject.engine.value(trial.subject.f, primals)
        if not all(np.isfinite(y).all() for y in outputs if floating(y)):
            return {}
        rows = _rows_at(trial, primals, lambda g: layouts.apply("broadcast", g).copy())
    except Exception:
        return {}
    return rows if all(np.isfinite(row).all() for row in rows.values()) else {}


def _in_layout(trial: Trial, name: str, plain: list[Array], expected: dict[int, Array]) -> Found:
    """Lay inputs and cotangent out as ``name`` says, together and each alone."""
    subject, lay = trial.subject, partial(layouts.apply, name)
    moved = [lay(p) if floating(p) else p for p in plain]
    ways: list[tuple[str, list[Array], Callable[[Array], Array] | None]] = []
    if not all(map(same_layout, moved, plain)):
        ways.append((f"{name} inputs", moved, lay))
        if name != "broadcast":  # there the cotangent has other values, too
            ways.append((f"{name} inputs", moved, None))
    if name != "broadcast" and not all(same_layout(lay(y), y) for y in subject.outputs):
        ways.append((f"{name} cotangents", plain, lay))
    wrong: set[int] = set()
    for what, primals, way in ways:
        try:
            found = _rows_at(trial, primals, way)
        except Exception as error:
            if layouts.accepted(subject, primals) and _copied(trial, plain, lay):
                hint = layouts.why_it_fails(_words(error))
                yield Finding("layout", f"fails for {what}: {_words(error)}", diagnosis=hint)
            return
        for i in sorted(set(subject.wrt) & set(expected) & set(trial.rows) - wrong):
            # Where all rows are equal much cancels: the size is that of the original point.
            terms = np.abs(trial.rows[i][0]) if name == "broadcast" else 0.0
            if i not in found or not trial.near(i, found[i][0], expected[i][0], terms):
                wrong.add(i)
                steady = _steady(trial, i, plain, expected, lay)
                words = f"{what} of equal values" if steady else "a copy of the inputs"
                text = f"gradient of input {i} is different for {words}"
                hint = layouts.CONTIGUOUS if steady else layouts.STATE
                yield Finding("layout" if steady else "state", text, input=i, diagnosis=hint)


def _copied(trial: Trial, plain: list[Array], lay: Callable[[Array], Array]) -> dict[int, Array]:
    """Gradients for copies of the same numbers in no layout of their own; nothing if it raises."""
    try:
        return _rows_at(trial, [p.copy() for p in plain], lambda g: np.array(lay(g), order="C"))
    except Exception:
        return {}


def _steady(
    trial: Trial,
    i: int,
    plain: list[Array],
    expected: dict[int, Array],
    lay: Callable[[Array], Array],
) -> bool:
    """Whether the same numbers in no layout of their own still give the gradient they gave."""
    again = _copied(trial, plain, lay)
    terms = np.abs(trial.rows[i][0])
    return i in again and trial.near(i, again[i][0], expected[i][0], terms)


def same_layout(a: Array, b: Array) -> bool:
    """Whether two arrays of equal shape lie in memory alike."""
    return a.strides == b.strides and a.flags.writeable == b.flags.writeable


def _rows_at(
    trial: Trial, primals: list[Array], lay: Callable[[Array], Array] | None = None
) -> dict[int, Array]:
    subject = trial.subject
    outputs, pull = subject.engine.vjp(subject.f, primals)
    cotangents = subject.split(trial.cotangents[0], outputs)
    if lay is not None:
        cotangents = [lay(g) for g in cotangents]
    grads = subject.listed(pull(cotangents))
    flat = {i: subject.flat(grads[i], i) for i in subject.wrt}
    return {i: row[None] for i, row in flat.items() if row is not None}


def _words(error: Exception) -> str:
    if isinstance(error, Misuse):
        return error.message
    return f"{type(error).__name__}: {error}"


def repeated(trial: Trial) -> Found:
    """The same array given for two inputs counts as two inputs."""
    subject = trial.subject
    first = subject.wrt[0]
    x = subject.primals[first]
    twins = [i for i in subject.wrt[1:] if _alike(subject.primals[i], x)]
    if not twins:
        return
    shared, apart = list(subject.primals), list(subject.primals)
    for i in twins:
        shared[i], apart[i] = x, x.copy()
    shared[first] = x
    try:
        outputs = subject.engine.value(subject.f, apart)
        usable = all(np.isfinite(outputs[k]).all() for k in subject.floating)
        usable &= [y.shape for y in outputs] == [y.shape for y in subject.outputs]
        expected = _rows_at(trial, apart) if usable else {}
    except Exception:
        return  # not a point of the domain
    if not usable:
        return
    found = _rows_at(trial, shared)
    for i in found:
        trial.count += 1
        if i in expected and not np.array_equal(found[i], expected[i], equal_nan=True):
            text = f"gradient of input {i} changes when inputs are the same array object"
            yield Finding("repeated arguments", text, input=i)


def _alike(a: Array, b: Array) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype


def single_precision(trial: Trial) -> Found:
    """Float32 inputs with float32 outputs have finite gradients, which had better be float32."""
    subject = trial.subject
    if any(p.dtype != np.float64 for p in subject.primals if floating(p)):
        return
    narrow = [p.astype(np.float32) if floating(p) else p for p in subject.primals]
    try:
        outputs, pull = subject.engine.vjp(subject.f, narrow)
    except Exception:
        return  # a function for float64 alone
    live = [y for y in outputs if floating(y)]
    if not all(y.dtype == np.float32 and np.isfinite(y).all() for y in live):
        return
    grads = subject.listed(pull(subject.split(trial.cotangents[0], outputs)))
    # The rounded point itself may be singular: 1 - 1e-10 becomes 1.
    wide = _rows_at(trial, [p.astype(np.float64) if floating(p) else p for p in narrow])
    for i, grad in enumerate(grads):
        if grad is None or i not in trial.rows or i not in wide:
            continue
        trial.count += 1
        if grad.dtype != np.float32:
            if trial.float32:
                yield Finding("dtype", widened(i, grad), input=i)
            trial.notes.append(widened(i, grad))
        if not np.isfinite(grad).all() and _small(wide[i]):
            yield Finding("finite", f"gradient of input {i} is not finite in float32", input=i)


def widened(i: int, grad: Array) -> str:
    """A remark, and no more: a rule that is asked about float64 may be meant for float64 alone."""
    return f"input {i}: for float32 inputs and outputs its gradient would be {grad.dtype}"


def _small(row: Array) -> bool:
    return bool((np.abs(row) < 1e30).all())


def sizes(trial: Trial) -> Found:
    """Empty and 0-d inputs, where ``f`` takes them.

    Unasked only empty ones, and only of functions whose output has the shape of their inputs: what
    else a function happens to accept need not be meant.
    """
    subject = trial.subject
    shapes = {subject.primals[i].shape for i in subject.wrt}
    if trial.sizes is False or len(shapes) != 1 or shapes == {()}:
        return
    cuts: list[tuple[str, slice | int]] = [("empty", slice(0, 0))]
    if trial.sizes:
        cuts.append(("0-d", 0))
    elif {y.shape for y in subject.outputs} != shapes:
        return
    for name, cut in cuts:
        small = [_cut(p, cut) if i in subject.wrt else p for i, p in enumerate(subject.primals)]
        try:
            outputs = subject.engine.value(subject.f, small)
        except Exception:
            continue
        kept = {y.shape for y in outputs} == {small[i].shape for i in subject.wrt}
        finite = all(np.isfinite(y).all() for y in outputs if floating(y))
        if finite and (kept or trial.sizes):
            yield from _of_size(trial, name, small)


def _of_size(trial: Trial, name: str, small: list[Array]) -> Found:
    """Differentiate at an empty or 0-d input."""
    subject = trial.subject
    trial.count += 1
    try:
        outputs, pull = subject.engine.vjp(subject.f, small)
        grads = subject.listed(pull([np.ones(y.shape, y.dtype) for y in outputs]))
    except Exception as error:
        yield Finding("size", f"fails for {name} inputs: {_words(error)}")
        return
    for i in subject.wrt:
        grad = grads[i]
        if grad is not None and grad.shape != small[i].shape:
            text = f"gradient of {name} input {i} has shape {grad.shape}"
            yield Finding("size", f"{text}, must be {small[i].shape}", input=i)


def _cut(primal: Array, cut: slice | int) -> Array:
    if isinstance(cut, slice):
        return primal[cut].copy()
    return np.array(primal.reshape(-1)[0]) if primal.size else primal


PROBES: tuple[Callable[[Trial], Found], ...] = (
    mutation,
    repeatable,
    linearity,
    aliasing,
    relaid,
    repeated,
    single_precision,
    elsewhere,
    forward_against_reverse,
    sizes,
)
