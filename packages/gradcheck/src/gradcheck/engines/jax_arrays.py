"""Functions of JAX arrays."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from gradcheck.engines.base import Engine, Misuse, Outputs, Pullback, floating, listed, outputs_of
from gradcheck.forward import Array

NO_RULE = ("can't apply forward-mode", "Pure callbacks do not support JVP", "does not support JVP")


class Jax(Engine):
    """Engine over ``jax.vjp`` and ``jax.jvp``.

    Doubles stay doubles: inputs in float64 are computed with 64 bits whatever JAX is configured to,
    inputs in float32 as it is configured.
    """

    name = "jax"
    higher_order = True

    def __init__(self, lib: Any) -> None:
        self.lib = lib
        self.jnp = lib.numpy

    def _precision(self, arrays: Sequence[Array]) -> AbstractContextManager[Any]:
        """64 bits for the duration of a call that is given doubles."""
        if not any(a.dtype == np.float64 for a in arrays) or self.lib.config.jax_enable_x64:
            return nullcontext()
        enable: Any = getattr(self.lib, "enable_x64", None)
        if enable is None:
            from jax import experimental  # its address before jax 0.8

            enable = experimental.enable_x64
        context: AbstractContextManager[Any] = enable(True)
        return context

    def asarray(self, array: Array) -> Any:
        """A JAX array of the same type."""
        return self.jnp.asarray(array)

    def to_numpy(self, value: Any) -> Array:
        """A copy of the numbers of a JAX array; raises Misuse for what is no float32 or float64."""
        if isinstance(value, float | int | bool):
            return np.asarray(value)
        if not isinstance(value, self.lib.Array | np.ndarray | np.generic):
            raise TypeError(type(value).__name__)
        if isinstance(value, self.lib.core.Tracer):
            raise Misuse("output", "f returns a value of another trace: it keeps arrays")
        kind = np.dtype(value.dtype)
        if kind.kind in "cV" or str(kind).startswith(("bfloat", "float8", "float16", "float4")):
            raise Misuse("dtype", f"jax: {kind} is not judged; float32 and float64 are")
        return np.array(value)

    def value(self, f: Callable[..., Any], primals: Sequence[Array]) -> Outputs:
        """The outputs of ``f``."""
        with self._precision(primals):
            return self.outputs(f(*[self.asarray(p) for p in primals]))

    def outputs(self, raw: Any) -> Outputs:
        """What ``f`` returned as ndarrays."""
        return outputs_of(raw, self.to_numpy, "jax arrays")

    def vjp(self, f: Callable[..., Any], primals: Sequence[Array]) -> tuple[Outputs, Pullback]:
        """The outputs of ``f`` and the pullback of ``jax.vjp``."""
        real = [i for i, p in enumerate(primals) if floating(p)]
        with self._precision(primals):
            raw, pull = self._vjp(f, [self.asarray(p) for p in primals], real)
            outputs = self.outputs(raw)

        def pullback(cotangents: list[Array]) -> list[Array | None]:
            grads: list[Array | None] = [None] * len(primals)
            with self._precision(primals):
                found = pull([self.asarray(g) for g in cotangents])
                for i, grad in zip(real, found, strict=True):
                    grads[i] = np.array(grad)
            return grads

        return outputs, pullback

    def _vjp(
        self, f: Callable[..., Any], args: Sequence[Any], real: Sequence[int]
    ) -> tuple[tuple[Any, ...], Callable[[Sequence[Any]], Any]]:
        """The outputs and the pullback for the floating inputs, in JAX's own arrays."""

        def of_real(*moved: Any) -> tuple[Any, ...]:
            inputs = list(args)
            for i, x in zip(real, moved, strict=True):
                inputs[i] = x
            return tuple(listed(f(*inputs)))

        outputs, pull = self.lib.vjp(of_real, *[args[i] for i in real])

        def pullback(cotangents: Sequence[Any]) -> Any:
            return pull(tuple(self._like(y, g) for y, g in zip(outputs, cotangents, strict=True)))

        return outputs, pullback

    def _like(self, y: Any, g: Any) -> Any:
        """A cotangent of the type JAX wants: float0 for integers."""
        if self.jnp.issubdtype(self.jnp.result_type(y), self.jnp.floating):
            return self.jnp.asarray(g, self.jnp.result_type(y))
        return np.zeros(np.shape(y), self.lib.dtypes.float0)

    def gradient(
        self, f: Callable[..., Any], count: int, live: Sequence[bool]
    ) -> Callable[..., tuple[Any, ...]]:
        """The gradient as a function of JAX arrays, by ``jax.vjp``, compiled if it can be."""

        def df(*args: Any) -> tuple[Any, ...]:
            primals = args[:count]
            kinds = [self.jnp.issubdtype(x.dtype, self.jnp.floating) for x in primals]
            real = [i for i, is_real in enumerate(kinds) if is_real]
            _, pull = self._vjp(f, primals, real)
            found = dict(zip(real, pull(args[count:]), strict=True))
            return tuple(found[i] for i, wanted in enumerate(live) if wanted)

        return _Compiled(df, self.lib)

    def jvp(
        self, f: Callable[..., Any], primals: Sequence[Array], tangents: Sequence[Array]
    ) -> tuple[Outputs, Outputs] | None:
        """``jax.jvp``; None for a custom_vjp or a callback, which have no forward mode."""
        real = [i for i, p in enumerate(primals) if floating(p)]
        with self._precision(primals):
            args = [self.asarray(p) for p in primals]

            def of_real(*moved: Any) -> tuple[Any, ...]:
                for i, x in zip(real, moved, strict=True):
                    args[i] = x
                return tuple(listed(f(*args)))

            xs = tuple(args[i] for i in real)
            ts = tuple(self.asarray(tangents[i]) for i in real)
            try:
                raw, moved = self.lib.jvp(of_real, xs, ts)
            except (TypeError, ValueError, NotImplementedError) as error:
                if any(words in str(error) for words in NO_RULE):
                    return None
                raise
            outputs = self.outputs(raw)
            found = [
                np.array(t) if floating(y) else np.zeros(y.shape)
                for y, t in zip(outputs, moved, strict=True)
            ]
        return outputs, tuple(found)


class _Compiled:
    """A function through ``jax.jit``, or as it is when its Python code looks at its values.

    Traces of traces are slow to make again for every step of a measurement.
    """

    def __init__(self, f: Callable[..., Any], lib: Any) -> None:
        self.f = f
        self.call = lib.jit(f)

    def __call__(self, *args: Any) -> Any:
        try:
            return self.call(*args)
        except Exception:
            self.call = self.f
            return self.call(*args)
