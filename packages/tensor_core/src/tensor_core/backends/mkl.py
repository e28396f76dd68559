"""Intel's MKL, which multiplies matrices here where it is asked for."""

from __future__ import annotations

import os


def is_available() -> bool:
    """Whether MKL multiplies in this process (environment variable ``GRADINE_BLAS``).

    >>> import tensor_core as torch
    >>> torch.backends.mkl.is_available() in (True, False)
    True
    """
    return os.environ.get("GRADINE_BLAS") == "mkl"
