"""Pruning: a mask that keeps part of a parameter at zero.

The parameter moves to ``NAME_orig``, the mask to the buffer ``NAME_mask``; a forward hook
multiplies the two. ``remove`` makes it permanent.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any

import numpy as np

from ... import ops, random
from ..._creation import ones_like
from ..._tensor import Tensor, wrap
from ..module import Module

__all__ = [
    "BasePruningMethod",
    "CustomFromMask",
    "Identity",
    "L1Unstructured",
    "LnStructured",
    "PruningContainer",
    "RandomStructured",
    "RandomUnstructured",
    "custom_from_mask",
    "global_unstructured",
    "identity",
    "is_pruned",
    "l1_unstructured",
    "ln_structured",
    "random_structured",
    "random_unstructured",
    "remove",
]


class BasePruningMethod(ABC):
    """A way of choosing a mask; a subclass says ``PRUNING_TYPE`` and ``compute_mask``."""

    PRUNING_TYPE: str  # "unstructured", "structured" or "global"
    _tensor_name: str

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self._tensor_name, self.apply_mask(module))

    @abstractmethod
    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask for ``t``, on top of the mask it has."""

    def apply_mask(self, module: Module) -> Tensor:
        """The parameter times its mask."""
        mask = getattr(module, self._tensor_name + "_mask")
        original = getattr(module, self._tensor_name + "_orig")
        return mask.to(dtype=original.dtype) * original

    @classmethod
    def apply(
        cls, module: Module, name: str, *args: Any, importance_scores: Any = None, **kwargs: Any
    ) -> Any:
        """Choose the mask, move the parameter and register the hook; on top of earlier masks."""
        method: Any = cls(*args, **kwargs)
        method._tensor_name = name
        old = _hook_of(module, name)
        if old is not None:
            key, present = old
            del module._forward_pre_hooks[key]
            container = PruningContainer(present)
            container.add_pruning_method(method)
            method = container
        tensor = getattr(module, name)
        scores = tensor if importance_scores is None else importance_scores
        if scores.shape != tensor.shape:
            raise AssertionError(
                f"importance_scores should have the same shape as parameter {name} of {module}"
            )
        if old is None:
            original = module._parameters.pop(name)
            module.register_parameter(name + "_orig", original)
            default_mask = ones_like(original)
        else:
            default_mask = getattr(module, name + "_mask").detach().clone()
        try:
            mask = method.compute_mask(scores, default_mask=default_mask)
            module.register_buffer(name + "_mask", mask)
            setattr(module, name, method.apply_mask(module))
            module.register_forward_pre_hook(method)
        except Exception:
            if old is None:
                module.register_parameter(name, module._parameters.pop(name + "_orig"))
            raise
        return method

    def prune(
        self, t: Tensor, default_mask: Tensor | None = None, importance_scores: Any = None
    ) -> Tensor:
        """``t`` times the mask this method chooses."""
        scores = t if importance_scores is None else importance_scores
        if scores.shape != t.shape:
            raise AssertionError("importance_scores should have the same shape as tensor t")
        default_mask = ones_like(t) if default_mask is None else default_mask
        return t * self.compute_mask(scores, default_mask=default_mask)

    def remove(self, module: Module) -> None:
        """Make the pruning permanent: one parameter again, with zeros."""
        weight = self.apply_mask(module)
        if hasattr(module, self._tensor_name):
            delattr(module, self._tensor_name)
        original: Any = module._parameters.pop(self._tensor_name + "_orig")
        original.data = weight.data
        del module._buffers[self._tensor_name + "_mask"]
        setattr(module, self._tensor_name, original)


class PruningContainer(BasePruningMethod):
    """Several methods on one parameter, each on what the ones before left."""

    def __init__(self, *args: BasePruningMethod) -> None:
        self._pruning_methods: tuple[BasePruningMethod, ...] = ()
        for method in args:
            if not self._pruning_methods:
                self._tensor_name = method._tensor_name
            self.add_pruning_method(method)

    def add_pruning_method(self, method: BasePruningMethod | None) -> None:
        """Add a method for the same parameter."""
        if not isinstance(method, BasePruningMethod) and method is not None:
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        if method is not None:
            if method._tensor_name != self._tensor_name:
                raise ValueError(
                    "Can only add pruning methods acting on the parameter named "
                    f"'{self._tensor_name}' to PruningContainer {self}. Found "
                    f"'{method._tensor_name}'"
                )
            inside = method._pruning_methods if isinstance(method, PruningContainer) else (method,)
            self._pruning_methods = (*self._pruning_methods, *inside)

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self) -> Any:
        return iter(self._pruning_methods)

    def __getitem__(self, index: int) -> BasePruningMethod:
        return self._pruning_methods[index]

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask after the last method, which sees only what is not masked yet."""
        method = self._pruning_methods[-1]
        mask = default_mask.to(dtype=t.dtype)
        place: Any = slice(None)
        if method.PRUNING_TYPE == "unstructured":
            place = mask == 1
        elif method.PRUNING_TYPE == "structured":
            dim = method.dim % t.ndim  # type: ignore[attr-defined]
            kept = mask._a.any(axis=tuple(i for i in range(t.ndim) if i != dim))
            place = (*[slice(None)] * dim, wrap(np.asarray(kept)))
        elif method.PRUNING_TYPE != "global":
            raise ValueError(f"Unrecognized PRUNING_TYPE {method.PRUNING_TYPE}")
        new = mask.clone()
        new[place] = method.compute_mask(t[place], default_mask=mask[place]).to(dtype=mask.dtype)
        return new


class Identity(BasePruningMethod):
    """No pruning: a mask of ones."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask as it is."""
        return default_mask


