"""One case of an op card: its arguments taken apart, and one check of what it computes."""

import inspect
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from gradcheck import asked, asked_cards
from gradcheck.check import Options, run
from gradcheck.engines import Pair, get_engine, guess_engine
from gradcheck.engines.base import Engine, floating
from gradcheck.forward import Array
from gradcheck.jvp import check_jvp
from gradcheck.oracles import torch_function
from gradcheck.report import Finding, Report
from gradcheck.settings import defaults
from gradcheck.specs import Case

FRAMEWORKS = ("tensor_core", "torch", "scalar_value", "jax", "autograd")
"""Packages that bring op cards of their own, checked with the engine of that name."""

PRECISIONS = ("float64", "float32", "float16")


def as_case(case: Any) -> Any:
    """The case itself; for a plain tuple of numbers a case of 0-d arrays.

    >>> as_case((0.5, 2.0))
    Case(np.array(0.5), np.array(2.0))
    """
    if not isinstance(case, tuple) or not all(isinstance(x, int | float) for x in case):
        return case
    return Case(*[np.asarray(float(x)) for x in case])


def precision(dtype: Any) -> str | None:
    """The name of a floating-point dtype, None for None; raises ValueError for any other.

    >>> precision(np.float32)
    'float32'
    """
    if dtype is None:
        return None
    try:
        name = np.dtype(dtype).name
    except TypeError:
        name = ""
    if name not in PRECISIONS:
        raise ValueError(f"dtype is {dtype!r}; it must be one of {', '.join(PRECISIONS)}")
    return name


def in_precision(value: Any, dtype: str) -> Any:
    """An argument with its floating-point arrays in another precision, in lists and tuples too.

    >>> in_precision([np.ones(2), 3], "float32")
    [array([1., 1.], dtype=float32), 3]
    """
    if isinstance(value, np.ndarray) and floating(value):
        return value.astype(dtype)
    if isinstance(value, list | tuple):
        items = [in_precision(item, dtype) for item in value]
        return value._make(items) if hasattr(value, "_make") else type(value)(items)
    return value


class Call:
    """A card's arguments taken apart: arrays to differentiate, and all the rest in place.

    ``dtype`` is the precision of the floating-point ones, None for their own.
    """

    def __init__(self, case: Any, dtype: str | None = None) -> None:
        self.args = tuple(case.args)
        self.kwargs = dict(getattr(case, "kwargs", {}) or {})
        if dtype is not None:
            self.args = tuple(in_precision(arg, dtype) for arg in self.args)
            self.kwargs = {k: in_precision(v, dtype) for k, v in self.kwargs.items()}
        self.primals: list[Array] = []
        self.position: list[Any] = []
        for place, arg in [*enumerate(self.args), *self.kwargs.items()]:
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


def engine_of(op: Any, engine: Any, case: Any) -> Engine:
    """The engine to check a card with; raises ValueError when none fits.

    >>> from gradcheck import OpSpec
    >>> spec = OpSpec("square", np.square, lambda g, y, x: 2 * g * x)
    >>> engine_of(spec, "auto", None).name
    'numpy'
    """
    for named in (engine, getattr(op, "engine", "auto")):
        if not (isinstance(named, str) and named == "auto"):
            return get_engine(named)
    home = type(op).__module__.split(".")[0]
    if home in FRAMEWORKS:
        return get_engine(home)
    if callable(getattr(op, "forward", None)) and callable(getattr(op, "vjp", None)):
        return get_engine("numpy")
    call = Call(case)
    return guess_engine(call.bound(op), call.primals)


def check_case(
    op: Any,
    case: Any,
    engine: Any = "auto",
    *,
    seed: int | None = None,
    order: int | None = None,
    torch: bool = False,
    mode: str = "auto",
    dtype: str | None = None,
) -> Report:
    """Check a card on one case, drawn or made by hand; the rest is as in :func:`check_card`.

    >>> from gradcheck import Case, OpSpec
    >>> spec = OpSpec("power", lambda x, n: x**n, lambda g, y, x, n: g * n * x ** (n - 1))
    >>> check_case(spec, Case(np.array([1.0, 0.5]), n=3)).verdict
    'pass'
    """
    case, dtype = asked_cards.case(as_case(case)), precision(dtype)
    if not hasattr(op, "name"):
        raise TypeError(f"op is {asked.kind(op)}; it must be {asked_cards.CARD}")
    asked_cards.ways(seed, order, torch, mode, engine)
    call = f"check_case({op.name}, {case!r}"
    said = {"seed": seed, "order": order, "torch": torch or None, "dtype": dtype}
    call += "".join(f", {name}={value!r}" for name, value in said.items() if value is not None)
    options: dict[str, Any] = {"seed": seed, "order": order, "torch": torch, "mode": mode}
    options["dtype"] = dtype
    return checked(op, case, engine_of(op, engine, case), f"{call})", **options)


