"""Patterns of tokenizer.json, written for the engine Oniguruma, in the dialect of ``regex``.

The two agree on nearly all that stands in tokenizers' files. What they read differently is
rewritten, or refused where that is not done: a pattern never quietly means something else.
"""

import re
from collections.abc import Iterator

_TOKEN = re.compile(
    r"""\\[pP]\{[^}]*\} | \\x\{[^}]*\} | \\.     # an escape
      | \[\^?\]? | \]                            # where a set begins and ends
      | \{\d*,?\d*\}[+?]?                        # how often, and what may follow it
      | \(\?[a-zA-Z-]*[:)]?                      # a group with flags
      | && | -- | \|\| | ~~                      # operations on sets
      | .""",
    re.VERBOSE | re.DOTALL,
)
# What means other things on the two sides and is not worth a translation.
_ESCAPES = {r"\h", r"\H", r"\O", r"\N", r"\y", r"\Y", r"\G", r"\K", r"\R", r"\X", r"\m", r"\M"}


def from_oniguruma(pattern: str) -> str:
    """The pattern that matches for ``regex`` what ``pattern`` matches for Oniguruma.

    Raises ValueError for what has no translation here.

    >>> from_oniguruma(r"\\p{N}{1,3}+|\\s++$")  # Oniguruma repeats {1,3}, and $ ends a line
    '\\\\p{N}+|\\\\s++(?m:$)'
    """
    rewritten = {"^": "(?m:^)", "$": "(?m:$)", r"\Z": r"(?=\n?\Z)", r"\z": r"\Z"}
    rewritten |= {"(?m:^)": "^", "(?m:$)": "$"}
    return "".join(_translated(pattern, rewritten))


def to_oniguruma(pattern: str) -> str:
    """The pattern that matches for Oniguruma what ``pattern`` matches for ``regex``.

    Raises ValueError for what has no translation here.

    >>> to_oniguruma(r"^a|\\s++(?m:$)")
    '\\\\Aa|\\\\s++$'
    """
    # Ours first: a line's end is written so by from_oniguruma.
    pattern = pattern.replace("(?m:$)", "\0$").replace("(?m:^)", "\0^")
    rewritten = {"^": r"\A", "$": r"\Z", r"\Z": r"\z"}
    return "".join(_translated(pattern, rewritten)).replace("\0\\Z", "$").replace("\0\\A", "^")


def _translated(pattern: str, rewritten: dict[str, str]) -> Iterator[str]:
    """The pieces of the pattern, rewritten outside of sets."""
    depth = 0  # of nested sets
    for match in _TOKEN.finditer(pattern):
        token = match.group()
        if token.startswith("["):
            depth += 1
        elif token == "]" and depth:
            depth -= 1
        elif depth:
            if token in ("--", "||", "~~"):
                raise _refusal(pattern, f"{token!r} within a set")
        elif token in _ESCAPES or _changes_meaning(token):
            raise _refusal(pattern, repr(token))
        elif token.startswith("{") and token.endswith("+"):
            token = _repeated(pattern, token)
        yield token if depth else rewritten.get(token, token)


def _changes_meaning(token: str) -> bool:
    """Whether a group's flags, or a lazy count, are read differently by the two engines."""
    flags = re.fullmatch(r"\(\?([a-zA-Z-]+)[:)]?", token)
    if flags is not None:
        return bool(set(flags.group(1)) - set("ix-"))
    return token.startswith("{") and token.endswith("?") and "," not in token


def _repeated(pattern: str, token: str) -> str:
    """``{1,3}+``, which Oniguruma reads as "one to three, again and again"."""
    least = token[1:].split(",")[0].rstrip("}+")
    if least not in ("", "0", "1"):
        raise _refusal(pattern, repr(token))
    return "+" if least == "1" else "*"


def _refusal(pattern: str, what: str) -> ValueError:
    return ValueError(
        f"the pattern {pattern!r} has {what}, which means something else to the library "
        "'tokenizers' (Oniguruma) than to 'regex'; write it another way"
    )
