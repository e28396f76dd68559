"""What cards, cases and specs are made of, made sure of before anything is drawn from them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gradcheck import asked

if TYPE_CHECKING:
    from gradcheck.specs import Arg, Axis, OpSpec

CARD = "a card: an OpSpec, or an object with name and cases(rng)"


def is_card(value: Any) -> bool:
    """Whether something has what makes an op card.

    >>> is_card(np.sin)
    False
    """
    return callable(getattr(value, "cases", None)) and hasattr(value, "name")


def card(op: Any, what: str = "op") -> Any:
    """The card; raises TypeError for what is none.

    >>> card(3)
    Traceback (most recent call last):
    TypeError: op is an int; it must be a card: an OpSpec, or an object with name and cases(rng)
    """
    if isinstance(op, type) or not is_card(op):
        raise TypeError(f"{what} is {asked.kind(op)}; it must be {CARD}")
    return op


def cards(registry: Any) -> list[Any]:
    """The cards of a registry; raises TypeError for what is none, ValueError for an empty one."""
    if is_card(registry) or isinstance(registry, str) or not isinstance(registry, Iterable):
        kind = asked.kind(registry)
        raise TypeError(f"registry is {kind}; it must be a mapping or a list of cards")
    if isinstance(registry, Mapping):
        listed = [card(op, f"registry[{name!r}]") for name, op in registry.items()]
    else:
        listed = [card(op, f"registry[{k}]") for k, op in enumerate(registry)]
    if not listed:
        raise ValueError("registry is empty; it must hold cards")
    return listed


def case(value: Any) -> Any:
    """The case; raises TypeError for what has no arguments."""
    args = getattr(value, "args", None)
    if isinstance(value, type) or not isinstance(args, tuple | list):
        kind = asked.kind(value)
        raise TypeError(f"case is {kind}; it must be a Case, such as Case(np.ones(3), axis=0)")
    return value


def ways(seed: Any, order: Any, torch: Any, mode: Any = "auto", engine: Any = "auto") -> None:
    """Raise TypeError or ValueError for options of a check of cards that make no sense."""
    if seed is not None:
        asked.integer(seed, "seed", 0)
    if order is not None:
        asked.order_of(order)
    asked.flag(torch, "torch")
    asked.mode_of(mode)
    if asked.given(engine):
        from gradcheck.engines import get_engine

        get_engine(engine)


def generator(rng: Any) -> None:
    """Raise TypeError for what draws no numbers."""
    if rng is not None and not isinstance(rng, np.random.Generator):
        kind = asked.kind(rng)
        raise TypeError(f"rng is {kind}; it must be a numpy.random.Generator, or give seed=")


def arg(a: "Arg") -> None:
    """Raise TypeError or ValueError for an argument that cannot be drawn."""
    _shape(a.shape)
    asked.interval("domain", a.domain)
    if isinstance(a.kinks, str) or not isinstance(a.kinks, Sequence | np.ndarray):
        raise TypeError(f"kinks is {a.kinks!r}; it must be a tuple of numbers, such as (0.0,)")
    if not all(asked.is_bound(kink) and kink is not None for kink in a.kinks):
        raise TypeError(f"kinks is {a.kinks!r}; each must be a number")
    asked.flag(a.distinct, "distinct")
    if not asked.is_bound(a.gap) or a.gap is None or not a.gap > 0:
        raise ValueError(f"gap is {a.gap!r}; it must be a number above 0")
    if a.below is not None and not isinstance(a.below, str):
        asked.integer(a.below, "below", 1)
    _dtype(a.dtype, "f" if a.below is None else "iu")


def _shape(shape: Any) -> None:
    if isinstance(shape, str):
        if shape not in ("broadcast", "same"):
            raise ValueError(f"shape is {shape!r}; as a word it must be 'broadcast' or 'same'")
    elif isinstance(shape, tuple | list):
        for side in shape:
            if not isinstance(side, str):
                asked.integer(side, f"a side of shape {shape}", 0)
    elif not hasattr(shape, "map") or isinstance(shape, type):
        text = "it must be 'broadcast', 'same', a tuple of lengths and names, or a strategy"
        raise TypeError(f"shape is {shape!r}; {text}")


def _dtype(dtype: Any, kinds: str) -> None:
    if dtype is None:
        return
    what = "a floating-point dtype" if kinds == "f" else "an integer dtype, where below is given"
    text = f"dtype is {dtype!r}; it must be {what}"
    try:
        found = np.dtype(dtype)
    except Exception as error:
        raise TypeError(text) from error
    if found.kind not in kinds:
        raise TypeError(text)


def axis(a: "Axis") -> None:
    """Raise TypeError or ValueError for an axis of nothing."""
    asked.integer(a.of, "of", 0)
    asked.flag(a.several, "several")
    asked.flag(a.none, "none")


def spec(s: "OpSpec") -> None:
    """Raise TypeError or ValueError for a spec of which some field is of the wrong kind."""
    if not isinstance(s.name, str) or not s.name:
        raise TypeError(f"name is {s.name!r}; it must be a str")
    asked.function(s.f, "f")
    for what in ("vjp", "jvp"):
        if getattr(s, what) is not None:
            asked.function(getattr(s, what), what)
    _args(s.args)
    if s.kwargs is not None and not isinstance(s.kwargs, Mapping):
        kind = asked.kind(s.kwargs)
        raise TypeError(f"kwargs is {kind}; it must map keywords to an Axis or a list of values")
    asked.order_of(s.order)
    asked.flag(s.may_alias, "may_alias")
    _range(s.dims, "dims")
    _range(s.sides, "sides")
    asked.integer(s.examples, "examples", 1)


def _args(args: Any) -> None:
    from gradcheck.specs import Arg

    if not isinstance(args, tuple | list):
        raise TypeError(f"args is {asked.kind(args)}; it must be a list of Arg, such as [Arg()]")
    if not args:
        raise ValueError("args is empty; an op needs at least one Arg to differentiate")
    for k, one in enumerate(args):
        if not isinstance(one, Arg):
            raise TypeError(f"args[{k}] is {asked.kind(one)}; it must be an Arg")


def _range(bounds: Any, what: str) -> None:
    text = f"{what} is {bounds!r}; it must be a pair (least, most) of whole numbers"
    if not isinstance(bounds, tuple | list) or len(bounds) != 2:
        raise TypeError(text)
    low = asked.integer(bounds[0], f"the least of {what}", 0)
    if asked.integer(bounds[1], f"the most of {what}", 0) < low:
        raise ValueError(text)
