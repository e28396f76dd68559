"""Jacobians, Hessians and products with them, of functions of Tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._backward import grad, listed
from .._grad_mode import enable_grad
from .._tensor import Tensor, wrap


def _inputs(inputs: Any, create_graph: bool) -> tuple[list[Tensor], bool]:
    single = isinstance(inputs, Tensor)
    items = [inputs] if single else list(inputs)
    if create_graph:
        return [t if t.requires_grad else t.detach().requires_grad_() for t in items], single
    return [t.detach().requires_grad_() for t in items], single


def _shown(values: list[Any], single: bool) -> Any:
    return values[0] if single else tuple(values)


def jacobian(func: Callable[..., Any], inputs: Any, create_graph: bool = False, **kw: Any) -> Any:
    """All derivatives of a tensor-valued function.

    Shapes: for one output and one input, output.shape + input.shape; tuples otherwise, as torch
    nests them (outputs, then inputs).

    >>> import tensor_core as torch
    >>> torch.autograd.functional.jacobian(lambda x: x * x, torch.tensor([1.0, 3.0]))
    tensor([[2., 0.],
            [0., 6.]])
    """
    xs, single = _inputs(inputs, create_graph)
    with enable_grad():
        result = func(*xs)
    rows = [_shown(_rows(y, xs, create_graph), single) for y in listed(result)]
    return _shown(rows, isinstance(result, Tensor))


def _rows(y: Tensor, xs: list[Tensor], create_graph: bool) -> list[Tensor]:
    from ..ops import stack

    columns: list[list[Any]] = [[] for _ in xs]
    for i in range(y._a.size):
        g = np.zeros(y._a.shape, y._a.dtype)
        g.reshape(-1)[i] = 1
        found = (
            grad(y, xs, wrap(g), retain_graph=True, create_graph=create_graph, allow_unused=True)
            if y.requires_grad
            else [None] * len(xs)
        )
        for column, x, d in zip(columns, xs, found, strict=True):
            column.append(wrap(np.zeros_like(x._a)) if d is None else d)
    shape = tuple(y._a.shape)
    return [
        stack(c).reshape(shape + tuple(x._a.shape)) if c else wrap(np.zeros(shape + x._a.shape))
        for c, x in zip(columns, xs, strict=True)
    ]


def hessian(func: Callable[..., Any], inputs: Any, create_graph: bool = False, **kw: Any) -> Any:
    """All second derivatives of a single-valued function; nested as torch nests them.

    >>> import tensor_core as torch
    >>> torch.autograd.functional.hessian(lambda x: (x**3).sum(), torch.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    xs, single = _inputs(inputs, create_graph)

    def gradient(i: int) -> Callable[..., Tensor]:
        def of(*args: Tensor) -> Tensor:
            y = func(*args)
            d = grad(y, args[i], create_graph=True, allow_unused=True)[0]
            return wrap(np.zeros_like(args[i]._a)) if d is None else d

        return of

    rows = [jacobian(gradient(i), tuple(xs), create_graph) for i in range(len(xs))]
    return rows[0][0] if single else tuple(rows)


def vjp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, **kw: Any
) -> Any:
    """The function's value and ``v`` times its Jacobian.

    >>> import tensor_core as torch
    >>> square = lambda x: x * x
    >>> torch.autograd.functional.vjp(square, torch.tensor([1.0, 3.0]), torch.tensor([1.0, 10.0]))
    (tensor([1., 9.]), tensor([ 2., 60.]))
    """
    xs, single = _inputs(inputs, create_graph)
    with enable_grad():
        y = func(*xs)
    found = grad(listed(y), xs, v, create_graph=create_graph, allow_unused=True)
    grads = [wrap(np.zeros_like(x._a)) if d is None else d for x, d in zip(xs, found, strict=True)]
    return (y if create_graph else _detached(y)), _shown(grads, single)


def _detached(y: Any) -> Any:
    return y.detach() if isinstance(y, Tensor) else tuple(t.detach() for t in y)


def jvp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, **kw: Any
) -> Any:
    """The function's value and its Jacobian times ``v``, by differentiating twice backwards.

    >>> import tensor_core as torch
    >>> square = lambda x: x * x
    >>> torch.autograd.functional.jvp(square, torch.tensor([1.0, 3.0]), torch.tensor([1.0, 10.0]))
    (tensor([1., 9.]), tensor([ 2., 60.]))
    """
    xs, _ = _inputs(inputs, create_graph)
    with enable_grad():
        y = func(*xs)
        ys = listed(y)
        dummies = [wrap(np.zeros_like(t._a)).requires_grad_() for t in ys]
        grads = grad(ys, xs, dummies, create_graph=True, allow_unused=True)
        vs = [wrap(np.ones_like(x._a)) for x in xs] if v is None else listed(v)
        used = [(g, w) for g, w in zip(grads, vs, strict=True) if g is not None and g.requires_grad]
        found = grad([g for g, _ in used], dummies, [w for _, w in used], create_graph=create_graph,
                     allow_unused=True)  # fmt: skip
    parts = [wrap(np.zeros_like(t._a)) if d is None else d for t, d in zip(ys, found, strict=True)]
    return (y if create_graph else _detached(y)), _shown(parts, isinstance(y, Tensor))


def vhp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, **kw: Any
) -> Any:
    """The value of a single-valued function and ``v`` times its Hessian.

    >>> import tensor_core as torch
    >>> cubes = lambda x: (x**3).sum()
    >>> torch.autograd.functional.vhp(cubes, torch.tensor([1.0, 2.0]), torch.tensor([1.0, 1.0]))
    (tensor(9.), tensor([ 6., 12.]))
    """
    xs, single = _inputs(inputs, create_graph)
    with enable_grad():
        y = func(*xs)
        firsts = grad(y, xs, create_graph=True)
        vs = None if v is None else listed(v)
        found = grad(firsts, xs, vs, create_graph=create_graph, allow_unused=True)
    parts = [wrap(np.zeros_like(x._a)) if d is None else d for x, d in zip(xs, found, strict=True)]
    return (y if create_graph else _detached(y)), _shown(parts, single)


hvp = vhp  # the Hessian of a smooth function is symmetric
