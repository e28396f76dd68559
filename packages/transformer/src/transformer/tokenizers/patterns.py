"""Where a text is cut into words before bytes are merged: no token reaches across a cut.

The patterns need the package ``regex``: Python's own ``re`` knows no ``\\p{L}`` (any letter). Which
characters are letters and numbers is a matter of the Unicode version that ``regex`` was made with;
another library with another version cuts differently at characters that are new, and only there.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any

BEHAVIORS = ("isolated", "removed", "contiguous", "merged_with_previous", "merged_with_next")


@dataclass(frozen=True)
class Split:
    """One way to cut: at the matches of ``pattern``, a regular expression as ``regex`` reads it.

    ``behavior`` says what becomes of a match: a word of its own (``isolated``), nothing
    (``removed``), one word with the matches beside it (``contiguous``), or a part of the word
    before or after it. ``invert`` takes what lies between the matches for the matches. Raises
    ValueError for a behaviour there is not.

    >>> list(words_of(Split(" ", "merged_with_next"))("to be  or"))
    ['to', ' be', ' ', ' or']
    """

    pattern: str
    behavior: str = "isolated"
    invert: bool = False

    def __post_init__(self) -> None:
        if self.behavior not in BEHAVIORS:
            raise ValueError(
                f"Split: unknown behavior {self.behavior!r}; known: {', '.join(BEHAVIORS)}"
            )


# GPT-2 (Radford et al. 2019): a space goes with the word that follows it.
_GPT2 = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"

# Llama 3: any case, numbers in threes, lines end words.
_LLAMA3 = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)

# cl100k_base, the encoding of GPT-3.5 and GPT-4 as tiktoken has it: the same, but for white space
# at the very end of a text, which is one word there even when lines end in it.
_GPT4 = _LLAMA3.replace(r"|\s*[\r\n]+", r"|\s++\Z|\s*[\r\n]+")

# Qwen 2 and 3: Llama's with every digit alone.
_QWEN2 = _LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")

# o200k_base, the encoding of GPT-4o: a capital begins a word, marks belong to letters.
_UPPER, _LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_SHORT = r"(?:'(?i:[sdmt]|ll|ve|re))?"
_O200K = (
    rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+{_SHORT}"
    rf"|[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*{_SHORT}"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)

# Every digit, or every number, a word of its own. The pattern names what stands between as well,
# because matches that cover the text are cut out faster.
DIGITS = Split(r"\p{N}|\P{N}+")
NUMBERS = Split(r"\p{N}+|\P{N}+")

GPT2 = Split(_GPT2)

PATTERNS: dict[str, tuple[Split, ...]] = {
    "gpt2": (GPT2,),
    "gpt4": (Split(_GPT4),),
    "o200k": (Split(_O200K),),
    "llama3": (Split(_LLAMA3),),
    "qwen2": (Split(_QWEN2),),
    "smollm": (DIGITS, GPT2),
}

Pattern = str | Split | Sequence[str | Split]
Words = Callable[[str], Iterable[str]]

# Characters; the words of a longer text are cut off one by one, not kept in a list.
LONG = 1 << 22


def splits_of(pattern: Pattern) -> tuple[Split, ...]:
    """The cuts that ``pattern`` names: a name of ``PATTERNS``, a regular expression, or several.

    >>> len(splits_of("gpt2")), splits_of(r"\\S+")
    (1, (Split(pattern='\\\\S+', behavior='isolated', invert=False),))
    """
    if isinstance(pattern, str):
        return PATTERNS.get(pattern) or (Split(pattern),)
    if isinstance(pattern, Split):
        return (pattern,)
    return tuple(split for part in pattern for split in splits_of(part))


def words_of(pattern: Pattern) -> Words:
    """The function that cuts a text by ``pattern``, each cut applied to the words of the last.

    Raises ValueError for what ``regex`` cannot compile.

    >>> list(words_of("gpt2")("It's 20 to 12."))
    ['It', "'s", ' 20', ' to', ' 12', '.']
    >>> list(words_of("gpt4")("12345  lines\\n"))
    ['123', '45', ' ', ' lines', '\\n']
    """
    cutters = [_cutter(split) for split in splits_of(pattern)]
    if len(cutters) == 1:
        return cutters[0]

    def cut(text: str) -> Iterable[str]:
        words: Iterable[str] = [text] if text else []
        for cutter in cutters:
            words = chain.from_iterable(map(cutter, words))
        return words

    return cut


def _cutter(split: Split) -> Words:
    """The function that makes one cut."""
    compiled = _compiled(split.pattern)
    if split.behavior != "isolated" or compiled.groups:  # findall would give the groups
        return lambda text: _joined(_spans(compiled, text, split.invert), split.behavior)

    def cut(text: str) -> Iterable[str]:
        if len(text) <= LONG:
            words: list[str] = compiled.findall(text)
            if sum(map(len, words)) == len(text):  # nothing lies between the matches
                return words
        return _joined(_spans(compiled, text, split.invert), split.behavior)

    return cut


def _spans(compiled: Any, text: str, invert: bool) -> Iterator[tuple[str, bool]]:
    """All of ``text`` in pieces, each with whether it counts as a match."""
    end = 0
    for match in compiled.finditer(text):
        if end < match.start():
            yield text[end : match.start()], invert
        if match.group():
            yield match.group(), not invert
        end = match.end()
    if end < len(text):
        yield text[end:], invert


def _joined(pieces: Iterator[tuple[str, bool]], behavior: str) -> Iterable[str]:
    """The words that the pieces make."""
    if behavior == "isolated":
        return (piece for piece, _ in pieces)
    if behavior == "removed":
        return (piece for piece, matched in pieces if not matched)
    backward = behavior == "merged_with_next"
    words: list[str] = []
    before: bool | None = None  # whether the piece before this one was a match
    for piece, matched in reversed([*pieces]) if backward else pieces:
        same = matched == before if behavior == "contiguous" else matched and before is False
        if same and words:
            words[-1] = piece + words[-1] if backward else words[-1] + piece
        else:
            words.append(piece)
        before = matched
    return words[::-1] if backward else words


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> Any:
    """The compiled pattern, in version 1 of ``regex``'s syntax: sets nest, ``&&`` intersects."""
    import regex

    try:
        return regex.compile(pattern, regex.VERSION1)
    except regex.error as error:
        raise ValueError(f"the pattern {pattern!r} is no regular expression: {error}") from None
