"""What every tokenizer can do."""

from collections.abc import Iterable
from typing import Any, Protocol, runtime_checkable

# The special tokens that end a turn or a text in the models there are, beside their own eos.
# A model that writes one has finished its answer, whatever its file calls the token.
END_TOKENS = frozenset(
    {
        "<|endoftext|>",
        "<|end_of_text|>",
        "</s>",
        "<|im_end|>",
        "<|eot_id|>",
        "<|eom_id|>",
        "<end_of_turn>",
        "<|end|>",
        "<|eot|>",
        "<EOT>",
    }
)


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

    @property
    def special_tokens(self) -> dict[str, int]:
        """The tokens that stand for no text of their own, such as ``<|endoftext|>``, by name."""
        ...

    @property
    def bos_id(self) -> int | None:
        """The id that begins a text, if there is one."""
        ...

    @property
    def eos_id(self) -> int | None:
        """The id that ends a text, if there is one."""
        ...

    @property
    def stop_ids(self) -> frozenset[int]:
        """The ids after which an answer is complete: end of text and end of turn."""
        ...

    @property
    def chat_template(self) -> str | None:
        """The Jinja2 template that writes a conversation as text, if there is one."""
        ...

    def encode(
        self, text: str, *, add_special: bool = False, parse_special: bool = True
    ) -> list[int]:
        """The ids of ``text``, such that ``decode`` gives ``text`` back.

        ``add_special`` puts the ids around it that the model expects at the beginning and end of a
        text. With ``parse_special=False``, ``"<|endoftext|>"`` in ``text`` is text like any other:
        right for text that a stranger wrote.
        """
        ...

    def decode(self, ids: Iterable[int], *, skip_special: bool = False) -> str:
        """The text of ``ids``; bytes that are no UTF-8 become U+FFFD."""
        ...

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """The UTF-8 of ``ids``, which may begin or end within a character."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """All there is to know, as JSON-able values, with the tokenizer's kind under ``"type"``."""
        ...


class NoSpecialTokens:
    """What a tokenizer without special tokens says of them.

    >>> NoSpecialTokens().special_tokens, NoSpecialTokens().eos_id
    ({}, None)
    """

    @property
    def special_tokens(self) -> dict[str, int]:
        """None."""
        return {}

    @property
    def bos_id(self) -> int | None:
        """None: nothing begins a text but its first token."""
        return None

    @property
    def eos_id(self) -> int | None:
        """None: texts end where they end."""
        return None

    @property
    def stop_ids(self) -> frozenset[int]:
        """None."""
        return frozenset()

    @property
    def chat_template(self) -> str | None:
        """None."""
        return None
