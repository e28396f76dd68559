"""PyTorch and engines that speak its language."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcheck.engines.base import Engine, Misuse, Outputs, Pullback, floating, listed, outputs_of
from gradcheck.engines.torch_modules import as_function
from gradcheck.forward import Array


class TorchLike(Engine):
    """Engine over a module with torch's ``from_numpy``, ``no_grad`` and ``autograd.grad``.

    ``f`` may be an ``nn.Module``: its parameters then take the precision of the inputs, and its
    buffers are copies, so that a check leaves the module as it was.
    """

    higher_order = True
    layouts: tuple[str, ...] = ("fortran", "strided", "reversed", "broadcast")

    def __init__(self, lib: Any, name: str) -> None:
        self.lib = lib
        self.name = name

    def asarray(self, array: Array, requires_grad: bool = False) -> Any:
        """A new tensor with these numbers, laid out as they are.

        Strides of 0 are kept; negative ones, which torch has not, become positive strides into the
        middle of a storage. Raises Misuse for half precision.
        """
        if array.dtype == np.float16:
            raise Misuse("dtype", f"{self.name}: half precision is not judged; give float32")
        tensor = _laid_out(array, self.lib)
        return tensor.requires_grad_(True) if requires_grad and floating(array) else tensor

    def to_numpy(self, value: Any) -> Array:
        """The memory of a tensor as an ndarray; raises Misuse for half precision and complex."""
        if not isinstance(value, self.lib.Tensor):
            raise TypeError(type(value).__name__)
        kind = str(value.dtype).removeprefix("torch.")
        if kind.startswith(("complex", "bfloat", "float16", "float8")):
            text = f"{self.name}: {kind} is not judged; float32 and float64 are"
            raise Misuse("dtype", text)
        plain = value.detach()
        if getattr(plain, "is_sparse", False):
            plain = plain.to_dense()
        if hasattr(plain, "resolve_neg"):
            plain = plain.resolve_neg()
        memory: Array = plain.numpy()
        return memory

    def value(self, f: Callable[..., Any], primals: Sequence[Array]) -> Outputs:
        """The outputs of ``f``, computed without a graph."""
        with self.lib.no_grad():
            raw = as_function(f, self.lib)(*[self.asarray(p) for p in primals])
        return self.outputs(raw)

    def outputs(self, raw: Any) -> Outputs:
        """The memory of the tensors ``f`` returned."""
        return outputs_of(raw, self.to_numpy, f"{self.name} tensors")

    def vjp(
        self, f: Callable[..., Any], primals: Sequence[Array], wrt: Sequence[int] | None = None
    ) -> tuple[Outputs, Pullback]:
        """The outputs of ``f`` and ``autograd.grad`` (for ``wrt``, or all) as a pullback.

        The pullback raises Misuse when a backward pass writes to its inputs or cotangents.
        """
        inputs = [self.asarray(p, wrt is None or i in wrt) for i, p in enumerate(primals)]
        raw = as_function(f, self.lib)(*inputs)
        outputs = self.outputs(raw)

        def pullback(cotangents: list[Array]) -> list[Array | None]:
            gs = [self.asarray(g) for g in cotangents]
            grads = self._grad(listed(raw), inputs, gs, create_graph=False)
            self._unchanged("input", inputs, primals)
            self._unchanged("cotangent", gs, cotangents)
            return [None if g is None else self.to_numpy(g) for g in grads]

        return outputs, pullback

    def _unchanged(self, what: str, now: list[Any], before: Sequence[Array]) -> None:
        for k, (tensor, array) in enumerate(zip(now, before, strict=True)):
            if not np.array_equal(self.to_numpy(tensor), array, equal_nan=floating(array)):
                raise Misuse("mutation", f"the backward pass changes {what} {k}")

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
        outputs = listed(as_function(f, self.lib)(*inputs))
        for y, g in zip(outputs, cotangents, strict=True):
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
        """The gradient as a function of primals and cotangents that records its own graph.

        Where no graph is asked for, its values are those of the plain backward pass, so that second
        derivatives are held against the first ones everybody uses.
        """
        call = as_function(f, self.lib)

        def df(*args: Any) -> tuple[Any, ...]:
            recording = self.lib.is_grad_enabled()
            with self.lib.enable_grad():
                inputs = [
                    x if x.requires_grad or not _real(x) else x.detach().requires_grad_(True)
                    for x in args[:count]
                ]
                grads = self._grad(listed(call(*inputs)), inputs, list(args[count:]), recording)
            return tuple(g for g, wanted in zip(grads, live, strict=True) if wanted)

        return df


class Torch(TorchLike):
    """PyTorch, with its forward mode."""

    def jvp(
        self, f: Callable[..., Any], primals: Sequence[Array], tangents: Sequence[Array]
    ) -> tuple[Outputs, Outputs] | None:
        """``autograd.forward_ad``; None where an operation has no forward rule."""
        mode = self.lib.autograd.forward_ad
        with mode.dual_level():
            inputs = [
                mode.make_dual(self.asarray(p), self.asarray(t)) if floating(p) else self.asarray(p)
                for p, t in zip(primals, tangents, strict=True)
            ]
            try:
                parts = [mode.unpack_dual(y) for y in listed(as_function(f, self.lib)(*inputs))]
            except NotImplementedError:
                return None
            outputs = self.outputs([part.primal for part in parts])
            moved = [
                np.zeros_like(y) if part.tangent is None else self.to_numpy(part.tangent)
                for part, y in zip(parts, outputs, strict=True)
            ]
        return outputs, tuple(moved)


class TensorCore(TorchLike):
    """tensor_core, whose jvp is no forward mode but the double-backward trick."""

    def jvp(
        self, f: Callable[..., Any], primals: Sequence[Array], tangents: Sequence[Array]
    ) -> tuple[Outputs, Outputs] | None:
        """The derivative of the pullback in its cotangent; None where it has none.

        ``J v`` is the gradient of ``<J'g, v>`` with respect to ``g``, so that this asks whether the
        rules, run on Tensors, are the same linear maps as on arrays.
        """
        inputs = [self.asarray(p, True) for p in primals]
        raw = listed(as_function(f, self.lib)(*inputs))
        outputs = self.outputs(raw)
        gs = [self.asarray(np.zeros_like(y), True) for y in outputs]
        try:
            with self.lib.enable_grad():
                grads = self._grad(raw, inputs, gs, create_graph=True)
        except RuntimeError:
            return None  # rules that cannot be differentiated again, which is no fault of f
        pairs = [
            (grad, self.asarray(t))
            for grad, t in zip(grads, tangents, strict=True)
            if grad is not None
        ]
        if not any(grad.requires_grad for grad, _ in pairs):
            return outputs, tuple(np.zeros_like(y) for y in outputs)
        found = self._grad([g for g, _ in pairs], gs, [t for _, t in pairs], create_graph=False)
        moved = [
            np.zeros_like(y) if d is None else self.to_numpy(d)
            for d, y in zip(found, outputs, strict=True)
        ]
        return outputs, tuple(moved)


def _real(tensor: Any) -> bool:
    return bool(tensor.dtype.is_floating_point)


def _laid_out(array: Array, lib: Any) -> Any:
    """A tensor in new memory with the array's strides, gaps and repetitions included."""
    if array.flags.c_contiguous or array.size == 0:
        return lib.from_numpy(np.array(array, order="C"))
    strides = [abs(s) // array.itemsize for s in array.strides]
    if any(abs(s) % array.itemsize for s in array.strides):
        return lib.from_numpy(np.array(array, order="C"))
    start = 1 if min(array.strides) < 0 else 0
    span = sum(s * (n - 1) for s, n in zip(strides, array.shape, strict=True))
    memory = np.zeros(start + span + 1, array.dtype)
    inner = tuple(s * array.itemsize for s in strides)
    np.ndarray(array.shape, array.dtype, memory, start * array.itemsize, inner)[...] = array
    return lib.from_numpy(memory).as_strided(array.shape, strides, start)
