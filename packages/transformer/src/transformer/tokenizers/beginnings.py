"""What stands at the end of a text and may be only the beginning of something."""

import codecs


def overlap(text: str, word: str) -> int:
    """How many characters at the end of ``text`` ``word`` begins with, but not all of it.

    >>> overlap("to be <en", "<end>"), overlap("to be", "<end>")
    (3, 0)
    """
    longest = min(len(text), len(word) - 1)
    return next((n for n in range(longest, 0, -1) if text.endswith(word[:n])), 0)


def is_unfinished(raw: bytes) -> bool:
    """Whether the bytes end within a character of UTF-8 that more bytes could complete.

    >>> is_unfinished("é".encode()[:1]), is_unfinished("é".encode()), is_unfinished(b"\\xff")
    (True, False, False)
    """
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    decoder.decode(raw[-4:])  # a character has four bytes at most
    return bool(decoder.getstate()[0])
