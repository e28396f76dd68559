"""What the exam was sat on."""

import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

NAMES = ("numpy", "torch", "jax", "autograd", "scipy")


def machine() -> dict[str, Any]:
    """Processor, cores, system, Python and the versions of what is installed.

    >>> sorted(machine())
    ['cores', 'processor', 'python', 'system', 'versions']
    """
    return {
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count() or 1,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: version for name in NAMES if (version := version_of(name))},
    }


def processor() -> str:
    """The processor's marketing name where the system tells it."""
    table = Path("/proc/cpuinfo")
    if table.exists():
        for line in table.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def version_of(name: str) -> str | None:
    """The installed version of a distribution, or None."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def described(place: dict[str, Any]) -> str:
    """The machine and its versions as one line."""
    versions = ", ".join(f"{name} {version}" for name, version in place["versions"].items())
    head = f"{place['processor']}, {place['cores']} cores, {place['system']}"
    return f"{head}; Python {place['python']}, {versions}."
