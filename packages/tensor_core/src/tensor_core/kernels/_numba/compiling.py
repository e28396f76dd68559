"""How every loop here is compiled, and what arrays it takes.

Numba keeps machine code on disk and renews it when the file of a loop changes, but not when a file
that the loop calls does: after editing ``mathematics.py``, delete this folder's ``__pycache__``.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import float32, int64, njit, types

Array = np.ndarray

# Reductions may be reordered and products fused into sums, which is what makes vectors of them.
# Nothing is assumed about nan and inf: they must come out where they went in.
FAST = {"reassoc", "contract"}
# Without reordering: for code whose exact order of operations is its accuracy.
FUSED = {"contract"}
# Neither: the order of operations is the result.
EXACT: set[str] = set()

F32 = np.dtype(np.float32)

# inputs are declared read-only, so that read-only arrays (memory-mapped weights) are accepted too
IN1 = types.Array(float32, 1, "C", readonly=True)
IN2 = types.Array(float32, 2, "C", readonly=True)
IN3 = types.Array(float32, 3, "C", readonly=True)
STRIDED4 = types.Array(float32, 4, "A", readonly=True)
IDS = types.Array(int64, 1, "C", readonly=True)
OUT1 = types.Array(float32, 1, "C")
OUT2 = types.Array(float32, 2, "C")
OUT3 = types.Array(float32, 3, "C")
OUT4 = types.Array(float32, 4, "A")


def kernel(
    *signature: Any, fastmath: set[str] = FAST
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Compile for one signature at the first call; runs without the interpreter lock.

    Machine code is kept on disk, in ``__pycache__`` or Numba's own cache directory, so that only
    the first process compiles (a second or less a loop) and later ones load (20 ms).
    """

    def decorate(loop: Callable[..., Any]) -> Callable[..., Any]:
        compiled: list[Any] = []

        def call(*args: Any) -> Any:
            if not compiled:
                compiled.append(_compile(loop, signature, fastmath))
            return compiled[0](*args)

        return call

    return decorate


def _compile(loop: Callable[..., Any], signature: Any, fastmath: set[str]) -> Any:
    options: dict[str, Any] = {"nogil": True, "fastmath": fastmath, "error_model": "numpy"}
    try:
        return njit([signature], cache=True, **options)(loop)
    except (RuntimeError, OSError):  # nowhere to write a cache: compile for this process alone
        return njit([signature], **options)(loop)


def takes(*arrays: Array | None) -> bool:
    """Whether the compiled loops take these arrays: aligned, contiguous float32 (or absent)."""
    return all(
        a is None or (a.dtype == F32 and a.flags.c_contiguous and a.flags.aligned) for a in arrays
    )


def takes_strided(*arrays: Array) -> bool:
    """The same for loops that step through arrays of any layout."""
    return all(a.dtype == F32 and a.flags.aligned for a in arrays)
