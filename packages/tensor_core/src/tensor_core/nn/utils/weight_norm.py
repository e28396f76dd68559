"""A weight as a length for each slice times a direction, the older way: by a forward hook."""

from __future__ import annotations

import warnings
from typing import Any

from ... import ops
from ..._tensor import Tensor
from ..module import Module
from ..parameter import Parameter, UninitializedTensorMixin


def norm_except_dim(v: Tensor, pow: int = 2, dim: int = 0) -> Tensor:
    """The norm over every dimension but ``dim``, kept as sizes of 1; over all for -1.

    >>> import tensor_core as torch
    >>> norm_except_dim(torch.tensor([[3.0, 4.0], [0.0, 2.0]])).flatten()
    tensor([5., 2.])
    """
    if dim == -1:
        return ops.norm(v, pow)
    others = tuple(i for i in range(v.ndim) if i != dim % v.ndim)
    return ops.norm(v, pow, others, keepdim=True) if others else v.abs()


def scaled_direction(v: Tensor, g: Tensor, dim: int) -> Tensor:
    """``v`` with the lengths ``g``."""
    return v * (g / norm_except_dim(v, 2, dim))


class WeightNorm:
    """The hook that computes the weight from ``weight_g`` and ``weight_v`` before each call."""

    def __init__(self, name: str, dim: int | None) -> None:
        self.name = name
        self.dim = -1 if dim is None else dim

    def compute_weight(self, module: Module) -> Any:
        """The weight of the module's present length and direction."""
        g, v = getattr(module, self.name + "_g"), getattr(module, self.name + "_v")
        return scaled_direction(v, g, self.dim)

    @staticmethod
    def apply(module: Module, name: str, dim: int | None) -> WeightNorm:
        """Split the module's weight in two and register the hook."""
        for hook in module._forward_pre_hooks.values():
            if isinstance(hook, WeightNorm) and hook.name == name:
                raise RuntimeError(
                    f"Cannot register two weight_norm hooks on the same parameter {name}"
                )
        fn = WeightNorm(name, dim)
        weight = getattr(module, name)
        if isinstance(weight, UninitializedTensorMixin):
            raise ValueError(
                "The module passed to `WeightNorm` can't have uninitialized parameters. Make sure "
                "to run the dummy forward before applying weight normalization"
            )
        del module._parameters[name]
        g = Parameter(norm_except_dim(weight, 2, fn.dim).data)
        module.register_parameter(name + "_g", g)
        module.register_parameter(name + "_v", Parameter(weight.data))
        setattr(module, name, fn.compute_weight(module))
        module.register_forward_pre_hook(fn)
        return fn

    def remove(self, module: Module) -> None:
        """Put the present weight back as one parameter."""
        weight = self.compute_weight(module)
        delattr(module, self.name)
        del module._parameters[self.name + "_g"]
        del module._parameters[self.name + "_v"]
        setattr(module, self.name, Parameter(weight.data))

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module))


def weight_norm(module: Any, name: str = "weight", dim: int | None = 0) -> Any:
    """Learn a weight's lengths ``weight_g`` (one for each of ``dim``) and direction ``weight_v``.

    Source: Salimans and Kingma 2016. ``parametrizations.weight_norm`` is the newer way.

    >>> import warnings; warnings.simplefilter("ignore")
    >>> from tensor_core import nn
    >>> [name for name, _ in weight_norm(nn.Linear(2, 3)).named_parameters()]
    ['bias', 'weight_g', 'weight_v']
    """
    warnings.warn(
        "`torch.nn.utils.weight_norm` is deprecated in favor of "
        "`torch.nn.utils.parametrizations.weight_norm`.",
        FutureWarning,
        stacklevel=2,
    )
    WeightNorm.apply(module, name, dim)
    return module


def remove_weight_norm(module: Any, name: str = "weight") -> Any:
    """Put the weight back as one parameter.

    Raises:
        ValueError: there is no weight norm on it.
    """
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, WeightNorm) and hook.name == name:
            hook.remove(module)
            del module._forward_pre_hooks[key]
            return module
    raise ValueError(f"weight_norm of '{name}' not found in {module}")
