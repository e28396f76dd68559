"""Text files to make tokens of: all found first, then read as often as it takes."""

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO

from transformer.data.stream import Reading, documents

STDIN = "standard input"


class TextFiles:
    """Files, or standard input (``"-"``), as one long row of documents, ``piece`` bytes at a time.

    A document ends with its file, and at each ``separator`` within. Standard input is copied to
    a temporary file if it is to be read ``again``. Raises FileNotFoundError or IsADirectoryError
    for what is no file, before anything is read.

    >>> path = Path(tempfile.mkdtemp()) / "book.txt"
    >>> _ = path.write_text("one|two")
    >>> files = TextFiles([path], separator="|")
    >>> list(files.pieces()), files.size
    (['one', None, 'two', None], 7)
    """

    def __init__(
        self,
        paths: Sequence[str | Path],
        separator: str | None = None,
        *,
        again: bool = False,
        piece: int | None = None,
    ) -> None:
        self.piece = piece
        self.paths = [str(path) for path in paths]
        self.separator = separator
        self.documents = 0  # in the latest reading, as the next two
        self.read = 0  # bytes
        self.sources: list[Reading] = []
        for path in self.paths:
            if path != "-":
                _open(path).close()
        self._copy = _copied() if again and "-" in self.paths else None

    @property
    def size(self) -> int | None:
        """How many bytes there are to read; None as long as standard input does not say.

        >>> TextFiles([]).size
        0
        """
        if "-" in self.paths and self._copy is None:
            return None
        copied = self._copy.seek(0, 2) if self._copy else 0
        return sum(copied if path == "-" else Path(path).stat().st_size for path in self.paths)

    def pieces(
        self, on_read: Callable[[int], object] | None = None, limit: int | None = None
    ) -> Iterator[str | None]:
        """All text from the first file to the last, in pieces; None ends a document.

        ``on_read(bytes)`` is told how many bytes have been read so far; after ``limit`` bytes
        the text ends. Raises ValueError naming
        the file and the place where text is not UTF-8.

        >>> list(TextFiles([]).pieces())
        []
        """
        self.documents, self.read, self.sources = 0, 0, []
        for path in self.paths:
            left = None if limit is None else limit - self.read
            if left == 0:
                return
            reading = Reading(STDIN if path == "-" else path)
            self.sources.append(reading)
            texts = self._texts(path, reading, on_read, left)
            for piece in documents(texts, self.separator):
                self.documents += piece is None
                yield piece

    def facts(self) -> dict[str, Any]:
        """What has been read, as JSON-able values.

        >>> TextFiles([]).facts()
        {'documents': 0, 'characters': 0, 'bytes': 0, 'sources': []}
        """
        return {
            "documents": self.documents,
            "characters": sum(source.characters for source in self.sources),
            "bytes": sum(source.bytes for source in self.sources),
            "sources": [source.facts() for source in self.sources],
        }

    def _texts(
        self,
        path: str,
        reading: Reading,
        on_read: Callable[[int], object] | None,
        limit: int | None,
    ) -> Iterator[str]:
        before = self.read
        with self._opened(path) as file:
            for text in reading.text(file, self.piece, limit):
                self.read = before + reading.bytes
                if on_read is not None:
                    on_read(self.read)
                yield text

    def _opened(self, path: str) -> AbstractContextManager[BinaryIO]:
        if path != "-":
            return _open(path)
        if self._copy is None:
            return nullcontext(sys.stdin.buffer)
        self._copy.seek(0)
        return nullcontext(self._copy)


def _open(path: str) -> BinaryIO:
    """The file to read; a missing one and a folder are said in one sentence."""
    try:
        return open(path, "rb")
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no file {path!r}") from None
    except IsADirectoryError:
        raise IsADirectoryError(f"{path!r} is a folder; give the files in it") from None


def _copied() -> BinaryIO:
    """All of standard input, on the disk."""
    copy = tempfile.TemporaryFile()  # noqa: SIM115 - read again and again
    shutil.copyfileobj(sys.stdin.buffer, copy)
    copy.flush()
    return copy  # type: ignore[return-value]
