"""Text to bytes and back, such that every Python string comes back as it was."""

import codecs

_KEEP_SURROGATES = "transformer.keep_surrogates"


def to_bytes(text: str) -> bytes:
    """The UTF-8 of ``text``; a lone surrogate, which UTF-8 does not allow, becomes three bytes.

    >>> to_bytes("é"), to_bytes("\\ud800")
    (b'\\xc3\\xa9', b'\\xed\\xa0\\x80')
    """
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def to_text(data: bytes) -> str:
    """The text that ``to_bytes`` made ``data`` of; what is no UTF-8 at all becomes U+FFFD.

    How many U+FFFD follows the Unicode Standard (section 3.9, "maximal subparts"), as in
    ``bytes.decode(errors="replace")``.

    >>> to_text(b"\\xed\\xa0\\x80") == "\\ud800"
    True
    >>> to_text(b"caf\\xc3")
    'caf�'
    """
    return data.decode("utf-8", _KEEP_SURROGATES)


def _surrogate_or_replacement(error: UnicodeError) -> tuple[str, int]:
    """What stands for the bytes that are no UTF-8, and where to go on."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    three = error.object[error.start : error.start + 3]
    try:
        return three.decode("utf-8", "surrogatepass"), error.start + 3
    except UnicodeDecodeError:
        return "\ufffd", error.end


codecs.register_error(_KEEP_SURROGATES, _surrogate_or_replacement)
