"""Layers that take the sizes of their parameters from the first input they see."""

from __future__ import annotations

from typing import Any

from .._tensor import Tensor
from .linear import Linear
from .parameter import UninitializedParameter, is_lazy


class LazyModuleMixin:
    """Put before a module's class: its parameters may wait for their shapes.

    A class that mixes it in defines ``initialize_parameters(*args, **kwargs)``, called with the
    inputs of the first call, and ``cls_to_become``, the ordinary class it is afterwards.
    """

    cls_to_become: Any = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._listen()

    def _listen(self) -> None:
        module: Any = self
        hook = self._infer_parameters
        self._initialize_hook = module.register_forward_pre_hook(hook, with_kwargs=True)
        self._load_hook = module._register_load_state_dict_pre_hook(self._lazy_load_hook)

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Give the parameters the shapes that these inputs want; by the subclass."""
        raise NotImplementedError(
            f"initialize_parameters is not implemented for {type(self).__name__}"
        )

    def has_uninitialized_params(self) -> bool:
        """Whether a parameter or buffer still waits for its shape."""
        tables: Any = self
        return any(map(is_lazy, [*tables._parameters.values(), *tables._buffers.values()]))

    def _lazy_load_hook(self, state: Any, prefix: str, *rest: Any) -> None:
        """Take the shapes from a state that is loaded before the first call."""
        tables: Any = self
        for name, value in [*tables._parameters.items(), *tables._buffers.items()]:
            given = state.get(prefix + name)
            if is_lazy(value) and given is not None and not is_lazy(given):
                value.materialize(given.shape)

    def _infer_parameters(self, module: Any, args: Any, kwargs: Any = None) -> None:
        module.initialize_parameters(*args, **(kwargs or {}))
        if module.has_uninitialized_params():
            raise RuntimeError(
                f"module {module._get_name()} has not been fully initialized: "
                "initialize_parameters left a parameter without a shape"
            )
        module._initialize_hook.remove()
        module._load_hook.remove()
        del module._initialize_hook, module._load_hook
        if module.cls_to_become is not None:
            module.__class__ = module.cls_to_become

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        """A copy whose hooks are its own."""
        import copy

        twin = memo[id(self)] = type(self).__new__(type(self))
        left_out = ("_hooks", "_initialize_hook", "_load_hook")
        for key, value in self.__dict__.items():
            if key not in left_out:
                twin.__dict__[key] = copy.deepcopy(value, memo)
        twin._listen()
        return twin


class LazyLinear(LazyModuleMixin, Linear):
    """``Linear`` that takes ``in_features`` from its first input.

    >>> import tensor_core as torch
    >>> layer = torch.nn.LazyLinear(2)
    >>> layer(torch.ones(4, 3)).shape, layer
    (torch.Size([4, 2]), Linear(in_features=3, out_features=2, bias=True))
    """

    cls_to_become = Linear

    def __init__(
        self, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(0, 0, False)
        self.out_features = out_features
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self) -> None:
        """Draw weight and bias, once there are any."""
        if not self.has_uninitialized_params() and self.in_features != 0:
            super().reset_parameters()

    def initialize_parameters(self, input: Tensor) -> None:  # type: ignore[override]
        """Take ``in_features`` from the input's last dimension."""
        if self.has_uninitialized_params():
            self.in_features = input.shape[-1]
            self.weight.materialize((self.out_features, self.in_features))  # type: ignore[attr-defined]
            if self.bias is not None:
                self.bias.materialize((self.out_features,))  # type: ignore[attr-defined]
            self.reset_parameters()
        if self.in_features == 0:
            self.in_features = self.weight.shape[-1]
