"""The pieces of a SentencePiece vocabulary, and how a word of them is joined."""

import codecs
import heapq
import re
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6
SPACE = "\u2581"  # what stands for a space inside a piece


class Piece(NamedTuple):
    """One entry of the vocabulary: its text, its score (higher joins first) and its kind.

    The kinds are numbered as in ``.model`` and GGUF files: 1 normal, 2 unknown, 3 control,
    4 user-defined, 5 unused, 6 byte.

    >>> Piece("ab", -1.0)
    Piece(text='ab', score=-1.0, kind=1)
    """

    text: str
    score: float = 0.0
    kind: int = NORMAL


def join_pairs(word: str, score_of: Mapping[str, float], unused: Collection[str] = ()) -> list[str]:
    """The symbols left when no neighbouring pair of ``word`` joins to a piece of ``score_of``.

    The best score joins first, of equals the leftmost; a heap makes it O(n log n). A joined piece
    that is ``unused`` is taken apart again, as it was joined.

    >>> join_pairs("abab", {"ab": -1.0, "ba": -2.0})
    ['ab', 'ab']
    """
    symbols = list(word)
    before = list(range(-1, len(symbols) - 1))
    after = [*range(1, len(symbols)), -1]
    heap: list[tuple[float, int, int, int]] = []  # minus the score, left, right, length of both
    made: dict[str, tuple[str, str]] = {}

    def consider(left: int, right: int) -> None:
        if left < 0 or right < 0:
            return
        joined = symbols[left] + symbols[right]
        score = score_of.get(joined)
        if score is not None:
            heapq.heappush(heap, (-score, left, right, len(joined)))
            if joined in unused:
                made[joined] = symbols[left], symbols[right]

    for right in range(1, len(symbols)):
        consider(right - 1, right)
    while heap:
        _, left, right, length = heapq.heappop(heap)
        # A symbol joined meanwhile is empty or longer: this pair is no more.
        if not (symbols[left] and symbols[right]):
            continue
        if len(symbols[left]) + len(symbols[right]) != length:
            continue
        symbols[left] += symbols[right]
        symbols[right] = ""
        after[left] = after[right]
        if after[left] >= 0:
            before[after[left]] = left
        consider(before[left], left)
        consider(left, after[left])
    return (
        _apart([symbol for symbol in symbols if symbol], made)
        if made
        else list(filter(None, symbols))
    )


def _apart(symbols: list[str], made: Mapping[str, tuple[str, str]]) -> list[str]:
    """``symbols`` without those of ``made``, each in its two halves, and these likewise."""
    out: list[str] = []
    stack = symbols[::-1]
    while stack:
        symbol = stack.pop()
        if symbol in made:
            stack += made[symbol][::-1]
        else:
            out.append(symbol)
    return out


def word_pattern(space: str, texts: Iterable[str]) -> re.Pattern[str] | None:
    """A pattern that finds words no piece reaches across, so that each is joined by itself.

    None when some piece has a space both before and after other characters.

    >>> word_pattern("_", ["_a", "b"]).findall("__a_b")
    ['__a', '_b']
    """
    inside = [text for text in texts if space in text]
    s, rest = re.escape(space), f"[^{re.escape(space)}]"
    if not any(re.search(rest + s, text) for text in inside):
        return re.compile(f"{s}*{rest}+|{s}+")
    if not any(re.search(s + rest, text) for text in inside):
        return re.compile(f"{rest}+{s}*|{s}+")
    return None


def any_of(texts: Iterable[str]) -> re.Pattern[str] | None:
    """A pattern with one group that finds any of ``texts``, the longest first; None for none.

    >>> any_of(["a", "ab"]).split("xaby")
    ['x', 'ab', 'y']
    """
    ordered = sorted(texts, key=len, reverse=True)
    return re.compile("(" + "|".join(map(re.escape, ordered)) + ")") if ordered else None


def byte_of(text: str, i: int) -> int:
    """The byte that the piece ``<0x41>``, number ``i``, stands for.

    Raises ValueError for a text that names no byte.

    >>> byte_of("<0x41>", 3)
    65
    """
    if re.fullmatch("<0x[0-9A-F]{2}>", text) is None:
        raise ValueError(
            f"piece {i} is of the kind 'byte', but {text!r} is none of <0x00> to <0xFF>"
        )
    return int(text[3:5], 16)


def _each_byte(error: UnicodeError) -> tuple[str, int]:
    """Three bytes of a lone surrogate are that surrogate, any other invalid byte is U+FFFD."""
    assert isinstance(error, UnicodeDecodeError)
    try:
        end = error.start + 3
        return error.object[error.start : end].decode("utf-8", "surrogatepass"), end
    except UnicodeDecodeError:
        return "\ufffd" * (error.end - error.start), error.end


codecs.register_error("transformer.each_byte", _each_byte)
