"""From the words of a command line to functions and points."""

import ast
import importlib
import math
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np

from gradcheck.drawing import Chance, Domain, edges
from gradcheck.forward import Array
from gradcheck.report_text import counted

MOST = 10**9
"""Numbers in an array that is drawn."""


class Usage(Exception):
    """The command line is wrong; the text says what, and what to do."""


def load(target: str) -> Any:
    """The object that ``package.module:name`` (or ``module:name.attribute``) names.

    What a mapping holds goes by its key, as in ``tensor_core:registry.softmax``. Modules of the
    current directory are found. Raises Usage when there is no such thing.

    >>> load("math:tau") > 6
    True
    """
    module_name, colon, path = target.partition(":")
    words = [*module_name.split("."), *path.split(".")]
    if not (colon and all(word.isidentifier() for word in words)):
        raise Usage(f"{target!r} is no target; write package.module:function")
    if "" not in sys.path and os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        found: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is not None and module_name.startswith(error.name):
            text = f"no module named {error.name!r} here ({os.getcwd()}) or installed"
            raise Usage(text) from error
        raise Usage(f"importing {module_name} fails: {error}") from error
    except (Exception, SystemExit) as error:  # a script that ends must not look like a pass
        text = f"importing {module_name} raises {type(error).__name__}: {error}"
        raise Usage(text) from error
    for part in path.split("."):
        if isinstance(found, Mapping) and part in found:
            found = found[part]
            continue
        if not hasattr(found, part):
            what = getattr(found, "__name__", type(found).__name__)
            held = map(str, found) if isinstance(found, Mapping) else dir(found)
            names = [name for name in held if not name.startswith("_")]
            near = get_close_matches(part, names, 4, 0.5)
            hint = f"; it has {', '.join(near)}" if near else ""
            raise Usage(f"{what} has no {part!r}{hint}")
        found = getattr(found, part)
    return found


@dataclass(frozen=True)
class Wanted:
    """The array a ``--shape`` asks for: its shape, and for integers the number they stay below."""

    shape: tuple[int, ...]
    below: int | None = None


def parse_shape(text: str) -> Wanted:
    """A shape as it is typed: ``3,4``, ``scalar`` (or nothing), or ``i5:3,4`` for integers below 5.

    Raises Usage for anything else.

    >>> parse_shape("3,4"), parse_shape("i5:2").below, parse_shape("scalar").shape
    (Wanted(shape=(3, 4), below=None), 5, ())
    """
    kind, colon, sides = text.rpartition(":")
    try:
        below = int(kind[1:]) if colon else None
        if colon and (kind[0] != "i" or (below or 0) < 1):
            raise ValueError
        listed = [] if sides.strip() in ("", "scalar", "()") else sides.strip("() ,").split(",")
        shape = tuple(int(side) for side in listed)
        if any(side < 0 for side in shape):
            raise ValueError
    except (ValueError, IndexError) as error:
        ways = "write 3,4 or scalar, or i5:3,4 for integers below 5"
        raise Usage(f"--shape {text!r} is no shape; {ways}") from error
    return Wanted(shape, below)


def parse_domain(text: str) -> Domain:
    """An open interval as it is typed: ``0,1``, or ``0,`` and ``,1`` with one side open.

    Raises Usage for anything else.

    >>> parse_domain("0,"), parse_domain("-1,1"), parse_domain(",")
    ((0.0, None), (-1.0, 1.0), None)
    """
    try:
        low, high = (float(side) if side.strip() else None for side in text.split(","))
    except ValueError as error:
        raise Usage(f"--domain {text!r} is no interval; write low,high or low, or ,high") from error
    if low is not None and high is not None and not low < high:
        raise Usage(f"--domain {text!r} is empty; the first number must be below the second")
    low, high = edges((low, high))
    return None if low is None and high is None else (low, high)


def parse_keyword(text: str) -> tuple[str, Any]:
    """A keyword argument as it is typed: ``axis=-1``; what is no Python literal is a string.

    >>> parse_keyword("axis=(0, 1)"), parse_keyword("mode=same")
    (('axis', (0, 1)), ('mode', 'same'))
    """
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise Usage(f"--arg {text!r} is no keyword argument; write name=value")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value


def spread_over(name: str, given: Sequence[Any], count: int, default: Any) -> list[Any]:
    """One option for each argument, when it was given once for all, once for each, or not at all.

    Raises Usage otherwise.

    >>> spread_over("--dtype", ["float32"], 2, "float64")
    ['float32', 'float32']
    """
    if len(given) <= 1:
        return (list(given) or [default]) * count
    if len(given) != count:
        times = f"{len(given)} times for {counted(count, 'argument')}"
        raise Usage(f"{name} is given {times}; give one, or each")
    return list(given)


def draw(
    wanted: Sequence[Wanted], domains: Sequence[Domain], dtypes: Sequence[str], seed: int
) -> list[Array]:
    """Arrays of the wanted shapes: numbers inside the domains, no two alike, or integers.

    Raises Usage for arrays that no memory holds.

    >>> (x,) = draw([Wanted((2, 3))], [(0.0, 1.0)], ["float32"], seed=0)
    >>> x.dtype, x.shape, bool(x.min() > 0)
    (dtype('float32'), (2, 3), True)
    """
    largest = max((math.prod(one.shape) for one in wanted), default=0)
    if largest > MOST:
        raise Usage(f"--shape asks for {largest:.3g} numbers; more than {MOST:.0e} do not fit")
    chance = Chance(np.random.default_rng(seed))
    arrays = []
    for one, domain, dtype in zip(wanted, domains, dtypes, strict=True):
        if one.below is not None:
            arrays.append(chance.integers(one.shape, one.below))
        else:
            values = chance.normal(one.shape, domain)
            arrays.append(np.asarray(values, dtype))
    return arrays


def read(paths: Sequence[str]) -> list[Array]:
    """The arrays in ``.npy`` and ``.npz`` files, in their order; never pickled objects.

    Raises Usage for a file that is missing or holds anything else.
    """
    arrays: list[Array] = []
    for path in paths:
        try:
            found = np.load(path, allow_pickle=False)
            arrays += [found] if isinstance(found, np.ndarray) else [found[k] for k in found.files]
        except Exception as error:
            reason = str(error).partition("\n")[0] or type(error).__name__
            raise Usage(f"--values {path}: {reason}") from error
    return arrays
