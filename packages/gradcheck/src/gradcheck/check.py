"""The check itself: function and rule in, report out."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradcheck import asked
from gradcheck.compare import compare
from gradcheck.comparison import Comparison
from gradcheck.engines import get_engine, guess_engine
from gradcheck.engines.base import Engine, Misuse
from gradcheck.engines.numpy_pairs import Pair
from gradcheck.judgeable import judgeable
from gradcheck.outcomes import judge
from gradcheck.probes import PROBES, Trial, structure
from gradcheck.report import Finding, Report
from gradcheck.reproduce import call_line, engine_named
from gradcheck.settings import defaults
from gradcheck.sound import COMBINED, sound
from gradcheck.subject import Grads, Subject, blame


@dataclass(frozen=True)
class Options:
    """What a check is to do beyond the defaults; see :func:`check_vjp`."""

    wrt: tuple[int, ...] | None = None
    order: int = 1
    mode: str = "auto"
    oracles: tuple[str, ...] = ("numeric",)
    seed: int = 0
    bounds: Any = None
    torch_f: Any = None
    own_grads: bool = True
    sizes: bool | None = None
    may_alias: bool = False
    float32: bool = False
    name: str = "f"
    reproduce: str = ""
    nested: bool = False  # the function is itself a gradient: values only

    def __post_init__(self) -> None:
        asked.mode_of(self.mode)
        asked.order_of(self.order)
        asked.oracles_of(self.oracles)


def check_vjp(
    f: Callable[..., Any],
    vjp: Callable[..., Any],
    primals: Sequence[Any],
    *,
    wrt: Sequence[int] | None = None,
    order: int = 1,
    mode: str = "auto",
    oracles: Sequence[str] | None = None,
    seed: int | None = None,
    domain: Any = None,
    torch_f: Any = None,
    sizes: bool | None = None,
    may_alias: bool = False,
    float32: bool = False,
    name: str | None = None,
) -> Report:
    """Check a hand-written rule ``vjp(g, y, *primals)`` of the NumPy function ``f(*primals)``.

    The rule returns one gradient per primal (None for an unused one; a bare array will do for one
    primal), each of its primal's shape and dtype. ``domain`` is ``(low, high)`` for all primals or
    a list with one pair or None each; ``torch_f`` is the torch counterpart (callable or dotted
    name); ``mode`` is auto, exhaustive or projection; ``sizes=True`` tries empty and 0-d inputs too
    (by default empty ones, of functions that keep shapes), ``False`` neither; the default seed is
    0; ``may_alias`` allows gradients that share memory with each other or with the rule's
    arguments, for engines that copy them. ``order=2`` needs a rule that is itself a :class:`Pair`.
    Faults of ``f`` and ``vjp`` become findings; ValueError and TypeError are for
    misuse of this function alone.

    >>> print(check_vjp(np.sin, lambda g, y, x: g * np.cos(x), [np.array([0.5, 2.0])]).verdict)
    pass
    """
    pair, engine = Pair(asked.function(f, "f"), asked.function(vjp, "vjp")), get_engine("numpy")
    _has_order(engine, pair, asked.order_of(order))
    arrays = asked.point(primals, domain)
    options = _options(wrt, order, mode, oracles, seed, torch_f, sizes, asked.label(f, name))
    options = replace(
        options,
        bounds=domain,
        may_alias=asked.flag(may_alias, "may_alias"),
        float32=asked.flag(float32, "float32"),
    )
    line = _line("check_vjp", (asked.own_name(f), "vjp", "primals"), options, oracles, torch_f)
    return run(engine, pair, arrays, replace(options, reproduce=line))


def _has_order(engine: Engine, f: Any, order: int) -> None:
    """Raise ValueError when an engine has no such derivatives of ``f``."""
    if order == 1:
        return
    highest = getattr(engine, "highest_order", None)
    if highest is not None:
        if order > highest(f):
            raise ValueError(
                f"order={order}: a NumPy rule has second derivatives when it is a pair itself, "
                "Pair(f, Pair(rule, rule_of_rule)), and none beyond"
            )
    elif not engine.higher_order:
        raise ValueError(f"order={order}: the {engine.name} engine has no second derivatives")


def check_grads(
    f: Callable[..., Any],
    primals: Sequence[Any],
    *,
    engine: Any = "auto",
    wrt: Sequence[int] | None = None,
    order: int = 1,
    mode: str = "auto",
    oracles: Sequence[str] | None = None,
    seed: int | None = None,
    domain: Any = None,
    torch_f: Any = None,
    sizes: bool | None = None,
    name: str | None = None,
) -> Report:
    """Check what an engine makes of ``f``, a function of the engine's own tensors.

    ``primals`` are ndarrays; ``engine`` is a name (tensor_core, torch, scalar_value, numpy), an
    adapter, or auto; ``order=2`` also checks the gradient of the gradient. The rest is as in
    :func:`check_vjp`. Raises ValueError when no engine fits.

    >>> check_grads(Pair(np.exp, lambda g, y, x: g * y), [np.array([0.5, 2.0])]).verdict
    'pass'
    """
    arrays = asked.point(primals, domain)
    asked.function(f, "f")
    chosen = get_engine(engine) if asked.given(engine) else guess_engine(f, arrays)
    arrays = asked.for_engine(arrays, chosen.name)
    _has_order(chosen, f, asked.order_of(order))
    options = _options(wrt, order, mode, oracles, seed, torch_f, sizes, asked.label(f, name))
    options = replace(options, bounds=domain)
    arguments = (asked.own_name(f), "primals", engine_named(engine, chosen.name))
    line = _line("check_grads", arguments, options, oracles, torch_f)
    return run(chosen, f, arrays, replace(options, reproduce=line))


def assert_grads(
    f: Callable[..., Any],
    primals: Sequence[Any],
    *,
    vjp: Callable[..., Any] | None = None,
    allow_inconclusive: bool = False,
    **options: Any,
) -> Report:
    """Raise AssertionError with the report unless the gradient is right.

    With ``vjp`` as :func:`check_vjp`, else as :func:`check_grads`, whose keywords it takes. Raises
    WrongGradient for ``fail`` and Inconclusive, unless that is allowed, for ``inconclusive``.

    >>> assert_grads(np.exp, [np.array([0.5])], vjp=lambda g, y, x: g * y).verdict
    'pass'
    """
    __tracebackhide__ = True  # pytest shows the caller's line, not this one
    allowed = asked.flag(allow_inconclusive, "allow_inconclusive")
    if vjp is None:
        report = check_grads(f, primals, **options)
    else:
        report = check_vjp(f, vjp, primals, **options)
    return judge(report, allowed)


def _options(
    wrt: Sequence[int] | None,
    order: int,
    mode: str,
    oracles: Sequence[str] | None,
    seed: int | None,
    torch_f: Any,
    sizes: bool | None,
    name: str,
) -> Options:
    if oracles is None:
        oracles = ("numeric",) if torch_f is None else ("numeric", "torch")
    return Options(
        wrt=asked.wrt_of(wrt),
        order=asked.order_of(order),
        mode=defaults.mode if asked.mode_of(mode) == "auto" else mode,
        oracles=asked.oracles_of(oracles),
        seed=defaults.seed if seed is None else asked.integer(seed, "seed", 0),
        torch_f=asked.torch_function(torch_f),
        sizes=asked.flag(sizes, "sizes", ", or None for what is usual"),
        name=name,
    )


def _line(
    function: str,
    arguments: tuple[str, ...],
    options: Options,
    oracles: Sequence[str] | None,
    torch_f: Any,
) -> str:
    """The call that makes this report again."""
    return call_line(
        function,
        *arguments,
        seed=options.seed,
        order=options.order,
        wrt=options.wrt,
        mode=options.mode,
        oracles=None if oracles is None else tuple(oracles),
        domain=options.bounds,
        torch_f=torch_f,
        sizes=options.sizes,
        may_alias=options.may_alias,
        float32=options.float32,
    )


def run(engine: Engine, f: Any, primals: Sequence[Any], options: Options) -> Report:
    """Check one function at one point; the entry point below the public ones."""
    arrays = [
        np.array(p, order="K") for p in asked.arrays_of(primals)
    ]  # a rule may write into them
    report = Report(options.name, engine.name, options.seed, reproduce=options.reproduce)
    wrt = asked.positions(options.wrt, arrays)
    bounds = asked.bounds_of(options.bounds, len(arrays))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            subject = Subject(engine, f, arrays, wrt, options.seed, bounds)
            _check(subject, options, report)
        except Misuse as fault:
            report.checks += 1
            report.findings.append(Finding(fault.probe, fault.message))
    return report


def _check(subject: Subject, options: Options, report: Report) -> None:
    """Values, then probes, then the second order; findings go into the report."""
    if not judgeable(subject, report, "gradients", "their cotangent is 0"):
        return
    finite = np.isfinite(subject.forward.base)
    cotangents = np.ones((2, subject.width))
    subject.rng.standard_normal(out=cotangents[0])
    if not finite.all():
        cotangents *= finite
    grads = subject.gradients(cotangents[0])
    report.checks += len(subject.wrt)
    report.findings += structure(subject, grads)
    rows = subject.jacobian_rows(cotangents, first=grads)
    if not finite.all() and not all(np.isfinite(row).all() for row in rows.values()):
        text = "f is infinite at some outputs, and so may be its gradient: not judged"
        report.findings.append(Finding("output", text, verdict="inconclusive"))
        return
    comparison = Comparison(subject, cotangents, rows)
    compare(comparison, options, report)
    if not options.nested or subject.engine.name == "numpy":
        owned = options.own_grads and not options.may_alias
        right = not report.findings
        cleared = _probe(
            Trial(comparison, grads, options.sizes, owned, right, float32=options.float32), report
        )
        if not cleared and not report.findings and comparison.glanced:
            comparison.hasty = False  # some doubt was never explained: look closer at the values
            compare(comparison, options, report)
    report.evaluations += subject.forward.evaluations
    if options.order > 1 and report.verdict != "fail":
        _next_order(subject, grads, options, report)


def _probe(trial: Trial, report: Report) -> bool:
    """Every probe; those that a few calls can clear together only when these raise a doubt.

    Returns whether they were cleared.
    """
    cleared = sound(trial)
    for probe in PROBES:
        if cleared and probe in COMBINED:
            continue
        try:
            with blame("the pullback"):
                report.findings += probe(trial)
        except Misuse as fault:
            report.findings.append(Finding(fault.probe, fault.message))
    report.checks += trial.count
    for note in trial.notes:
        report.note(note)
    return cleared


def _next_order(subject: Subject, grads: Grads, options: Options, report: Report) -> None:
    """Check the vjp of the function from (primals, cotangents) to gradients, and so on upwards."""
    live = [i in subject.wrt and grads[i] is not None for i in range(len(subject.primals))]
    if not any(live):
        report.note("order 2: no input is used")
        return
    count = len(subject.primals)
    df = subject.engine.gradient(subject.f, count, live)
    cotangents = subject.split(subject.rng.standard_normal(subject.width))
    primals = [*subject.primals, *cotangents]
    wrt = tuple(subject.wrt) + tuple(count + k for k in subject.floating)
    bounds = [*asked.bounds_of(options.bounds, count), *([None] * len(cotangents))]
    order = options.order - 1
    nested = replace(
        options,
        order=order,
        wrt=wrt,
        bounds=bounds,
        torch_f=None,
        oracles=("numeric",),
        nested=True,
    )
    above = run(subject.engine, df, primals, nested)
    report.checks += above.checks
    report.evaluations += above.evaluations
    report.findings += [replace(finding, order=finding.order + 1) for finding in above.findings]
    for note in above.notes:
        report.note(_one_order_up(note))


def _one_order_up(note: str) -> str:
    """A remark about a gradient as a remark about the function it is the gradient of.

    >>> _one_order_up("input 0: f jumps"), _one_order_up("order 2: f jumps")
    ('order 2: input 0: f jumps', 'order 3: f jumps')
    """
    head, colon, rest = note.partition(": ")
    if head.startswith("order ") and head[6:].isdigit():
        return f"order {int(head[6:]) + 1}{colon}{rest}"
    return f"order 2: {note}"
