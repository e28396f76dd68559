"""cuDNN's switches: kept, and without effect."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

enabled = True
benchmark = False
deterministic = False
allow_tf32 = True
benchmark_limit: int | None = None
fp32_precision = "none"


def is_available() -> bool:
    """Whether cuDNN is there: no.

    >>> import tensor_core as torch
    >>> torch.backends.cudnn.is_available(), torch.backends.cudnn.version()
    (False, None)
    """
    return False


def version() -> int | None:
    """Its version: ``None``, since it is not there."""
    return None


def is_acceptable(tensor: Any) -> bool:
    """Whether cuDNN could compute with a tensor: no."""
    return False


@contextmanager
def flags(
    enabled: bool = False,
    benchmark: bool = False,
    benchmark_limit: int = 10,
    deterministic: bool = False,
    allow_tf32: bool = True,
    fp32_precision: str = "none",
    **more: Any,
) -> Iterator[None]:
    """A block with other switches; they change nothing."""
    yield
