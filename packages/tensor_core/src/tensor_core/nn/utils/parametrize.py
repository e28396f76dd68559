"""Parameters computed from other parameters: ``weight`` becomes a function of what is learned.

The tensor moves to ``module.parametrizations[name].original`` and its name becomes a property
of a class made for that one module, which computes the value anew at every look.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from ..._grad_mode import no_grad
from ..._tensor import Tensor
from ..containers import ModuleDict, ModuleList
from ..module import Module
from ..parameter import Parameter

__all__ = [
    "ParametrizationList",
    "cached",
    "is_parametrized",
    "register_parametrization",
    "remove_parametrizations",
    "transfer_parametrizations_and_params",
    "type_before_parametrizations",
]

_cache: dict[tuple[int, str], Any] = {}
_caching = [0]  # how many ``cached`` blocks are open


@contextmanager
def cached() -> Iterator[None]:
    """Within the block each parametrized tensor is computed once, at its first use.

    >>> with cached():
    ...     pass
    """
    _caching[0] += 1
    try:
        yield
    finally:
        _caching[0] -= 1
        if not _caching[0]:
            _cache.clear()


def _register(module: Module, name: str, tensor: Tensor) -> None:
    if isinstance(tensor, Parameter):
        module.register_parameter(name, tensor)
    else:
        module.register_buffer(name, tensor)


def _check_result(result: Any, like: Tensor) -> None:
    if not isinstance(result, Tensor):
        raise ValueError(f"A parametrization must return a tensor. Got {type(result).__name__}.")
    for what in ("dtype", "shape"):
        if getattr(result, what) != getattr(like, what):
            raise ValueError(
                f"Registering a parametrization may not change the {what} of the tensor, unless "
                f"`unsafe` flag is enabled.\nunparametrized {what}: {getattr(like, what)}\n"
                f"parametrized {what}: {getattr(result, what)}"
            )


class ParametrizationList(ModuleList):
    """The functions from what is learned to one tensor, and what is learned itself.

    ``original`` is the learned tensor, or ``original0``, ``original1``, … where the first
    function takes several.
    """

    def __init__(self, modules: Sequence[Module], original: Tensor, unsafe: bool = False) -> None:
        if len(modules) == 0:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        before = original.detach()
        new = self._inverted(original)
        self.is_tensor = isinstance(new, Tensor)
        if not self.is_tensor and not isinstance(new, Sequence):
            raise ValueError(
                "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). "
                f"Got {type(new).__name__}"
            )
        self.ntensors = 1 if self.is_tensor else len(new)
        if self.is_tensor:
            self._keep_one(original, new)
        else:
            self._keep_several(original, new)
        if not unsafe:
            _check_result(self(), before)

    def _inverted(self, value: Any) -> Any:
        with no_grad():
            for module in reversed(list(self)):
                if hasattr(module, "right_inverse"):
                    with suppress(NotImplementedError):
                        value = module.right_inverse(value)
        return value

    def _keep_one(self, original: Tensor, new: Tensor) -> None:
        if original.dtype != new.dtype:
            raise ValueError(
                "When `right_inverse` outputs one tensor, it may not change the dtype.\n"
                f"original.dtype: {original.dtype}\nright_inverse(original).dtype: {new.dtype}"
            )
        original.data = new.data
        _register(self, "original", original)

    def _keep_several(self, original: Tensor, new: Sequence[Any]) -> None:
        for i, part in enumerate(new):
            if not isinstance(part, Tensor):
                raise ValueError(
                    "'right_inverse' must return a Tensor or a Sequence of tensors (list, "
                    f"tuple...). Got element {i} of the sequence with type {type(part).__name__}."
                )
            if isinstance(original, Parameter):
                part = Parameter(part, original.requires_grad)
            part.requires_grad_(original.requires_grad)
            _register(self, f"original{i}", part)

    def _originals(self) -> list[Tensor]:
        names = ["original"] if self.is_tensor else [f"original{i}" for i in range(self.ntensors)]
        return [getattr(self, name) for name in names]

    def right_inverse(self, value: Any) -> None:
        """Change what is learned so that the functions give ``value``.

        Raises:
            RuntimeError: a function has no ``right_inverse``.
        """
        with no_grad():
            for module in reversed(list(self)):
                if not hasattr(module, "right_inverse"):
                    raise RuntimeError(
                        f"parametrization {type(module).__name__} does not implement right_inverse."
                    )
                value = module.right_inverse(value)
        parts = [value] if self.is_tensor else list(value)
        if len(parts) != self.ntensors:
            raise ValueError(
                f"'right_inverse' must return a sequence of tensors of length {self.ntensors}. "
                f"Got a sequence of length {len(parts)}."
            )
        for original, part in zip(self._originals(), parts, strict=True):
            if not isinstance(part, Tensor) or part.dtype != original.dtype:
                raise ValueError(f"`right_inverse` should return a tensor of {original.dtype}")
            original.data = part.data

    def forward(self) -> Any:
        """The tensor that the functions make of what is learned."""
        first, *rest = list(self)
        value = first(*self._originals())
        for module in rest:
            value = module(value)
        return value


def _no_pickling(module: Module) -> Any:
    raise RuntimeError(
        "Serialization of parametrized modules is only supported through state_dict()."
    )


def _deepcopy(module: Module, memo: dict[int, Any]) -> Any:
    """A copy of the same class: its property looks at the copy's own parametrizations."""
    if id(module) not in memo:
        replica = memo[id(module)] = module.__new__(type(module))
        replica.__dict__.update(copy.deepcopy(module.__dict__, memo))
    return memo[id(module)]


