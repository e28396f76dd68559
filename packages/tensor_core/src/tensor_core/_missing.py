"""What happens when a program asks for a name that is not there: it is told the nearest ones."""

from __future__ import annotations

import difflib
import importlib
import opcode
import sys
from collections.abc import Callable, Mapping
from typing import Any

_IMPORT_FROM = opcode.opmap["IMPORT_FROM"]


def shown(module: str) -> str:
    """The name a reader of torch code knows a module of ours by.

    >>> shown("tensor_core.nn.functional")
    'torch.nn.functional'
    """
    return "torch" + module.removeprefix("tensor_core")


def sentence(module: str, name: str, known: Any) -> str:
    """That ``name`` is not in ``module``, and what there is that looks like it.

    >>> sentence("tensor_core.nn", "Linea", ["Linear", "ReLU"])
    "tensor_core has no 'torch.nn.Linea'; the nearest name there is 'Linear'"
    """
    public = list(dict.fromkeys(n for n in known if not n.startswith("_")))
    near = difflib.get_close_matches(name, public, n=3, cutoff=0.6)
    text = f"tensor_core has no '{shown(module)}.{name}'"
    if not near:
        return text
    names = ", ".join(repr(n) for n in near)
    return f"{text}; the nearest name{'s' * (len(near) > 1)} there {_be(near)} {names}"


class _Told:
    """A message that is composed when somebody reads it: most who miss a name only ask."""

    def __init__(self, module: str, name: str, known: list[str]) -> None:
        self.parts = (module, name, known)

    def __str__(self) -> str:
        return sentence(*self.parts)

    __repr__ = __str__


def _be(items: list[str]) -> str:
    return "are" if len(items) > 1 else "is"


def missing(module: str, lazy: Mapping[str, str] | None = None) -> Callable[[str], Any]:
    """A module's ``__getattr__``: imports the names of ``lazy`` when first asked for one.

    ``lazy`` says where they are: ``"package.module"``, or ``"package.module:name"``.

    Any other name raises ``AttributeError`` (``ImportError`` under ``from ... import``), with the
    names that look like it.
    """
    later = lazy or {}

    def __getattr__(name: str) -> Any:
        if name in later:
            place, _, attribute = later[name].partition(":")
            found = importlib.import_module(place)
            found = getattr(found, attribute) if attribute else found
            setattr(sys.modules[module], name, found)
            return found
        if name.startswith("__"):
            raise AttributeError(f"module {module!r} has no attribute {name!r}", name=name)
        known = [*vars(sys.modules[module]), *later]
        caller = sys._getframe(1)
        if caller.f_code.co_code[max(caller.f_lasti, 0)] == _IMPORT_FROM:
            # an AttributeError would become Python's own message, which names no neighbour
            raise ImportError(sentence(module, name, known), name=name)
        raise AttributeError(_Told(module, name, known), name=name)

    return __getattr__


def guard(package: str, lazy: Mapping[str, Mapping[str, str]] | None = None) -> None:
    """Give every public module of the package that is loaded the ``__getattr__`` above.

    ``lazy`` holds, by module, the names that are imported when first asked for.
    """
    for name, module in list(sys.modules.items()):
        public = name.startswith(package + ".") and "._" not in name
        if public and "__getattr__" not in vars(module):
            module.__dict__["__getattr__"] = missing(name, (lazy or {}).get(name))
