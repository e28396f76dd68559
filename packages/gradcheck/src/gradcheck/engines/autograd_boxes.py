"""Functions of HIPS autograd: NumPy code whose ``numpy`` is ``autograd.numpy``."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcheck.engines.base import Engine, Outputs, Pullback, floating, listed, number_array
from gradcheck.forward import Array


class Autograd(Engine):
    """Engine over ``autograd.make_vjp`` and ``make_jvp``."""

    name = "autograd"
    higher_order = True
    layouts: tuple[str, ...] = ("fortran", "strided", "reversed", "read-only", "broadcast")

    def __init__(self, lib: Any) -> None:
        import autograd.builtins

        self.lib = lib
        self.tuple = autograd.builtins.tuple

    def asarray(self, array: Array) -> Array:
        """The array itself: autograd computes on ndarrays."""
        return array

    def to_numpy(self, value: Any) -> Array:
        """The array, or a number as a 0-d one."""
        return number_array(value)

    def vjp(self, f: Callable[..., Any], primals: Sequence[Array]) -> tuple[Outputs, Pullback]:
        """The outputs of ``f`` and the pullback of ``make_vjp``."""
        real = [i for i, p in enumerate(primals) if floating(p)]
        raw, pull = self._vjp(f, list(primals), real)
        outputs = self.outputs(raw)

        def pullback(cotangents: list[Array]) -> list[Array | None]:
            grads: list[Array | None] = [None] * len(primals)
            for i, grad in zip(real, pull(cotangents), strict=True):
                grads[i] = number_array(grad)
            return grads

        return outputs, pullback

    def _vjp(
        self, f: Callable[..., Any], args: list[Any], real: Sequence[int]
    ) -> tuple[tuple[Any, ...], Callable[[Sequence[Any]], tuple[Any, ...]]]:
        """The outputs and the pullback for the floating inputs, in boxes where there are any."""

        def of_real(moved: Any) -> Any:
            inputs = list(args)
            for k, i in enumerate(real):
                inputs[i] = moved[k]
            return self.tuple(tuple(listed(f(*inputs))))

        pull, outputs = self.lib.make_vjp(of_real)(self.tuple(tuple(args[i] for i in real)))

        def pullback(cotangents: Sequence[Any]) -> tuple[Any, ...]:
            grads = pull(self.tuple(tuple(cotangents)))
            return tuple(grads[k] for k in range(len(real)))

        return outputs, pullback

    def gradient(
        self, f: Callable[..., Any], count: int, live: Sequence[bool]
    ) -> Callable[..., tuple[Any, ...]]:
        """The gradient as a function of arrays, by ``make_vjp`` inside."""

        def df(*args: Any) -> tuple[Any, ...]:
            kinds = [np.dtype(getattr(x, "dtype", float)).kind for x in args[:count]]
            real = [i for i, kind in enumerate(kinds) if kind == "f"]
            _, pull = self._vjp(f, list(args[:count]), real)
            found = dict(zip(real, pull(args[count:]), strict=True))
            return tuple(found[i] for i, wanted in enumerate(live) if wanted)

        return df

    def jvp(
        self, f: Callable[..., Any], primals: Sequence[Array], tangents: Sequence[Array]
    ) -> tuple[Outputs, Outputs] | None:
        """The sum of ``make_jvp`` over inputs, output by output; None where a rule is missing."""
        outputs = self.value(f, primals)
        moved = [np.zeros_like(y) for y in outputs]
        for k, y in enumerate(outputs):
            if not floating(y):
                continue

            def one(*args: Any, k: int = k) -> Any:
                return listed(f(*args))[k]

            for i in [i for i, p in enumerate(primals) if floating(p)]:
                try:
                    _, t = self.lib.make_jvp(one, i)(*primals)(tangents[i])
                except NotImplementedError:
                    return None
                moved[k] = moved[k] + number_array(t)
        return outputs, tuple(np.asarray(t) for t in moved)
