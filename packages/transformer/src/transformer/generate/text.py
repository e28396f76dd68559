"""From ids, one at a time, to text that is certain."""

from collections.abc import Sequence

from transformer.tokenizers import Tokenizer
from transformer.tokenizers.beginnings import is_unfinished, overlap


class TextStream:
    """Turns ids into text, keeping back what may be the beginning of a stop string.

    ``push`` and ``finish`` return the text that has become certain; ``stopped_by`` is the stop
    string that appeared, and nothing of it or after it is ever returned. Of several stop strings
    the one complete first counts, and of those the one that begins first. ``prompt`` are the ids
    before the first: some tokenizers write a word differently at the beginning of a text, and a
    prompt may end within a character.

    >>> from transformer import CharTokenizer
    >>> text = TextStream(CharTokenizer("abc"), stop=["bc"])
    >>> [text.push(i) for i in (0, 1, 1, 2)], text.stopped_by
    (['a', '', 'b', ''], 'bc')
    """

    def __init__(
        self, tokenizer: Tokenizer, stop: Sequence[str] = (), prompt: Sequence[int] = ()
    ) -> None:
        self.tokenizer = tokenizer
        self.stop = tuple(stop)
        self.stopped_by: str | None = None
        self.text = ""  # all that has been returned
        whole = len(prompt) - _unfinished_tokens(tokenizer, prompt)
        self._before = list(prompt[max(0, whole - 1) : whole])  # decoded before, for their effect
        self._ids = list(prompt[whole:])  # not decoded yet
        self._held = ""  # decoded, but maybe the beginning of a stop string
        self._ends: list[int] = []  # how long the text is with each new token

    @property
    def stopped(self) -> bool:
        """Whether a stop string has appeared."""
        return self.stopped_by is not None

    def push(self, token: int) -> str:
        """Takes the next id; returns the text that is certain by now, often empty.

        >>> from transformer import ByteTokenizer
        >>> text = TextStream(ByteTokenizer())
        >>> [text.push(byte) for byte in "né".encode()]
        ['n', '', 'é']
        """
        self._ids.append(token)
        self._ends.append(-1)
        if is_unfinished(self.tokenizer.decode_bytes(self._ids)):
            return ""  # the rest of the character may come with the next token
        return self._certain(self._decoded())

    def finish(self) -> str:
        """No more ids come: returns what was still kept back.

        >>> from transformer import CharTokenizer
        >>> text = TextStream(CharTokenizer("abc"), stop=["bc"])
        >>> text.push(1), text.finish()
        ('', 'b')
        """
        last = self._certain(self._decoded()) if self._ids else ""
        held, self._held = self._held, ""
        self.text += held
        return last + held

    def tokens_within_text(self) -> int:
        """How many of the ids pushed lie wholly within the text returned.

        >>> from transformer import CharTokenizer
        >>> text = TextStream(CharTokenizer("abc"), stop=["bc"])
        >>> [text.push(i) for i in (0, 1, 2)], text.tokens_within_text()
        (['a', '', ''], 1)
        """
        kept = len(self.text)
        return next(
            (n for n, end in enumerate(self._ends) if not 0 <= end <= kept), len(self._ends)
        )

    def _decoded(self) -> str:
        """The text of the ids not decoded yet, as it stands after those before."""
        before = self.tokenizer.decode(self._before) if self._before else ""
        piece = self.tokenizer.decode([*self._before, *self._ids])[len(before) :]
        end = len(self.text) + len(self._held) + len(piece)
        self._ends = [end if e < 0 else e for e in self._ends]
        self._before, self._ids = self._ids[-1:], []
        return piece

    def _certain(self, piece: str) -> str:
        """Adds to what is held back and takes off its front what no stop string can begin in."""
        text = self._held + piece
        found = [(at, stop) for stop in self.stop if (at := text.find(stop)) >= 0]
        if found:
            end, self.stopped_by = min(found)
            self._held = ""
        else:
            kept = max((overlap(text, stop) for stop in self.stop), default=0)
            end = len(text) - kept
            self._held = text[end:]
        self.text += text[:end]
        return text[:end]


def _unfinished_tokens(tokenizer: Tokenizer, ids: Sequence[int]) -> int:
    """How many of the last ids make a character that is not complete."""
    for n in range(min(4, len(ids)) + 1):
        if not is_unfinished(tokenizer.decode_bytes(ids[: len(ids) - n][-4:])):
            return n
    return 0