class _ByAmount(BasePruningMethod):
    """A method that prunes a number of elements or slices, or a share of them."""

    def __init__(self, amount: int | float) -> None:
        _check_amount(amount)
        self.amount = amount

    def _count(self, size: int) -> int:
        if isinstance(self.amount, Integral) and self.amount > size:
            raise ValueError(
                f"amount={self.amount} should be smaller than the number of parameters to prune="
                f"{size}"
            )
        return int(self.amount) if isinstance(self.amount, Integral) else round(self.amount * size)


class RandomUnstructured(_ByAmount):
    """Elements at random."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask without the elements whose draws are largest."""
        mask = default_mask.clone()
        count = self._count(t.numel())
        if count:
            prob = ops.rand_like(t)
            chosen = ops.topk(prob.view(-1), k=count)[1]
            mask.view(-1)[chosen] = 0
        return mask


class L1Unstructured(_ByAmount):
    """The elements of smallest absolute value."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask without the smallest elements."""
        mask = default_mask.clone()
        count = self._count(t.numel())
        if count:
            chosen = ops.topk(t.detach().abs().reshape(-1), k=count, largest=False)[1]
            mask.view(-1)[chosen] = 0
        return mask


class _Structured(_ByAmount):
    """Whole slices along ``dim``."""

    PRUNING_TYPE = "structured"

    def __init__(self, amount: int | float, dim: int = -1) -> None:
        super().__init__(amount)
        self.dim = dim

    def _check(self, t: Tensor) -> int:
        if t.ndim <= 1:
            raise ValueError(
                "Structured pruning can only be applied to multidimensional tensors. Found tensor "
                f"of shape {t.shape} with {t.ndim} dims"
            )
        if self.dim >= t.ndim:
            raise IndexError(f"Invalid index {self.dim} for tensor of size {t.shape}")
        return self._count(t.shape[self.dim])

    def _without(self, t: Tensor, default_mask: Tensor, kept: np.ndarray) -> Tensor:
        """The mask where ``kept`` (one flag a slice) holds."""
        shape = [1] * t.ndim
        shape[self.dim] = -1
        return default_mask * wrap(kept.reshape(shape)).to(default_mask.dtype)


class RandomStructured(_Structured):
    """Slices at random."""

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask without the slices whose draws are smallest."""
        count = self._check(t)
        size = t.shape[self.dim]
        prob = random.current().uniform((size,), np.float32)
        if not count:
            return default_mask.clone()
        threshold = np.sort(prob)[count - 1]
        return self._without(t, default_mask, prob > threshold)


class LnStructured(_Structured):
    """The slices of smallest n-norm."""

    def __init__(self, amount: int | float, n: Any, dim: int = -1) -> None:
        super().__init__(amount, dim)
        self.n = n

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask without the slices of smallest norm."""
        count = self._check(t)
        if not count:
            return default_mask
        dims = tuple(i for i in range(t.ndim) if i != self.dim % t.ndim)
        sizes: Any = ops.norm(t.detach(), self.n, dims)
        keep = ops.topk(sizes, k=t.shape[self.dim] - count, largest=True)[1]
        kept = np.zeros(t.shape[self.dim], bool)
        kept[keep._a] = True
        return self._without(t, default_mask, kept)


