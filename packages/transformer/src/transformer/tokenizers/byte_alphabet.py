"""GPT-2's way of writing bytes as printable characters: one character for each of the 256 bytes.

Files of vocabularies are text, and a token may be half a character. So each byte that is a visible
character of Latin-1 stands for itself, and the others, in order, for U+0100 and on: a space is
``Ġ``, a newline ``Ċ`` (Radford et al. 2019, "Language Models are Unsupervised Multitask Learners").
"""

from collections.abc import Iterable

_VISIBLE = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
_HIDDEN = [byte for byte in range(256) if byte not in _VISIBLE]

# The bytes in the order of their characters, which is the order of the first 256 ids.
BYTE_ORDER = (*_VISIBLE, *_HIDDEN)

_CHARS = {byte: chr(byte) for byte in _VISIBLE} | {
    byte: chr(256 + i) for i, byte in enumerate(_HIDDEN)
}
_WRITE = {byte: _CHARS[byte] for byte in range(256)}
_READ = {ord(char): chr(byte) for byte, char in _CHARS.items()}
ALPHABET = frozenset(_CHARS.values())


def printable(token: bytes) -> str:
    """The characters that stand for the bytes of ``token``.

    >>> printable(b" the\\n")
    'ĠtheĊ'
    """
    return token.decode("latin-1").translate(_WRITE)


def from_printable(written: str) -> bytes:
    """The bytes that ``written`` stands for.

    A string with any character that stands for no byte is the text of a special token, and gives
    its UTF-8.

    >>> from_printable("ĠtheĊ"), from_printable("<end of text>")
    (b' the\\n', b'<end of text>')
    """
    if ALPHABET.issuperset(written):
        return written.translate(_READ).encode("latin-1")
    return written.encode("utf-8", "surrogatepass")


def read_merge(written: str) -> tuple[bytes, bytes]:
    """The two tokens of a merge that is written in printable characters, with a space between.

    Raises ValueError when it is none.

    >>> read_merge("Ġt he")
    (b' t', b'he')
    """
    left, separator, right = written.partition(" ")
    if not (left and separator and right) or " " in right:
        raise ValueError(f"{written!r} is no merge of two tokens")
    return from_printable(left), from_printable(right)


def read_vocab(written: Iterable[tuple[str, int]]) -> dict[bytes, int]:
    """The ids of the tokens that are written in printable characters.

    Raises ValueError when two of them stand for the same bytes.

    >>> read_vocab([("Ġthe", 5)])
    {b' the': 5}
    """
    vocab: dict[bytes, int] = {}
    for token, i in written:
        if vocab.setdefault(from_printable(token), i) != i:
            raise ValueError(
                f"{token!r} (id {i}) stands for the same bytes as the token with the id "
                f"{vocab[from_printable(token)]}"
            )
    return vocab
