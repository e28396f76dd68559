"""How this was built, for bug reports."""

from __future__ import annotations

import platform

import numpy as np

from ._threads import get_num_threads
from .version import __version__, gradine


def show() -> str:
    """The versions of what computes.

    >>> import tensor_core as torch
    >>> torch.__config__.show().splitlines()[0]
    'Gradine built with:'
    """
    lines = [
        "Gradine built with:",
        f"  - Python {platform.python_version()}",
        f"  - NumPy {np.__version__}",
        f"  - tensor_core {gradine}, torch's interface {__version__}",
    ]
    return "\n".join(lines) + "\n"


def parallel_info() -> str:
    """How many threads compute."""
    return f"tensor_core.get_num_threads() : {get_num_threads()}\n"