def checked(
    op: Any,
    case: Any,
    adapter: Engine,
    reproduce: str,
    *,
    seed: int | None,
    order: int | None,
    torch: bool,
    mode: str,
    dtype: str | None = None,
) -> Report:
    """One case as one check, with the line that repeats it."""
    call = Call(case, dtype)
    f = _function(op, adapter, call)
    counterpart = getattr(op, "torch", None) if torch else None
    wanted = getattr(op, "order", 1) if order is None else order
    options = Options(
        wrt=call.wrt(getattr(case, "wrt", None)),
        order=min(wanted, getattr(case, "max_order", None) or 2, _highest(adapter, f)),
        mode=defaults.mode if mode == "auto" else mode,
        seed=defaults.seed if seed is None else int(seed),
        bounds=getattr(case, "domain", None) or getattr(op, "domains", None),
        torch_f=None if counterpart is None else call.bound(_as_torch_takes_it(counterpart)),
        oracles=("numeric", "torch") if counterpart else ("numeric",),
        may_alias=bool(getattr(op, "may_alias", False)),
        name=str(op.name),
        reproduce=reproduce,
    )
    if _differentiable(f, adapter, call, options):
        report = run(adapter, f, call.primals, options)
        if isinstance(f, Pair) and f.jvp is not None:
            merge(report, _forward_mode(f, call, options))
    else:
        claimed = adapter.name == "numpy" and callable(getattr(op, "vjp", None))
        report = _values_alone(f, adapter, call, options, claimed)
    report.reproduce = reproduce
    if getattr(op, "fuses", None) is not None:
        _equal_composition(f, call.bound(_with_defaults(op)), adapter, call, report)
    return report


def _forward_mode(f: Pair, call: Call, options: Options) -> Report:
    """The forward rule against numbers, and against the reverse rule."""
    return check_jvp(
        f.f,
        f.jvp,  # type: ignore[arg-type]
        call.primals,
        vjp=f.vjp,
        wrt=options.wrt,
        mode=options.mode,
        seed=options.seed,
        domain=options.bounds,
        may_alias=options.may_alias,
        name=options.name,
    )


def _highest(engine: Engine, f: Any) -> int:
    """The highest order of derivative there is of ``f``."""
    highest = getattr(engine, "highest_order", None)
    if highest is not None:
        return int(highest(f))
    return 3 if engine.higher_order else 1


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
    rule = op.vjp
    vjp: Callable[..., Any] = _rule(rule, call, 2)  # g, y, then the arrays
    if callable(getattr(rule, "vjp", None)):
        vjp = Pair(vjp, _rule(rule.vjp, call, 4))  # gg, raw, g, y, then the arrays
    jvp = getattr(op, "jvp", None)
    return Pair(call.bound(op.forward), vjp, None if jvp is None else _rule(jvp, call, 2))


def _rule(rule: Callable[..., Any], call: Call, before: int) -> Callable[..., Any]:
    """A rule as a function of what stands ``before`` the card's arrays, and of the arrays."""

    def vjp(*given: Any) -> Any:
        first, arrays = given[:before], given[before:]
        return call.bound(lambda *args, **kwargs: rule(*first, *args, **kwargs))(*arrays)

    return vjp


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


def _values_alone(f: Any, engine: Engine, call: Call, options: Options, claimed: bool) -> Report:
    """Outputs against torch's, for what has no gradient; ``claimed`` says that it has a rule."""
    report = Report(options.name, engine.name, options.seed)
    try:
        ours = engine.value(f, call.primals)
    except Exception as error:
        report.findings.append(Finding("error", f"raises {type(error).__name__}: {error}"))
        return report
    report.checks += 1
    if options.torch_f is None and claimed:
        text = "nothing to differentiate: " + _lacking(call, ours)
        report.findings.append(Finding("input", text, verdict="inconclusive"))
        return report
    if options.torch_f is None:
        report.note("nothing to differentiate")
        return report
    theirs = get_engine("torch").value(options.torch_f, call.primals)
    for k, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        report.checks += a.size
        if a.shape != b.shape or not np.allclose(a, b, rtol=1e-5, atol=1e-6, equal_nan=True):
            report.findings.append(Finding("torch", f"output {k} differs from torch's"))
    return report


def _lacking(call: Call, outputs: tuple[Array, ...]) -> str:
    """Why a NumPy pair has no derivative at a case."""
    if not call.primals:
        return "the case has no arrays; give np.array(...) in place of numbers and lists"
    if not any(map(floating, outputs)):
        return f"f returns {', '.join(str(y.dtype) for y in outputs)}"
    return "no array of the case is floating-point, or wrt leaves none"


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


def merge(whole: Report, part: Report) -> None:
    """Add what one check found to a report of several."""
    whole.checks += part.checks
    whole.evaluations += part.evaluations
    for finding in part.findings:
        whole.findings.append(finding)
    for note in part.notes:
        whole.note(note)
