"""Text of any length, a piece at a time: read, divided into documents, cut where it may be."""

import codecs
import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from hashlib import sha256
from itertools import islice
from typing import Any, BinaryIO

from transformer.tokenizers.base import Tokenizer
from transformer.tokenizers.beginnings import overlap
from transformer.tokenizers.bytes import ByteTokenizer
from transformer.tokenizers.char import CharTokenizer

PIECE = 1 << 20  # bytes read, and characters encoded, at a time

# Where tokenizers cut in any case: before a space between words, after a lone line break.
_PLACES = re.compile(r"(?<=\w) (?=\w)|(?<=\S)\r?\n(?=\S)")
_MARGIN = 64  # characters at the end that may look different once more text has come
_CONTEXT = 512  # characters on each side that a place is tried with
_TRIES = 32

Cut = tuple[int, int]  # where the head ends and where the tail begins
Encode = Callable[[str], Iterable[Any]]


class Reading:
    """One source as it is read: its name, and what came so far, in bytes and in characters."""

    def __init__(self, name: str) -> None:
        self.name, self.bytes, self.characters = name, 0, 0
        self._digest = sha256()

    def text(
        self, file: BinaryIO, piece: int | None = None, limit: int | None = None
    ) -> Iterator[str]:
        """The file's text, some ``piece`` bytes at a time, never cutting a character.

        No more than ``limit`` bytes are read, if there is one. Raises ValueError naming the
        first byte that is not UTF-8 and where it stands.

        >>> import io
        >>> list(Reading("a").text(io.BytesIO("aé".encode()), piece=2))
        ['a', 'é']
        """
        decoder = codecs.getincrementaldecoder("utf-8")()
        piece = PIECE if piece is None else piece
        while raw := file.read(piece if limit is None else min(piece, limit - self.bytes)):
            self._digest.update(raw)
            yield self._decoded(decoder, raw, final=False)
        if limit is None or self.bytes < limit:
            self._decoded(decoder, b"", final=True)  # complains of half a character at the end

    def facts(self) -> dict[str, Any]:
        """Name, bytes, characters and SHA-256, as JSON-able values.

        >>> Reading("book.txt").facts()["characters"]
        0
        """
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


def documents(texts: Iterable[str], separator: str | None = None) -> Iterator[str | None]:
    """The pieces of one text, and None where a document ends: at each ``separator``, and last.

    The separator itself is left out, even where it lies across pieces. A text that ends in it
    ends there only once.

    >>> list(documents(["one<e", "nd>two"], "<end>"))
    ['one', None, 'two', None]
    """
    waiting, begun = "", False
    for text in texts:
        waiting += text
        *ended, waiting = waiting.split(separator) if separator else [waiting]
        for document in ended:
            if document:
                yield document
            yield None
            begun = False
        kept = len(waiting) - overlap(waiting, separator or "")
        if kept:
            yield waiting[:kept]
            waiting, begun = waiting[kept:], True
    if waiting:
        yield waiting
    if waiting or begun:
        yield None


def encoded(
    pieces: Iterable[str | None],
    tokenizer: Tokenizer,
    separator_id: int | None = None,
    size: int | None = None,
) -> Iterator[list[int]]:
    """The ids of documents that come in pieces, exactly as if each had been encoded whole.

    None ends a document and becomes ``separator_id``. Text that merely looks like a special
    token is ordinary text.

    >>> list(encoded(["ab", "a", None], CharTokenizer("ab|"), separator_id=2))
    [[0, 1, 0], [2]]
    """
    encode = partial(tokenizer.encode, add_special=False, parse_special=False)
    one_by_one = isinstance(tokenizer, CharTokenizer | ByteTokenizer)
    for text in recut(pieces, None if one_by_one else encode, size):
        if text is not None:
            yield encode(text)
        elif separator_id is not None:
            yield [separator_id]


def recut(
    pieces: Iterable[str | None], encode: Encode | None, size: int | None = None
) -> Iterator[str | None]:
    """The same documents in other pieces, cut where ``encode`` takes no notice; None ends one.

    Some ``size`` characters are held at a time, more where there is no place to cut: at worst
    one document. ``encode=None`` may be cut anywhere.

    >>> list(recut(["the cat", " sat", None], encode=list))
    ['the cat sat', None]
    """
    size = PIECE if size is None else size
    waiting, wanted = "", size
    for piece in pieces:
        if piece is None:
            if waiting:
                yield waiting
            yield None
            waiting, wanted = "", size
            continue
        waiting += piece
        if len(waiting) < wanted:
            continue
        cut = safe_cut(waiting, encode)
        if cut is None:
            wanted = 2 * len(waiting)  # look again when there is twice as much
        else:
            yield waiting[: cut[0]]
            waiting, wanted = waiting[cut[1] :], size
    if waiting:
        yield waiting


def safe_cut(text: str, encode: Encode | None) -> Cut | None:
    """Where ``text`` can be cut so that its parts encode as the whole does; None: nowhere found.

    Returns the end of the head and the beginning of the tail. They differ for tokenizers that
    begin every text with a space of their own (SentencePiece's dummy prefix): there the tail
    goes without its space. A place is tried with the text around it before it is believed.

    >>> safe_cut("to be or not to be, that is the question: " * 2, str.split)
    (15, 15)
    """
    if encode is None:
        return len(text), len(text)
    for place in islice(places(text), _TRIES):
        before, after = text[max(0, place - _CONTEXT) : place], text[place : place + _CONTEXT]
        whole, begun = list(encode(before + after)), list(encode(before))
        if begun + list(encode(after)) == whole:
            return place, place
        if after.startswith(" ") and begun + list(encode(after[1:])) == whole:
            return place, place + 1
    return None


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
        cuts = [m.start() if m.group() == " " else m.end() for m in found]
        yield from reversed([cut for cut in cuts if begin <= cut < end])
        end, reach = begin, 4 * reach