class CustomFromMask(BasePruningMethod):
    """A mask that is given."""

    PRUNING_TYPE = "global"

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The given mask on top of the one that is there."""
        if default_mask.shape != self.mask.shape:
            raise AssertionError("mask and default_mask must have the same shape")
        return default_mask * self.mask.to(dtype=default_mask.dtype)


def identity(module: Any, name: str) -> Any:
    """Move the parameter as pruning does, and prune nothing."""
    Identity.apply(module, name)
    return module


def random_unstructured(module: Any, name: str, amount: int | float) -> Any:
    """Prune a number (or share) of elements at random; returns the module.

    >>> import tensor_core as torch
    >>> layer = random_unstructured(torch.nn.Linear(4, 2), "weight", 3)
    >>> int((layer.weight == 0).sum())
    3
    """
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(
    module: Any, name: str, amount: int | float, importance_scores: Any = None
) -> Any:
    """Prune the elements smallest in absolute value, or in ``importance_scores``.

    >>> import tensor_core as torch
    >>> layer = l1_unstructured(torch.nn.Linear(2, 2), "weight", 0.5)
    >>> sorted(layer.state_dict())
    ['bias', 'weight_mask', 'weight_orig']
    """
    L1Unstructured.apply(module, name, amount, importance_scores=importance_scores)
    return module


def random_structured(module: Any, name: str, amount: int | float, dim: int) -> Any:
    """Prune whole slices along ``dim`` at random."""
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(
    module: Any, name: str, amount: int | float, n: Any, dim: int, importance_scores: Any = None
) -> Any:
    """Prune the slices along ``dim`` of smallest n-norm.

    >>> import tensor_core as torch
    >>> layer = ln_structured(torch.nn.Linear(2, 4), "weight", 2, n=2, dim=0)
    >>> int((layer.weight == 0).all(1).sum())
    2
    """
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def custom_from_mask(module: Any, name: str, mask: Tensor) -> Any:
    """Prune where ``mask`` is 0.

    >>> import tensor_core as torch
    >>> layer = custom_from_mask(torch.nn.Linear(2, 1), "bias", torch.tensor([0]))
    >>> layer.bias.item() == 0
    True
    """
    CustomFromMask.apply(module, name, mask)
    return module


def global_unstructured(
    parameters: Iterable[tuple[Any, str]],
    pruning_method: Any,
    importance_scores: dict[tuple[Any, str], Tensor] | None = None,
    **kwargs: Any,
) -> None:
    """Prune elements of several parameters as if they were one.

    Raises:
        TypeError: no pairs of module and name, or a method that is not unstructured.

    >>> import tensor_core as torch
    >>> layer = torch.nn.Linear(2, 2)
    >>> global_unstructured([(layer, "weight"), (layer, "bias")], L1Unstructured, amount=3)
    >>> int((layer.weight == 0).sum() + (layer.bias == 0).sum())
    3
    """
    if not isinstance(parameters, Iterable):
        raise TypeError("global_unstructured(): parameters is not an Iterable")
    pairs = list(parameters)
    given = importance_scores or {}
    tensors = [getattr(module, name) for module, name in pairs]
    scores = [given.get((m, n), t) for (m, n), t in zip(pairs, tensors, strict=True)]
    masks = [
        getattr(m, f"{n}_mask", ones_like(t)) for (m, n), t in zip(pairs, tensors, strict=True)
    ]
    container = PruningContainer()
    container._tensor_name = "temp"
    method = pruning_method(**kwargs)
    method._tensor_name = "temp"
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(
            'Only "unstructured" PRUNING_TYPE supported for the `pruning_method`. Found method '
            f"{pruning_method} of type {method.PRUNING_TYPE}"
        )
    container.add_pruning_method(method)
    row = ops.cat([s.detach().reshape(-1) for s in scores])
    mask = container.compute_mask(row, ops.cat([m.reshape(-1) for m in masks]))
    start = 0
    for (module, name), tensor in zip(pairs, tensors, strict=True):
        end = start + tensor.numel()
        custom_from_mask(module, name, mask[start:end].reshape(tensor.shape))
        start = end


def remove(module: Any, name: str) -> Any:
    """Make the pruning of a parameter permanent.

    Raises:
        ValueError: it is not pruned.

    >>> import tensor_core as torch
    >>> layer = remove(l1_unstructured(torch.nn.Linear(2, 2), "weight", 1), "weight")
    >>> [name for name, _ in layer.named_parameters()]
    ['bias', 'weight']
    """
    found = _hook_of(module, name)
    if found is None:
        raise ValueError(
            f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed"
        )
    key, method = found
    method.remove(module)
    del module._forward_pre_hooks[key]
    return module


def is_pruned(module: Module) -> bool:
    """Whether the module or one below it has a pruned parameter.

    >>> from tensor_core import nn
    >>> is_pruned(nn.Linear(1, 1))
    False
    """
    return any(
        isinstance(hook, BasePruningMethod)
        for part in module.modules()
        for hook in part._forward_pre_hooks.values()
    )


def _hook_of(module: Module, name: str) -> tuple[int, BasePruningMethod] | None:
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, BasePruningMethod) and hook._tensor_name == name:
            return key, hook
    return None


def _check_amount(amount: Any) -> None:
    if not isinstance(amount, Real):
        raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
    if float(amount) < 0 or (not isinstance(amount, Integral) and float(amount) > 1):
        raise ValueError(
            f"amount={amount} should either be a float in the range [0, 1] or a non-negative "
            "integer"
        )
