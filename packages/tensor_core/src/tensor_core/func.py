"""Functions that make functions: gradients, Jacobians, and a function over a batch.

``vmap`` calls the function once for each element and stacks the results.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ._backward import grad as _grad
from ._grad_mode import enable_grad
from ._missing import missing
from ._tensor import Tensor
from .nn.utils.stateless import call, homes

__all__ = [
    "functional_call",
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "stack_module_state",
    "vjp",
    "vmap",
]

Positions = int | tuple[int, ...]


# -- nests of tensors -------------------------------------------------------------------------


def _leaves(tree: Any) -> list[Any]:
    """The leaves of nested lists, tuples and dictionaries, in order."""
    if isinstance(tree, dict):
        return [leaf for value in tree.values() for leaf in _leaves(value)]
    if isinstance(tree, list | tuple):
        return [leaf for value in tree for leaf in _leaves(value)]
    return [tree]


def _like(tree: Any, leaves: Any) -> Any:
    """A nest of the same form with other leaves, taken from an iterator."""
    if isinstance(tree, dict):
        return {key: _like(value, leaves) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        parts = [_like(value, leaves) for value in tree]
        return type(tree)(*parts) if hasattr(tree, "_fields") else type(tree)(parts)
    return next(leaves)


def _map(function: Callable[[Any], Any], tree: Any) -> Any:
    return _like(tree, iter([function(leaf) for leaf in _leaves(tree)]))


# -- gradients --------------------------------------------------------------------------------


def _fresh(value: Any) -> Any:
    """A tensor of its own place in the graph, through which the original's graph goes on."""
    if not isinstance(value, Tensor):
        return value
    return value.view_as(value) if value.requires_grad else value.detach().requires_grad_()


def _zeros_for(grads: Sequence[Any], inputs: Sequence[Tensor]) -> list[Tensor]:
    from ._creation import zeros_like

    return [zeros_like(x) if g is None else g for g, x in zip(grads, inputs, strict=True)]


def _pick(args: tuple[Any, ...], argnums: Positions) -> tuple[list[int], bool]:
    single = isinstance(argnums, int)
    numbers = [argnums] if isinstance(argnums, int) else list(argnums)
    for n in numbers:
        if not -len(args) <= n < len(args):
            raise RuntimeError(f"argnums={argnums} is beyond the {len(args)} arguments given")
    return [n % len(args) for n in numbers], single


