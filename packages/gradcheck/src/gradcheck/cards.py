"""Op cards: objects that carry a function together with the cases it must be tried on.

A card has ``name`` and ``cases(rng)``, which yields cases with ``args`` and ``kwargs``; it may have
``torch`` (dotted name), ``kinks``, ``fuses`` (a composition it must equal), and its cases may have
``domain``, ``wrt`` and ``max_order``. Cards are called with the engine's own tensors.
"""

import inspect
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from gradcheck.check import Options, run
from gradcheck.engines import get_engine
from gradcheck.engines.base import Engine, floating
from gradcheck.forward import Array
from gradcheck.oracles import torch_function
from gradcheck.report import Finding, Report, table


class Call:
    """A card's arguments taken apart: arrays to differentiate, and all the rest in place."""

    def __init__(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        self.args = args
        self.kwargs = dict(kwargs)
        self.primals: list[Array] = []
        self.position: list[Any] = []
        for place, arg in [*enumerate(args), *self.kwargs.items()]:
            for item in arg if isinstance(arg, list | tuple) else (arg,):
                if isinstance(item, np.ndarray):
                    self.primals.append(item)
                    self.position.append(place)

    def bound(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """``function`` as a function of the arrays alone."""

        def f(*arrays: Any) -> Any:
            queue = list(arrays)

            def fill(arg: Any) -> Any:
                if isinstance(arg, np.ndarray):
                    return queue.pop(0)
                if isinstance(arg, list | tuple) and any(isinstance(a, np.ndarray) for a in arg):
                    return type(arg)([fill(a) for a in arg])
                return arg

            args = [fill(arg) for arg in self.args]
            return function(*args, **{k: fill(v) for k, v in self.kwargs.items()})

        f.__name__ = getattr(function, "__name__", "f")
        return f

    def wrt(self, chosen: tuple[int, ...] | None) -> tuple[int, ...]:
        """The floating arrays among the primals, restricted to chosen argument positions."""
        return tuple(
            k
            for k, (array, place) in enumerate(zip(self.primals, self.position, strict=True))
            if floating(array) and (chosen is None or place in chosen)
        )


def check_card(
    op: Any,
    engine: Any = "tensor_core",
    *,
    seed: int = 0,
    rng: np.random.Generator | None = None,
    order: int = 1,
    torch: bool = False,
    case: int | None = None,
    mode: str = "auto",
) -> Report:
    """Check a card on all its cases (or the one numbered ``case``); one report for all.

    ``order=2`` goes as far as each case's ``max_order``; ``torch=True`` compares with the torch
    function the card names. A case without anything to differentiate compares outputs alone.

    >>> import types
    >>> case = types.SimpleNamespace(args=(np.array([1.0, 2.0]),), kwargs={})
    >>> card = types.SimpleNamespace(name="square", cases=lambda rng: [case])
    >>> card.forward = lambda x: x * x
    >>> card.vjp = lambda g, y, x: 2 * g * x
    >>> check_card(card, "numpy").verdict
    'pass'
    """
    adapter = get_engine(engine)
    report = Report(str(op.name), adapter.name, seed)
    generator = np.random.default_rng(seed) if rng is None else rng
    try:
        cases = list(op.cases(generator))
    except Exception as error:
        report.findings.append(Finding("cases", f"cases raises {type(error).__name__}: {error}"))
        return report
    if not cases:
        report.findings.append(Finding("cases", "the card has no cases"))
    lead = f"check_card(registry[{report.name!r}], {adapter.name!r}, seed={seed}"
    lead += f", order={order}" if order > 1 else ""
    for number, one in enumerate(cases):
        if case is None or case == number:
            part = _check_case(op, adapter, one, number, seed, order, torch, mode)
            if part.findings and not report.reproduce:
                report.reproduce = f"{lead}, case={number})"
            _add(report, part)
    return report


def _add(whole: Report, part: Report) -> None:
    whole.checks += part.checks
    whole.evaluations += part.evaluations
    for finding in part.findings:
        whole.findings.append(finding)
    for note in part.notes:
        whole.note(note)


def _check_case(
    op: Any,
    engine: Engine,
    case: Any,
    number: int,
    seed: int,
    order: int,
    torch: bool,
    mode: str,
) -> Report:
    """One case as one check; findings say which case it was."""
    call = Call(tuple(case.args), getattr(case, "kwargs", {}) or {})
    f = _function(op, engine, call)
    counterpart = getattr(op, "torch", None) if torch else None
    highest = min(order, getattr(case, "max_order", None) or 2) if engine.higher_order else 1
    options = Options(
        wrt=call.wrt(getattr(case, "wrt", None)),
        order=highest,
        mode=mode,
        seed=seed,
        bounds=getattr(case, "domain", None),
        torch_f=None if counterpart is None else call.bound(_as_torch_takes_it(counterpart)),
        oracles=("numeric", "torch") if counterpart else ("numeric",),
        name=str(op.name),
    )
    if _differentiable(f, engine, call, options):
        report = run(engine, f, call.primals, options)
    else:
        report = _values_alone(f, engine, call, options)
    if getattr(op, "fuses", None) is not None:
        _equal_composition(f, call.bound(_with_defaults(op)), engine, call, report)
    text = f"case {number} ({_describe(case)}): "
    report.findings = [replace(x, message=text + x.message) for x in report.findings]
    return report


def _as_torch_takes_it(name: Any) -> Callable[..., Any]:
    """The torch function, taking a list of arrays before its equation as einsum's card has it."""
    function = torch_function(name)

    def f(*args: Any, **kwargs: Any) -> Any:
        if len(args) == 2 and isinstance(args[0], list | tuple) and isinstance(args[1], str):
            return function(args[1], *args[0], **kwargs)
        return function(*args, **kwargs)

    return f


def _with_defaults(op: Any) -> Callable[..., Any]:
    """The composition a card fuses, handed every argument of the forward function in order."""

    def f(*args: Any, **kwargs: Any) -> Any:
        try:
            given = inspect.signature(op.forward).bind(*args, **kwargs)
        except (AttributeError, TypeError, ValueError):
            return op.fuses(*args, **kwargs)
        given.apply_defaults()
        return op.fuses(*given.args, **given.kwargs)

    return f


def _function(op: Any, engine: Engine, call: Call) -> Any:
    """The card as a function of its arrays: a pair for NumPy, the card itself elsewhere."""
    if engine.name != "numpy":
        return call.bound(op)
    pair = call.bound(op.forward)
    rule = op.vjp

    def vjp(g: Any, y: Any, *arrays: Any) -> Any:
        return call.bound(lambda *args, **kwargs: rule(g, y, *args, **kwargs))(*arrays)

    pair.vjp = vjp  # type: ignore[attr-defined]
    return pair


def _differentiable(f: Any, engine: Engine, call: Call, options: Options) -> bool:
    """Whether there are floating inputs and outputs; a function that raises is left to run."""
    if not options.wrt:
        return False
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return any(floating(y) for y in engine.value(f, call.primals))
    except Exception:
        return True


def _values_alone(f: Any, engine: Engine, call: Call, options: Options) -> Report:
    """Outputs against torch's, for what has no gradient."""
    report = Report(options.name, engine.name, options.seed)
    try:
        ours = engine.value(f, call.primals)
    except Exception as error:
        report.findings.append(Finding("error", f"raises {type(error).__name__}: {error}"))
        return report
    report.checks += 1
    if options.torch_f is None:
        report.note("nothing to differentiate")
        return report
    theirs = get_engine("torch").value(options.torch_f, call.primals)
    for k, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        report.checks += a.size
        if a.shape != b.shape or not np.allclose(a, b, rtol=1e-5, atol=1e-6, equal_nan=True):
            report.findings.append(Finding("torch", f"output {k} differs from torch's"))
    return report


def _equal_composition(f: Any, g: Any, engine: Engine, call: Call, report: Report) -> None:
    """A fused op must equal the composition it stands for."""
    try:
        fused, composed = engine.value(f, call.primals), engine.value(g, call.primals)
    except Exception as error:
        text = f"the composition it fuses raises {type(error).__name__}: {error}"
        report.findings.append(Finding("fuses", text))
        return
    for k, (a, b) in enumerate(zip(fused, composed, strict=False)):
        report.checks += a.size
        if not floating(a) or a.shape != b.shape:
            continue
        near = 256 * float(np.finfo(a.dtype).eps) * (1 + np.abs(a).max(initial=0.0))
        if not (np.abs(a - b) <= near).all():
            text = f"output {k} is {np.abs(a - b).max():.1e} away from the composition it fuses"
            report.findings.append(Finding("fuses", text))


def _describe(case: Any) -> str:
    text = repr(case)
    if text.startswith("namespace") or " object at " in text:
        shapes = [str(np.shape(a)) if isinstance(a, np.ndarray) else repr(a) for a in case.args]
        text = ", ".join(shapes)
    return text if len(text) <= 100 else text[:97] + "..."


def check_all(
    registry: Mapping[str, Any] | Iterable[Any],
    engine: Any = "tensor_core",
    *,
    seed: int = 0,
    order: int = 1,
    torch: bool = False,
    show: bool = False,
) -> list[Report]:
    """Check every card of a registry (a mapping or an iterable); ``show=True`` prints a table."""
    cards = registry.values() if isinstance(registry, Mapping) else registry
    reports = [check_card(op, engine, seed=seed, order=order, torch=torch) for op in cards]
    if show:
        print(table(reports))
    return reports
