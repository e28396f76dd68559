"""The right answers to the exam's questions, by automatic differentiation of its functions.

The functions of the exam are plain NumPy: with ``autograd.numpy`` (or ``jax.numpy``) in place of
``np`` in their globals, and in those of the functions they call, HIPS autograd (or JAX)
differentiates them and knows nothing of the rules.
"""

import contextlib
import types
from collections.abc import Callable
from typing import Any

import autograd
import autograd.numpy
import numpy as np

from gradcheck.exam.rule import Rule

PRODUCTS = {"prod with a zero", "prod by division"}
"""Rules whose functions autograd itself differentiates by division; JAX does not."""


def rebuilt(f: Callable[..., Any], module: Any) -> Callable[..., Any]:
    """The same function computed by another module that speaks NumPy."""
    if not isinstance(f, types.FunctionType) or f.__module__.startswith("numpy"):
        return getattr(module, f.__name__, None) or getattr(module.linalg, f.__name__)
    used = {
        name: rebuilt(value, module)
        for name in f.__code__.co_names
        if isinstance(value := f.__globals__.get(name), types.FunctionType)
    }
    scope = {**f.__globals__, **used, "np": module}
    return types.FunctionType(f.__code__, scope, f.__name__, f.__defaults__, f.__closure__)


def by_autograd(function: Callable[[Any], Any], point: Any) -> Any:
    """The gradient of a number with respect to nested tuples of arrays, by HIPS autograd."""
    return autograd.grad(function)(point)


def by_jax(function: Callable[[Any], Any], point: Any) -> Any:
    """The gradient of a number with respect to nested tuples of arrays, by JAX."""
    import jax

    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    try:
        return jax.grad(function)(jax.tree.map(jax.numpy.asarray, point))
    finally:
        jax.config.update("jax_enable_x64", before)


def floating(value: Any) -> bool:
    """Whether a value has a gradient."""
    return np.asarray(value).dtype.kind == "f"


def listed(raw: Any) -> tuple[Any, ...]:
    """A rule's answer as one gradient per primal."""
    return tuple(raw) if isinstance(raw, tuple | list) else (raw,)


class Answer:
    """A rule at its point with one random cotangent, everything in float64."""

    def __init__(self, rule: Rule, scale: float = 1.0, seed: int = 0) -> None:
        self.rule = rule
        self.order = rule.options.get("order", 1)
        self.primals = [np.asarray(p, float) if floating(p) else p for p in rule.point()]
        self.live = [i for i, p in enumerate(self.primals) if floating(p)]
        self.raw = rule.f(*self.primals)
        self.outputs = [np.asarray(y) for y in listed(self.raw)]
        draw = np.random.default_rng(seed).standard_normal
        self.cotangents = tuple(scale * draw(y.shape) * floating(y) for y in self.outputs)
        self.second = tuple(draw(self.primals[i].shape) for i in self.live)
        self.grad: Any = by_autograd
        self.module: Any = autograd.numpy

    def weighed(self, gs: Any, floats: Any) -> Any:
        """The outputs times cotangents, summed."""
        given = iter(floats)
        primals = [next(given) if floating(p) else p for p in self.primals]
        ys = listed(rebuilt(self.rule.f, self.module)(*primals))
        triples = zip(ys, gs, self.outputs, strict=True)
        return sum(self.module.sum(y * g) for y, g, mine in triples if floating(mine))

    def expected(self) -> list[Any]:
        """What the rule must return; for the second order the rule's rule, y followed down to x.

        JAX is asked where autograd lacks a function; it is the slower of the two.
        """
        if self.rule.name not in PRODUCTS:
            with contextlib.suppress(AttributeError, TypeError, ValueError, NotImplementedError):
                return self.differentiated()
        import jax

        self.grad, self.module = by_jax, jax.numpy
        return self.differentiated()

    def differentiated(self) -> list[Any]:
        """The same by the library chosen."""
        floats = tuple(self.primals[i] for i in self.live)

        def gradients(gs: Any, floats: Any) -> Any:
            return self.grad(lambda fs: self.weighed(gs, fs), floats)

        if self.order == 1:
            return list(gradients(self.cotangents, floats))

        def weighed_again(both: Any) -> Any:
            found = zip(gradients(*both), self.second, strict=True)
            return sum(self.module.sum(a * gg) for a, gg in found)

        over_g, over_x = self.grad(weighed_again, (self.cotangents, floats))
        return [*over_g, *over_x]

    def given(self) -> list[Any]:
        """What the rule does return, in the same order."""
        several = isinstance(self.raw, tuple | list)
        gs = tuple(g.copy() for g in self.cotangents)
        ys = tuple(y.copy() for y in self.outputs)
        vjp: Any = self.rule.rule()
        primals = [np.array(p) for p in self.primals]
        arguments = [gs, ys, *primals] if several else [gs[0], ys[0], *primals]
        raw = vjp(*arguments)
        if self.order == 1:
            return self._floats(raw)
        gg: Any = self.second if isinstance(raw, tuple) else self.second[0].copy()
        over_g, over_y, *over_x = vjp.vjp(gg, raw, *arguments)
        through = self._floats(vjp(over_y, *arguments[1:]))
        return [over_g, *(a + b for a, b in zip(self._floats(tuple(over_x)), through, strict=True))]

    def _floats(self, raw: Any) -> list[Any]:
        grads = listed(raw)
        kept = [
            (np.zeros_like(self.primals[i]) if grads[i] is None else grads[i]) for i in self.live
        ]
        return [np.asarray(a) for a in kept]

    def error(self) -> float:
        """The largest difference, relative to the element or a millionth of the largest one.

        Another shape, and anything raised by the rule, makes it infinite.
        """
        worst = 0.0
        with np.errstate(all="ignore"):
            expected = self.expected()
            try:
                given = self.given()
            except Exception:
                return np.inf
            for mine, theirs in zip(given, expected, strict=True):
                right = np.asarray(theirs)
                if mine.shape != right.shape:
                    return np.inf
                size = np.abs(right) + 1e-6 * np.abs(right).max(initial=0.0)
                off = np.where(mine == right, 0.0, np.abs(mine - right) / size)
                worst = max(worst, float(np.max(np.where(np.isnan(off), np.inf, off), initial=0.0)))
        return worst
