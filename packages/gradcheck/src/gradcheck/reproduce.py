"""The line of Python that shows a finding again."""

import re
from math import isinf
from types import FunctionType
from typing import Any

import numpy as np

DEFAULTS: dict[str, Any] = {
    "order": 1,
    "mode": "auto",
    "may_alias": False,
    "float32": False,
}
"""The options of a check that need no mention; None never does."""


def call_line(function: str, *arguments: str, seed: int, **options: Any) -> str:
    """A call with every option that is not at its default, and the seed.

    Names that cannot be written (``<lambda>``) become ``f``.

    >>> call_line("check_vjp", "<lambda>", "vjp", "primals", seed=0, wrt=(1,), mode="auto")
    'check_vjp(f, vjp, primals, wrt=(1,), seed=0)'
    """
    parts = [a if _is_name(a) else "f" for a in arguments[:1]] + list(arguments[1:])
    for name, value in options.items():
        if value is None or (name in DEFAULTS and value == DEFAULTS[name]):
            continue
        parts.append(f"{name}={_written(value, name)}")
    return f"{function}({', '.join([*parts, f'seed={seed}'])})"


def _is_name(text: str) -> bool:
    """Whether a function can be written so: ``softmax``, ``Square.apply``."""
    return all(word.isidentifier() for word in text.split("."))


def _written(value: Any, name: str = "") -> str:
    """A value as one would type it; a function by its name, or else by that of its keyword.

    >>> _written((0.0, float("inf"))), _written([None, (np.float64(1.0), 2)])
    ("(0.0, float('inf'))", '[None, (1.0, 2)]')
    """
    if callable(value):
        own = value.__name__ if isinstance(value, FunctionType) else name
        return own if own.isidentifier() else name
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list):
        return f"[{', '.join(map(_written, value))}]"
    if isinstance(value, tuple):
        return f"({', '.join(map(_written, value))}{',' * (len(value) == 1)})"
    return f"float('{value}')" if isinstance(value, float) and isinf(value) else repr(value)


def engine_named(engine: Any, chosen: str) -> str:
    """The engine of a call: by its name, that of the one chosen for ``auto``, or as ``engine``.

    >>> engine_named("auto", "torch"), engine_named(object(), "tape")
    ("engine='torch'", 'engine=engine')
    """
    if not isinstance(engine, str):
        return "engine=engine"
    return f"engine={(chosen if engine == 'auto' else engine)!r}"


def narrowed(line: str, primal: int, several: bool) -> str:
    """The same call for one input alone, when there are several.

    A check of a higher order stays as it is: its inputs are the primals and the cotangents.

    >>> narrowed("check_vjp(f, vjp, primals, seed=0)", 1, several=True)
    'check_vjp(f, vjp, primals, wrt=(1,), seed=0)'
    """
    if not several or "primals" not in line or "order=" in line:
        return line
    if "wrt=" in line:
        return re.sub(r"wrt=\([\d, ]*\)", f"wrt=({primal},)", line)
    return line.replace("primals", f"primals, wrt=({primal},)", 1)


def look_at(line: str, primal: int | None, index: tuple[int, ...] | None) -> str:
    """The call with a comment on what to look at in its report.

    >>> look_at("check_vjp(f, vjp, primals, seed=0)", 1, (2, 3))
    'check_vjp(f, vjp, primals, seed=0)  # then look at input 1, element (2, 3)'
    """
    if not line or primal is None:
        return line
    element = "" if index is None else f", element {index}"
    return f"{line}  # then look at input {primal}{element}"
