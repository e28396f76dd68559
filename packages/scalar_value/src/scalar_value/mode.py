"""Whether operations on Values are recorded: a switch of its own for every thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _Recording(threading.local):
    on = True  # where every thread starts


recording = _Recording()


@contextmanager
def _set(on: bool) -> Iterator[None]:
    before = recording.on
    recording.on = on
    try:
        yield
    finally:
        recording.on = before


@contextmanager
def no_grad() -> Iterator[None]:
    """Compute without recording, in this thread: results are leaves, and cost less.

    Works as a ``with`` block and as a decorator, and nests.

    >>> from scalar_value import Value, no_grad
    >>> x = Value(3.0)
    >>> with no_grad():
    ...     y = x * x
    >>> y.parents
    ()
    """
    with _set(False):
        yield


@contextmanager
def enable_grad() -> Iterator[None]:
    """Record again, inside `no_grad`.

    >>> from scalar_value import Value, enable_grad, no_grad
    >>> with no_grad(), enable_grad():
    ...     y = Value(3.0) * 2.0
    >>> len(y.parents)
    1
    """
    with _set(True):
        yield


def is_grad_enabled() -> bool:
    """Whether this thread records operations.

    >>> is_grad_enabled()
    True
    """
    return recording.on
