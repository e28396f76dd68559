"""Custom derivatives: ``class Square(Function)`` with ``forward`` and ``backward``."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

from .._grad_mode import mode, no_grad
from .._tensor import Tensor
from ._function_context import FunctionCtx, context_of
from ._function_node import DelayedError, check_dirty, record

__all__ = ["Function", "FunctionCtx", "once_differentiable"]


class Function:
    """A function with a derivative of its own.

    ``forward(ctx, *args)`` computes, and notes on ``ctx`` what ``backward(ctx, *grads)`` wants;
    with a ``setup_context(ctx, inputs, output)`` the notes are taken there, and ``forward`` has
    no ``ctx``.

    >>> import tensor_core as torch
    >>> class Cube(torch.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x**3
    ...     @staticmethod
    ...     def backward(ctx, g):
    ...         (x,) = ctx.saved_tensors
    ...         return 3 * x**2 * g
    >>> x = torch.tensor(2.0, requires_grad=True)
    >>> Cube.apply(x).backward(); x.grad
    tensor(12.)
    """

    generate_vmap_rule = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warnings.warn(
            f"{type(self).__name__} should not be instantiated: methods of autograd functions are "
            "static, so call apply on the class itself",
            DeprecationWarning,
            stacklevel=2,
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(
            "Legacy autograd function with non-static forward method is deprecated. Please use "
            "new-style autograd function with static forward method."
        )

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """The value; to be written by the subclass."""
        raise NotImplementedError("You must implement the forward function for custom Function.")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> Any:
        """What is noted on ``ctx``, apart from ``forward``; to be written by the subclass."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """One gradient (or ``None``) for each argument of ``forward``; by the subclass."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom Function to use "
            "it with backward mode AD."
        )

    vjp = backward

    @staticmethod
    def jvp(ctx: Any, *grad_inputs: Any) -> Any:
        """The forward-mode derivative, which nothing here calls."""
        raise NotImplementedError("forward-mode differentiation is not supported")

    @staticmethod
    def vmap(info: Any, in_dims: Any, *args: Any) -> Any:
        """The rule for batches, which nothing here calls."""
        raise NotImplementedError("a Function's own rule for vmap is not supported")

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Call it, recorded."""
        set_up = cls.setup_context is not Function.setup_context
        if set_up and (kwargs or _has_defaults(cls.forward)):
            args, kwargs = _bound(cls.forward, args, kwargs), {}
        needs = tuple(isinstance(a, Tensor) and a.requires_grad for a in args)
        recorded = mode.enabled and any(needs)
        ctx = context_of(cls)
        ctx.needs_input_grad = needs
        with no_grad():
            if set_up:
                result = cls.forward(*args)
                cls.setup_context(ctx, args, result)
            else:
                result = cls.forward(ctx, *args, **kwargs)  # by keyword: not differentiated
        outs = result if isinstance(result, tuple) else (result,)
        check_dirty(ctx, args, outs, recorded)
        if recorded:
            outs = record(cls, ctx, args, outs)
        return outs if isinstance(result, tuple) else outs[0]


@functools.cache
def _has_defaults(forward: Callable[..., Any]) -> bool:
    return bool(getattr(forward, "__defaults__", None) or getattr(forward, "__kwdefaults__", None))


def _bound(forward: Callable[..., Any], args: tuple[Any, ...], kwargs: Any) -> tuple[Any, ...]:
    """All arguments by position, defaults filled in."""
    import inspect

    bound = inspect.signature(forward).bind(*args, **kwargs)
    bound.apply_defaults()
    return bound.args


def once_differentiable(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a ``backward`` that cannot be differentiated: trying to raises.

    >>> import tensor_core as torch
    >>> class Square(torch.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x * x
    ...     @staticmethod
    ...     @torch.autograd.function.once_differentiable
    ...     def backward(ctx, g):
    ...         return 2 * ctx.saved_tensors[0] * g
    >>> x = torch.tensor(3.0, requires_grad=True)
    >>> torch.autograd.grad(Square.apply(x), x)
    (tensor(6.),)
    """

    @functools.wraps(fn)
    def wrapper(ctx: Any, *args: Any, **kwargs: Any) -> Any:
        with no_grad():
            outputs = fn(ctx, *args, **kwargs)
        if not mode.enabled or not any(isinstance(a, Tensor) and a.requires_grad for a in args):
            return outputs
        several = isinstance(outputs, tuple)
        refused = tuple(
            o if o is None else _Refused.apply(o.detach().requires_grad_())
            for o in (outputs if several else (outputs,))
        )
        return refused if several else refused[0]

    return wrapper


class _Refused(Function):
    """The identity, whose derivative raises."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.detach()

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        raise DelayedError(
            "trying to differentiate twice a function that was marked with @once_differentiable"
        )
