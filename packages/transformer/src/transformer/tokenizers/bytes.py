"""One byte, one token."""

from collections.abc import Iterable
from typing import Any

from transformer.tokenizers.base import NoSpecialTokens
from transformer.tokenizers.utf8 import to_bytes, to_text


class ByteTokenizer(NoSpecialTokens):
    """A tokenizer whose 256 tokens are the bytes of UTF-8: any text, nothing to learn first.

    >>> tokenizer = ByteTokenizer()
    >>> tokenizer.encode("né")
    [110, 195, 169]
    >>> tokenizer.decode([110, 195, 169])
    'né'
    """

    @property
    def vocab_size(self) -> int:
        """256.

        >>> ByteTokenizer().vocab_size
        256
        """
        return 256

    def encode(
        self, text: str, *, add_special: bool = False, parse_special: bool = True
    ) -> list[int]:
        """The bytes of ``text``; there are no special tokens to add or to parse.

        >>> ByteTokenizer().encode("hi")
        [104, 105]
        """
        return list(to_bytes(text))

    def decode(self, ids: Iterable[int], *, skip_special: bool = False) -> str:
        """The text of the bytes ``ids``; what is no UTF-8 becomes U+FFFD.

        Raises ValueError for an id outside ``range(256)``.

        >>> ByteTokenizer().decode([104, 105, 195])
        'hi�'
        """
        return to_text(self.decode_bytes(ids))

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """The bytes ``ids``. Raises ValueError for an id outside ``range(256)``.

        >>> ByteTokenizer().decode_bytes([195])
        b'\\xc3'
        """
        ids = list(ids)
        try:
            return bytes(ids)
        except ValueError:
            wrong = next(i for i in ids if not 0 <= i < 256)
            raise ValueError(f"decode: id {wrong} is no byte (ids 0 to 255)") from None

    def to_dict(self) -> dict[str, Any]:
        """All there is to know, as JSON-able values.

        >>> ByteTokenizer().to_dict()
        {'type': 'bytes'}
        """
        return {"type": "bytes"}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "ByteTokenizer":
        """The tokenizer ``to_dict`` described. Raises ValueError for another kind.

        >>> ByteTokenizer.from_dict({"type": "bytes"}) == ByteTokenizer()
        True
        """
        if values.get("type") != "bytes":
            raise ValueError(
                f"ByteTokenizer.from_dict: expected type 'bytes', got {values.get('type')!r}"
            )
        return cls()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ByteTokenizer) or NotImplemented

    def __hash__(self) -> int:
        return hash(ByteTokenizer)

    def __repr__(self) -> str:
        return "ByteTokenizer()"
