"""Properties every forward rule has, whatever the function: tried without any derivative."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from gradcheck import layouts
from gradcheck.engines.base import Misuse, floating
from gradcheck.forward import Array, Direction
from gradcheck.report import Finding
from gradcheck.subject import same_bytes
from gradcheck.tangents import ForwardRule, Moved, Point

Found = Iterator[Finding]


def structure(rule: ForwardRule, moved: Moved) -> Found:
    """Shape and dtype of every output tangent."""
    for k, (t, y) in enumerate(zip(moved, rule.point.outputs, strict=True)):
        if t is None:
            continue
        if t.shape != y.shape:
            text = f"tangent of output {k} has shape {t.shape}, must be {y.shape}"
            guess = "the tangent of the input is returned" if _an_input(rule, t) else ""
            yield Finding("shape", text, diagnosis=guess)
        elif t.dtype != y.dtype:
            yield Finding("dtype", f"tangent of output {k} has dtype {t.dtype}, must be {y.dtype}")


def _an_input(rule: ForwardRule, t: Array) -> bool:
    return any(t.shape == rule.point.primals[i].shape for i in rule.subject.wrt)


def mutation(rule: ForwardRule, direction: Direction) -> Found:
    """Inputs, outputs and tangents keep their bytes."""
    point = rule.point.copy()
    tangents = rule.tangents(direction)
    groups = (
        ("input", point.primals, rule.point.primals),
        ("output", point.outputs, rule.point.outputs),
        ("tangent", tangents, [t.copy() for t in tangents]),
    )
    rule.raw(tangents, point)
    for what, now, before in groups:
        for k, (a, b) in enumerate(zip(now, before, strict=True)):
            if not same_bytes(a, b):
                yield Finding("mutation", f"the rule changes {what} {k}")


def repeatable(rule: ForwardRule, direction: Direction) -> Found:
    """The rule gives the same bits when called again."""
    first = [None if t is None else t.copy() for t in rule.raw(rule.tangents(direction))]
    again = [rule.raw(rule.tangents(direction))]
    rule.raw(rule.tangents(Direction({})))  # what is kept of one call must not show in the next
    again.append(rule.raw(rule.tangents(direction)))
    for k, a in enumerate(first):
        others = [moved[k] for moved in again]
        if a is not None and not all(b is not None and same_bytes(a, b) for b in others):
            text = f"tangent of output {k} differs between two identical calls of the rule"
            yield Finding("determinism", text)


def linearity(rule: ForwardRule, direction: Direction) -> Found:
    """``J(2 a - b) = 2 J a - J b``; the zero tangent gives exact zeros.

    Only of a rule that is linear but for its size can it be said that it clips.
    """
    steady = True
    a, b = direction, rule.drawn(rule.subject.rng, gaussian=False)
    mixed = Direction({i: (w, 2 * a.moves[i][1] - b.moves[i][1]) for i, (w, _) in a.moves.items()})
    columns = rule.columns([mixed, a, b, Direction({})])
    if not np.isfinite(columns).all():
        return
    terms = 2 * np.abs(columns[:, 1]) + np.abs(columns[:, 2])
    off = np.abs(columns[:, 0] - (2 * columns[:, 1] - columns[:, 2]))
    if not _within(rule, off, [mixed, a, b], columns[:, :3], terms):
        steady = False
        yield Finding("linearity", "the output tangent is not linear in the input tangent")
    if columns[:, 3].any():
        steady = False
        yield Finding("zero tangent", "the output tangent is not zero for a zero tangent")
    tiny = float(np.finfo(rule.kind).tiny)  # below it digits are lost
    for size in (2.0**40, 2.0**-40):
        scaled = Direction({i: (w, size * v) for i, (w, v) in a.moves.items()})
        column = rule.columns([scaled])[:, 0] / size
        off = np.maximum(np.abs(column - columns[:, 1]) - tiny / min(size, 1.0), 0.0)
        terms = np.abs(columns[:, 1])
        if np.isfinite(column).all() and not _within(rule, off, [a], columns[:, 1:2], terms):
            text = "the output tangent does not grow with the input tangent"
            hint = "clipping or a threshold on t" if steady else ""
            yield Finding("linearity", text, diagnosis=hint)
            return


def _within(
    rule: ForwardRule, off: Array, directions: Sequence[Direction], columns: Array, terms: Array
) -> bool:
    """Whether a difference is what roundings may do to a combination of columns."""
    allowed = 64 * rule.precision * (terms + terms.max(initial=0.0))
    if (off <= allowed).all():
        return True
    slack = rule.sensitivity(directions, columns).sum(axis=1)
    return bool((off <= allowed + 16 * slack).all())


def aliasing(rule: ForwardRule, direction: Direction) -> Found:
    """Output tangents are memory of their own, and writable."""
    tangents, point = rule.tangents(direction), rule.point.copy()
    moved = rule.raw(tangents, point)
    for k, t in enumerate(moved):
        if t is None or not t.size:
            continue
        others = [(f"the tangent of output {j}", s) for j, s in enumerate(moved[:k])]
        others += [(f"tangent {j}", s) for j, s in enumerate(tangents)]
        others += [(f"input {j}", x) for j, x in enumerate(point.primals)]
        others += [(f"output {j}", y) for j, y in enumerate(point.outputs)]
        for name, other in others:
            if other is not None and np.may_share_memory(t, other):
                yield Finding("aliasing", f"tangent of output {k} shares memory with {name}")
        if not t.flags.writeable:
            yield Finding("aliasing", f"tangent of output {k} is read-only memory")


def relaid(rule: ForwardRule, direction: Direction) -> Found:
    """The same numbers in another memory layout give the same tangents."""
    for name in rule.subject.engine.layouts:
        plain = layouts.values_for(name, rule.point.primals)
        moved = [layouts.apply(name, p) if floating(p) else p for p in plain]
        if not layouts.accepted(rule.subject, moved):
            continue
        tangents = layouts.values_for(name, rule.tangents(direction))
        laid = [layouts.apply(name, t) for t in tangents]
        expected = _tangents_at(rule, plain, tangents)
        try:
            found = _tangents_at(rule, moved, laid)
        except Misuse as fault:
            text = f"fails for {name} inputs: {fault.message}"
            yield Finding("layout", text, diagnosis=layouts.why_it_fails(fault.message))
            continue
        for k, (a, b) in enumerate(zip(found, expected, strict=True)):
            if a is not None and b is not None and not _near(rule, a, b):
                copies = [p.copy() for p in plain], [t.copy() for t in tangents]
                again = _tangents_at(rule, *copies)[k]
                steady = again is not None and _near(rule, again, b)
                words = f"{name} inputs of equal values" if steady else "a copy of the inputs"
                text = f"tangent of output {k} is different for {words}"
                hint = layouts.CONTIGUOUS if steady else layouts.STATE
                yield Finding("layout" if steady else "state", text, diagnosis=hint)


def _tangents_at(rule: ForwardRule, primals: list[Array], tangents: list[Array]) -> Moved:
    outputs = rule.subject.engine.value(rule.subject.f, primals)
    return rule.raw(tangents, Point(primals, outputs))


def _near(rule: ForwardRule, a: Array, b: Array) -> bool:
    """Equal but for roundings, at the size of the largest."""
    if a.shape != b.shape:
        return False
    off = np.abs(a.astype(np.float64) - b)
    limit = 1e4 * rule.precision * np.abs(b[np.isfinite(b)]).max(initial=0.0)
    return bool(((off <= limit) | ~np.isfinite(b)).all())


def repeated(rule: ForwardRule, direction: Direction) -> Found:
    """The same array given for two inputs, or for two tangents, counts as two."""
    primals, tangents = list(rule.point.primals), rule.tangents(direction)
    first = rule.subject.wrt[0]
    kind = (primals[first].shape, primals[first].dtype)
    twins = [i for i in rule.subject.wrt[1:] if (primals[i].shape, primals[i].dtype) == kind]
    if not twins:
        return
    apart, apart_tangents = list(primals), list(tangents)
    for i in twins:
        primals[i], tangents[i] = primals[first], tangents[first]
        apart[i], apart_tangents[i] = primals[first].copy(), tangents[first].copy()
    if not layouts.accepted(rule.subject, apart):
        return  # not a point of the domain
    expected = _tangents_at(rule, apart, apart_tangents)
    for k, (a, b) in enumerate(zip(_tangents_at(rule, primals, tangents), expected, strict=True)):
        if a is not None and b is not None and not same_bytes(a, b):
            text = f"tangent of output {k} changes when inputs are the same array object"
            yield Finding("repeated arguments", text)


def single_precision(rule: ForwardRule, direction: Direction) -> Found:
    """Float32 inputs with float32 outputs have finite float32 tangents."""
    if any(p.dtype != np.float64 for p in rule.point.primals if floating(p)):
        return
    narrow = [p.astype(np.float32) if floating(p) else p for p in rule.point.primals]
    try:
        outputs = rule.subject.engine.value(rule.subject.f, narrow)
    except Exception:
        return  # a function for float64 alone
    live = [y for y in outputs if floating(y)]
    if not all(y.dtype == np.float32 and np.isfinite(y).all() for y in live):
        return
    tangents = [t.astype(np.float32) for t in rule.tangents(direction)]
    wide = [p.astype(np.float64) if floating(p) else p for p in narrow]
    # The rounded point itself may be singular: 1 - 1e-10 becomes 1.
    exact = _tangents_at(rule, wide, [t.astype(np.float64) for t in tangents])
    for k, t in enumerate(rule.raw(tangents, Point(narrow, outputs))):
        e = exact[k]
        if t is None or e is None:
            continue
        if t.dtype != np.float32:
            text = f"tangent of output {k} has dtype {t.dtype} for float32 inputs and outputs"
            yield Finding("dtype", text)
        elif not np.isfinite(t).all() and bool((np.abs(e) < 1e30).all()):
            yield Finding("finite", f"tangent of output {k} is not finite in float32")


PROBES: tuple[Callable[[ForwardRule, Direction], Found], ...] = (
    repeatable,
    linearity,
    aliasing,
    relaid,
    repeated,
    single_precision,
)
