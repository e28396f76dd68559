"""``import torch`` finds tensor_core: every ``torch.x.y`` is the module ``tensor_core.x.y``.

The very same object, so that classes, functions and isinstance agree whichever way a program
came by them.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Iterator
from importlib.machinery import ModuleSpec
from importlib.metadata import Distribution, DistributionFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from ._missing import guard, sentence
from .version import __version__

OURS = __name__.partition(".")[0]

# A folder holding one module, torch.py, that binds. Processes started by multiprocessing's
# ``spawn`` get this process's sys.path before they import the program again.
_FOLDER = str(Path(__file__).parent / "_bound")


def place(name: str) -> str:
    """The module of ours that ``torch.name`` stands for.

    >>> place("torch.nn.functional")
    'tensor_core.nn.functional'
    """
    return OURS + name.removeprefix("torch")


class _Alias:
    """A loader that hands out a module which exists already."""

    def __init__(self, module: ModuleType) -> None:
        self.module = module
        self.spec = module.__spec__

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The module itself."""
        return self.module

    def exec_module(self, module: ModuleType) -> None:
        """Nothing is run again; the import system's note of the other name is taken back."""
        module.__spec__ = self.spec


class _TorchDistribution(Distribution):
    """What ``importlib.metadata.version("torch")`` and its like are told."""

    def read_text(self, filename: str) -> str | None:
        """The metadata; no other file exists."""
        if filename != "METADATA":
            return None
        return f"Metadata-Version: 2.1\nName: torch\nVersion: {__version__}\n"

    def locate_file(self, path: Any) -> Any:
        """Where a file of the distribution would lie."""
        return Path(__file__).parent / path


class _Finder(DistributionFinder):
    """Stands first on ``sys.meta_path`` and answers for ``torch`` alone."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """The spec of an alias; ``None`` for what is not torch's."""
        if fullname.partition(".")[0] != "torch":
            return None
        ours = place(fullname)
        try:
            module = importlib.import_module(ours)
        except ModuleNotFoundError as error:
            if error.name is None or not (ours + ".").startswith(error.name + "."):
                raise  # it is there, and lacks something itself
            if sys._getframe(2).f_globals.get("__name__") == "importlib.util":
                return None  # importlib.util.find_spec only asks whether it exists
            raise ModuleNotFoundError(_nearest(fullname), name=fullname) from None
        guard(OURS)
        return ModuleSpec(fullname, _Alias(module), is_package=hasattr(module, "__path__"))  # type: ignore[arg-type]  # a loader by its methods

    def find_distributions(self, context: Any = None) -> Iterable[Distribution]:
        """The distribution ``torch``, if it is asked for."""
        if context is None or context.name in (None, "torch"):
            yield _TorchDistribution()


def _nearest(fullname: str) -> str:
    parent, _, name = fullname.rpartition(".")
    holder = sys.modules.get(parent) or sys.modules[OURS]
    modules = [k for k, v in vars(holder).items() if isinstance(v, ModuleType)]
    return sentence(place(parent), name, [*modules, *_files(holder)])


def _files(module: ModuleType) -> Iterator[str]:
    for folder in getattr(module, "__path__", ()):
        yield from (p.stem for p in Path(folder).iterdir() if p.suffix in ("", ".py"))


class Binding:
    """What :func:`as_torch` returns: a context manager that unbinds at the end of its block."""

    def __enter__(self) -> ModuleType:
        return sys.modules[OURS]

    def __exit__(self, *exc: object) -> None:
        self.undo()

    def undo(self) -> None:
        """Let ``import torch`` mean again what it meant before."""
        sys.meta_path[:] = [f for f in sys.meta_path if not isinstance(f, _Finder)]
        sys.path[:] = [p for p in sys.path if p != _FOLDER]
        for name in [n for n in sys.modules if n.partition(".")[0] == "torch"]:
            del sys.modules[name]

    def __repr__(self) -> str:
        return f"<torch is {OURS} {__version__}>"


def as_torch() -> Binding:
    """Make ``import torch``, and every ``import torch.x.y`` after it, find tensor_core.

    Call it before anything imports torch. It holds to the end of the program, or of a ``with``
    block. Processes started by ``multiprocessing`` have it too; ``python -m tensor_core
    program.py`` does it for a whole program.

    Raises:
        RuntimeError: PyTorch itself is imported already.

    >>> import tensor_core
    >>> with tensor_core.as_torch():
    ...     import torch.nn.functional as F
    ...     import torch
    >>> torch is tensor_core, F is tensor_core.nn.functional
    (True, True)
    """
    package, known = sys.modules[OURS], sys.modules.get("torch")
    if known is not None and known is not package and _is_other(known):
        raise RuntimeError(
            f"as_torch: torch is imported already, from {getattr(known, '__file__', 'elsewhere')}; "
            "call tensor_core.as_torch() before the first import of torch"
        )
    if not any(isinstance(f, _Finder) for f in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
    if _FOLDER not in sys.path:
        sys.path.insert(min(1, len(sys.path)), _FOLDER)  # after the program's own folder
    sys.modules["torch"] = package
    return Binding()


def _is_other(module: ModuleType) -> bool:
    """Whether it is anything but the module of ours that is just being imported to bind."""
    return str(Path(getattr(module, "__file__", None) or "").parent) != _FOLDER
