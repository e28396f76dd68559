"""The number of threads of the OpenBLAS that NumPy brings; elsewhere BLAS is left alone."""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np


@cache
def _functions() -> tuple[Any, Any] | None:
    """OpenBLAS's (set, get) functions, or ``None`` when NumPy uses another library."""
    root = Path(np.__file__).parent
    folders = (root.parent / "numpy.libs", root / ".dylibs")
    for path in (p for folder in folders if folder.is_dir() for p in folder.iterdir()):
        if "openblas" not in path.name:
            continue
        library = ctypes.CDLL(str(path))  # NumPy has loaded it: this is the same one
        for prefix, suffix in (("scipy_", "64_"), ("scipy_", ""), ("", "64_"), ("", "")):
            name = f"{prefix}openblas_%s_num_threads{suffix}"
            if hasattr(library, name % "set"):
                return getattr(library, name % "set"), getattr(library, name % "get")
    return None


def set_threads(n: int) -> None:
    """Let matrix products use ``n`` threads."""
    found = _functions()
    if found is not None:
        found[0](n)


def get_threads() -> int | None:
    """How many threads matrix products use; ``None`` when that cannot be told."""
    found = _functions()
    return None if found is None else int(found[1]())
