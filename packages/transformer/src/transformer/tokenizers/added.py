"""Tokens that are found in the text as they stand, before anything is split or merged."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

# What may not stand beside a token of ``single_word``: the word characters of Unicode (UTS #18).
_WORD = r"[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]"

# Unicode's White_Space. str.strip without this would also strip U+001C to U+001F.
_SPACES = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)


@dataclass(frozen=True)
class AddedToken:
    """A token that ``text`` always becomes, as Hugging Face's tokenizer.json describes it.

    ``special`` tokens may be skipped in decoding, and are found only where special tokens are
    parsed. ``lstrip`` and ``rstrip`` take the white space on that side with them; ``single_word``
    ones are found only between non-word characters; ``normalized`` ones in the normalised text.

    >>> tokens = [AddedToken("<end>", 7, lstrip=True)]
    >>> list(Finder(tokens).split("so  <end>"))
    [('so', None), ('  <end>', 7)]
    """

    text: str
    id: int
    special: bool = True
    normalized: bool = False
    lstrip: bool = False
    rstrip: bool = False
    single_word: bool = False


class Finder:
    """Finds added tokens in a text: of those that begin first, the longest.

    Without ``parse_special`` the special ones found are text, and what stands within them, too.

    >>> finder = Finder([AddedToken("<a>", 7), AddedToken("<a><b>", 8)])
    >>> list(finder.split("x<a><b><a>y"))
    [('x', None), ('<a><b>', 8), ('<a>', 7), ('y', None)]
    """

    def __init__(self, tokens: Iterable[AddedToken], parse_special: bool = True) -> None:
        self._parse_special = parse_special
        self._tokens = {token.text: token for token in tokens if token.text}
        self._pattern = _any_of(self._tokens) if self._tokens else None

    def split(self, text: str) -> Iterator[tuple[str, int | None]]:
        """The pieces of ``text`` in order, each with its id when it is a token.

        >>> finder = Finder([AddedToken("<end>", 7)], parse_special=False)
        >>> list(finder.split("so<end>"))
        [('so<end>', None)]
        """
        end = 0
        for match in self._pattern.finditer(text) if self._pattern else ():
            token = self._tokens[match.group()]
            if token.special and not self._parse_special:
                continue
            start, stop = match.span()
            if token.single_word and _within_a_word(text, start, stop):
                continue
            if token.lstrip:
                start = end + len(text[end:start].rstrip(_SPACES))
            if token.rstrip:
                stop += _leading_spaces(text, stop)
            if end < start:
                yield text[end:start], None
            if start < stop:  # else the token before has taken all of it, as white space
                yield text[start:stop], token.id
            end = stop
        if end < len(text):
            yield text[end:], None


def _any_of(texts: Iterable[str]) -> re.Pattern[str]:
    """The pattern of any of the texts; the first alternative that matches is the longest."""
    # Python's own re: five times as fast as regex at hundreds of alternatives.
    return re.compile("|".join(map(re.escape, sorted(texts, key=len, reverse=True))))


def _leading_spaces(text: str, at: int) -> int:
    """How many white space characters stand in ``text`` from ``at`` on."""
    end = at
    while end < len(text) and text[end] in _SPACES:
        end += 1
    return end - at


def _within_a_word(text: str, start: int, stop: int) -> bool:
    """Whether a word character stands right before ``start`` or right after ``stop``."""
    import regex

    beside = text[max(start - 1, 0) : start] + text[stop : stop + 1]
    return regex.search(_WORD, beside) is not None
