"""What a module does with its attributes: parameters, buffers and modules go into tables."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from .._tensor import Tensor
from ._tree import Tree
from .parameter import Buffer, Parameter

if TYPE_CHECKING:
    from .module import Module

# hooks on registration in any module, by what is registered; see modules/module.py
on_registration: dict[str, OrderedDict[int, Any]] = {
    what: OrderedDict() for what in ("parameter", "buffer", "module")
}


class Attributes(Tree):
    """Registration by method and by assignment, and reading back.

    >>> import tensor_core as torch
    >>> module = torch.nn.Module()
    >>> module.weight = torch.nn.Parameter(torch.ones(2))
    >>> list(module._parameters)
    ['weight']
    """

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter under ``name``; ``None`` keeps the name without a value."""
        tables = self._tables("parameter")
        self._check_name(name, self._parameters, "parameter")
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign '{_typename(param)}' object to parameter '{name}' "
                "(torch.nn.Parameter or None required)"
            )
        if param is not None and param.grad_fn is not None:
            raise ValueError(
                f"cannot assign non-leaf Tensor to parameter '{name}': a parameter is a leaf; "
                "compute values that depend on another tensor in forward()"
            )
        tables["_parameters"][name] = self._heard("parameter", name, param)

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that belongs to the state but does not learn.

        ``persistent=False`` leaves it out of ``state_dict``.
        """
        tables = self._tables("buffer")
        self._check_name(name, self._buffers, "buffer")
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{_typename(tensor)}' object to buffer '{name}' "
                "(torch Tensor or None required)"
            )
        tables["_buffers"][name] = self._heard("buffer", name, tensor)
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a module under ``name``, which need not be a Python identifier."""
        if not isinstance(module, Attributes) and module is not None:
            raise TypeError(f"{_typename(module)} is not a Module subclass")
        tables = self._tables("module")
        self._check_name(name, self._modules, "module")
        tables["_modules"][name] = self._heard("module", name, module)

    def register_module(self, name: str, module: Module | None) -> None:
        """The same as ``add_module``."""
        self.add_module(name, module)

    def _heard(self, what: str, name: str, value: Any) -> Any:
        """The value, or what a hook on registration gives in its place."""
        for hook in on_registration[what].values():
            changed = hook(self, name, value)
            value = value if changed is None else changed
        return value

    def _tables(self, what: str) -> dict[str, Any]:
        if "_parameters" not in self.__dict__:
            raise AttributeError(f"cannot assign {what} before Module.__init__() call")
        return self.__dict__

    def _check_name(self, name: str, table: dict[str, Any], what: str) -> None:
        if not isinstance(name, str):
            raise TypeError(f"{what} name should be a string. Got {_typename(name)}")
        if "." in name:
            raise KeyError(f'{what} name can\'t contain ".", got: {name}')
        if name == "":
            raise KeyError(f'{what} name can\'t be empty string ""')
        if name not in table and hasattr(self, name):
            raise KeyError(f"attribute '{name}' already exists")

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
            self._tables("parameters")
            self._forget(name, keep="_parameters")
            self.register_parameter(name, value)
        elif name in tables.get("_parameters", ()):
            _only_none(value, f"parameter '{name}' (torch.nn.Parameter or None expected)")
            self.register_parameter(name, None)
        elif isinstance(value, Attributes):
            self._tables("module")
            self._forget(name, keep="_modules")
            tables["_modules"][name] = self._heard("module", name, value)
        elif name in tables.get("_modules", ()):
            _only_none(value, f"child module '{name}' (torch.nn.Module or None expected)")
            tables["_modules"][name] = self._heard("module", name, None)
        elif isinstance(value, Buffer):
            self._tables("buffer")
            self._forget(name, keep="_buffers")
            self.register_buffer(name, value, value.persistent)
        elif name in tables.get("_buffers", ()):
            if not isinstance(value, Tensor):
                expected = "torch.nn.Buffer, torch.Tensor or None expected"
                _only_none(value, f"buffer '{name}' ({expected})")
            tables["_buffers"][name] = self._heard("buffer", name, value)
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
        return sorted(name for name in names if not name[:1].isdigit())


def _only_none(value: Any, place: str) -> None:
    if value is not None:
        raise TypeError(f"cannot assign '{_typename(value)}' as {place}")


def _typename(value: Any) -> str:
    """The type as torch's messages name it: ``torch.FloatTensor``, ``builtins``' without module."""
    kind = type(value)
    if isinstance(value, Tensor):
        return value.type() if kind is Tensor else f"{kind.__module__}.{kind.__name__}"
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
