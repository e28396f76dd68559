"""A module: parameters, buffers and other modules under names, and a forward function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self, TypeVar

from ._attributes import Attributes
from ._conversion import Convertible
from ._state import Stateful
from .hooks import call_with_hooks


class Module(Stateful, Convertible, Attributes):
    """Base class of everything that computes with parameters.

    Assigning a ``Parameter`` or a ``Module`` as an attribute registers it; calling the module
    calls ``forward`` and the hooks.

    >>> import tensor_core as torch
    >>> class Scale(torch.nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.by = torch.nn.Parameter(torch.tensor(2.0))
    ...     def forward(self, x):
    ...         return x * self.by
    >>> Scale()(torch.tensor(3.0)).item()
    6.0
    """

    T_destination = TypeVar("T_destination", bound=dict[str, Any])
    call_super_init: bool = False  # whether __init__ goes on to the next class of a mixture
    dump_patches: bool = False
    _compiled_call_impl: Any = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        name = type(self).__name__
        if not self.call_super_init and kwargs:
            raise TypeError(
                f"{name}.__init__() got an unexpected keyword argument '{next(iter(kwargs))}'"
            )
        if not self.call_super_init and args:
            raise TypeError(
                f"{name}.__init__() takes 1 positional argument but {len(args) + 1} were given"
            )
        # straight into __dict__: __setattr__ needs these tables to be there
        self.__dict__.update(
            training=True,
            _parameters={},
            _buffers={},
            _non_persistent_buffers_set=set(),
            _modules={},
        )
        if self.call_super_init:
            super().__init__(*args, **kwargs)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; every subclass that is called defines it."""
        raise NotImplementedError(
            f'Module [{type(self).__name__}] is missing the required "forward" function'
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._hooks is None:
            return self.forward(*args, **kwargs)
        return call_with_hooks(self, args, kwargs)

    _call_impl = _wrapped_call_impl = __call__

    def _slow_forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.forward(*args, **kwargs)

    # -- what one does to a whole module --------------------------------------------------------

    def train(self, mode: bool = True) -> Self:
        """Switch this module and all below to training, or with ``False`` to evaluation."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self) -> Self:
        """Switch this module and all below to evaluation."""
        return self.train(False)

    def apply(self, fn: Callable[[Module], None]) -> Self:
        """Call ``fn`` on every module below, children first, then on this one."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing: modules run as they are written."""

    def _replicate_for_data_parallel(self) -> Self:
        """A copy that holds the same tensors in tables of its own."""
        replica = self.__new__(type(self))
        tables = ("_parameters", "_buffers", "_modules")
        replica.__dict__.update(self.__dict__, **{t: dict(self.__dict__[t]) for t in tables})
        return replica

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.__dict__.setdefault("_non_persistent_buffers_set", set())

    # -- text -----------------------------------------------------------------------------------

    def _get_name(self) -> str:
        return type(self).__name__

    def extra_repr(self) -> str:
        """What the module says of itself between the parentheses of its repr."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        children = [f"({k}): {indent(repr(m))}" for k, m in self._modules.items()]
        if not children and len(lines) < 2:
            return f"{self._get_name()}({extra})"
        return "\n  ".join([f"{self._get_name()}(", *lines, *children]) + "\n)"


def indent(text: str) -> str:
    """Move every line but the first two columns in, as a repr nested in another wants it."""
    return text.replace("\n", "\n  ")
