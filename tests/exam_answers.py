"""The right answers to the exam's questions, by JAX's automatic differentiation.

The functions of the exam are plain NumPy: with ``jax.numpy`` in place of ``np`` in their globals
(and in those of the functions they call) JAX differentiates them, knowing nothing of the rules.
"""

import types
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gradcheck.exam.rule import Rule


def in_jax(f: Callable[..., Any]) -> Callable[..., Any]:
    """The same function computed by JAX."""
    if isinstance(f, np.ufunc) or not isinstance(f, types.FunctionType):
        return getattr(jnp, f.__name__, None) or getattr(jnp.linalg, f.__name__)
    if f.__module__.startswith("numpy"):
        return getattr(jnp, f.__name__, None) or getattr(jnp.linalg, f.__name__)
    used = {
        name: in_jax(value) if isinstance(value, types.FunctionType) else value
        for name in f.__code__.co_names
        if (value := f.__globals__.get(name)) is not None and value is not f
    }
    replaced = types.FunctionType(
        f.__code__, {**f.__globals__, **used, "np": jnp}, f.__name__, f.__defaults__, f.__closure__
    )
    replaced.__kwdefaults__ = f.__kwdefaults__
    return replaced


def floating(value: Any) -> bool:
    """Whether a value has a gradient."""
    return np.asarray(value).dtype.kind == "f"


def listed(raw: Any) -> tuple[Any, ...]:
    """A rule's answer as one gradient per primal."""
    return tuple(raw) if isinstance(raw, tuple | list) else (raw,)


class Answer:
    """A rule and JAX at one point with one random cotangent, everything in float64."""

    def __init__(self, rule: Rule, seed: int = 0) -> None:
        self.rule = rule
        self.primals = [np.asarray(p, float) if floating(p) else p for p in rule.point()]
        self.live = [i for i, p in enumerate(self.primals) if floating(p)]
        self.raw = rule.f(*self.primals)
        self.several = isinstance(self.raw, tuple | list)
        self.outputs = [np.asarray(y) for y in listed(self.raw)]
        rng = np.random.default_rng(seed)
        draw = rng.standard_normal
        self.cotangents = [
            draw(y.shape) if floating(y) else np.zeros(y.shape) for y in self.outputs
        ]
        self.second = [draw(self.primals[i].shape) for i in self.live]

    def jax_function(self, *floats: Any) -> list[Any]:
        """The floating outputs as JAX computes them from the floating primals."""
        given = iter(floats)
        primals = [next(given) if floating(p) else p for p in self.primals]
        outputs = listed(in_jax(self.rule.f)(*primals))
        return [
            jnp.asarray(y) for y, mine in zip(outputs, self.outputs, strict=True) if floating(mine)
        ]

    def jax_gradients(self, cotangents: list[Any], *floats: Any) -> list[Any]:
        """JAX's gradients."""
        _, pull = jax.vjp(self.jax_function, *floats)
        return list(pull(cotangents))

    def expected(self) -> list[Any]:
        """What the rule must return, or for the second order the rule's rule, with y followed."""
        floats = [jnp.asarray(self.primals[i]) for i in self.live]
        live = [g for g, y in zip(self.cotangents, self.outputs, strict=True) if floating(y)]
        if self.rule.options.get("order", 1) == 1:
            return self.jax_gradients([jnp.asarray(g) for g in live], *floats)
        _, pull = jax.vjp(self.jax_gradients, [jnp.asarray(g) for g in live], *floats)
        over_g, *over_x = pull([jnp.asarray(gg) for gg in self.second])
        return [*over_g, *over_x]

    def given(self) -> list[Any]:
        """What the rule does return, in the same order."""
        g: Any = tuple(self.cotangents) if self.several else self.cotangents[0]
        y: Any = tuple(self.outputs) if self.several else self.outputs[0]
        vjp = self.rule.rule()
        if self.rule.options.get("order", 1) == 1:
            return self._floats(vjp(g.copy() if not self.several else g, y, *self.primals))
        raw = vjp(g, y, *self.primals)
        gg: Any = tuple(self.second) if isinstance(raw, tuple) else self.second[0].copy()
        over_g, over_y, *over_x = vjp.vjp(gg, raw, g, y, *self.primals)
        through = self._floats(vjp(over_y, y, *self.primals))
        return [over_g, *(a + b for a, b in zip(self._floats(tuple(over_x)), through, strict=True))]

    def _floats(self, raw: Any) -> list[Any]:
        grads = listed(raw)
        return [
            np.zeros(self.primals[i].shape) if grads[i] is None else np.asarray(grads[i])
            for i in self.live
        ]

    def error(self) -> float:
        """The largest difference, relative to the gradient; inf for another shape."""
        worst = 0.0
        with np.errstate(all="ignore"):
            given = self.given()
        for mine, theirs in zip(given, self.expected(), strict=True):
            right = np.asarray(theirs)
            if mine.shape != right.shape:
                return np.inf
            near = np.abs(right) + 1e-300
            off = np.where(mine == right, 0.0, np.abs(mine - right) / near)
            worst = max(worst, float(np.max(np.where(np.isnan(off), np.inf, off), initial=0.0)))
        return worst
