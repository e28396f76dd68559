"""Which framework a function is written for, as far as its code tells."""

import dis
import functools
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from gradcheck.engines.base import Engine, floating, number_array
from gradcheck.forward import Array

DEPTH = 4  # functions that call functions: how far to follow
FRAMEWORKS = ("torch", "tensor_core", "jax", "autograd", "scalar_value")
HOMES = {"jaxlib": "jax"}  # where compiled functions of a framework say they are from


def packages_of(f: Any, depth: int = DEPTH) -> list[str]:
    """The top-level packages that a callable is of or speaks of, the most telling first.

    Looks through partials, bound methods, wrappers, closures and instances.

    >>> packages_of(functools.partial(lambda x: np.sin(x)))[-1]
    'numpy'
    """
    found: dict[str, None] = {}
    for name in _walk(f, depth, set()):
        package = name.split(".")[0]
        found.setdefault(HOMES.get(package, package))
    return [name for name in found if name]


def _walk(f: Any, depth: int, seen: set[int]) -> Iterator[str]:
    """Module names, in the order they are met."""
    if id(f) in seen or depth < 0:
        return
    seen.add(id(f))
    if isinstance(f, ModuleType):
        yield f.__name__
    elif isinstance(f, functools.partial):
        for part in (f.func, *f.args, *f.keywords.values()):
            yield from _walk(part, depth, seen)
    elif isinstance(f, MethodType):
        yield from _walk(f.__self__, depth, seen)
        yield from _walk(f.__func__, depth, seen)
    elif isinstance(f, FunctionType):
        yield str(f.__module__)
        home = str(f.__globals__.get("__name__", ""))  # a decorator's, where names are copied
        yield home
        for spoken_of in _spoken_of(f, inside=home.split(".")[0] not in FRAMEWORKS):
            yield from _walk(spoken_of, depth - 1, seen)
    elif isinstance(f, type):
        yield from (str(base.__module__) for base in f.__mro__)
    elif not isinstance(f, str | bytes | int | float | list | tuple | dict | np.ndarray):
        yield from _of_instance(f, depth, seen)


def _of_instance(f: Any, depth: int, seen: set[int]) -> Iterator[str]:
    """An object by its class, what it wraps and what its call speaks of."""
    yield from _walk(type(f), depth, seen)
    if isinstance(f, np.ufunc):
        yield "numpy"
    if hasattr(f, "__objclass__"):  # torch.Tensor.sin
        yield from _walk(f.__objclass__, depth, seen)
    wrapped = getattr(f, "__wrapped__", None)
    if callable(wrapped):
        yield from _walk(wrapped, depth, seen)
    for name in ("__call__", "forward"):
        method = getattr(type(f), name, None)
        if isinstance(method, FunctionType):
            yield from _walk(method, depth - 1, seen)
    if not hasattr(type(f), "__mro__") or type(f).__module__ == "builtins":
        yield str(getattr(f, "__module__", ""))


def _spoken_of(f: FunctionType, inside: bool) -> Iterator[Any]:
    """What a function refers to: globals (``inside`` its code), closure, defaults, what it wraps.

    The code of a framework's own functions says nothing more about them.
    """
    for name in _names(f.__code__) if inside else ():
        if name in f.__globals__:
            yield f.__globals__[name]
        elif name in sys.modules:  # imported where it is used
            yield sys.modules[name]
    for cell in f.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:
            continue  # not yet assigned
    yield from (f.__defaults__ or ())
    if callable(getattr(f, "__wrapped__", None)):
        yield f.__wrapped__  # type: ignore[attr-defined]


def _names(code: CodeType) -> Iterator[str]:
    """Names of globals and imports, not of attributes."""
    for step in dis.get_instructions(code):
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME", "IMPORT_NAME"):
            yield str(step.argval)
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names(inner)


def is_numpys(f: Callable[..., Any], primals: Sequence[Array]) -> bool:
    """Whether a function speaks of NumPy and works on plain arrays."""
    if "numpy" not in packages_of(f):
        return False
    try:
        raw = f(*[p.copy() for p in primals])
        parts = raw if isinstance(raw, tuple | list) else (raw,)
        return any(floating(number_array(part)) for part in parts)
    except Exception:
        return False


def first_fit(
    engines: Iterable[Engine], f: Callable[..., Any], primals: Sequence[Array]
) -> tuple[Engine | None, list[str]]:
    """The first engine through which a gradient reaches an input, and why the others did not."""
    reasons: list[str] = []
    for engine in engines:
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                outputs, pull = engine.vjp(f, [p.copy() for p in primals])
                grads = pull([np.ones(y.shape, y.dtype) for y in outputs])
        except Exception as error:
            text = (str(error).strip() or type(error).__name__).splitlines()[0]
            reasons.append(f"{engine.name}: {text[:100]}")
            continue
        if any(grad is not None for grad in grads):
            return engine, reasons
        reasons.append(f"{engine.name}: no gradient reaches an input")
    return None, reasons
