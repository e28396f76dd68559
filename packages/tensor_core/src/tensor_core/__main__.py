"""``python -m tensor_core program.py``: run a PyTorch program, unchanged, on tensor_core."""

from __future__ import annotations

import builtins
import importlib.machinery
import importlib.util
import os
import sys
from types import CodeType, ModuleType
from typing import Any

from ._binding import as_torch
from .version import __version__, gradine

HELP = """\
usage: python -m tensor_core program.py [arguments]
       python -m tensor_core -m module [arguments]
       python -m tensor_core -c "code" [arguments]
       python -m tensor_core - [arguments]           (the program comes on standard input)

Runs a program written for PyTorch with torch bound to tensor_core: `import torch` and every
`import torch.x.y` in it, in its libraries and in the processes it starts with multiprocessing
find Gradine. Everything else is as `python program.py` would have it.

  -h, --help     show this
  -V, --version  show the versions
"""


class _Usage(Exception):
    """A mistake in the command line: one sentence."""


def main(arguments: list[str]) -> int:
    """Run what the command line names; return the exit code, 2 for a mistake in it."""
    first, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if first in ("-h", "--help"):
        print(HELP, end="")
        return 0
    if first in ("-V", "--version"):
        print(f"tensor_core {gradine} (torch {__version__})")
        return 0
    as_torch()
    try:
        code, module, path = _program(first, rest)
    except _Usage as mistake:
        print(f"tensor_core: {mistake}", file=sys.stderr)
        return 2
    except SyntaxError as error:
        sys.excepthook(type(error), error.with_traceback(None), None)
        return 1
    _put_first(path)
    return _run(code, module)


def _program(first: str, rest: list[str]) -> tuple[CodeType, ModuleType, str | None]:
    """The code to run, the module it runs in, and what comes first on ``sys.path``."""
    if first in ("-m", "-c") and not rest:
        raise _Usage(f"argument expected for the {first} option")
    if first == "-m":
        _put_first(os.getcwd())  # the module may be there
        return _module(rest[0], rest)
    if first == "-c":
        sys.argv = ["-c", *rest[1:]]
        return compile(rest[0], "<string>", "exec"), _fresh(), ""
    if first == "-":
        sys.argv = [first, *rest]
        return compile(sys.stdin.read(), "<stdin>", "exec"), _fresh(), ""
    if not first:
        raise _Usage("name a program: python -m tensor_core program.py (--help says more)")
    if first.startswith("-"):
        raise _Usage(f"unknown option {first}; options for Python go before -m tensor_core")
    sys.argv = [first, *rest]
    return _script(first)


def _script(path: str) -> tuple[CodeType, ModuleType, str | None]:
    whole = os.path.abspath(path)
    if not os.path.exists(path):
        raise _Usage(f"can't open file {whole!r}: no such file")
    container = importlib.machinery.PathFinder.find_spec("__main__", [whole])
    if container is not None:  # a folder or an archive that holds __main__.py
        return *_of_spec(container), whole
    if os.path.isdir(path):
        raise _Usage(f"can't find '__main__' module in {whole!r}")
    loader = importlib.machinery.SourceFileLoader("__main__", whole)
    try:
        source = loader.get_data(whole)
    except OSError as error:
        raise _Usage(f"can't open file {whole!r}: {error.strerror}") from None
    code = compile(source, whole, "exec", dont_inherit=True)
    module = _fresh(__file__=whole, __cached__=None, __loader__=loader)
    return code, module, os.path.dirname(os.path.realpath(path))


def _module(name: str, rest: list[str]) -> tuple[CodeType, ModuleType, str | None]:
    try:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations is not None:
            spec = importlib.util.find_spec(f"{name}.__main__")
    except ModuleNotFoundError:
        spec = None
    if spec is None or spec.loader is None:
        raise _Usage(f"no module named {name}, or it is a package without a __main__")
    sys.argv = [spec.origin or name, *rest[1:]]
    return *_of_spec(spec), os.getcwd()


def _of_spec(spec: importlib.machinery.ModuleSpec) -> tuple[CodeType, ModuleType]:
    loader: Any = spec.loader
    code = loader.get_code(spec.name) if hasattr(loader, "get_code") else None
    if code is None:
        raise _Usage(f"{spec.name} is not a Python module that can be run")
    named = {"__file__": spec.origin, "__cached__": spec.cached, "__package__": spec.parent}
    return code, _fresh(__spec__=spec, __loader__=loader, **named)


def _fresh(**fields: Any) -> ModuleType:
    """A module ``__main__`` with the names Python gives it."""
    module = ModuleType("__main__")
    module.__dict__.update(__builtins__=builtins, **fields)
    return module


def _put_first(path: str | None) -> None:
    """Replace the folder that ``python -m`` put first; under ``-P`` it put none."""
    if path is not None and not sys.flags.safe_path:
        sys.path[0] = path


def _run(code: CodeType, module: ModuleType) -> int:
    sys.modules["__main__"] = module
    try:
        exec(code, module.__dict__)
    except SystemExit:
        raise
    except BaseException as error:
        here = error.__traceback__
        while here is not None and here.tb_frame.f_code.co_filename == __file__:
            here = here.tb_next  # the reader's traceback begins with the reader's program
        sys.excepthook(type(error), error.with_traceback(here), here)
        return 130 if isinstance(error, KeyboardInterrupt) else 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
