"""Engines by name; each adapter imports its framework only when it is asked for."""

import importlib
import sys
from collections.abc import Callable, Sequence
from typing import Any

from gradcheck.engines.base import Engine, Misuse
from gradcheck.engines.numpy_pairs import NumpyPairs, Pair
from gradcheck.engines.scalar_value import ScalarValue
from gradcheck.engines.torch_like import TorchLike
from gradcheck.forward import Array


def _import(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(f"the {name} engine needs the package {name} installed") from error


_MAKERS: dict[str, Callable[[], Engine]] = {
    "numpy": NumpyPairs,
    "tensor_core": lambda: TorchLike(_import("tensor_core"), "tensor_core"),
    "torch": lambda: TorchLike(_import("torch"), "torch"),
    "scalar_value": lambda: ScalarValue(_import("scalar_value")),
}
_made: dict[str, Engine] = {}


def register_engine(name: str, make: Callable[[], Engine]) -> None:
    """Make an engine of your own known by name.

    >>> register_engine("pairs", NumpyPairs)
    >>> get_engine("pairs").name
    'numpy'
    """
    _MAKERS[name] = make
    _made.pop(name, None)


def get_engine(engine: Any) -> Engine:
    """The adapter for a name; an adapter is returned as it is.

    Raises ValueError for an unknown name and ImportError when the framework is missing.
    """
    if not isinstance(engine, str):
        return engine
    if engine not in _MAKERS:
        raise ValueError(f"no engine named {engine!r}; known: {', '.join(sorted(_MAKERS))}, auto")
    if engine not in _made:
        _made[engine] = _MAKERS[engine]()
    return _made[engine]


def guess_engine(f: Any, primals: Sequence[Array]) -> Engine:
    """The engine of ``f``: a pair, or the first imported framework whose arrays ``f`` accepts.

    Raises ValueError when none fits.
    """
    if callable(getattr(f, "vjp", None)) and not hasattr(f, "cases"):
        return get_engine("numpy")
    home = str(getattr(f, "__module__", "")).split(".")[0]
    names = [n for n in ("tensor_core", "torch", "scalar_value") if n in sys.modules]
    names.sort(key=lambda name: name != home)
    for name in names:
        engine = get_engine(name)
        try:
            engine.value(f, primals)
        except Exception:
            continue
        return engine
    tried = ", ".join(names) or "none is imported"
    raise ValueError(
        f"no engine fits this function (tried: {tried}); name one with engine=..., "
        "or use check_vjp for a NumPy pair"
    )


__all__ = [
    "Engine",
    "Misuse",
    "NumpyPairs",
    "Pair",
    "get_engine",
    "guess_engine",
    "register_engine",
]
