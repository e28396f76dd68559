"""Modules that hold modules: in a row, in a list, in a dict."""

from __future__ import annotations

import itertools
import operator
import warnings
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self

from .module import Module, indent


class _Indexed(Module):
    """Children named "0", "1", … and reached by position, as in a Python list."""

    def _name(self, index: Any) -> str:
        """The name of the child at ``index``, counted from the end when negative."""
        position = operator.index(index)
        if not -len(self) <= position < len(self):
            raise IndexError(f"index {position} is out of range")
        return list(self._modules)[position]

    def _renumber(self, children: Iterable[Module | None]) -> None:
        self.__dict__["_modules"] = {str(i): child for i, child in enumerate(children)}

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._modules.values())

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, self._name(index), module)

    def __delitem__(self, index: int | slice) -> None:
        children = dict(self._modules)
        names = list(children)[index] if isinstance(index, slice) else [self._name(index)]
        for name in names:
            del children[name]
        self._renumber(children.values())

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if not name.isdigit()]

    def append(self, module: Module) -> Self:
        """Add a module at the end."""
        self.add_module(str(len(self)), module)
        return self

    def insert(self, index: int, module: Module) -> Any:
        """Add a module before position ``index``."""
        children = list(self._modules.values())
        children.insert(index, module)
        self._renumber(children)

    def pop(self, key: int | slice) -> Any:
        """Remove and return the module at a position, or those of a slice."""
        removed = self[key]  # type: ignore[index]
        del self[key]
        return removed


class Sequential(_Indexed):
    """Modules called one after the other, each on what the one before gave.

    Takes the modules themselves, or one ``OrderedDict`` that names them.

    >>> from tensor_core import nn
    >>> nn.Sequential(nn.Linear(2, 4), nn.ReLU())
    Sequential(
      (0): Linear(in_features=2, out_features=4, bias=True)
      (1): ReLU()
    )
    """

    def __init__(self, *args: Any) -> None:
        super().__init__()
        if len(args) == 1 and isinstance(args[0], OrderedDict):
            children: Iterable[tuple[str, Module]] = args[0].items()
        else:
            children = ((str(i), module) for i, module in enumerate(args))
        for name, module in children:
            self.add_module(name, module)

    def forward(self, input: Any) -> Any:
        """Every module in turn."""
        for module in self:
            input = module(input)
        return input

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return type(self)(OrderedDict(list(self._modules.items())[index]))
        return self._modules[self._name(index)]

    def insert(self, index: int, module: Module) -> Self:
        """Add a module before position ``index``."""
        if not isinstance(module, Module):
            raise AssertionError(f"module should be of type: {Module}")
        if not -len(self) <= index <= len(self):
            raise IndexError(f"Index out of range: {index}")
        super().insert(index, module)
        return self

    def extend(self, sequential: Iterable[Module]) -> Self:
        """Add several modules at the end."""
        for module in sequential:
            self.append(module)
        return self

    def __add__(self, other: Sequential) -> Sequential:
        self._check_row(other, "add")
        return Sequential(*self, *other)

    def __iadd__(self, other: Sequential) -> Self:
        self._check_row(other, "add")
        return self.extend(list(other))

    def __mul__(self, times: int) -> Sequential:
        self._check_times(times)
        return Sequential(*(list(self) * times))

    def __rmul__(self, times: int) -> Sequential:
        return self * times

    def __imul__(self, times: int) -> Self:
        self._check_times(times)
        return self.extend(list(self) * (times - 1))

    def _check_row(self, other: object, what: str) -> None:
        if not isinstance(other, Sequential):
            raise ValueError(f"{what}: expected a Sequential, but got {type(other)}")

    def _check_times(self, times: object) -> None:
        if not isinstance(times, int):
            raise TypeError(f"unsupported operand type(s) for *: {type(self)} and {type(times)}")
        if times <= 0:
            raise ValueError(f"cannot repeat a Sequential {times} times: at least once")


class ModuleList(_Indexed):
    """A list of modules that are registered; calling them is up to its owner.

    >>> from tensor_core import nn
    >>> nn.ModuleList(nn.Linear(2, 2) for _ in range(3))
    ModuleList(
      (0-2): 3 x Linear(in_features=2, out_features=2, bias=True)
    )
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return type(self)([*self][index])
        return self._modules[self._name(index)]

    def extend(self, modules: Iterable[Module]) -> Self:
        """Add several modules at the end."""
        if not isinstance(modules, Iterable):
            raise TypeError(
                f"ModuleList.extend should be called with an iterable, but got {type(modules)}"
            )
        for module in list(modules):
            self.append(module)
        return self

    def __iadd__(self, modules: Iterable[Module]) -> Self:
        return self.extend(modules)

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList(itertools.chain(self, other))

    def __repr__(self) -> str:
        """Runs of children that look alike are told once."""
        runs: list[tuple[int, int, str]] = []  # first, last, text
        for i, text in enumerate(map(repr, self)):
            if runs and runs[-1][2] == text:
                runs[-1] = (runs[-1][0], i, text)
            else:
                runs.append((i, i, text))
        if not runs:
            return f"{self._get_name()}()"
        lines = []
        for first, last, text in runs:
            several = f"({first}-{last}): {last - first + 1} x " if last > first else f"({first}): "
            lines.append(indent(several + text))
        return "\n  ".join([f"{self._get_name()}(", *lines]) + "\n)"


class ModuleDict(Module):
    """Modules under names of one's choice, in the order they were added.

    >>> from tensor_core import nn
    >>> heads = nn.ModuleDict({"a": nn.Identity()})
    >>> list(heads.keys()), heads["a"](3)
    (['a'], 3)
    """

    def __init__(self, modules: Mapping[str, Module] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key: str) -> Any:
        return self._modules[key]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        del self._modules[key]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, key: object) -> bool:
        return key in self._modules

    def clear(self) -> None:
        """Remove every module."""
        self._modules.clear()

    def pop(self, key: str) -> Any:
        """Remove and return one module."""
        return self._modules.pop(key)

    def keys(self) -> Any:
        """The names."""
        return self._modules.keys()

    def items(self) -> Any:
        """Pairs of name and module."""
        return self._modules.items()

    def values(self) -> Any:
        """The modules."""
        return self._modules.values()

    def update(self, modules: Any) -> None:
        """Add the modules of a mapping or of (name, module) pairs; same names are replaced."""
        if not isinstance(modules, Iterable):
            raise TypeError(
                "ModuleDict.update should be called with an iterable of key/value pairs, but got "
                f"{type(modules).__name__}"
            )
        for key, module in modules.items() if hasattr(modules, "items") else modules:
            self[key] = module


class Container(Module):
    """The old base class of containers; it warns. Any module holds modules.

    >>> import warnings; warnings.simplefilter("ignore")
    >>> Container(a=Sequential())
    Container(
      (a): Sequential()
    )
    """

    def __init__(self, **kwargs: Any) -> None:
        warnings.warn(
            "`nn.Container` is deprecated. All of its functionality is now implemented in "
            "`nn.Module`. Subclass that instead.",
            FutureWarning,
            stacklevel=2,
        )
        super().__init__()
        for name, module in kwargs.items():
            self.add_module(name, module)
