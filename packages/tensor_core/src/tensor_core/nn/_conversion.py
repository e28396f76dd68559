"""Changing what a module's tensors are: dtype, place, whether they learn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from .. import _dtypes as dtypes
from .._creation import empty_like
from .._grad_mode import no_grad
from .._tensor import Tensor
from ._tree import Tree
from .parameter import UninitializedTensorMixin


class Convertible(Tree):
    """Conversions in place: the parameters stay the same objects and get new values.

    >>> import tensor_core as torch
    >>> layer = torch.nn.Linear(2, 1)
    >>> weight = layer.weight
    >>> layer.double().weight is weight
    True
    >>> weight.dtype
    torch.float64
    """

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Replace the values of every parameter, its gradient and every buffer by ``fn`` of it."""
        if recurse:
            for child in self.children():
                child._apply(fn)
        with no_grad():
            for parameter in self._parameters.values():
                if isinstance(parameter, UninitializedTensorMixin):
                    parameter.convert(fn)
                elif parameter is not None:
                    grad, parameter.grad = parameter.grad, None  # a grad has its owner's dtype
                    parameter.data = fn(parameter.data)
                    if grad is not None:
                        parameter.grad = fn(grad)
            for name, buffer in self._buffers.items():
                if isinstance(buffer, UninitializedTensorMixin):
                    buffer.convert(fn)
                elif buffer is not None:
                    self._buffers[name] = fn(buffer)
        return self

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Move or cast: ``to(device)``, ``to(dtype)``, ``to(device, dtype)``, ``to(tensor)``.

        Integer parameters and buffers keep their dtype. Raises ``TypeError`` for a dtype that
        is neither floating point nor complex.
        """
        device, dtype = _destination(*args, **kwargs)
        if dtype is not None and not (dtype.is_floating_point or dtype.is_complex):
            raise TypeError(
                "nn.Module.to only accepts floating point or complex dtypes, but got desired "
                f"dtype={dtype}"
            )

        def convert(tensor: Tensor) -> Tensor:
            if device is not None:
                tensor = tensor.to(device)
            if dtype is not None and (tensor.is_floating_point() or tensor.is_complex()):
                tensor = tensor.to(dtype)
            return tensor

        return self._apply(convert)

    def to_empty(self, *, device: Any, recurse: bool = True) -> Self:
        """Give every parameter and buffer fresh, uninitialised memory on ``device``."""
        return self._apply(lambda t: empty_like(t, device=device), recurse=recurse)

    def type(self, dst_type: Any) -> Self:
        """Cast every parameter and buffer to ``dst_type``, integers too."""
        return self._apply(lambda t: t.type(dst_type))

    def float(self) -> Self:
        """Cast floating point parameters and buffers to float32."""
        return self._apply(lambda t: t.float() if t.is_floating_point() else t)

    def double(self) -> Self:
        """Cast floating point parameters and buffers to float64."""
        return self._apply(lambda t: t.double() if t.is_floating_point() else t)

    def half(self) -> Self:
        """Cast floating point parameters and buffers to float16."""
        return self._apply(lambda t: t.half() if t.is_floating_point() else t)

    def bfloat16(self) -> Self:
        """Cast floating point parameters and buffers to bfloat16."""
        return self._apply(lambda t: t.bfloat16() if t.is_floating_point() else t)  # type: ignore[attr-defined]

    def cpu(self) -> Self:
        """Do nothing: every tensor is on the CPU already."""
        return self

    def cuda(self, device: Any = None) -> Self:
        """Raise ``AssertionError``: there is no such device, as in torch's CPU build."""
        return self._nowhere("CUDA")

    def xpu(self, device: Any = None) -> Self:
        """Raise ``AssertionError``: there is no such device, as in torch's CPU build."""
        return self._nowhere("XPU")

    def mtia(self, device: Any = None) -> Self:
        """Raise ``AssertionError``: there is no such device, as in torch's CPU build."""
        return self._nowhere("MTIA")

    def ipu(self, device: Any = None) -> Self:
        """Raise ``RuntimeError``: there is no such device, as in torch's CPU build."""
        raise RuntimeError("tensor_core computes on the CPU: there are no ipu devices")

    def _nowhere(self, device: str) -> Any:
        def move(tensor: Tensor) -> Tensor:
            raise AssertionError(
                f"Torch not compiled with {device} enabled: tensor_core computes on the CPU"
            )

        return self._apply(move)

    def share_memory(self) -> Self:
        """Put every parameter and buffer where other processes can reach it."""
        return self._apply(lambda t: t.share_memory_() if hasattr(t, "share_memory_") else t)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Say for every parameter whether it learns; ``False`` freezes the module."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget every parameter's gradient, or fill it with zeros."""
        for parameter in self.parameters():
            clear_grad(parameter, set_to_none)


def clear_grad(parameter: Tensor, set_to_none: bool) -> None:
    """Drop ``parameter.grad``, or zero it in place and cut it from its history."""
    grad = parameter.grad
    if set_to_none:
        parameter.grad = None
    elif grad is not None:
        if grad.grad_fn is not None:
            grad.detach_()
        else:
            grad.requires_grad_(False)
        grad.zero_()


def _destination(
    *args: Any,
    device: Any = None,
    dtype: Any = None,
    tensor: Tensor | None = None,
    non_blocking: bool = False,
    memory_format: Any = None,
) -> tuple[Any, Any]:
    """The device and dtype that the arguments of ``to`` ask for; None where they ask nothing."""
    for arg in (*args, tensor):
        if isinstance(arg, Tensor):
            device, dtype = arg.device, arg.dtype
        elif isinstance(arg, dtypes.dtype):
            dtype = arg
        elif arg is not None and not isinstance(arg, bool):
            device = arg
    return device, dtype
