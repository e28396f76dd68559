"""``torch._foreach_*``: one function applied to each tensor of a list.

PyTorch fuses these into few kernels; here they are the plain loops.

>>> import tensor_core as torch
>>> xs = [torch.ones(2), torch.zeros(1)]
>>> torch._foreach_add_(xs, 1)
[tensor([2., 2.]), tensor([1.])]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from . import ops
from ._tensor import Tensor

UNARY: tuple[str, ...] = (
    "abs", "acos", "asin", "atan", "ceil", "cos", "cosh", "erf", "erfc", "exp", "expm1", "floor",
    "frac", "lgamma", "log", "log10", "log1p", "log2", "neg", "reciprocal", "round", "rsqrt",
    "sigmoid", "sign", "sin", "sinh", "sqrt", "tan", "tanh", "trunc",
)  # fmt: skip
BINARY: tuple[str, ...] = (
    "add", "sub", "mul", "div", "pow", "clamp_min", "clamp_max", "maximum", "minimum",
)  # fmt: skip
# What the tables call for a pair of lists or a list and a number.
_METHOD = {"maximum": "clamp_min", "minimum": "clamp_max"}


def _tensors(name: str, tensors: Any) -> Sequence[Tensor]:
    if not isinstance(tensors, list | tuple):
        raise TypeError(
            f"{name}(): argument 'self' (position 1) must be tuple of Tensors, "
            f"not {type(tensors).__name__}"
        )
    if not tensors:
        raise RuntimeError("Tensor list must have at least one tensor.")
    return tensors


def _others(name: str, tensors: Sequence[Tensor], other: Any) -> Sequence[Any]:
    """One operand for each tensor: of a list, or the same number or tensor again and again."""
    if not isinstance(other, list | tuple):
        return [other] * len(tensors)
    if len(other) != len(tensors):
        raise RuntimeError(
            f"{name}: Tensor lists must have the same number of tensors, got {len(tensors)} and "
            f"{len(other)}"
        )
    return other


def _each(name: str, operation: str, in_place: bool) -> Callable[..., Any]:
    def loop(self: Any, *operands: Any, **named: Any) -> Any:
        if operation == "pow" and isinstance(self, int | float):
            return tuple(self**t for t in _tensors(name, operands[0]))
        tensors = _tensors(name, self)
        columns = [_others(name, tensors, o) for o in operands]
        rows = zip(tensors, *columns, strict=True)
        made = [getattr(t, operation)(*row, **named) for t, *row in rows]
        return self if in_place else tuple(made)

    loop.__name__ = loop.__qualname__ = name
    loop.__doc__ = f"``{operation}`` of each tensor of the list with the operand beside it."
    return loop


def _ternary(name: str, operation: str, in_place: bool) -> Callable[..., Any]:
    def loop(
        self: Any, tensors1: Any, tensors2: Any, scalars: Any = None, *, value: Any = 1
    ) -> Any:
        tensors = _tensors(name, self)
        given = value if scalars is None else scalars
        values = given.tolist() if isinstance(given, Tensor) and given.ndim else given
        values = _others(name, tensors, values)
        rows = zip(tensors, _others(name, tensors, tensors1), _others(name, tensors, tensors2),
                   values, strict=True)  # fmt: skip
        made = [getattr(t, operation)(a, b, value=v) for t, a, b, v in rows]
        return self if in_place else tuple(made)

    loop.__name__ = loop.__qualname__ = name
    loop.__doc__ = f"``{operation}`` for each tensor of the list, with its own value where given."
    return loop


def _foreach_copy_(self: Any, src: Any, non_blocking: bool = False) -> Any:
    """Copies each source into the tensor beside it.

    >>> import tensor_core as torch
    >>> xs = [torch.zeros(1), torch.zeros(2)]
    >>> torch._foreach_copy_(xs, [torch.ones(1), torch.ones(2)])
    [tensor([1.]), tensor([1., 1.])]
    """
    name = "_foreach_copy_"
    for t, s in zip(_tensors(name, self), _others(name, self, src), strict=True):
        t.copy_(s)
    return self


def _foreach_clone(self: Any) -> tuple[Tensor, ...]:
    """The copies of all tensors."""
    return tuple(t.clone() for t in _tensors("_foreach_clone", self))


def _foreach_zero_(self: Any) -> Any:
    """Every element of each tensor becomes 0."""
    for t in _tensors("_foreach_zero_", self):
        t.zero_()
    return self


def _foreach_norm(self: Any, ord: Any = 2, dtype: Any = None) -> tuple[Tensor, ...]:
    """The norm of all elements of each tensor.

    >>> import tensor_core as torch
    >>> torch._foreach_norm([torch.tensor([3.0, 4.0])])
    (tensor(5.),)
    """
    tensors = _tensors("_foreach_norm", self)
    return tuple(ops.norm(t if dtype is None else t.to(dtype), ord) for t in tensors)


def _foreach_max(self: Any) -> tuple[Tensor, ...]:
    """The largest element of each tensor."""
    return tuple(t.max() for t in _tensors("_foreach_max", self))


def functions() -> dict[str, Callable[..., Any]]:
    """Every function of this module and its tables, by name."""
    own = (_foreach_copy_, _foreach_clone, _foreach_zero_, _foreach_norm, _foreach_max)
    made: dict[str, Callable[..., Any]] = {f.__name__: f for f in own}
    for operation in (*UNARY, *BINARY, "lerp"):
        for suffix in ("", "_"):
            name = f"_foreach_{operation}{suffix}"
            made[name] = _each(name, _METHOD.get(operation, operation) + suffix, bool(suffix))
    for operation in ("addcmul", "addcdiv"):
        for suffix in ("", "_"):
            name = f"_foreach_{operation}{suffix}"
            made[name] = _ternary(name, operation + suffix, bool(suffix))
    return made
