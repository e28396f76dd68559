"""What the CPU can do."""

from __future__ import annotations

import numpy as np


def get_cpu_capability() -> str:
    """The widest vector instructions NumPy found: ``"AVX512"``, ``"AVX2"`` or ``"DEFAULT"``.

    >>> import tensor_core as torch
    >>> torch.backends.cpu.get_cpu_capability() in ("AVX512", "AVX2", "DEFAULT")
    True
    """
    config = np.show_config(mode="dicts") or {}
    found = " ".join(config.get("SIMD Extensions", {}).get("found", []))
    return "AVX512" if "AVX512" in found else "AVX2" if "AVX2" in found else "DEFAULT"
