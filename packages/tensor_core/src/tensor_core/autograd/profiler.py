"""torch's older name of :mod:`tensor_core.profiler`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from ..profiler import profile as _profile
from ..profiler import record_function

__all__ = ["emit_nvtx", "profile", "record_function"]


class profile(_profile):
    """Record the time of named blocks; see :class:`tensor_core.profiler.profile`.

    >>> import tensor_core as torch
    >>> with torch.autograd.profiler.profile() as prof:
    ...     pass
    >>> prof.key_averages()
    []
    """

    def __init__(self, enabled: bool = True, **options: Any) -> None:
        super().__init__()
        self._enabled = enabled

    def start(self) -> None:
        """Begin, if it is enabled."""
        if self._enabled:
            super().start()


@contextlib.contextmanager
def emit_nvtx(enabled: bool = True, record_shapes: bool = False) -> Iterator[None]:
    """A block that would mark operations for NVIDIA's profiler: there is no such device."""
    yield
