"""Activation checkpointing: computing a part again in the backward pass instead of keeping it.

Sublinear memory cost: Chen, Xu, Zhang and Guestrin 2016, "Training Deep Nets with Sublinear Memory
Cost".
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable
from typing import Any

from .. import _backward as engine
from .._grad_mode import enable_grad, is_grad_enabled, no_grad
from .._node import sequence
from .._rng import get_rng_state, set_rng_state
from .._tensor import Tensor
from ..autograd.function import Function
from ..nn.containers import Sequential
from ._pytree import tree_flatten, tree_unflatten

__all__ = ["CheckpointError", "checkpoint", "checkpoint_sequential", "noop_context_fn"]


class CheckpointError(RuntimeError):
    """What was computed again is not what was computed before."""


def noop_context_fn() -> tuple[Any, Any]:
    """Two contexts that do nothing."""
    return contextlib.nullcontext(), contextlib.nullcontext()


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Callable[[], tuple[Any, Any]] = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    **kwargs: Any,
) -> Any:
    """``function(*args, **kwargs)``, whose intermediate values are not kept for the gradient.

    The backward pass calls it again, with the random numbers (unless
    ``preserve_rng_state=False``) and the autocast of the first time. Its gradient cannot itself be
    differentiated. With ``use_reentrant=True`` there is a gradient only if an argument needs one.

    Raises:
        ValueError: arguments that ``use_reentrant=True`` does not have.
        CheckpointError: on the way back, if the second call gives other shapes or types.

    >>> import tensor_core as torch
    >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> checkpoint(lambda v: v.exp().sin(), x, use_reentrant=False).sum().backward()
    >>> torch.allclose(x.grad, x.detach().exp().cos() * x.detach().exp())
    True
    """
    if use_reentrant is None:
        warnings.warn(
            "torch.utils.checkpoint: the use_reentrant parameter should be passed explicitly; "
            "use_reentrant=False is recommended",
            stacklevel=2,
        )
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if use_reentrant:
        if kwargs:
            raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
        if context_fn is not noop_context_fn or debug:
            raise ValueError(
                "Passing `context_fn` or `debug` is only supported when use_reentrant=False."
            )
        if not any(isinstance(a, Tensor) and a.requires_grad for a in args):
            warnings.warn(
                "None of the inputs have requires_grad=True. Gradients will be None",
                stacklevel=2,
            )
            with no_grad():
                return function(*args)
    part = _Part(function, args, kwargs, preserve, context_fn, determinism_check)
    return part.run() if is_grad_enabled() else function(*args, **kwargs)


class _Part:
    """One checkpointed call: what it takes to make it again."""

    def __init__(
        self, function: Any, args: Any, kwargs: Any, preserve: bool, context_fn: Any, check: str
    ) -> None:
        self._function = function
        self._flat, self._form = tree_flatten((args, kwargs))
        self._tensors = [i for i, a in enumerate(self._flat) if isinstance(a, Tensor)]
        self._random = get_rng_state() if preserve else None
        self._first, self._again = context_fn()
        self._autocast = _autocast()
        self._check = check
        self._shapes: list[Any] = []

    def _call(self, context: Any) -> tuple[list[Tensor], list[Any], Any]:
        """Detached arguments, flat outputs and their form; the graph ends at the arguments."""
        flat = list(self._flat)
        for i in self._tensors:
            flat[i] = flat[i].detach().requires_grad_(flat[i].requires_grad)
        args, kwargs = tree_unflatten(flat, self._form)
        with enable_grad(), context:
            outputs, form = tree_flatten(self._function(*args, **kwargs))
        return [flat[i] for i in self._tensors], outputs, form

    def run(self) -> Any:
        """The outputs, recorded as one step."""
        start = sequence()  # nodes are numbered as they are made
        inputs, outputs, form = self._call(self._first)
        graded = [k for k, o in enumerate(outputs) if isinstance(o, Tensor) and o.requires_grad]
        if not graded:
            return tree_unflatten(outputs, form)
        self._shapes = [_kind(outputs[k]) for k in graded]
        leaves, whole = _leaves([outputs[k] for k in graded], inputs, start)
        if not whole:  # values from outside that are themselves computed: their graph must stay
            args, kwargs = tree_unflatten(self._flat, self._form)
            with self._same_random(), self._again:
                return self._function(*args, **kwargs)
        values = [outputs[k].detach() for k in graded]
        given = [self._flat[i] for i in self._tensors]
        recorded = _Checkpoint.apply(self, values, graded, *given, *leaves)
        for k, value in zip(graded, recorded, strict=True):
            outputs[k] = value
        return tree_unflatten(outputs, form)

    def gradients(self, graded: list[int], leaves: list[Tensor], cotangents: Any) -> list[Any]:
        """Call again and differentiate, with respect to the arguments and the leaves."""
        with self._same_random(), self._autocast:
            inputs, outputs, _ = self._call(self._again)
        chosen = [outputs[k] for k in graded if k < len(outputs)]
        if self._check != "none" and [_kind(o) for o in chosen] != self._shapes:
            raise CheckpointError(
                "torch.utils.checkpoint: the values computed again have a different metadata: "
                f"{[_kind(o) for o in chosen]}, and the first time {self._shapes}"
            )
        wanted = [t for t in (*inputs, *leaves) if t.requires_grad]
        found = iter(
            engine.grad(chosen, wanted, list(cotangents), allow_unused=True) if wanted else []
        )
        return [next(found) if t.requires_grad else None for t in (*inputs, *leaves)]

    @contextlib.contextmanager
    def _same_random(self) -> Any:
        if self._random is None:
            yield
            return
        now = get_rng_state()
        set_rng_state(self._random)
        try:
            yield
        finally:
            set_rng_state(now)


class _Checkpoint(Function):
    """The step of the graph that stands for a checkpointed call."""

    @staticmethod
    def forward(ctx: Any, part: Any, values: Any, graded: Any, *tensors: Any) -> Any:  # type: ignore[override]
        ctx.part, ctx.graded = part, graded
        ctx.leaves = tensors[len(part._tensors) :]
        ctx.save_for_backward(*tensors)
        return tuple(values)

    @staticmethod
    def backward(ctx: Any, *cotangents: Any) -> Any:
        if is_grad_enabled():
            raise RuntimeError(
                "checkpoint: the gradient of a checkpointed call cannot be differentiated; call "
                "the function without checkpoint where create_graph=True is needed"
            )
        _ = ctx.saved_tensors  # raises if they were changed, or used up
        return None, None, None, *ctx.part.gradients(ctx.graded, list(ctx.leaves), cotangents)


def _kind(value: Any) -> Any:
    return (tuple(value.shape), str(value.dtype)) if isinstance(value, Tensor) else None


def _leaves(outputs: list[Tensor], inputs: list[Tensor], start: int) -> tuple[list[Tensor], bool]:
    """The leaves the outputs came from, but the inputs; and whether all of it was recorded now.

    What was recorded earlier has a number smaller than ``start``.
    """
    own = {id(t) for t in inputs}
    found: dict[int, Tensor] = {}
    seen: set[int] = set()
    waiting = [t if t._node is None else t._node for t in outputs]
    while waiting:
        target = waiting.pop()
        if id(target) in seen:
            continue
        seen.add(id(target))
        if isinstance(target, Tensor):
            if id(target) not in own:
                found[id(target)] = target
            continue
        if target._seq < start:
            return [], False
        waiting += [edge[0] for edge in target._edges]
    return list(found.values()), True


def _autocast() -> Any:
    """A context with the autocast of now."""
    try:
        from ..amp import autocast
        from ..amp.autocast_mode import get_autocast_dtype, is_autocast_enabled
    except ImportError:
        return contextlib.nullcontext()
    return autocast("cpu", dtype=get_autocast_dtype("cpu"), enabled=is_autocast_enabled("cpu"))


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any
) -> Any:
    """The functions one after the other, all segments but the last checkpointed.

    >>> import tensor_core as torch
    >>> model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Tanh(), torch.nn.Linear(2, 1))
    >>> checkpoint_sequential(model, 3, torch.ones(1, 2), use_reentrant=False).shape
    torch.Size([1, 1])
    """
    if use_reentrant is None:
        warnings.warn(
            "torch.utils.checkpoint.checkpoint_sequential: the use_reentrant parameter should be "
            "passed explicitly; use_reentrant=False is recommended",
            stacklevel=2,
        )
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    steps = list(functions.children()) if isinstance(functions, Sequential) else list(functions)

    def run(part: list[Any]) -> Callable[[Any], Any]:
        def forward(value: Any) -> Any:
            for step in part:
                value = step(value)
            return value

        return forward

    size, begin = len(steps) // segments, 0
    for _ in range(segments - 1 if size else 0):
        part = steps[begin : begin + size]
        input = checkpoint(
            run(part), input, use_reentrant=use_reentrant, preserve_rng_state=preserve
        )
        begin += size
    return run(steps[begin:])(input)
