"""What a check is asked for, made sure of before it begins: misuse is one clear sentence."""

import operator
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from importlib.util import find_spec
from numbers import Real
from typing import Any

import numpy as np

from gradcheck.engines.base import floating
from gradcheck.forward import Array, Bounds

MODES = ("auto", "exhaustive", "projection")
ORACLES = ("numeric", "torch", "complex")


def kind(value: Any) -> str:
    """What a value is, in two words: ``an int``, ``the class Pair``.

    >>> kind(3), kind(None), kind("abc"), kind(int)
    ('an int', 'None', 'a str', 'the class int')
    """
    if value is None:
        return "None"
    if isinstance(value, type):
        return f"the class {value.__name__}"
    name = type(value).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' or name == 'ndarray' else 'a'} {name}"


def function(value: Any, what: str) -> Callable[..., Any]:
    """The function; raises TypeError for what cannot be called.

    >>> function([1.0], "vjp")
    Traceback (most recent call last):
    TypeError: vjp is a list; it must be a function
    """
    if not callable(value):
        raise TypeError(f"{what} is {kind(value)}; it must be a function")
    if isinstance(value, type) and callable(getattr(value, "apply", None)):
        raise TypeError(f"{what} is {kind(value)}; give {value.__name__}.apply")
    made: Callable[..., Any] = value
    return made


def given(engine: Any) -> bool:
    """Whether an engine is named or given, and need not be guessed."""
    return not (isinstance(engine, str) and engine == "auto")


def label(f: Any, name: str | None) -> str:
    """What a report calls the function; raises TypeError for a name that is no text.

    >>> from functools import partial
    >>> label(partial(np.sum, axis=0), None), label(np.float64.fromhex, None)
    ('sum', 'float64.fromhex')
    """
    if name is not None and not isinstance(name, str):
        raise TypeError(f"name is {kind(name)}; it must be a str")
    return name or own_name(f) or type(f).__name__


def own_name(f: Any) -> str:
    """The name of a function, or of one method of a class with the class; else an empty string."""
    try:
        inner = f.func if isinstance(f, partial) else f
        own = str(inner.__name__)
        home = getattr(inner, "__self__", None)
        return f"{home.__name__}.{own}" if isinstance(home, type) else own
    except Exception:
        return ""


def torch_function(torch_f: Any) -> Any:
    """Raise TypeError for what names no function, ValueError for a name torch does not have."""
    if torch_f is None or callable(torch_f):
        return torch_f
    if not isinstance(torch_f, str):
        text = "it must be a torch function or its dotted name, such as 'nn.functional.gelu'"
        raise TypeError(f"torch_f is {kind(torch_f)}; {text}")
    if find_spec("torch") is not None:
        from gradcheck.oracles import torch_function as named

        named(torch_f)
    return torch_f


def flag(value: Any, what: str, also: str = "") -> Any:
    """True or False, or None where ``also`` says so; raises TypeError for anything else.

    >>> flag("no", "may_alias")
    Traceback (most recent call last):
    TypeError: may_alias is 'no'; it must be True or False
    """
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if value is None and also:
        return None
    raise TypeError(f"{what} is {value!r}; it must be True or False{also}")


def integer(value: Any, what: str, least: int, most: int | None = None) -> int:
    """A whole number; raises TypeError for any other, ValueError for one out of range.

    >>> integer(-1, "seed", 0)
    Traceback (most recent call last):
    ValueError: seed is -1; it must be a whole number, 0 or more
    """
    upper = "or more" if most is None else f"to {most}"
    text = f"{what} is {value!r}; it must be a whole number, {least} {upper}"
    try:
        number = operator.index(value)
    except TypeError as error:
        raise TypeError(text) from error
    if number < least or (most is not None and number > most):
        raise ValueError(text)
    return number


def order_of(order: Any) -> int:
    """The highest order of derivative: 1, 2 or 3."""
    if isinstance(order, int | np.integer) and int(order) in (1, 2, 3):
        return int(order)
    kind_of_error = ValueError if isinstance(order, int | float) else TypeError
    raise kind_of_error(f"order is {order!r}; it must be 1, 2 or 3")


def mode_of(mode: Any) -> str:
    """One of the modes; raises ValueError for anything else."""
    if isinstance(mode, str) and mode in MODES:
        return mode
    raise ValueError(f"mode is {mode!r}; it must be one of {', '.join(MODES)}")


def oracles_of(oracles: Any) -> tuple[str, ...]:
    """Names of oracles; raises TypeError for what is no list, ValueError for unknown ones.

    >>> oracles_of("numeric")
    Traceback (most recent call last):
    TypeError: oracles is 'numeric'; it must be a list of some of numeric, torch, complex
    """
    if isinstance(oracles, str | bytes) or not isinstance(oracles, Iterable):
        text = f"it must be a list of some of {', '.join(ORACLES)}"
        raise TypeError(f"oracles is {oracles!r}; {text}")
    names = tuple(oracles)
    unknown = [name for name in names if not isinstance(name, str) or name not in ORACLES]
    if unknown:
        raise ValueError(f"unknown oracles {unknown}; known: {', '.join(ORACLES)}")
    return names


def wrt_of(wrt: Any) -> tuple[int, ...] | None:
    """Positions of primals, or None for all; raises TypeError for what is no list of integers.

    >>> wrt_of(0)
    Traceback (most recent call last):
    TypeError: wrt is 0; it must be a list of positions, such as [0]
    """
    if wrt is None:
        return None
    text = f"wrt is {wrt!r}; it must be a list of positions, such as [0]"
    if isinstance(wrt, str | bytes | dict) or not isinstance(wrt, Iterable):
        raise TypeError(text)
    try:
        places = tuple(operator.index(i) for i in wrt)
    except TypeError as error:
        raise TypeError(text) from error
    if not places:
        raise ValueError("wrt is empty; name the primals to differentiate, such as [0], or None")
    return places


