"""Memory: how much a run needs, how much there is, and keeping that of one step for the next."""

import ctypes
import os
import sys
from functools import cache
from pathlib import Path

_GROUP = Path("/sys/fs/cgroup")
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


def available_bytes() -> int | None:
    """Return how much memory this process may still take, in bytes; None where none can tell.

    The least of what the system has free or can free at once and what a control group (a
    container's limit) leaves.

    >>> (available_bytes() or 1) > 0
    True
    """
    known = [free for free in (_system_free(), _group_free()) if free is not None]
    return min(known) if known else None


def estimate_bytes(
    parameters: int,
    trained: int,
    tokens: int,
    n_embd: int,
    n_layer: int,
    vocab_size: int,
    scores: int = 0,
) -> int:
    """Return roughly how many bytes a training step needs at its height, in float32.

    All weights once; a gradient and two moments for each that is trained; for every token of a
    piece of the batch what the blocks keep for their derivatives, 22 widths and ``scores``
    attention scores each, and four times the scores over the vocabulary. The factors are measured:
    a GPT or Llama takes from this to half as much again. (Korthikanti et al. 2022, section 4.1,
    count what is kept, in half precision.)

    >>> estimate_bytes(800_000, 800_000, 768, n_embd=128, n_layer=4, vocab_size=65) // 2**20
    45
    """
    kept = tokens * (n_layer * (22 * n_embd + scores) + 4 * vocab_size)
    return 4 * (parameters + 3 * trained + kept)


def check_memory(needed: int, what: str, advice: str) -> None:
    """Raise ``MemoryError`` in one sentence when ``needed`` bytes are more than are free.

    >>> check_memory(1_000, "a page", "write less")  # says nothing: it fits
    """
    free = available_bytes()
    if free is not None and needed > free:
        raise MemoryError(
            f"{what} needs about {readable(needed)}, {readable(free)} are free: {advice}"
        )


def readable(size: float) -> str:
    """Return a number of bytes as a person says it.

    >>> readable(12_300_000_000), readable(4_096)
    ('12.3 GB', '4.1 kB')
    """
    for unit in ("B", "kB", "MB"):
        if size < 999.5:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:,.3g} GB" if size < 999.5 else f"{size:,.0f} GB"


def _system_free() -> int | None:
    """Read what Linux says is available; elsewhere ask POSIX for the free pages."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            table = dict(line.split(":", 1) for line in file)
        return int(table["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        pass
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def _group_free() -> int | None:
    """Read what a control group's limit leaves (version 2, then version 1)."""
    for limit, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        try:
            most, taken = (int((_GROUP / name).read_text()) for name in (limit, used))
            stat = (_GROUP / limit).with_name("memory.stat").read_text()
        except (OSError, ValueError):  # no such group, or its limit is "max"
            continue
        table = dict(line.split() for line in stat.splitlines())
        # Files read earlier count as taken, but give way when memory is asked for.
        return max(most - taken + int(table.get("inactive_file", 0)), 0)
    return None
