"""What the numbers were measured on."""

from __future__ import annotations

import os
import platform
import sys
from importlib import metadata
from pathlib import Path
from typing import Any


def machine() -> dict[str, Any]:
    """Return processor, cores, system and versions, for the head of every report."""
    names = ("numpy", "torch", "numba", "mkl", "micrograd")
    return {
        "processor": processor(),
        "cores": usable_cores(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "busy": busy_cores(),
        "versions": {name: version for name in names if (version := version_of(name))},
    }


def usable_cores() -> int:
    """Return how many processors this process may run on."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def busy_cores() -> float | None:
    """Return how many cores other work kept busy over the last minute, where the system tells."""
    return round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None


def processor() -> str:
    """Return the processor's marketing name where the system tells it."""
    table = Path("/proc/cpuinfo")
    if table.exists():
        for line in table.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def version_of(name: str) -> str | None:
    """Return the installed version of a distribution, or None."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def loaded_libraries() -> list[str]:
    """Return the thread pools this process has loaded, as "openblas 2 threads (SkylakeX)"."""
    from threadpoolctl import threadpool_info

    return sorted(
        f"{pool['internal_api']} {pool['num_threads']} threads"
        + (f" ({pool['architecture']})" if pool.get("architecture") else "")
        for pool in threadpool_info()
    )
