"""Text files of any length, a piece at a time: read, divided into documents, encoded."""

import codecs
import re
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from transformer.tokenizers.base import Tokenizer
from transformer.tokenizers.bytes import ByteTokenizer
from transformer.tokenizers.char import CharTokenizer

PIECE = 1 << 20  # bytes read, and characters encoded, at a time

Encode = Callable[[str], list[int]]


class Reading:
    """What has been read of one source: bytes, characters, and the SHA-256 of the bytes."""

    def __init__(self, name: str) -> None:
        self.name, self.bytes, self.characters = name, 0, 0
        self._digest = sha256()

    def text(self, file: BinaryIO, piece: int = PIECE) -> Iterator[str]:
        """The file's text, some ``piece`` bytes at a time, never cutting a character.

        Raises ValueError naming the first byte that is not UTF-8 and where it stands.

        >>> import io
        >>> list(Reading("a").text(io.BytesIO("aé".encode()), piece=2))
        ['a', 'é']
        """
        decoder = codecs.getincrementaldecoder("utf-8")()
        while raw := file.read(piece):
            yield self._decoded(decoder, raw, final=False)
            self._digest.update(raw)
        self._decoded(decoder, b"", final=True)  # complains of half a character at the end

    def facts(self) -> dict[str, Any]:
        """Name, bytes, characters and SHA-256, for ``meta.json``."""
        return {
            "name": self.name,
            "bytes": self.bytes,
            "characters": self.characters,
            "sha256": self._digest.hexdigest(),
        }

    def _decoded(self, decoder: codecs.IncrementalDecoder, raw: bytes, final: bool) -> str:
        waiting = len(decoder.getstate()[0])  # the beginning of a character, from before
        try:
            text = decoder.decode(raw, final)
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{self.name} is not UTF-8: byte 0x{error.object[error.start]:02x} at offset "
                f"{self.bytes - waiting + error.start}; convert it to UTF-8 first"
            ) from None
        self.bytes += len(raw)
        self.characters += len(text)
        return text


def documents(texts: Iterable[str], separator: str | None) -> Iterator[str | None]:
    """The pieces of one text, with None where a document ends: at each ``separator``, and last.

    The separator itself is left out, wherever the pieces cut it. A text that ends in it ends
    there only once.

    >>> list(documents(["one<e", "nd>two"], "<end>"))
    ['one', None, 'two', None]
    """
    waiting, begun = "", False
    for text in texts:
        waiting += text
        if separator:
            *ended, waiting = waiting.split(separator)
            for document in ended:
                if document:
                    yield document
                yield None
                begun = False
        kept = len(waiting) - _overlap(waiting, separator)
        if kept:
            yield waiting[:kept]
            waiting, begun = waiting[kept:], True
    if waiting:
        yield waiting
        begun = True
    if begun:
        yield None


def encoded(
    pieces: Iterable[str | None],
    tokenizer: Tokenizer,
    separator_id: int | None = None,
    size: int = PIECE,
) -> Iterator[list[int]]:
    """The ids of documents that come in pieces, exactly as if each had been encoded whole.

    None ends a document and becomes ``separator_id``. Text that merely looks like a special
    token is ordinary text. Some ``size`` characters are held at a time, more only where there
    is no safe place to cut.

    >>> from transformer import CharTokenizer
    >>> list(encoded(["ab", "a", None], CharTokenizer("ab|"), separator_id=2))
    [[0, 1, 0], [2]]
    """
    encode = ordinary(tokenizer)
    waiting, wanted = "", size
    for piece in pieces:
        if piece is not None:
            waiting += piece
            if len(waiting) < wanted:
                continue
            cut = safe_cut(waiting, tokenizer)
            if cut is None:
                wanted = 2 * len(waiting)  # look again when there is twice as much
                continue
            yield encode(waiting[: cut[0]])
            waiting, wanted = waiting[cut[1] :], size
            continue
        if waiting:
            yield encode(waiting)
        if separator_id is not None:
            yield [separator_id]
        waiting, wanted = "", size
    if waiting:
        yield encode(waiting)


def ordinary(tokenizer: Tokenizer) -> Encode:
    """Encoding as ordinary text: no token added, none made of text that looks special."""
    return lambda text: tokenizer.encode(text, add_special=False, parse_special=False)


# Where pre-tokenizers cut in any case: before a space between words, after a lone line break.
_PLACES = re.compile(r"(?<=\w) (?=\w)|(?<=\S)\r?\n(?=\S)")
_MARGIN = 64  # characters at the end that may look different once more text has come
_CONTEXT = 512  # characters on each side that a place is tried with
_TRIES = 32


def places(text: str) -> Iterator[int]:
    """Where ``text`` can probably be cut, from the last place backwards.

    >>> list(places("a bc\\nd" + 64 * "."))
    [5, 1]
    """
    end, reach = len(text) - _MARGIN, 1024
    while end > 0:
        begin = max(0, end - reach)
        # One character more on each side, so that what stands around a place is seen.
        found = _PLACES.finditer(text, max(0, begin - 1), end + 1)
        cuts = [m.end() if m.group() != " " else m.start() for m in found]
        yield from reversed([cut for cut in cuts if begin <= cut < end])
        end, reach = begin, 4 * reach


def safe_cut(text: str, tokenizer: Tokenizer) -> tuple[int, int] | None:
    """Where ``text`` can be cut so that its parts encode as the whole does; None: nowhere found.

    Returns the end of the head and the beginning of the tail. They differ where the tokenizer
    begins every text with a space of its own (SentencePiece's dummy prefix): then the tail goes
    without its space. Each place is tried before it is believed.

    >>> from transformer import CharTokenizer
    >>> safe_cut("abc", CharTokenizer("abc"))
    (3, 3)
    """
    if isinstance(tokenizer, CharTokenizer | ByteTokenizer):
        return len(text), len(text)
    encode = ordinary(tokenizer)
    for place in islice(places(text), _TRIES):
        before, after = text[max(0, place - _CONTEXT) : place], text[place : place + _CONTEXT]
        whole, begun = encode(before + after), encode(before)
        if begun + encode(after) == whole:
            return place, place
        if after.startswith(" ") and begun + encode(after[1:]) == whole:
            return place, place + 1
    return None


def _overlap(text: str, separator: str | None) -> int:
    """How many characters at the end of ``text`` may be the beginning of ``separator``."""
    if not separator:
        return 0
    longest = min(len(text), len(separator) - 1)
    return next((n for n in range(longest, 0, -1) if separator.startswith(text[-n:])), 0)


def open_source(path: str | Path) -> BinaryIO:
    """A file to read bytes from; a missing one and a folder are said in one sentence.

    >>> open_source("no-such-file")
    Traceback (most recent call last):
    FileNotFoundError: there is no file 'no-such-file'
    """
    try:
        return open(path, "rb")
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no file {str(path)!r}") from None
    except IsADirectoryError:
        raise IsADirectoryError(f"{str(path)!r} is a folder; give the files in it") from None
