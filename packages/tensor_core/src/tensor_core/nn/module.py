"""A module: parameters, buffers and other modules under names, and a forward function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from .._tensor import Tensor
from ._conversion import Convertible
from ._state import Stateful
from .hooks import ModuleHooks, RemovableHandle, call_with_hooks, register
from .parameter import Buffer, Parameter


class Module(Stateful, Convertible):
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

    _hooks: ModuleHooks | None = None  # on the instance once there is a hook

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if args or kwargs:
            raise TypeError(
                f"{type(self).__name__}.__init__() got arguments that nn.Module does not take: "
                f"{[*args, *kwargs]}"
            )
        # straight into __dict__: __setattr__ needs these tables to be there
        self.__dict__.update(
            training=True,
            _parameters={},
            _buffers={},
            _non_persistent_buffers_set=set(),
            _modules={},
        )

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; every subclass that is called defines it."""
        raise NotImplementedError(
            f'Module [{type(self).__name__}] is missing the required "forward" function'
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._hooks is None:
            return self.forward(*args, **kwargs)
        return call_with_hooks(self, args, kwargs)

    # -- registration ---------------------------------------------------------------------------

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter under ``name``; ``None`` keeps the name without a value."""
        tables = self._tables("parameter")
        self._check_name(name, self._parameters, "parameter")
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign '{type(param).__name__}' object to parameter '{name}' "
                "(nn.Parameter or None required)"
            )
        if param is not None and param.grad_fn is not None:
            raise ValueError(
                f"cannot assign non-leaf Tensor to parameter '{name}': a parameter is a leaf; "
                "compute values that depend on another tensor in forward()"
            )
        tables["_parameters"][name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that belongs to the state but does not learn.

        ``persistent=False`` leaves it out of ``state_dict``.
        """
        tables = self._tables("buffer")
        self._check_name(name, self._buffers, "buffer")
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{type(tensor).__name__}' object to buffer '{name}' "
                "(Tensor or None required)"
            )
        tables["_buffers"][name] = tensor
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a module under ``name``, which need not be a Python identifier."""
        if not isinstance(module, Module) and module is not None:
            raise TypeError(f"{type(module).__name__} is not a Module subclass")
        tables = self._tables("module")
        self._check_name(name, self._modules, "module")
        tables["_modules"][name] = module

    def register_module(self, name: str, module: Module | None) -> None:
        """The same as ``add_module``."""
        self.add_module(name, module)

    def _tables(self, what: str) -> dict[str, Any]:
        if "_parameters" not in self.__dict__:
            raise AttributeError(f"cannot assign {what}s before Module.__init__() call")
        return self.__dict__

    def _check_name(self, name: str, table: dict[str, Any], what: str) -> None:
        if not isinstance(name, str):
            raise TypeError(f"{what} name should be a string, got {type(name).__name__}")
        if "." in name:
            raise KeyError(f'{what} name can\'t contain ".", got {name!r}')
        if name == "":
            raise KeyError(f'{what} name can\'t be empty string ""')
        if name not in table and hasattr(self, name):
            raise KeyError(f"attribute '{name}' already exists")

    # -- attributes -----------------------------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        # reached only when the instance and its class have no such attribute
        tables = self.__dict__
        if "_modules" in tables:  # else __init__ has not run
            if name in (table := tables["_parameters"]):
                return table[name]
            if name in (table := tables["_modules"]):
                return table[name]
            if name in (table := tables["_buffers"]):
                return table[name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __setattr__(self, name: str, value: Any) -> None:
        tables = self.__dict__
        if isinstance(value, Parameter):
            self._tables("parameter")
            self._forget(name, keep="_parameters")
            self.register_parameter(name, value)
        elif name in tables.get("_parameters", ()):
            if value is not None:
                raise TypeError(
                    f"cannot assign '{type(value).__name__}' as parameter '{name}' "
                    "(nn.Parameter or None expected)"
                )
            tables["_parameters"][name] = None
        elif isinstance(value, Module):
            self._tables("module")
            self._forget(name, keep="_modules")
            tables["_modules"][name] = value
        elif name in tables.get("_modules", ()):
            if value is not None:
                raise TypeError(
                    f"cannot assign '{type(value).__name__}' as child module '{name}' "
                    "(nn.Module or None expected)"
                )
            tables["_modules"][name] = None
        elif isinstance(value, Buffer):
            self._tables("buffer")
            self._forget(name, keep="_buffers")
            self.register_buffer(name, value, value.persistent)
        elif name in tables.get("_buffers", ()):
            if value is not None and not isinstance(value, Tensor):
                raise TypeError(
                    f"cannot assign '{type(value).__name__}' as buffer '{name}' "
                    "(nn.Buffer, Tensor or None expected)"
                )
            tables["_buffers"][name] = value
        else:
            object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        for table in ("_parameters", "_buffers", "_modules"):
            if name in self.__dict__.get(table, ()):
                self._forget(name)
                return
        object.__delattr__(self, name)

    def _forget(self, name: str, keep: str = "") -> None:
        """Take ``name`` out of every table but ``keep``, so that it has one meaning only."""
        tables = self.__dict__
        tables.pop(name, None)
        for table in ("_parameters", "_buffers", "_modules"):
            if table != keep:
                tables[table].pop(name, None)
        if keep != "_buffers":
            self._non_persistent_buffers_set.discard(name)

    def __dir__(self) -> list[str]:
        names = {*dir(type(self)), *self.__dict__}
        names.update(self._parameters, self._buffers, self._modules)
        return sorted(name for name in names if not name[0].isdigit())

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

    # -- hooks ----------------------------------------------------------------------------------

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, args)`` before ``forward``; what it returns replaces the args."""
        return register(self._own_hooks().forward_pre, (hook, with_kwargs), prepend)

    def register_forward_hook(
        self,
        hook: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> RemovableHandle:
        """Call ``hook(module, args, output)`` after ``forward``; a result replaces the output.

        ``always_call`` calls it with ``None`` for an output when ``forward`` raised.
        """
        return register(self._own_hooks().forward, (hook, with_kwargs, always_call), prepend)

    def register_full_backward_pre_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, grad_output)`` before the gradients enter the module."""
        return register(self._own_hooks().backward_pre, hook, prepend)

    def register_full_backward_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, grad_input, grad_output)`` when the inputs' gradients are known.

        What it returns, unless ``None``, replaces ``grad_input``.
        """
        return register(self._own_hooks().backward, hook, prepend)

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
