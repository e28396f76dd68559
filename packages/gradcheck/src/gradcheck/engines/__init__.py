"""Engines by name; each adapter imports its framework only when it is asked for."""

import importlib
import sys
from collections.abc import Callable, Sequence
from typing import Any

from gradcheck.engines.autograd_boxes import Autograd
from gradcheck.engines.base import Engine, Misuse, complete
from gradcheck.engines.guess import first_fit, is_numpys, packages_of
from gradcheck.engines.jax_arrays import Jax
from gradcheck.engines.numpy_pairs import NumpyPairs, Pair
from gradcheck.engines.scalar_value import ScalarValue
from gradcheck.engines.torch_like import TensorCore, Torch
from gradcheck.engines.torch_modules import with_parameters
from gradcheck.forward import Array


def _import(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(f"the {name} engine needs the package {name} installed") from error


_MAKERS: dict[str, Callable[[], Any]] = {
    "numpy": NumpyPairs,
    "tensor_core": lambda: TensorCore(_import("tensor_core"), "tensor_core"),
    "torch": lambda: Torch(_import("torch"), "torch"),
    "jax": lambda: Jax(_import("jax")),
    "autograd": lambda: Autograd(_import("autograd")),
    "scalar_value": lambda: ScalarValue(_import("scalar_value")),
}
_PACKAGES = tuple(name for name in _MAKERS if name != "numpy")
_made: dict[str, Engine] = {}


def register_engine(name: str, make: Callable[[], Any]) -> None:
    """Make an engine of your own known by name; ``make()`` returns the adapter.

    >>> register_engine("pairs", NumpyPairs)
    >>> get_engine("pairs").name
    'numpy'
    """
    if not isinstance(name, str) or name in ("", "auto"):
        raise TypeError(f"name is {name!r}; it must be a str, and not 'auto'")
    if not callable(make):
        raise TypeError(f"make is a {type(make).__name__}; it must be a function or a class")
    _MAKERS[name] = make
    _made.pop(name, None)


def get_engine(engine: Any) -> Engine:
    """The adapter for a name; an adapter is returned as it is, completed where it is a bare one.

    Raises ValueError for an unknown name, ImportError when the framework is missing and TypeError
    for what is no adapter.
    """
    if not isinstance(engine, str):
        return complete(engine)
    if engine not in _MAKERS:
        raise ValueError(f"no engine named {engine!r}; known: {', '.join(sorted(_MAKERS))}, auto")
    if engine not in _made:
        _made[engine] = complete(_MAKERS[engine]())
    return _made[engine]


def guess_engine(f: Any, primals: Sequence[Array]) -> Engine:
    """The engine of ``f``: a pair, the one framework its code speaks of, or the first that works.

    Where the code speaks of several frameworks, or of none, the gradient is tried on each. Raises
    ValueError when none fits, with what was tried, and for a function of plain NumPy, whose
    derivative no framework knows.
    """
    if callable(getattr(f, "vjp", None)) and not hasattr(f, "cases"):
        return get_engine("numpy")
    own = [name for name in _MAKERS if name not in (*_PACKAGES, "numpy")]
    spoken = [name for name in packages_of(f) if name in (*_PACKAGES, *own)]
    if len(spoken) == 1:
        return get_engine(spoken[0])
    if not spoken and is_numpys(f, primals):
        raise ValueError(
            "no engine fits this function: it is plain NumPy, which has no derivatives of its own; "
            "give its rule to check_vjp, or name the engine to try with engine=..."
        )
    names = spoken or [*own, *(name for name in _PACKAGES if name in sys.modules)]
    engine, reasons = first_fit(map(get_engine, names), f, primals)
    if engine is not None:
        return engine
    tried = "; ".join(reasons) or "no framework is imported"
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
    "with_parameters",
]
