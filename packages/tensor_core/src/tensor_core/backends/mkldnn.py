"""oneDNN: not used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

enabled = True
deterministic = False
allow_tf32 = True
fp32_precision = "none"


def is_available() -> bool:
    """Whether oneDNN computes: no.

    >>> import tensor_core as torch
    >>> torch.backends.mkldnn.is_available()
    False
    """
    return False


@contextmanager
def flags(enabled: bool = False, *args: Any, **kwargs: Any) -> Iterator[None]:
    """A block with other switches; they change nothing."""
    yield
