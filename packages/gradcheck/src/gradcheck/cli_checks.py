"""The check a command line asks for."""

from argparse import Namespace
from collections.abc import Callable, Iterable, Mapping
from functools import partial, update_wrapper
from typing import Any

from gradcheck.asked import kind
from gradcheck.asked_cards import is_card
from gradcheck.card_cases import PRECISIONS, check_case, merge
from gradcheck.cards import check_all, check_card
from gradcheck.check import check_grads, check_vjp
from gradcheck.engines import Pair, guess_engine
from gradcheck.forward import Array
from gradcheck.jvp import check_jvp
from gradcheck.oracles import torch_function
from gradcheck.report import Report
from gradcheck.specs import Case
from gradcheck.targets import (
    Usage,
    draw,
    load,
    parse_domain,
    parse_keyword,
    parse_shape,
    read,
    spread_over,
)

OF_POINTS = ("shape", "values", "domain", "arg", "wrt")
OF_FUNCTIONS = ("vjp", "jvp", "torch", "sizes", "may_alias")


def checked(args: Namespace) -> Report | list[Report]:
    """The report for what the arguments of the command line name; a list for a registry.

    Raises Usage when they do not go together.
    """
    target = load(args.target)
    if is_card(target):
        return _card(target, args)
    if isinstance(target, Mapping) or (isinstance(target, Iterable) and not callable(target)):
        return _registry(target, args)
    if not callable(target):
        raise Usage(f"{args.target} is {kind(target)}; it must be a function")
    return _function(target, args)


def _wants_torch(args: Namespace) -> bool:
    return "torch" in (args.oracles or "").split(",")


def _seed(args: Namespace) -> int:
    if args.seed < 0:
        raise Usage(f"--seed is {args.seed}; it must not be negative")
    return int(args.seed)


def _refuse(args: Namespace, options: Iterable[str], why: str) -> None:
    for option in options:
        if getattr(args, option):
            raise Usage(f"--{option.replace('_', '-')} does not go with {args.target}: {why}")


def _card(target: Any, args: Namespace) -> Report:
    """Check a card on its own cases, or at the point that is asked for."""
    _refuse(args, OF_FUNCTIONS, "an op card has its own")
    options = {"seed": _seed(args), "order": args.order, "torch": _wants_torch(args)}
    if not (args.shape or args.values):
        _refuse(args, OF_POINTS, "an op card draws its own points")
        options["dtype"] = _precision(args)
        return check_card(target, args.engine, mode=args.mode, **options)
    primals, domains = _point(target, args)
    case = Case(*primals, **dict(parse_keyword(text) for text in args.arg))
    case.domain, case.wrt = domains, _wrt(args)
    return check_case(target, case, args.engine, mode=args.mode, **options)


def _registry(target: Any, args: Namespace) -> list[Report]:
    cards = list(target.values() if isinstance(target, Mapping) else target)
    if not cards:
        raise Usage(f"{args.target} is empty; it must hold op cards")
    for card in cards:
        if not is_card(card):
            raise Usage(f"{args.target} holds {kind(card)}; each must be a card (name, cases(rng))")
    _refuse(args, (*OF_FUNCTIONS, *OF_POINTS), "op cards have their own")
    if args.mode != "auto":
        raise Usage("--mode does not go with a registry; name one of its cards")
    options = {"seed": _seed(args), "order": args.order, "torch": _wants_torch(args)}
    options["dtype"] = _precision(args)
    return check_all(cards, args.engine, show=False, **options)


