"""Functions of object arrays of ``scalar_value.Value``."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcheck.engines.base import Engine, Outputs, Pullback, floating, listed, outputs_of
from gradcheck.forward import Array


class ScalarValue(Engine):
    """Engine for functions that take and return Values, alone or in object arrays."""

    name = "scalar_value"
    higher_order = True

    def __init__(self, lib: Any) -> None:
        self.lib = lib

    def asarray(self, array: Array) -> Any:
        """An object array of fresh Values, or a Value for a 0-d array; integers as they are."""
        if not floating(array):
            return array
        values = np.empty(array.shape, object)
        values.reshape(-1)[:] = [self.lib.Value(float(x)) for x in array.reshape(-1)]
        return values if array.ndim else values[()]

    def to_numpy(self, value: Any) -> Array:
        """The numbers in an object array of Values."""
        if not isinstance(value, np.ndarray | self.lib.Value):
            raise TypeError(type(value).__name__)
        flat = _flat(value)
        numbers = [v.data if isinstance(v, self.lib.Value) else float(v) for v in flat]
        return np.array(numbers, np.float64).reshape(np.shape(value))

    def outputs(self, raw: Any) -> Outputs:
        """What ``f`` returned as ndarrays."""
        return outputs_of(raw, self.to_numpy, "Values or object arrays of Values")

    def vjp(self, f: Callable[..., Any], primals: Sequence[Array]) -> tuple[Outputs, Pullback]:
        """The outputs of ``f`` and ``grad`` of their weighted sum."""
        inputs = [self.asarray(p) for p in primals]
        raw = f(*inputs)

        def pullback(cotangents: list[Array]) -> list[Array | None]:
            grads = self._grad(raw, inputs, cotangents, False)
            return [None if g is None else g.astype(np.float64) for g in grads]

        return self.outputs(raw), pullback

    def _grad(self, raw: Any, inputs: list[Any], cotangents: list[Any], graph: bool) -> list[Any]:
        """One object array of gradients for every input that holds Values."""
        total: Any = self.lib.Value(0.0)
        for y, g in zip(listed(raw), cotangents, strict=True):
            for a, b in zip(_flat(y), _flat(g), strict=True):
                total = total + a * (b if isinstance(b, self.lib.Value) else float(b))
        grads: list[Any] = []
        for x in inputs:
            flat = _flat(x)
            if not all(isinstance(v, self.lib.Value) for v in flat):
                grads.append(None)
                continue
            found = np.empty(len(flat), object)
            found[:] = self.lib.grad(total, flat, create_graph=graph)
            grads.append(found.reshape(np.shape(x)))
        return grads

    def gradient(
        self, f: Callable[..., Any], count: int, live: Sequence[bool]
    ) -> Callable[..., tuple[Any, ...]]:
        """The gradient as a function of Values and cotangent Values."""

        def df(*args: Any) -> tuple[Any, ...]:
            inputs = list(args[:count])
            grads = self._grad(f(*inputs), inputs, list(args[count:]), True)
            return tuple(g for g, wanted in zip(grads, live, strict=True) if wanted)

        return df


def _flat(value: Any) -> list[Any]:
    return list(value.reshape(-1)) if isinstance(value, np.ndarray) else [value]
