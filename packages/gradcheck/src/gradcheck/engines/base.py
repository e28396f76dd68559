"""What gradcheck asks of an engine, and what all adapters share."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from gradcheck.forward import Array

Pullback = Callable[[list[Array]], Any]
Outputs = tuple[Array, ...]


class Misuse(Exception):
    """The function or the rule under test broke its contract; the text says how, in plain words."""

    def __init__(self, probe: str, message: str) -> None:
        super().__init__(message)
        self.probe = probe
        self.message = message


class Engine(Protocol):
    """A few lines that let gradcheck differentiate through a framework.

    A subclass has a ``name`` and writes ``asarray``, ``to_numpy`` and ``vjp``; all the rest has a
    default and is there to be overridden. ``higher_order`` promises a ``gradient``; ``layouts`` are
    the memory layouts to try (fortran, strided, reversed, read-only, broadcast) where ``asarray``
    keeps them.
    """

    name: str
    higher_order: bool = False
    layouts: tuple[str, ...] = ()

    @abstractmethod
    def asarray(self, array: Array) -> Any:
        """The engine's own array with these numbers."""

    @abstractmethod
    def to_numpy(self, value: Any) -> Array:
        """The numbers of the engine's array; raises TypeError for anything else."""

    @abstractmethod
    def vjp(self, f: Callable[..., Any], primals: Sequence[Array]) -> tuple[Outputs, Pullback]:
        """The outputs of ``f``, a function of the engine's arrays, and its pullback.

        The pullback takes one ndarray for each output and returns one gradient for each primal,
        None for an unused one.
        """

    def value(self, f: Callable[..., Any], primals: Sequence[Array]) -> Outputs:
        """The outputs of ``f``."""
        return self.outputs(f(*[self.asarray(p) for p in primals]))

    def outputs(self, raw: Any) -> Outputs:
        """What ``f`` returned as ndarrays; raises Misuse when it is not the engine's."""
        return outputs_of(raw, self.to_numpy, f"{self.name} arrays")

    def own_grads(
        self, f: Callable[..., Any], primals: Sequence[Array], cotangents: list[Array]
    ) -> list[Array | None] | None:
        """The very arrays a backward pass leaves in ``.grad`` of the primals; None without any."""
        return None

    def gradient(
        self, f: Callable[..., Any], count: int, live: Sequence[bool]
    ) -> Callable[..., tuple[Any, ...]]:
        """``f``'s gradient for ``count`` primals as a function of the engine's own arrays.

        It takes primals and cotangents and returns the gradients that ``live`` wants. For engines
        with ``higher_order``; raises TypeError for others.
        """
        raise TypeError(f"the {self.name} engine has no second derivatives")

    def jvp(
        self, f: Callable[..., Any], primals: Sequence[Array], tangents: Sequence[Array]
    ) -> tuple[Outputs, Outputs] | None:
        """The outputs and their tangents by forward mode; None where it has no rule for ``f``."""
        return None


REQUIRED = ("name", "asarray", "to_numpy", "vjp")
OPTIONAL = ("higher_order", "layouts", "value", "outputs", "own_grads", "gradient", "jvp")


class Completed(Engine):
    """An object with the required members and the defaults for what it does not have."""

    def __init__(self, engine: Any) -> None:
        self.engine = engine
        self.name = str(engine.name)
        for member in (*OPTIONAL, "highest_order"):
            if hasattr(engine, member):
                setattr(self, member, getattr(engine, member))

    def asarray(self, array: Array) -> Any:
        """The engine's own array."""
        return self.engine.asarray(array)

    def to_numpy(self, value: Any) -> Array:
        """The numbers of the engine's array."""
        found: Array = self.engine.to_numpy(value)
        return found

    def vjp(self, f: Callable[..., Any], primals: Sequence[Array]) -> tuple[Outputs, Pullback]:
        """The engine's own."""
        found: tuple[Outputs, Pullback] = self.engine.vjp(f, primals)
        return found


def complete(engine: Any) -> Engine:
    """An adapter with all members of :class:`Engine`, whatever class it is of.

    Raises TypeError when it lacks one that has no default.

    >>> complete(object())
    Traceback (most recent call last):
    TypeError: object is no engine: it has no name, asarray, to_numpy, vjp
    """
    missing = [member for member in REQUIRED if not hasattr(engine, member)]
    if missing or isinstance(engine, type):
        kind = type(engine).__name__
        if isinstance(engine, type):
            raise TypeError(f"engine is the class {engine.__name__}; give an instance of it")
        raise TypeError(f"{kind} is no engine: it has no {', '.join(missing)}")
    if all(hasattr(engine, member) for member in OPTIONAL):
        whole: Engine = engine
        return whole
    return Completed(engine)


def listed(raw: Any) -> list[Any]:
    """What a function returned as a list of outputs."""
    return list(raw) if isinstance(raw, tuple | list) else [raw]


def outputs_of(raw: Any, convert: Callable[[Any], Array], what: str) -> Outputs:
    """The outputs of a function as a tuple of arrays.

    Raises Misuse when an output is not of the engine's kind.
    """
    parts = raw if isinstance(raw, tuple | list) else (raw,)
    try:
        return tuple(convert(part) for part in parts)
    except TypeError as error:
        kinds = ", ".join(what_is(part).partition(" ")[2] or "NoneType" for part in parts)
        raise Misuse("output", f"f returns {kinds}; it must return {what}") from error


def what_is(value: Any) -> str:
    """What came back in place of an array, in words.

    >>> what_is([1.0]), what_is(np.array([None])), what_is(None)
    ('a list', 'an ndarray of objects', 'None')
    """
    if value is None:
        return "None"
    name = type(value).__name__
    if isinstance(value, np.ndarray):
        return f"an {name} of objects" if value.dtype == object else f"an {name}"
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def said(error: BaseException) -> str:
    """What an exception says, on one line and not endlessly; it may fail to say anything.

    >>> said(ValueError("a\\n b")), said(ValueError())
    ('ValueError: a b', 'ValueError: without a message')
    """
    try:
        text = " ".join(str(error).split()) or "without a message"
    except Exception:
        text = "with a message that cannot be shown"
    text = text if len(text) <= MOST_SAID else f"{text[:MOST_SAID]}..."
    return f"{type(error).__name__}: {text}"


MOST_SAID = 600  # characters of a message


def floating(array: Array) -> bool:
    """Whether an array can have a gradient."""
    return array.dtype.kind == "f"


def real(array: Array) -> Array:
    """The array; raises Misuse for complex numbers, which gradcheck does not judge."""
    if array.dtype.kind == "c":
        text = f"f returns {array.dtype}; gradcheck judges real functions: return .real and .imag"
        raise Misuse("output", text)
    return array


def number_array(value: Any) -> Array:
    """An ndarray, or a number as a 0-d one; raises TypeError for anything else."""
    if isinstance(value, np.ndarray) and value.dtype != object:
        return value
    if isinstance(value, np.generic | float | int | bool):
        return np.asarray(value)
    raise TypeError(type(value).__name__)