def grad_and_value(
    func: Callable[..., Any], argnums: Positions = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """A function that gives the gradient of ``func`` and its value.

    Raises:
        RuntimeError: the value is not a single number.

    >>> import tensor_core as torch
    >>> torch.func.grad_and_value(lambda x: x**2)(torch.tensor(3.0))
    (tensor(6.), tensor(9.))
    """

    def derived(*args: Any, **kwargs: Any) -> Any:
        numbers, single = _pick(args, argnums)
        outer = any(isinstance(x, Tensor) and x.requires_grad for x in _leaves(list(args)))
        values = list(args)
        for n in numbers:
            values[n] = _map(_fresh, values[n])
        chosen = [values[n] for n in numbers]
        inputs = [x for x in _leaves(chosen) if isinstance(x, Tensor)]
        with enable_grad():
            result = func(*values, **kwargs)
        value, aux = result if has_aux else (result, None)
        if not isinstance(value, Tensor) or value.dim() != 0:
            raise RuntimeError(
                "Expected f(*args) to return a scalar tensor, got "
                f"{getattr(value, 'shape', type(value).__name__)}"
            )
        found = _grad(value, inputs, create_graph=outer, allow_unused=True) \
            if value.requires_grad else [None] * len(inputs)  # fmt: skip
        grads = _like(chosen, iter(_zeros_for(found, inputs)))
        shown = grads[0] if single else tuple(grads)
        value, aux = (value, aux) if outer else (value.detach(), _map(_plain, aux))
        return (shown, (value, aux)) if has_aux else (shown, value)

    return derived


def _plain(value: Any) -> Any:
    return value.detach() if isinstance(value, Tensor) else value


def grad(
    func: Callable[..., Any], argnums: Positions = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """A function that gives the gradient of ``func``; of it, the gradient can be taken again.

    >>> import tensor_core as torch
    >>> torch.func.grad(torch.func.grad(torch.sin))(torch.tensor(0.0))
    tensor(-0.)
    """
    both = grad_and_value(func, argnums, has_aux)

    def derived(*args: Any, **kwargs: Any) -> Any:
        grads, value = both(*args, **kwargs)
        return (grads, value[1]) if has_aux else grads

    return derived


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """The value of ``func``, and a function from cotangents to those of the inputs.

    >>> import tensor_core as torch
    >>> y, pull = torch.func.vjp(torch.square, torch.tensor([1.0, 3.0]))
    >>> y, pull(torch.tensor([1.0, 10.0]))
    (tensor([1., 9.]), (tensor([ 2., 60.]),))
    """
    values = tuple(_map(_fresh, p) for p in primals)
    inputs = [x for x in _leaves(values) if isinstance(x, Tensor)]
    with enable_grad():
        result = func(*values)
    out, aux = result if has_aux else (result, None)

    def pull(*cotangents: Any, retain_graph: bool = True, create_graph: bool = False) -> Any:
        given = cotangents[0] if len(cotangents) == 1 else cotangents
        outs, gs = _leaves(out), _leaves(given)
        if len(outs) != len(gs):
            raise RuntimeError(f"vjp: {len(outs)} outputs, but {len(gs)} cotangents")
        again = create_graph or any(g.requires_grad for g in gs)
        pairs = [(y, g) for y, g in zip(outs, gs, strict=True) if y.requires_grad]
        found = (
            _grad([y for y, _ in pairs], inputs, [g for _, g in pairs], retain_graph=True,
                  create_graph=again, allow_unused=True)
            if pairs else [None] * len(inputs)
        )  # fmt: skip
        return _like(values, iter(_zeros_for(found, inputs)))

    outer = any(isinstance(x, Tensor) and x.requires_grad for x in _leaves(list(primals)))
    value = out if outer else _map(_plain, out)
    return (value, pull, aux) if has_aux else (value, pull)


def jvp(
    func: Callable[..., Any], primals: Any, tangents: Any, *, strict: bool = False,
    has_aux: bool = False,
) -> Any:  # fmt: skip
    """The value of ``func`` and its derivative along ``tangents`` (by two backward passes).

    >>> import tensor_core as torch
    >>> torch.func.jvp(torch.square, (torch.tensor(3.0),), (torch.tensor(1.0),))
    (tensor(9.), tensor(6.))
    """
    from .autograd.functional import jvp as along

    if not isinstance(primals, tuple) or not isinstance(tangents, tuple):
        raise RuntimeError("jvp: primals and tangents must be tuples")
    kept: list[Any] = []

    def plain(*args: Any) -> Any:
        result = func(*args)
        if has_aux:
            kept.append(_map(_plain, result[1]))
            return result[0]
        return result

    value, tangent = along(plain, primals, tangents)
    return (value, tangent, kept[-1]) if has_aux else (value, tangent)


def jacrev(
    func: Callable[..., Any], argnums: Positions = 0, *, has_aux: bool = False,
    chunk_size: int | None = None, **more: Any,
) -> Callable[..., Any]:  # fmt: skip
    """A function that gives the Jacobian of ``func``. Shape: output.shape + input.shape.

    >>> import tensor_core as torch
    >>> torch.func.jacrev(torch.square)(torch.tensor([1.0, 3.0]))
    tensor([[2., 0.],
            [0., 6.]])
    """
    from .autograd.functional import jacobian

    def derived(*args: Any, **kwargs: Any) -> Any:
        numbers, single = _pick(args, argnums)
        outer = any(isinstance(x, Tensor) and x.requires_grad for x in _leaves(list(args)))
        kept: list[Any] = []

        def of(*chosen: Any) -> Any:
            values = list(args)
            for n, value in zip(numbers, chosen, strict=True):
                values[n] = value
            result = func(*values, **kwargs)
            if has_aux:
                kept.append(result[1])
                return result[0]
            return result

        given: Any = tuple(args[n] for n in numbers)
        found = jacobian(of, given[0] if single else given, create_graph=outer)
        return (found, _map(_plain, kept[-1])) if has_aux else found

    return derived


def jacfwd(
    func: Callable[..., Any], argnums: Positions = 0, has_aux: bool = False, *,
    randomness: str = "error",
) -> Callable[..., Any]:  # fmt: skip
    """A function that gives the Jacobian of ``func``; computed as :func:`jacrev` does.

    >>> import tensor_core as torch
    >>> torch.func.jacfwd(torch.sin)(torch.tensor(0.0))
    tensor(1.)
    """
    return jacrev(func, argnums, has_aux=has_aux)


def hessian(func: Callable[..., Any], argnums: Positions = 0) -> Callable[..., Any]:
    """A function that gives all second derivatives of ``func``.

    >>> import tensor_core as torch
    >>> torch.func.hessian(lambda x: (x**3).sum())(torch.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    return jacrev(jacrev(func, argnums), argnums)


# -- batches ----------------------------------------------------------------------------------


def vmap(
    func: Callable[..., Any],
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """``func`` over a batch: called for each element along ``in_dims``, results stacked.

    Raises:
        ValueError: no argument has a batch dimension, or the batches differ in length.

    >>> import tensor_core as torch
    >>> dot = torch.func.vmap(torch.dot, in_dims=(0, None))
    >>> dot(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([1.0, 10.0]))
    tensor([21., 43.])
    """
    from .ops import stack

    def batched(*args: Any, **kwargs: Any) -> Any:
        dims = _spread(in_dims, args)
        leaves = [*_leaves(list(args)), *_leaves(kwargs)] if kwargs else _leaves(list(args))
        dims += [0 if isinstance(x, Tensor) else None for x in leaves[len(dims) :]]
        length = _length(leaves, dims)
        tree = (list(args), kwargs) if kwargs else (list(args), {})
        results = []
        for i in range(length):
            picked = [x if d is None else x.select(d, i) for x, d in zip(leaves, dims, strict=True)]
            given, named = _like(tree, iter(picked))
            results.append(func(*given, **named))
        if not results:
            raise ValueError("vmap: the batch is empty, so the function is never called")
        columns = zip(*(_leaves(r) for r in results), strict=True)
        outs = _spread(out_dims, results[0] if isinstance(results[0], tuple) else (results[0],))
        stacked = [
            column[0] if d is None else stack(list(column), d)
            for column, d in zip(columns, outs, strict=True)
        ]
        return _like(results[0], iter(stacked))

    return batched


def _spread(dims: Any, args: Sequence[Any]) -> list[int | None]:
    """One dimension for each leaf of the arguments."""
    if dims is None or isinstance(dims, int):
        return [dims if isinstance(leaf, Tensor) else None for leaf in _leaves(list(args))]
    if len(dims) != len(args):
        raise ValueError(f"vmap: {len(dims)} dimensions are given for {len(args)} values")
    found: list[int | None] = []
    for d, arg in zip(dims, args, strict=True):
        if isinstance(d, list | tuple) and isinstance(arg, list | tuple):
            found += _spread(d, arg)
        elif isinstance(d, dict):
            found += _spread(list(d.values()), list(arg.values()))
        else:
            found += [d] * len(_leaves(arg))
    return found


def _length(leaves: list[Any], dims: list[int | None]) -> int:
    lengths = {x.shape[d] for x, d in zip(leaves, dims, strict=True) if d is not None}
    if not lengths:
        raise ValueError("vmap: at least one argument needs a batch dimension (in_dims)")
    if len(lengths) > 1:
        raise ValueError(f"vmap: the batches have different lengths: {sorted(lengths)}")
    return lengths.pop()


# -- modules ----------------------------------------------------------------------------------


def functional_call(
    module: Any, parameter_and_buffer_dicts: Any, args: Any = None, kwargs: Any = None, *,
    tie_weights: bool = True, strict: bool = False,
) -> Any:  # fmt: skip
    """Call a module with other parameters and buffers, given by name, in place of its own.

    Raises:
        AttributeError: the module has no parameter or buffer of a given name.
        RuntimeError: ``strict`` and a name is left out.
        ValueError: two values for one tensor.

    >>> import tensor_core as torch
    >>> double = {"weight": torch.tensor([[2.0]]), "bias": torch.tensor([0.0])}
    >>> torch.func.functional_call(torch.nn.Linear(1, 1), double, torch.tensor([3.0]))
    tensor([6.])
    """
    given = parameter_and_buffer_dicts
    known = homes(module)
    for part in [given] if isinstance(given, dict) else given:
        for name in part:
            if name not in known:
                raise AttributeError(f"{type(module).__name__} has no parameter or buffer {name!r}")
    return call(module, given, args, kwargs, tie_weights=tie_weights, strict=strict)


def stack_module_state(models: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The parameters and the buffers of several like modules, stacked by name.

    >>> import tensor_core as torch
    >>> params, _ = torch.func.stack_module_state([torch.nn.Linear(2, 1) for _ in range(3)])
    >>> params["weight"].shape
    torch.Size([3, 1, 2])
    """
    from .ops import stack

    if not models:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")

    def stacked(tables: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            name: stack([t[name] for t in tables]).detach().requires_grad_(first.requires_grad)
            for name, first in tables[0].items()
        }

    return (
        stacked([dict(m.named_parameters()) for m in models]),
        stacked([dict(m.named_buffers()) for m in models]),
    )


__getattr__ = missing(__name__)