def _give_class(module: Module) -> None:
    base = type(module)
    own: dict[str, Any] = {"__getstate__": _no_pickling}
    if not hasattr(base, "__deepcopy__"):
        own["__deepcopy__"] = _deepcopy
    module.__class__ = type(f"Parametrized{base.__name__}", (base,), own)


def _give_property(module: Module, name: str) -> None:
    def get(self: Any) -> Any:
        parametrization = self.parametrizations[name]
        if not _caching[0]:
            return parametrization()
        key = (id(self), name)
        if key not in _cache:
            _cache[key] = parametrization()
        return _cache[key]

    def put(self: Any, value: Tensor) -> None:
        self.parametrizations[name].right_inverse(value)

    setattr(type(module), name, property(get, put))


def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """Make ``module.tensor_name`` what ``parametrization`` makes of it; returns the module.

    A ``right_inverse`` of the parametrization gives the learned tensor for an assigned value.
    ``unsafe`` allows another shape or dtype.

    Raises:
        ValueError: there is no such tensor, or its shape or dtype would change.

    >>> import tensor_core as torch
    >>> class Doubled(torch.nn.Module):
    ...     def forward(self, x):
    ...         return 2 * x
    >>> layer = torch.nn.Linear(2, 1)
    >>> _ = register_parametrization(layer, "weight", Doubled())
    >>> bool((layer.weight == 2 * layer.parametrizations.weight.original).all())
    True
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        present = getattr(module, tensor_name)
        if not unsafe:
            result = parametrization(present)
            _check_result(result, present)
            if hasattr(parametrization, "right_inverse"):
                with suppress(NotImplementedError):
                    _check_result(parametrization.right_inverse(result), present)
        functions = module.parametrizations[tensor_name]
        functions.append(parametrization)
        functions.unsafe |= unsafe
    elif tensor_name in module._buffers or tensor_name in module._parameters:
        original = getattr(module, tensor_name)
        functions = ParametrizationList([parametrization], original, unsafe=unsafe)
        delattr(module, tensor_name)
        if not is_parametrized(module):
            _give_class(module)
            module.parametrizations = ModuleDict()
        _give_property(module, tensor_name)
        module.parametrizations[tensor_name] = functions
    else:
        raise ValueError(
            f"Module '{module}' does not have a parameter, a buffer, or a parametrized element "
            f"with name '{tensor_name}'"
        )
    return module


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether the module (or that tensor of it) is parametrized.

    >>> from tensor_core import nn
    >>> is_parametrized(nn.Linear(1, 1))
    False
    """
    functions = module.__dict__.get("_modules", {}).get("parametrizations")
    if not isinstance(functions, ModuleDict):
        return False
    return len(functions) > 0 if tensor_name is None else tensor_name in functions


def remove_parametrizations(
    module: Module, tensor_name: str, leave_parametrized: bool = True
) -> Module:
    """Make the tensor an ordinary one again: its present value, or with ``False`` the original.

    Raises:
        ValueError: it is not parametrized, or there are several originals to leave.

    >>> from tensor_core import nn
    >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(2, 1))
    >>> remove_parametrizations(layer, "weight")
    Linear(in_features=2, out_features=1, bias=True)
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    functions = module.parametrizations[tensor_name]
    present = getattr(module, tensor_name)
    if functions.is_tensor:
        original = functions.original
        if leave_parametrized:
            original.data = present.data
    elif leave_parametrized:
        original = Parameter(present) if present.requires_grad else present
    else:
        raise ValueError(
            "Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is "
            "parametrized in terms of a sequence of tensors."
        )
    delattr(type(module), tensor_name)
    del module.parametrizations[tensor_name]
    _register(module, tensor_name, original)
    if not is_parametrized(module):
        del module.parametrizations
        module.__class__ = type(module).__bases__[0]
    return module


def type_before_parametrizations(module: Module) -> type:
    """The class the module had before it was given one of its own.

    >>> from tensor_core import nn
    >>> type_before_parametrizations(nn.Linear(1, 1)).__name__
    'Linear'
    """
    return type(module).__bases__[0] if is_parametrized(module) else type(module)


def transfer_parametrizations_and_params(
    from_module: Module, to_module: Module, tensor_name: str | None = None
) -> Module:
    """Give ``to_module`` copies of the parametrizations and the tensors they act on.

    >>> from tensor_core import nn
    >>> source = nn.utils.parametrizations.weight_norm(nn.Linear(2, 1))
    >>> twin = transfer_parametrizations_and_params(source, nn.Linear(2, 1))
    >>> bool((twin.weight == source.weight).all())
    True
    """
    if not is_parametrized(from_module):
        return to_module
    names = [tensor_name] if tensor_name is not None else list(from_module.parametrizations)
    for name in names:
        if not hasattr(to_module, name):
            _register(to_module, name, copy.deepcopy(from_module.parametrizations[name].original))
        for function in from_module.parametrizations[name]:
            register_parametrization(to_module, name, copy.deepcopy(function), unsafe=True)
        source, target = from_module.parametrizations[name], to_module.parametrizations[name]
        for given, taken in zip(source._originals(), target._originals(), strict=True):
            taken.data = given.data.clone()
    return to_module
