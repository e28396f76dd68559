"""What every tokenizer can do."""

from collections.abc import Iterable
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Tokenizer(Protocol):
    """Text to ids in ``range(vocab_size)`` and back; what models and generation rely on.

    >>> from transformer import CharTokenizer
    >>> isinstance(CharTokenizer.from_text("abc"), Tokenizer)
    True
    """

    @property
    def vocab_size(self) -> int:
        """How many ids there are: every id is in ``range(vocab_size)``."""
        ...

    def encode(self, text: str) -> list[int]:
        """The ids of ``text``, such that ``decode`` gives ``text`` back."""
        ...

    def decode(self, ids: Iterable[int]) -> str:
        """The text of ``ids``."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """All there is to know, as JSON-able values, with the tokenizer's kind under ``"type"``."""
        ...
