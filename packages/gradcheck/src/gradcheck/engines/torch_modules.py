"""Modules of a torch-like engine as functions."""

import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcheck.forward import Array

LIBRARIES = ("torch", "tensor_core")


def as_function(f: Callable[..., Any], lib: Any) -> Callable[..., Any]:
    """A module as a function of its inputs that leaves the module alone; functions as they are.

    The parameters take the floating-point type of the inputs; parameters and buffers are copies.
    """
    if not isinstance(f, lib.nn.Module):
        return f
    module: Any = f

    def call(*inputs: Any) -> Any:
        real = [x.dtype for x in inputs if x.dtype.is_floating_point]
        state = {
            name: _converted(tensor.detach(), real)
            for name, tensor in [*module.named_parameters(), *module.named_buffers()]
        }
        return lib.func.functional_call(module, state, inputs)

    return call


def _converted(tensor: Any, real: list[Any]) -> Any:
    if real and tensor.dtype.is_floating_point and tensor.dtype != real[0]:
        return tensor.to(real[0])
    return tensor.clone()


def with_parameters(module: Any, inputs: Sequence[Any]) -> tuple[Callable[..., Any], list[Array]]:
    """A module as a function of its inputs and parameters, and the arrays to check it at.

    ``check_grads(*with_parameters(module, [x]), engine="torch")`` then judges the gradients of all
    of them, numbered with the inputs first; ``f.names`` has their names. Parameters take the
    precision of the inputs. Raises TypeError for what is no module of torch or tensor_core.

    >>> with_parameters(abs, [])
    Traceback (most recent call last):
    TypeError: with_parameters takes a module of torch or tensor_core, not a function
    """
    libraries = [sys.modules[name] for name in LIBRARIES if name in sys.modules]
    lib: Any = next((lib for lib in libraries if isinstance(module, lib.nn.Module)), None)
    if lib is None:
        kind = "a function" if callable(module) else f"a {type(module).__name__}"
        raise TypeError(f"with_parameters takes a module of torch or tensor_core, not {kind}")
    named = dict(module.named_parameters())
    arrays = [np.asarray(x) for x in inputs]
    count = len(arrays)

    def f(*args: Any) -> Any:
        state = dict(zip(named, args[count:], strict=True))
        real = [x.dtype for x in args if x.dtype.is_floating_point]
        buffers = {name: _converted(b.detach(), real) for name, b in module.named_buffers()}
        return lib.func.functional_call(module, {**buffers, **state}, args[:count])

    f.__name__ = type(module).__name__
    f.names = [*(f"input {i}" for i in range(count)), *named]  # type: ignore[attr-defined]
    kinds = [a.dtype for a in arrays if a.dtype.kind == "f"]
    values = [np.array(p.detach().numpy(), kinds[0] if kinds else None) for p in named.values()]
    return f, arrays + values
