"""The few fused loops that carry training: norms, activations, attention, loss, optimizer steps.

Two versions with the same names and the same results to rounding: NumPy, and Numba (the extra
``fast``). ``GRADINE_KERNELS`` chooses at import (numpy, numba, or auto: Numba where installed);
``use`` switches afterwards. Callers reach a kernel as an attribute of ``active`` at every call.

>>> import numpy as np
>>> active.sum_squares(np.array([3.0, 4.0]))
25.0
"""

import importlib
import importlib.util
import os
import threading
from types import ModuleType
from typing import Any

from . import numpy_kernels

__all__ = ["NAMES", "active", "backend", "use"]

NAMES = tuple(numpy_kernels.__all__)


class _Active:
    """The kernels in use, as attributes; Numba's are imported when the first one is asked for."""

    def __getattr__(self, name: str) -> Any:
        # reached only while a choice is pending: afterwards each kernel is a plain attribute
        if name not in NAMES:
            raise AttributeError(f"kernels.active has no kernel {name!r}; there are {list(NAMES)}")
        _settle()
        return self.__dict__[name]


active = _Active()
_lock = threading.RLock()
_pending: str | None = None
_backend = "numpy"


def use(name: str) -> None:
    """Put the "numpy" or the "numba" kernels (or "auto": Numba where installed) into effect.

    Raises ValueError for another name and ImportError when Numba is asked for but missing.

    >>> before = backend()
    >>> use("numpy"); backend()
    'numpy'
    >>> use(before)
    """
    global _pending
    if name not in ("numpy", "numba", "auto"):
        raise ValueError(f"kernels.use: {name!r} is not one of 'numpy', 'numba', 'auto'")
    _pending = name
    _settle()


def backend() -> str:
    """The name of the kernels in effect, "numpy" or "numba".

    >>> backend() in ("numpy", "numba")
    True
    """
    _settle()
    return _backend


def _settle() -> None:
    """Carry out the pending choice, if there is one."""
    global _pending, _backend
    with _lock:  # threads may meet here at the first kernel of all
        choice, _pending = _pending, None
        if choice is None:
            return
        module: ModuleType = numpy_kernels
        if choice != "numpy" and (choice == "numba" or importlib.util.find_spec("numba")):
            module = importlib.import_module(".numba_kernels", __name__)
        for name in NAMES:
            setattr(active, name, getattr(module, name))
        _backend = module.__name__.rpartition(".")[2].removesuffix("_kernels")


_pending = os.environ.get("GRADINE_KERNELS", "numpy")
