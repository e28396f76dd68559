"""Marks to find places in a template's text again: characters that stand in nothing it is given."""

from collections.abc import Iterator, Mapping
from typing import Any

_PRIVATE = range(0xE000, 0xF900)  # Unicode gives these no meaning


def free_marks(*values: Any) -> Iterator[str]:
    """Private-use characters that are in no text within ``values``, keys of dicts included.

    >>> next(free_marks("a\ue000", [{"b": "\ue001"}])) == "\ue002"
    True
    """
    used = set().union(*_texts(values))
    return (chr(code) for code in _PRIVATE if chr(code) not in used)


def _texts(value: Any) -> Iterator[str]:
    """Every text in ``value``."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(key)
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
