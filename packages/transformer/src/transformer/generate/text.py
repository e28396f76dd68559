"""From ids, one at a time, to text that is certain."""

from collections.abc import Sequence

from transformer.tokenizers import Tokenizer

UNFINISHED = "\ufffd"  # what a tokenizer of bytes decodes half a character to
LONGEST_CHARACTER = 4  # bytes in UTF-8, so tokens at most


class TextStream:
    """Turns ids into text, keeping back what may be the beginning of a stop string.

    ``push`` and ``finish`` return the text that has become certain; ``stopped`` turns true when a
    stop string appeared, and nothing of it or after it is ever returned. Of several stop strings
    the one complete first counts, and of those the one that begins first.

    >>> from transformer import CharTokenizer
    >>> text = TextStream(CharTokenizer("abc"), stop=["bc"])
    >>> [text.push(i) for i in (0, 1, 1, 2)], text.stopped
    (['a', '', 'b', ''], True)
    """

    def __init__(self, tokenizer: Tokenizer, stop: Sequence[str] = ()) -> None:
        self.tokenizer = tokenizer
        self.stop = tuple(stop)
        self.stopped = False
        self._ids: list[int] = []  # not decoded yet
        self._held = ""  # decoded, but maybe the beginning of a stop string

    def push(self, token: int) -> str:
        """Takes the next id; returns the text that is certain by now, often empty."""
        self._ids.append(token)
        piece = self.tokenizer.decode(self._ids)
        if piece.endswith(UNFINISHED) and len(self._ids) < LONGEST_CHARACTER:
            return ""  # the rest of the character may come with the next token
        self._ids = []
        return self._certain(piece)

    def finish(self) -> str:
        """No more ids come: returns what was still kept back."""
        last = self._certain(self.tokenizer.decode(self._ids)) if self._ids else ""
        held, self._ids, self._held = self._held, [], ""
        return last + held

    def _certain(self, piece: str) -> str:
        """Adds to what is held back and takes off its front what no stop string can begin in."""
        text = self._held + piece
        found = [at for at in (text.find(stop) for stop in self.stop) if at >= 0]
        if found:
            self.stopped, self._held = True, ""
            return text[: min(found)]
        kept = max((_overlap(text, stop) for stop in self.stop), default=0)
        self._held = text[len(text) - kept :]
        return text[: len(text) - kept]


def _overlap(text: str, stop: str) -> int:
    """How long the longest end of ``text`` is that ``stop`` begins with."""
    longest = min(len(text), len(stop) - 1)
    return next((n for n in range(longest, 0, -1) if text.endswith(stop[:n])), 0)
