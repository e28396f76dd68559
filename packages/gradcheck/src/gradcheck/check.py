"""The check itself: function and rule in, report out."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradcheck.compare import compare
from gradcheck.engines import get_engine, guess_engine
from gradcheck.engines.base import Engine, Misuse, floating
from gradcheck.engines.numpy_pairs import Pair
from gradcheck.forward import Array, Bounds
from gradcheck.probes import PROBES, Trial, structure
from gradcheck.report import Finding, Report
from gradcheck.subject import Grads, Subject, blame

MODES = ("auto", "exhaustive", "projection")
ORACLES = ("numeric", "torch", "complex")


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
    sizes: bool = False
    name: str = "f"
    reproduce: str = ""
    nested: bool = False  # the function is itself a gradient: values only

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ValueError(f"mode is {self.mode!r}; it must be one of {', '.join(MODES)}")
        if self.order not in (1, 2):
            raise ValueError(f"order is {self.order!r}; it must be 1 or 2")
        unknown = [o for o in self.oracles if o not in ORACLES]
        if unknown:
            raise ValueError(f"unknown oracles {unknown}; known: {', '.join(ORACLES)}")


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
    sizes: bool = False,
    name: str | None = None,
) -> Report:
    """Check a hand-written rule ``vjp(g, y, *primals)`` of the NumPy function ``f(*primals)``.

    The rule returns one gradient per primal (None for an unused one; a bare array will do for one
    primal), each of its primal's shape and dtype. ``domain`` is ``(low, high)`` for all primals or
    a list with one pair or None each; ``torch_f`` is the torch counterpart (callable or dotted
    name); ``mode`` is auto, exhaustive or projection; ``sizes`` tries empty and 0-d inputs too;
    the default seed is 0. Faults of ``f`` and ``vjp`` become findings; ValueError and TypeError are
    for misuse of this function alone.

    >>> print(check_vjp(np.sin, lambda g, y, x: g * np.cos(x), [np.array([0.5, 2.0])]).verdict)
    pass
    """
    if order != 1:
        raise ValueError("order must be 1 for a NumPy pair: only an engine has second derivatives")
    label = str(name or getattr(f, "__name__", "f"))
    options = _options(wrt, order, mode, oracles, seed, torch_f, sizes, label)
    line = f"check_vjp({label}, vjp, primals{_extras(wrt, mode, options.seed)})"
    options = replace(options, bounds=domain, reproduce=line)
    return run(get_engine("numpy"), Pair(f, vjp), primals, options)


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
    sizes: bool = False,
    name: str | None = None,
) -> Report:
    """Check what an engine makes of ``f``, a function of the engine's own tensors.

    ``primals`` are ndarrays; ``engine`` is a name (tensor_core, torch, scalar_value, numpy), an
    adapter, or auto; ``order=2`` also checks the gradient of the gradient. The rest is as in
    :func:`check_vjp`. Raises ValueError when no engine fits.

    >>> check_grads(Pair(np.exp, lambda g, y, x: g * y), [np.array([0.5, 2.0])]).verdict
    'pass'
    """
    label = str(name or getattr(f, "__name__", "f"))
    arrays = _arrays(primals)
    chosen = guess_engine(f, arrays) if engine == "auto" else get_engine(engine)
    if order > 1 and not chosen.higher_order:
        raise ValueError(f"order={order}: the {chosen.name} engine has no second derivatives")
    options = _options(wrt, order, mode, oracles, seed, torch_f, sizes, label)
    more = f", order={order}" if order > 1 else ""
    line = f"check_grads({label}, primals, engine={chosen.name!r}{more}"
    line += f"{_extras(wrt, mode, options.seed)})"
    return run(chosen, f, arrays, replace(options, bounds=domain, reproduce=line))


def assert_grads(
    f: Callable[..., Any],
    primals: Sequence[Any],
    *,
    vjp: Callable[..., Any] | None = None,
    allow_inconclusive: bool = False,
    **options: Any,
) -> Report:
    """Raise AssertionError with the report unless the gradient is right.

    With ``vjp`` as :func:`check_vjp`, else as :func:`check_grads`, whose keywords it takes. An
    inconclusive check raises, too, unless that is allowed.

    >>> assert_grads(np.exp, [np.array([0.5])], vjp=lambda g, y, x: g * y).verdict
    'pass'
    """
    if vjp is None:
        report = check_grads(f, primals, **options)
    else:
        report = check_vjp(f, vjp, primals, **options)
    if report.verdict == "fail" or (report.verdict != "pass" and not allow_inconclusive):
        raise AssertionError(str(report))
    return report


def _options(
    wrt: Sequence[int] | None,
    order: int,
    mode: str,
    oracles: Sequence[str] | None,
    seed: int | None,
    torch_f: Any,
    sizes: bool,
    name: str,
) -> Options:
    if oracles is None:
        oracles = ("numeric",) if torch_f is None else ("numeric", "torch")
    return Options(
        wrt=None if wrt is None else tuple(wrt),
        order=order,
        mode=mode,
        oracles=tuple(oracles),
        seed=0 if seed is None else int(seed),
        torch_f=torch_f,
        sizes=sizes,
        name=name,
    )


def _extras(wrt: Sequence[int] | None, mode: str, seed: int) -> str:
    parts = [] if wrt is None else [f"wrt={tuple(wrt)}"]
    parts += [] if mode == "auto" else [f"mode={mode!r}"]
    return "".join(f", {part}" for part in [*parts, f"seed={seed}"])


def _arrays(primals: Sequence[Any]) -> list[Array]:
    """The primals as ndarrays; raises TypeError for what has no real numbers."""
    if isinstance(primals, np.ndarray) or not isinstance(primals, Sequence):
        kind = type(primals).__name__
        raise TypeError(f"primals is a {kind}; it must be a list of arrays, even for one array")
    arrays = [np.asarray(p) for p in primals]
    for i, a in enumerate(arrays):
        if a.dtype.kind not in "fiub":
            raise TypeError(f"primal {i} has dtype {a.dtype}; it must hold real numbers")
    return arrays


def _positions(wrt: tuple[int, ...] | None, primals: list[Array]) -> list[int]:
    if wrt is None:
        return [i for i, p in enumerate(primals) if floating(p)]
    for i in wrt:
        if not 0 <= i < len(primals) or not floating(primals[i]):
            raise ValueError(f"wrt names {i}, which is not a floating-point primal")
    return sorted(set(wrt))


def _bounds(domain: Any, count: int) -> list[Bounds]:
    """One (low, high) or None per primal."""
    if domain is None:
        return [None] * count
    if isinstance(domain, tuple) and len(domain) == 2 and all(map(_is_bound, domain)):
        return [(domain[0], domain[1])] * count
    if len(domain) != count:
        raise ValueError(f"domain has {len(domain)} entries for {count} primals")
    return list(domain)


def _is_bound(value: Any) -> bool:
    return value is None or isinstance(value, int | float)


def run(engine: Engine, f: Any, primals: Sequence[Any], options: Options) -> Report:
    """Check one function at one point; the entry point below the public ones."""
    arrays = _arrays(primals)
    report = Report(options.name, engine.name, options.seed, reproduce=options.reproduce)
    wrt = _positions(options.wrt, arrays)
    bounds = _bounds(options.bounds, len(arrays))
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
    if not _judgeable(subject, report):
        return
    finite = np.isfinite(subject.forward.base)
    ones = np.ones(subject.width)
    cotangents = np.array([subject.rng.standard_normal(subject.width), ones]) * finite
    grads = subject.gradients(cotangents[0])
    report.checks += len(subject.wrt)
    report.findings += structure(subject, grads)
    rows = subject.jacobian_rows(cotangents)
    if not finite.all() and not all(np.isfinite(row).all() for row in rows.values()):
        text = "f is infinite at some outputs, and so may be its gradient: not judged"
        report.findings.append(Finding("output", text, verdict="inconclusive"))
        return
    slack = subject.sensitivity(cotangents, rows)
    compare(subject, cotangents, rows, slack, options, report)
    if not options.nested:
        _probe(Trial(subject, cotangents, rows, slack, options.sizes, options.own_grads), report)
    report.evaluations += subject.forward.evaluations
    if options.order > 1 and report.verdict != "fail":
        _second_order(subject, grads, options, report)


def _judgeable(subject: Subject, report: Report) -> bool:
    """Whether there is anything finite to differentiate."""
    if not subject.floating:
        kinds = ", ".join(str(y.dtype) for y in subject.outputs)
        raise Misuse("output", f"f returns {kinds}; only floating-point outputs have gradients")
    if not subject.wrt:
        raise Misuse("input", "no floating-point input to differentiate")
    base = subject.forward.base
    bad = np.flatnonzero(np.isnan(base))
    if bad.size:
        text = f"f returns NaN at {bad.size} of {subject.width} outputs, first at {bad[0]}"
        report.findings.append(Finding("output", text, verdict="inconclusive"))
    elif np.isinf(base).any():
        report.note(f"f is infinite at {int(np.isinf(base).sum())} outputs: their cotangent is 0")
    return not bad.size


def _probe(trial: Trial, report: Report) -> None:
    for probe in PROBES:
        try:
            with blame("the pullback"):
                report.findings += probe(trial)
        except Misuse as fault:
            report.findings.append(Finding(fault.probe, fault.message))
    report.checks += trial.count


def _second_order(subject: Subject, grads: Grads, options: Options, report: Report) -> None:
    """Check the vjp of the function from (primals, cotangents) to gradients."""
    live = [i in subject.wrt and grads[i] is not None for i in range(len(subject.primals))]
    if not any(live):
        report.note("order 2: no input is used")
        return
    count = len(subject.primals)
    df = subject.engine.gradient(subject.f, count, live)
    cotangents = subject.split(subject.rng.standard_normal(subject.width))
    primals = [*subject.primals, *cotangents]
    wrt = tuple(subject.wrt) + tuple(count + k for k in subject.floating)
    bounds = [*_bounds(options.bounds, count), *([None] * len(cotangents))]
    nested = replace(
        options, order=1, wrt=wrt, bounds=bounds, torch_f=None, oracles=("numeric",), nested=True
    )
    second = run(subject.engine, df, primals, nested)
    report.checks += second.checks
    report.evaluations += second.evaluations
    report.findings += [replace(finding, order=2) for finding in second.findings]
    for note in second.notes:
        report.note(f"order 2: {note}")
