"""Jacobians, Hessians and products with them, of functions of Tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._grad_mode import enable_grad
from .._tensor import Tensor, wrap
from ._evaluated import Evaluated, pulled, released, shown, tuple_of

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]

_NO_V = "v can only be left out where the {} is a single Tensor with a single element"
_STRATEGIES = ("forward-mode", "reverse-mode")


def jacobian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """All derivatives of a tensor-valued function.

    Shapes: for one output and one input, output.shape + input.shape; tuples otherwise (outputs,
    then inputs). ``vectorize`` and ``strategy`` change nothing here: rows are computed one after
    another, backwards.

    Raises:
        RuntimeError: ``strict``, and an output is independent of an input.

    >>> import tensor_core as torch
    >>> torch.autograd.functional.jacobian(lambda x: x * x, torch.tensor([1.0, 3.0]))
    tensor([[2., 0.],
            [0., 6.]])
    """
    _check_strategy("jacobian", strategy, create_graph, strict, vectorize)
    f = Evaluated("jacobian", func, inputs, create_graph, strict, None)
    with enable_grad():
        rows = [released(_rows(f, k, y), create_graph) for k, y in enumerate(f.ys)]
    if strategy == "forward-mode" and f.several_inputs:  # torch gives lists here
        return shown([list(row) for row in rows], f.several_outputs, list)
    return shown([shown(row, f.several_inputs) for row in rows], f.several_outputs)


def _check_strategy(name: str, strategy: str, graph: bool, strict: bool, vectorize: bool) -> None:
    if strategy not in _STRATEGIES:
        raise AssertionError(f'{name}: strategy is "forward-mode" or "reverse-mode"')
    forward = strategy == "forward-mode"
    if forward and graph:
        raise NotImplementedError(f"{name}: no create_graph=True with the forward-mode strategy")
    if strict and (forward or vectorize):
        raise RuntimeError(f"{name}: strict=True goes with neither vectorize nor forward-mode")
    if forward and not vectorize:
        raise NotImplementedError(f"{name}: the forward-mode strategy wants vectorize=True")


def _rows(f: Evaluated, k: int, y: Tensor) -> list[Tensor]:
    """The derivatives of one output with respect to each input."""
    from ..ops import stack

    columns: list[list[Tensor]] = [[] for _ in f.xs]
    for i in range(y._a.size):
        g = np.zeros(y._a.shape, y._a.dtype)
        g.reshape(-1)[i] = 1
        found = pulled((y,), f.xs, (wrap(g),), f.graph, keep=True)
        for column, d in zip(columns, f.filled(found, f.xs, f"output {k}"), strict=True):
            column.append(d)
    shape = tuple(y._a.shape)
    return [
        stack(c).reshape(shape + tuple(x._a.shape)) if c else x.new_zeros(shape + x._a.shape)
        for c, x in zip(columns, f.xs, strict=True)
    ]


def hessian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """All second derivatives of a single-valued function: inputs, then inputs.

    Raises:
        RuntimeError: the function returns more than one number; ``strict``, and its gradient is
            independent of an input.

    >>> import tensor_core as torch
    >>> torch.autograd.functional.hessian(lambda x: (x**3).sum(), torch.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    xs, several = tuple_of(inputs, "inputs", "hessian")
    if outer_jacobian_strategy not in _STRATEGIES:
        raise AssertionError('hessian: the strategy is "forward-mode" or "reverse-mode"')

    def single(*args: Tensor) -> Tensor:
        y = func(*args)
        (checked,), tupled = tuple_of(y, "outputs of the user-provided function", "hessian")
        if tupled or checked._a.size != 1:
            raise RuntimeError("The function given to hessian should return a single Tensor with a "
                               "single element")  # fmt: skip
        return checked.reshape(())

    def gradient(*args: Tensor) -> Any:
        wanted = args
        if outer_jacobian_strategy == "forward-mode":
            wanted = tuple(t.requires_grad_() for t in args)
        found = jacobian(single, wanted, create_graph=True, strict=strict)
        if strict and not all(d.requires_grad for d in found):
            raise RuntimeError(
                "The jacobian of the function given to hessian is independent of an input. This is "
                "not allowed in strict mode."
            )
        return found

    rows = jacobian(gradient, xs, create_graph, strict, vectorize, outer_jacobian_strategy)
    return shown([shown(row, several) for row in rows], several)


def vjp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> Any:
    """The function's value and ``v`` times its Jacobian. Shapes: ``v`` as the outputs.

    >>> import tensor_core as torch
    >>> square = lambda x: x * x
    >>> torch.autograd.functional.vjp(square, torch.tensor([1.0, 3.0]), torch.tensor([1.0, 10.0]))
    (tensor([1., 9.]), tensor([ 2., 60.]))
    """
    f = Evaluated("vjp", func, inputs, create_graph, strict, v)
    if v is None:
        f.single_number(f.ys, _NO_V.format("output"))
    found = pulled(f.ys, f.xs, f.v, create_graph)
    return _value_and(f, f.filled(found, f.xs, "the output"), f.several_inputs)


def jvp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> Any:
    """The function's value and its Jacobian times ``v``, by differentiating twice backwards.

    Shapes: ``v`` as the inputs.

    >>> import tensor_core as torch
    >>> square = lambda x: x * x
    >>> torch.autograd.functional.jvp(square, torch.tensor([1.0, 3.0]), torch.tensor([1.0, 10.0]))
    (tensor([1., 9.]), tensor([ 2., 60.]))
    """
    f = Evaluated("jvp", func, inputs, create_graph, strict, v)
    if v is None:
        f.single_number(f.xs, _NO_V.format("input"))
    with enable_grad():
        dummies = _dummies(f.ys)
        grads = pulled(f.ys, f.xs, dummies, True)
        if strict:
            f.demand_recorded(grads, "The function is independent of input {}")
        found = pulled(grads, dummies, f.v or _ones(grads), create_graph)
    return _value_and(f, f.filled(found, f.ys, "the gradient"), f.several_outputs)


def vhp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> Any:
    """The value of a single-valued function and ``v`` times its Hessian.

    >>> import tensor_core as torch
    >>> cubes = lambda x: (x**3).sum()
    >>> torch.autograd.functional.vhp(cubes, torch.tensor([1.0, 2.0]), torch.tensor([1.0, 1.0]))
    (tensor(9.), tensor([ 6., 12.]))
    """
    f, firsts = _gradient("vhp", func, inputs, v, create_graph, strict)
    found = pulled(firsts, f.xs, f.v or _ones(firsts), create_graph)
    return _value_and(f, f.filled(found, f.xs, "the gradient"), f.several_inputs)


def hvp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> Any:
    """The value of a single-valued function and its Hessian times ``v``.

    It differentiates once more than :func:`vhp`, which gives the same where second derivatives
    are continuous.

    >>> import tensor_core as torch
    >>> cubes = lambda x: (x**3).sum()
    >>> torch.autograd.functional.hvp(cubes, torch.tensor([1.0, 2.0]), torch.tensor([1.0, 1.0]))
    (tensor(9.), tensor([ 6., 12.]))
    """
    f, firsts = _gradient("hvp", func, inputs, v, create_graph, strict)
    with enable_grad():
        dummies = _dummies(f.xs)
        seconds = pulled(firsts, f.xs, dummies, True)
        found = pulled(seconds, dummies, f.v or _ones(seconds), create_graph)
    return _value_and(f, f.filled(found, f.xs, "the gradient"), f.several_inputs)


def _gradient(
    name: str, func: Callable[..., Any], inputs: Any, v: Any, graph: bool, strict: bool
) -> tuple[Evaluated, Any]:
    """A single-valued function and its recorded gradient."""
    f = Evaluated(name, func, inputs, graph, strict, v)
    if v is None:
        f.single_number(f.xs, _NO_V.format("input"))
    if f.several_outputs:
        raise RuntimeError(f"The function given to {name} should return a single Tensor")
    f.single_number(f.ys, "the function should return a Tensor of a single element")
    with enable_grad():
        firsts = pulled(f.ys, f.xs, None, True)
    if strict:
        f.demand_recorded(firsts, "The gradient of the function is independent of input {}")
    return f, firsts


def _dummies(tensors: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return tuple(wrap(np.zeros_like(t._a)).requires_grad_() for t in tensors)


def _ones(tensors: Any) -> Any:
    return tuple(None if t is None else wrap(np.ones_like(t._a)) for t in tensors)


def _value_and(f: Evaluated, found: tuple[Tensor, ...], several: bool) -> tuple[Any, Any]:
    value = shown(released(f.ys, f.graph), f.several_outputs)
    return value, shown(released(found, f.graph), several)
