"""PyTorch and engines that speak its language."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcheck.engines.base import Pullback, floating, outputs_of
from gradcheck.forward import Array


class TorchLike:
    """Engine over a module with torch's ``from_numpy``, ``no_grad`` and ``autograd.grad``."""

    higher_order = True
    layouts: tuple[str, ...] = ("fortran", "strided")

    def __init__(self, lib: Any, name: str) -> None:
        self.lib = lib
        self.name = name

    def asarray(self, array: Array, requires_grad: bool = False) -> Any:
        """A new tensor with these numbers and this layout."""
        tensor = self.lib.from_numpy(_copy(array))
        return tensor.requires_grad_(True) if requires_grad and floating(array) else tensor

    def to_numpy(self, value: Any) -> Array:
        """The memory of a tensor as an ndarray."""
        if not isinstance(value, self.lib.Tensor):
            raise TypeError(type(value).__name__)
        return value.detach().numpy()

    def value(self, f: Callable[..., Any], primals: Sequence[Array]) -> tuple[Array, ...]:
        """The outputs of ``f``, computed without a graph."""
        with self.lib.no_grad():
            raw = f(*[self.asarray(p) for p in primals])
        return self._outputs(raw)

    def _outputs(self, raw: Any) -> tuple[Array, ...]:
        return outputs_of(raw, self.to_numpy, f"{self.name} tensors")

    def vjp(
        self, f: Callable[..., Any], primals: Sequence[Array], wrt: Sequence[int] | None = None
    ) -> tuple[tuple[Array, ...], Pullback]:
        """The outputs of ``f`` and ``autograd.grad`` (for ``wrt``, or all) as a pullback."""
        inputs = [self.asarray(p, wrt is None or i in wrt) for i, p in enumerate(primals)]
        raw = f(*inputs)
        outputs = self._outputs(raw)

        def pullback(cotangents: list[Array]) -> list[Array | None]:
            gs = [self.asarray(g) for g in cotangents]
            grads = self._grad(_listed(raw), inputs, gs, create_graph=False)
            return [None if g is None else self.to_numpy(g) for g in grads]

        return outputs, pullback

    def _grad(
        self, outputs: list[Any], inputs: list[Any], gs: list[Any], create_graph: bool
    ) -> list[Any]:
        """One gradient for every input, None where there is none."""
        kept = [(y, g) for y, g in zip(outputs, gs, strict=True) if y.requires_grad]
        wanted = [x for x in inputs if x.requires_grad]
        if not kept or not wanted:
            return [None] * len(inputs)
        grads = iter(
            self.lib.autograd.grad(
                [y for y, _ in kept],
                wanted,
                [g for _, g in kept],
                retain_graph=True,
                create_graph=create_graph,
                allow_unused=True,
            )
        )
        return [next(grads) if x.requires_grad else None for x in inputs]

    def own_grads(
        self, f: Callable[..., Any], primals: Sequence[Array], cotangents: list[Array]
    ) -> list[Array | None] | None:
        """The memory of every ``.grad`` after a backward pass from the given cotangents."""
        inputs = [self.asarray(p, True) for p in primals]
        total: Any = None
        for y, g in zip(_listed(f(*inputs)), cotangents, strict=True):
            if y.requires_grad:
                term = (y * self.asarray(g)).sum()
                total = term if total is None else total + term
        if total is None:
            return None
        total.backward()
        return [None if x.grad is None else self.to_numpy(x.grad) for x in inputs]

    def gradient(
        self, f: Callable[..., Any], count: int, live: Sequence[bool]
    ) -> Callable[..., tuple[Any, ...]]:
        """The gradient as a function of primals and cotangents that records its own graph."""

        def df(*args: Any) -> tuple[Any, ...]:
            with self.lib.enable_grad():
                inputs = [
                    x if x.requires_grad or not _real(x) else x.detach().requires_grad_(True)
                    for x in args[:count]
                ]
                outputs = _listed(f(*inputs))
                grads = self._grad(outputs, inputs, list(args[count:]), create_graph=True)
            return tuple(g for g, wanted in zip(grads, live, strict=True) if wanted)

        return df


def _listed(raw: Any) -> list[Any]:
    return list(raw) if isinstance(raw, tuple | list) else [raw]


def _real(tensor: Any) -> bool:
    return bool(tensor.dtype.is_floating_point)


def _copy(array: Array) -> Array:
    """New memory laid out as the array's is, gaps included; negative strides become positive."""
    if array.flags.c_contiguous or array.size == 0:
        return np.array(array, order="C")
    if min(array.strides) < array.itemsize:
        return np.array(array, order="K")
    span = sum(s * (n - 1) for s, n in zip(array.strides, array.shape, strict=True))
    memory = np.zeros(span // array.itemsize + 1, array.dtype)
    laid: Array = np.ndarray(array.shape, array.dtype, memory, 0, array.strides)
    laid[...] = array
    return laid