def arrays_of(primals: Any) -> list[Array]:
    """The primals as ndarrays; raises TypeError for what has no real numbers.

    >>> arrays_of(np.ones(3))
    Traceback (most recent call last):
    TypeError: primals is an ndarray; it must be a list of arrays, even for one array
    """
    if isinstance(primals, np.ndarray | str | bytes) or not isinstance(primals, Sequence):
        raise TypeError(
            f"primals is {kind(primals)}; it must be a list of arrays, even for one array"
        )
    if not len(primals):
        raise ValueError("primals is empty; give one array for each argument of f")
    return [_array(i, primal) for i, primal in enumerate(primals)]


def _array(i: int, primal: Any) -> Array:
    try:
        array = np.asarray(primal)
    except Exception as error:
        reason = " ".join(str(error).split()).partition(". ")[0] or type(error).__name__
        raise TypeError(f"primal {i} is {kind(primal)} that is no array: {reason}") from error
    if array.dtype.kind in "fiub":  # in the machine's byte order, as every result will be
        return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))
    ways = {"O": ": give an ndarray of float64", "c": ": give its .real and .imag as two primals"}
    text = "is None" if primal is None else f"has dtype {array.dtype}"
    more = ways.get(array.dtype.kind, "")
    raise TypeError(f"primal {i} {text}; it must hold real numbers{more}")


def for_engine(arrays: list[Array], engine: str) -> list[Array]:
    """The arrays; raises TypeError for numbers wider than those of any framework."""
    if engine == "numpy":
        return arrays
    for i, array in enumerate(arrays):
        if array.dtype.kind == "f" and array.dtype.itemsize > 8:
            text = f"primal {i} has dtype {array.dtype}, which no framework holds"
            raise TypeError(f"{text}; give primals[{i}].astype(np.float64)")
    return arrays


def positions(wrt: tuple[int, ...] | None, primals: list[Array]) -> list[int]:
    """The primals to differentiate, in order; raises ValueError for those that cannot be."""
    if wrt is None:
        return [i for i, p in enumerate(primals) if floating(p)]
    for i in wrt:
        if not 0 <= i < len(primals):
            last = len(primals) - 1
            text = "only primal 0" if last == 0 else f"only the primals 0 to {last}"
            raise ValueError(f"wrt names {i}, but there {'is' if last == 0 else 'are'} {text}")
        if not floating(primals[i]):
            text = f"which is not a floating-point primal but of dtype {primals[i].dtype}"
            raise ValueError(f"wrt names {i}, {text}")
    return sorted(set(wrt))


def bounds_of(domain: Any, count: int) -> list[Bounds]:
    """One (low, high) or None for every primal.

    Raises TypeError or ValueError for what is no interval, or when there are too few.

    >>> bounds_of((0, None), 2), bounds_of([None, (0.0, 1.0)], 2)
    ([(0, None), (0, None)], [None, (0.0, 1.0)])
    """
    if domain is None:
        return [None] * count
    if isinstance(domain, tuple) and len(domain) == 2 and all(map(is_bound, domain)):
        return [interval("domain", domain)] * count
    ways = "it must be (low, high) for all primals, or a list of one (low, high) or None for each"
    if isinstance(domain, str | bytes | dict) or not isinstance(domain, Sequence | np.ndarray):
        raise TypeError(f"domain is {domain!r}; {ways}")
    if len(domain) != count:
        raise ValueError(f"domain has {len(domain)} entries for {count} primals; {ways}")
    return [interval(f"domain[{i}]", bounds) for i, bounds in enumerate(domain)]


def is_bound(value: Any) -> bool:
    """Whether something is a side of an interval: a number, or None for an open one."""
    return value is None or isinstance(value, Real)


def interval(what: str, bounds: Any) -> Bounds:
    """One interval; None on a side leaves it open.

    Raises TypeError for what is no pair of numbers, ValueError for an empty one.
    """
    if bounds is None:
        return None
    pair = isinstance(bounds, Sequence | np.ndarray) and len(bounds) == 2
    if not pair or not all(map(is_bound, bounds)):
        raise TypeError(f"{what} is {bounds!r}; it must be (low, high), None for an open side")
    low, high = bounds
    if any(side is not None and side != side for side in (low, high)):
        raise ValueError(f"{what} is {bounds!r}; a side may be None, but not NaN")
    if low is not None and high is not None and not low < high:
        raise ValueError(f"{what} is {bounds!r}; low must be below high")
    return low, high


def point(primals: Any, domain: Any) -> list[Array]:
    """The primals as ndarrays that lie in their domain; raises what the two functions raise."""
    arrays = arrays_of(primals)
    inside(arrays, bounds_of(domain, len(arrays)))
    return arrays


def inside(arrays: Sequence[Array], bounds: Sequence[Bounds]) -> None:
    """Raise ValueError for a point that lies outside its domain; its edges belong to it.

    >>> inside([np.array([1.0, -2.0])], [(0.0, None)])
    Traceback (most recent call last):
    ValueError: primal 0 holds -2 at (1,), outside its domain (0.0, None)
    """
    for i, (array, interval) in enumerate(zip(arrays, bounds, strict=True)):
        if interval is None or not floating(array):
            continue
        low, high = interval
        off = np.zeros(array.shape, bool)
        off |= False if low is None else array < low
        off |= False if high is None else array > high
        if off.any():
            index = tuple(map(int, np.argwhere(off)[0]))
            text = f"primal {i} holds {float(array[index]):g} at {index}, outside its domain"
            raise ValueError(f"{text} {interval}")
