"""OpenMP: not used; the threads are BLAS's and Python's."""

from __future__ import annotations


def is_available() -> bool:
    """Whether OpenMP is used: no.

    >>> import tensor_core as torch
    >>> torch.backends.openmp.is_available()
    False
    """
    return False
