"""Products of large float32 matrices by Intel's MKL, where that was asked for.

NumPy brings OpenBLAS. On Intel processors MKL (the extra ``mkl``) multiplies faster;
``GRADINE_BLAS=mkl`` in the environment chooses it, for threads that multiply with one core each
(:func:`set_num_threads` of 1, as the trainer's workers). Nothing changes unless it is set.
"""

from __future__ import annotations

import ctypes
import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from ._threads import get_num_threads

_F32 = np.dtype(np.float32)
_WORTH = 1 << 20  # multiplications; below, the call costs more than it saves
_ROW_MAJOR, _AS_IS, _TRANSPOSED = 101, 111, 112  # cblas.h
_SEQUENTIAL = 1  # mkl_service.h: MKL_THREADING_SEQUENTIAL


@cache
def _sgemm() -> Any:
    """MKL's ``cblas_sgemm`` on the calling thread alone, or ``None`` when it was not asked for.

    Raises:
        ImportError: ``GRADINE_BLAS`` asks for MKL, which is not installed, or for another library.
    """
    wanted = os.environ.get("GRADINE_BLAS", "numpy")
    if wanted == "numpy":
        return None
    if wanted != "mkl":
        raise ImportError(f"GRADINE_BLAS={wanted!r}: it must be 'numpy' or 'mkl'")
    folders = (Path(sys.prefix) / "lib", Path(sys.prefix) / "Library" / "bin")
    found = [p for folder in folders for p in sorted(folder.glob("*mkl_rt*"))]
    if not found:
        raise ImportError("GRADINE_BLAS=mkl: install the extra, gradine-tensor-core[mkl]")
    library = ctypes.CDLL(str(found[0]))
    library.MKL_Set_Threading_Layer(_SEQUENTIAL)
    function = library.cblas_sgemm
    function.restype = None
    integer, number, address = ctypes.c_int, ctypes.c_float, ctypes.c_void_p
    matrix = (address, integer)
    function.argtypes = (*[integer] * 6, number, *matrix, *matrix, number, *matrix)
    return function


def product(a: Any, b: Any) -> Any:
    """``a @ b`` of two matrices, arrays or Tensors. Shapes: (n, k), (k, m) -> (n, m).

    >>> product(np.ones((2, 3)), np.ones((3, 2))).tolist()
    [[3.0, 3.0], [3.0, 3.0]]
    """
    if type(a) is not np.ndarray or a.dtype != _F32 or get_num_threads() != 1:
        return a @ b
    (n, k), m = a.shape, b.shape[1]
    if n * k * m < _WORTH:
        return a @ b
    sgemm, left, right = _sgemm(), _layout(a), _layout(b)
    if sgemm is None or left is None or right is None or b.dtype != _F32:
        return a @ b
    out = np.empty((n, m), _F32)
    sgemm(_ROW_MAJOR, left[0], right[0], n, m, k, 1.0, _address(a), left[1], _address(b), right[1],
          0.0, _address(out), m)  # fmt: skip
    return out


def _layout(a: np.ndarray) -> tuple[int, int] | None:
    """How BLAS reads a matrix: as it is or transposed, and the distance of its rows."""
    rows, columns = a.strides
    if columns == 4 and rows >= 4 * a.shape[1]:
        return _AS_IS, rows // 4
    if rows == 4 and columns >= 4 * a.shape[0]:
        return _TRANSPOSED, columns // 4
    return None


def _address(a: np.ndarray) -> int:
    return a.__array_interface__["data"][0]