def _function(target: Any, args: Namespace) -> Report:
    """Check a function, a pair, or a function and the rules named beside it."""
    vjp = load(args.vjp) if args.vjp else getattr(target, "vjp", None)
    jvp = load(args.jvp) if args.jvp else getattr(target, "jvp", None)
    for option, rule in (("--vjp", args.vjp and vjp), ("--jvp", args.jvp and jvp)):
        if rule and not callable(rule):
            raise Usage(f"{option} names {kind(rule)}; it must be a function")
    primals, domains = _point(target, args)
    keywords = dict(parse_keyword(text) for text in args.arg)
    f = _with(target, keywords)
    options: dict[str, Any] = {"wrt": _wrt(args), "mode": args.mode, "seed": _seed(args)}
    options |= {"domain": domains, "name": getattr(target, "__name__", args.target)}
    reports = []
    if callable(vjp) and args.engine in ("auto", "numpy"):
        ways = {**_reverse_options(args), "may_alias": args.may_alias}
        reports.append(check_vjp(f, _with(vjp, keywords), primals, **options, **ways))
    if callable(jvp) and args.engine in ("auto", "numpy"):
        both = _with(vjp, keywords) if callable(vjp) else None
        forward = _with(jvp, keywords)
        ways = {"vjp": both, "may_alias": args.may_alias}
        reports.append(check_jvp(f, forward, primals, **options, **ways))
    if not reports:
        if args.may_alias or args.vjp or args.jvp:
            raise Usage("--vjp, --jvp and --may-alias are for NumPy rules, not for an engine's")
        ways = {**_reverse_options(args), "engine": _engine(f, primals, args)}
        reports.append(check_grads(f, primals, **options, **ways))
    for more in reports[1:]:
        merge(reports[0], more)
    return reports[0]


def _engine(f: Any, primals: list[Array], args: Namespace) -> Any:
    if args.engine != "auto":
        return args.engine
    try:
        return guess_engine(f, primals)
    except ValueError as error:
        tried = str(error).partition(":")[2].partition(";")[0].strip(" )")
        text = f"{args.target} fits no engine ({tried}); name its rule with --vjp, or an --engine"
        raise Usage(text) from error


def _reverse_options(args: Namespace) -> dict[str, Any]:
    oracles = None if args.oracles is None else args.oracles.split(",")
    keywords = dict(parse_keyword(text) for text in args.arg)
    counterpart = args.torch
    if counterpart and keywords:  # torch knows axis and keepdims by their NumPy names, too
        counterpart = _with(torch_function(counterpart), keywords)
    order = 1 if args.order is None else args.order
    return {"order": order, "oracles": oracles, "torch_f": counterpart, "sizes": args.sizes}


def _with(function: Any, keywords: Mapping[str, Any]) -> Callable[..., Any]:
    """The function with keyword arguments given; a rule that is a pair stays one."""
    if not keywords:
        made: Callable[..., Any] = function
        return made
    bound: Any = partial(function, **keywords)
    if callable(getattr(function, "vjp", None)):
        return Pair(bound, _with(function.vjp, keywords))
    return update_wrapper(bound, function)


def _point(target: Any, args: Namespace) -> tuple[list[Array], list[Any]]:
    """The arrays to check at, and their domains."""
    if bool(args.shape) == bool(args.values):
        text = "one --shape for each of its arguments, or --values with a file of them"
        problem = "both --shape and --values are" if args.shape else "no --shape or --values is"
        raise Usage(f"{problem} given; give {args.target} {text}")
    wanted = [parse_shape(text) for text in args.shape]
    arrays = read(args.values)
    count = len(wanted) or len(arrays)
    domains = spread_over("--domain", [parse_domain(d) for d in args.domain], count, None)
    if arrays:
        if args.dtype:
            raise Usage("--dtype does not go with --values: the files have their own")
        return arrays, domains
    dtypes = spread_over("--dtype", _dtypes(args), count, "float64")
    return draw(wanted, domains, dtypes, _seed(args)), domains


def _dtypes(args: Namespace) -> list[str]:
    for dtype in args.dtype:
        if dtype not in PRECISIONS:
            raise Usage(f"--dtype is {dtype!r}; it must be float64, float32 or float16")
    return list(args.dtype)


def _precision(args: Namespace) -> str | None:
    """The one precision all cases of a card are tried in; None for their own."""
    (dtype,) = spread_over("--dtype", _dtypes(args), 1, None)
    return None if dtype is None else str(dtype)


def _wrt(args: Namespace) -> tuple[int, ...] | None:
    if args.wrt is None:
        return None
    try:
        return tuple(int(place) for place in args.wrt.split(","))
    except ValueError as error:
        raise Usage(f"--wrt {args.wrt!r} must be positions of arguments, such as 0,2") from error
