"""Hand-written pairs: a NumPy function and its vector-Jacobian product."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcheck.engines.base import (
    Engine,
    Misuse,
    Outputs,
    Pullback,
    number_array,
    outputs_of,
    what_is,
)
from gradcheck.forward import Array


class Pair:
    """A NumPy function with its rule ``vjp(g, y, *primals)``, and a forward rule if it has one.

    ``jvp(t, y, *primals)`` takes one tangent, or a tuple of them when there are several primals. A
    rule that is a Pair itself gives second derivatives: ``Pair(f, Pair(rule, rule_of_rule))``,
    where ``rule_of_rule(gg, raw, g, y, *primals)`` returns a gradient for each of ``g``, ``y`` and
    the primals.

    >>> square = Pair(lambda x: x * x, lambda g, y, x: 2 * g * x)
    >>> square(np.array([3.0])).tolist()
    [9.0]
    """

    def __init__(
        self,
        f: Callable[..., Any],
        vjp: Callable[..., Any],
        jvp: Callable[..., Any] | None = None,
    ) -> None:
        self.f = f
        self.vjp = vjp
        self.jvp = jvp
        self.__name__ = getattr(f, "__name__", "f")

    def __call__(self, *primals: Array) -> Any:
        return self.f(*primals)


class NumpyPairs(Engine):
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

    def handing(self, f: Any, primals: Sequence[Array], outputs: Outputs) -> Pullback:
        """The pullback that hands its rule these outputs in place of the function's own."""
        several = isinstance(f(*primals), tuple | list)
        y: Any = outputs if several else outputs[0]
        return lambda gs: f.vjp(tuple(gs) if several else gs[0], y, *primals)

    def own_grads(
        self, f: Any, primals: Sequence[Array], cotangents: list[Array]
    ) -> list[Array | None] | None:
        """What the rule returns, as it is."""
        _, pull = self.vjp(f, primals)
        raw = pull(cotangents)
        grads = raw if isinstance(raw, tuple | list) else (raw,)
        return [grad if isinstance(grad, np.ndarray) else None for grad in grads]

    def jvp(
        self, f: Any, primals: Sequence[Array], tangents: Sequence[Array]
    ) -> tuple[Outputs, Outputs] | None:
        """The outputs and what the forward rule makes of the tangents; None without one."""
        rule = getattr(f, "jvp", None)
        if rule is None:
            return None
        raw = f(*primals)
        outputs = outputs_of(raw, number_array, "an ndarray or a tuple of them")
        y: Any = outputs if isinstance(raw, tuple | list) else outputs[0]
        t: Any = tuple(tangents) if len(primals) > 1 else tangents[0]
        moved = outputs_of(rule(t, y, *primals), number_array, "an ndarray or a tuple of them")
        return outputs, moved

    def highest_order(self, f: Any) -> int:
        """2 for a pair whose rule is a pair, else 1."""
        return 2 if callable(getattr(getattr(f, "vjp", None), "vjp", None)) else 1

    def gradient(self, f: Any, count: int, live: Sequence[bool]) -> Pair:
        """The rule as a pair of its own: from (primals, cotangents) to the live gradients."""
        return GradientPair(f, count, live)


class GradientPair(Pair):
    """The gradient of a pair whose rule is a pair, with the output's dependence put in."""

    def __init__(self, f: Any, count: int, live: Sequence[bool]) -> None:
        super().__init__(self._gradients, self._second)
        self.pair, self.count, self.live = f, count, live
        self.__name__ = f"{getattr(f, '__name__', 'f')}'s gradient"

    def _evaluated(self, args: Sequence[Array]) -> tuple[Any, Any, tuple[Array, ...], Any]:
        """Cotangent and output as the rule takes them, the primals, and what the rule returns."""
        primals = tuple(args[: self.count])
        y = self.pair(*primals)
        gs = args[self.count :]
        g: Any = tuple(gs) if isinstance(y, tuple | list) else gs[0]
        return g, y, primals, self.pair.vjp(g, y, *primals)

    def _gradients(self, *args: Array) -> tuple[Any, ...]:
        *_, raw = self._evaluated(args)
        listed = raw if isinstance(raw, tuple | list) else (raw,)
        return tuple(grad for grad, wanted in zip(listed, self.live, strict=True) if wanted)

    def _of_rule(self, grads: Any) -> Any:
        """What the rule of the rule returns; raises Misuse when these are not all its gradients."""
        count = 2 + self.count
        if isinstance(grads, tuple | list) and len(grads) == count:
            return grads
        got = f"{len(grads)} gradients" if isinstance(grads, tuple | list) else what_is(grads)
        text = f"the rule of the rule returns {got}; it must return {count}"
        raise Misuse("count", f"{text}: for the cotangent, the output and every input")

    def _second(self, ggs: Any, _: Any, *args: Array) -> list[Any]:
        """Gradients for the primals, directly and through the output, and for the cotangents."""
        g, y, primals, raw = self._evaluated(args)
        given = iter(ggs)
        listed = raw if isinstance(raw, tuple | list) else (raw,)
        filled = [
            next(given) if wanted else (None if r is None else np.zeros_like(r))
            for r, wanted in zip(listed, self.live, strict=True)
        ]
        gg: Any = tuple(filled) if isinstance(raw, tuple | list) else filled[0]
        dg, dy, *direct = self._of_rule(self.pair.vjp.vjp(gg, raw, g, y, *primals))
        if dy is not None:
            through = self.pair.vjp(dy, y, *primals)
            through = through if isinstance(through, tuple | list) else (through,)
            direct = [
                a if b is None else b if a is None else a + b
                for a, b in zip(direct, through, strict=True)
            ]
        return [*direct, *(dg if isinstance(g, tuple) else (dg,))]


def jitter(array: Array, rng: np.random.Generator) -> Array:
    """The array with every element moved by one rounding error, up or down; zeros stay.

    >>> jitter(np.ones(2), np.random.default_rng(0)).dtype
    dtype('float64')
    """
    signs = rng.integers(0, 2, array.shape) * 2 - 1
    moved = array * (1 + signs * float(np.finfo(array.dtype).eps))
    return np.asarray(moved, array.dtype)
