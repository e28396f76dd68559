"""One character, one token."""

from collections.abc import Iterable
from typing import Any

from transformer.tokenizers.base import NoSpecialTokens
from transformer.tokenizers.utf8 import to_bytes


class CharTokenizer(NoSpecialTokens):
    """A tokenizer whose tokens are characters (Unicode code points), numbered in order.

    Without ``unknown``, a character outside the vocabulary is an error; with it, that character
    (one of the vocabulary) stands in for every other. Raises ValueError when ``chars`` holds
    anything but distinct single characters, or does not hold ``unknown``.

    >>> tokenizer = CharTokenizer("abc?", unknown="?")
    >>> tokenizer.encode("cab!")
    [2, 0, 1, 3]
    >>> tokenizer.decode([2, 0, 1, 3])
    'cab?'
    """

    def __init__(self, chars: Iterable[str], unknown: str | None = None) -> None:
        self.chars = tuple(chars)
        self.unknown = unknown
        self._id_of = {char: i for i, char in enumerate(self.chars)}
        self._char_of = dict(enumerate(self.chars))  # a dict: a list would take negative ids
        for char in self.chars:
            if not isinstance(char, str) or len(char) != 1:
                raise ValueError(f"CharTokenizer: {char!r} is not a single character")
        if len(self._id_of) != len(self.chars):
            twice = next(c for i, c in enumerate(self.chars) if self._id_of[c] != i)
            raise ValueError(f"CharTokenizer: {_named(twice)} stands twice among the characters")
        if unknown is not None:
            self._stand_in(unknown)

    @classmethod
    def from_text(cls, text: str, unknown: str | None = None) -> "CharTokenizer":
        """The tokenizer of all characters of ``text``, and of ``unknown`` when given, sorted.

        Raises ValueError when ``text`` is empty.

        >>> CharTokenizer.from_text("hello").chars
        ('e', 'h', 'l', 'o')
        """
        if not text:
            raise ValueError("CharTokenizer.from_text: the text is empty, so there are no tokens")
        return cls(sorted({*text, *([unknown] if unknown is not None else [])}), unknown)

    @property
    def vocab_size(self) -> int:
        """How many characters the vocabulary has.

        >>> CharTokenizer.from_text("hello").vocab_size
        4
        """
        return len(self.chars)

    def encode(
        self,
        text: str,
        *,
        add_special: bool = False,
        parse_special: bool = True,
        unknown: str | None = None,
    ) -> list[int]:
        """The id of every character of ``text``; ``unknown`` overrides the tokenizer's own.

        There are no special tokens to add or to parse. Raises ValueError naming the first
        character outside the vocabulary and its position.

        >>> CharTokenizer.from_text("hello").encode("hole")
        [1, 3, 2, 0]
        """
        unknown = self.unknown if unknown is None else unknown
        if unknown is not None:
            stand_in, id_of = self._stand_in(unknown), self._id_of
            return [id_of.get(char, stand_in) for char in text]
        try:
            return list(map(self._id_of.__getitem__, text))
        except KeyError as error:
            char = error.args[0]
            raise ValueError(
                f"encode: {_named(char)} at position {text.index(char)} is not among the "
                f"{self.vocab_size} characters of the vocabulary; leave it out, or pass "
                f"unknown='?' (any character of the vocabulary) to replace it"
            ) from None

    def decode(self, ids: Iterable[int], *, skip_special: bool = False) -> str:
        """The characters of ``ids``, joined.

        Raises ValueError for an id outside ``range(vocab_size)``.

        >>> CharTokenizer.from_text("hello").decode([1, 3, 2, 0])
        'hole'
        """
        try:
            return "".join(map(self._char_of.__getitem__, ids))
        except KeyError as error:
            raise ValueError(
                f"decode: id {error.args[0]} is outside the vocabulary of {self.vocab_size} "
                f"characters (ids 0 to {self.vocab_size - 1})"
            ) from None

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """The UTF-8 of the characters of ``ids``, joined.

        Raises ValueError for an id outside ``range(vocab_size)``.

        >>> CharTokenizer("aé").decode_bytes([1])
        b'\\xc3\\xa9'
        """
        return to_bytes(self.decode(ids))

    def to_dict(self) -> dict[str, Any]:
        """All there is to know, as JSON-able values.

        >>> CharTokenizer("ab").to_dict()
        {'type': 'char', 'chars': ['a', 'b'], 'unknown': None}
        """
        # A list, not one string: JSON would join two lone surrogates into one character.
        return {"type": "char", "chars": list(self.chars), "unknown": self.unknown}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "CharTokenizer":
        """The tokenizer ``to_dict`` described.

        Raises ValueError when ``values`` does not describe a CharTokenizer.

        >>> CharTokenizer.from_dict({"type": "char", "chars": ["a", "b"]}).encode("ba")
        [1, 0]
        """
        if values.get("type") != "char" or not isinstance(values.get("chars"), list):
            raise ValueError(
                "CharTokenizer.from_dict: expected {'type': 'char', 'chars': [...]}, got "
                f"type {values.get('type')!r} and keys {sorted(values)}"
            )
        return cls(values["chars"], values.get("unknown"))

    def _stand_in(self, unknown: str) -> int:
        """The id of the replacement character."""
        if unknown not in self._id_of:
            raise ValueError(
                f"CharTokenizer: the replacement {unknown!r} is itself not in the vocabulary of "
                f"{self.vocab_size} characters; choose one of them"
            )
        return self._id_of[unknown]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CharTokenizer):
            return NotImplemented
        return (self.chars, self.unknown) == (other.chars, other.unknown)

    def __hash__(self) -> int:
        return hash((self.chars, self.unknown))

    def __repr__(self) -> str:
        return f"CharTokenizer({self.vocab_size} characters, unknown={self.unknown!r})"


def _named(char: str) -> str:
    """The character as a reader can find it: itself and its code point."""
    return f"the character {char!r} (U+{ord(char):04X})"
