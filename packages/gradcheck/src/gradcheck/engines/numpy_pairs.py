"""Hand-written pairs: a NumPy function and its vector-Jacobian product."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcheck.engines.base import Misuse, Pullback, floating, number_array, outputs_of
from gradcheck.forward import Array


class Pair:
    """A NumPy function with its rule ``vjp(g, y, *primals)``.

    >>> square = Pair(lambda x: x * x, lambda g, y, x: 2 * g * x)
    >>> square(np.array([3.0])).tolist()
    [9.0]
    """

    def __init__(self, f: Callable[..., Any], vjp: Callable[..., Any]) -> None:
        self.f = f
        self.vjp = vjp
        self.__name__ = getattr(f, "__name__", "f")

    def __call__(self, *primals: Array) -> Any:
        return self.f(*primals)


class NumpyPairs:
    """Engine for objects with a ``vjp`` attribute, such as :class:`Pair`."""

    name = "numpy"
    higher_order = False
    layouts: tuple[str, ...] = ("fortran", "strided", "reversed", "read-only", "broadcast")

    def asarray(self, array: Array, requires_grad: bool = False) -> Array:
        """The array itself."""
        return array

    def to_numpy(self, value: Any) -> Array:
        """The array, or a number as a 0-d one."""
        return number_array(value)

    def value(self, f: Callable[..., Any], primals: Sequence[Array]) -> tuple[Array, ...]:
        """The outputs of ``f``."""
        raw = f(*primals)
        if type(raw) is np.ndarray and raw.dtype != object:
            return (raw,)
        return outputs_of(raw, number_array, "an ndarray or a tuple of them")

    def vjp(self, f: Any, primals: Sequence[Array]) -> tuple[tuple[Array, ...], Pullback]:
        """The outputs of ``f`` and what its rule makes of cotangents."""
        if not callable(getattr(f, "vjp", None)):
            raise Misuse("rule", "the numpy engine needs a Pair: a function with a .vjp rule")
        raw = f(*primals)
        outputs = outputs_of(raw, number_array, "an ndarray or a tuple of them")
        several = isinstance(raw, tuple | list)

        def pullback(cotangents: list[Array]) -> Any:
            g: Any = tuple(cotangents) if several else cotangents[0]
            y: Any = outputs if several else outputs[0]
            return f.vjp(g, y, *primals)

        return outputs, pullback

    def jittered(self, f: Any, primals: Sequence[Array], rng: np.random.Generator) -> Pullback:
        """The pullback with the output it is handed moved by a rounding error, too."""
        raw = f(*primals)
        outputs = outputs_of(raw, number_array, "an ndarray or a tuple of them")
        moved = tuple(jitter(y, rng) if floating(y) else y for y in outputs)
        several = isinstance(raw, tuple | list)
        y: Any = moved if several else moved[0]
        return lambda gs: f.vjp(tuple(gs) if several else gs[0], y, *primals)

    def own_grads(
        self, f: Any, primals: Sequence[Array], cotangents: list[Array]
    ) -> list[Array | None] | None:
        """None: a rule may return its cotangent; only engines own gradients."""
        return None

    def gradient(self, f: Any, count: int, live: Sequence[bool]) -> Callable[..., tuple[Any, ...]]:
        """Raises TypeError: a NumPy rule cannot be differentiated by an engine."""
        raise TypeError("a numpy pair has no second derivative; use an engine for order=2")


def jitter(array: Array, rng: np.random.Generator) -> Array:
    """The array with every element moved by one rounding error, up or down; zeros stay.

    >>> jitter(np.ones(2), np.random.default_rng(0)).dtype
    dtype('float64')
    """
    signs = rng.integers(0, 2, array.shape) * 2 - 1
    moved = array * (1 + signs * float(np.finfo(array.dtype).eps))
    return np.asarray(moved, array.dtype)
