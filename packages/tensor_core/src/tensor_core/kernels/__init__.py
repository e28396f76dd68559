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
import warnings
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
        return self.__dict__[name]  # set by now, by this thread or by another


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
    before, _pending = _pending, _check(name)
    try:
        _settle()
    except BaseException:
        _pending = before
        raise


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
    with _lock:
        choice = _pending
        if choice is None:
            return
        module = _numba_kernels(choice) if choice != "numpy" else None
        for name in NAMES:
            setattr(active, name, getattr(module or numpy_kernels, name))
        _backend = "numba" if module else "numpy"
        _pending = None


def _numba_kernels(choice: str) -> ModuleType | None:
    """The compiled kernels; None if they were not insisted on and Numba is missing or broken."""
    if importlib.util.find_spec("numba") is None:
        if choice == "auto":
            return None
        raise ImportError("kernels.use('numba'): Numba is missing: pip install tensor_core[fast]")
    try:
        return importlib.import_module(".numba_kernels", __name__)
    except Exception as error:
        if choice == "numba":
            raise
        warnings.warn(f"NumPy's kernels are used, since Numba fails: {error}", stacklevel=4)
        return None


def _check(name: str) -> str:
    if name not in ("numpy", "numba", "auto"):
        raise ValueError(f"kernels.use: {name!r} is not one of 'numpy', 'numba', 'auto'")
    return name


_pending = _check(os.environ.get("GRADINE_KERNELS", "auto"))
