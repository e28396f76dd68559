"""Turning a signal into a polite request to stop."""

import signal
from threading import current_thread, main_thread
from types import FrameType
from typing import Any

_POLITE = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Within the block, Ctrl-C and SIGTERM only set :attr:`signal`; a second one acts at once.

    A step cut in half cannot be saved; one more step can be waited for.

    >>> with Interruption() as interruption:
    ...     signal.raise_signal(signal.SIGTERM)
    ...     interruption.signal == signal.SIGTERM
    True
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Interruption":
        if current_thread() is main_thread():  # Python lets no other thread take signals
            self._before = {number: signal.signal(number, self._note) for number in _POLITE}
        return self

    def __exit__(self, *_: object) -> None:
        self._restore()

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.signal = number
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}
