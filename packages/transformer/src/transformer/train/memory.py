"""Keeping the memory of one step for the next."""

import ctypes
import sys
from functools import cache

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # from glibc's malloc.h


@cache
def keep_freed_memory() -> bool:
    """Tell the C library to keep what is freed; return whether it could be told.

    A step frees what it has computed, and the next one asks for the same sizes again. By default
    glibc gives large blocks back to the system and gets them anew, cleared page by page: a GPT of
    0.8 million parameters spent 30 % of each step on that. Only glibc has this knob.

    >>> keep_freed_memory() == keep_freed_memory()
    True
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    largest_mmap_threshold = 32 * 2**20  # more is refused
    kept = mallopt(_MMAP_THRESHOLD, largest_mmap_threshold)
    return bool(kept and mallopt(_TRIM_THRESHOLD, 2**31 - 1))
