"""What gradcheck asks of an engine, and what all adapters share."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from gradcheck.forward import Array

Pullback = Callable[[list[Array]], Any]


class Misuse(Exception):
    """The function or the rule under test broke its contract; the text says how, in plain words."""

    def __init__(self, probe: str, message: str) -> None:
        super().__init__(message)
        self.probe = probe
        self.message = message


class Engine(Protocol):
    """A few lines that let gradcheck differentiate through a framework.

    ``vjp`` returns the outputs and a pullback from cotangents (one ndarray per output) to raw
    gradients (one per primal, None for an unused one). ``value`` evaluates alone. ``own_grads``
    returns the very arrays an engine leaves in ``.grad``, or None. ``gradient`` turns ``f`` into
    the function from (primals, cotangents) to gradients, for engines with ``higher_order``.
    """

    name: str
    higher_order: bool
    layouts: tuple[str, ...]

    def asarray(self, array: Array, requires_grad: bool = False) -> Any:
        """The engine's own array with these numbers."""

    def to_numpy(self, value: Any) -> Array:
        """The numbers of the engine's array; raises TypeError for anything else."""

    def value(self, f: Callable[..., Any], primals: Sequence[Array]) -> tuple[Array, ...]:
        """The outputs of ``f`` at the primals."""

    def vjp(
        self, f: Callable[..., Any], primals: Sequence[Array]
    ) -> tuple[tuple[Array, ...], Pullback]:
        """The outputs of ``f`` and its pullback."""

    def own_grads(
        self, f: Callable[..., Any], primals: Sequence[Array], cotangents: list[Array]
    ) -> list[Array | None] | None:
        """The arrays in ``.grad`` of the primals after a backward pass."""

    def gradient(
        self, f: Callable[..., Any], count: int, live: Sequence[bool]
    ) -> Callable[..., tuple[Any, ...]]:
        """``f``'s gradient with respect to ``count`` primals as a differentiable function.

        ``live`` says which gradients are wanted.
        """


def outputs_of(raw: Any, convert: Callable[[Any], Array], what: str) -> tuple[Array, ...]:
    """The outputs of a function as a tuple of arrays.

    Raises Misuse when an output is not of the engine's kind.
    """
    parts = raw if isinstance(raw, tuple | list) else (raw,)
    try:
        return tuple(convert(part) for part in parts)
    except TypeError as error:
        kinds = ", ".join(type(part).__name__ for part in parts)
        raise Misuse("output", f"f returns {kinds}; it must return {what}") from error


def floating(array: Array) -> bool:
    """Whether an array can have a gradient."""
    return array.dtype.kind == "f"


def number_array(value: Any) -> Array:
    """An ndarray, or a number as a 0-d one; raises TypeError for anything else."""
    if isinstance(value, np.ndarray) and value.dtype != object:
        return value
    if isinstance(value, np.generic | float | int | bool):
        return np.asarray(value)
    raise TypeError(type(value).__name__)
