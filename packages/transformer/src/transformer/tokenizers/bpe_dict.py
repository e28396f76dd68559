"""A byte-level BPE tokenizer as JSON-able values, and back: what a checkpoint keeps of it."""

from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from transformer.tokenizers.added import AddedToken
from transformer.tokenizers.byte_alphabet import from_printable, printable, read_merge
from transformer.tokenizers.patterns import PATTERNS, Split

if TYPE_CHECKING:
    from transformer.tokenizers.bpe import BPETokenizer

# What is kept as it is.
_PLAIN = (
    *("bos", "eos", "chat_template", "normalizer"),
    *("add_prefix_space", "ignore_merges", "drop_unknown"),
)
_LISTS = ("stop", "before", "after")


def to_dict(tokenizer: "BPETokenizer") -> dict[str, Any]:
    """The values; bytes are written in GPT-2's printable characters, merges with a space between.

    >>> from transformer import BPETokenizer
    >>> to_dict(BPETokenizer.train("to be to be", 258))["pattern"]
    'gpt2'
    """
    merges = tokenizer.merges
    return {
        "type": "bpe",
        "vocab": {printable(token): i for token, i in tokenizer.vocab.items()},
        "merges": merges and [f"{printable(left)} {printable(right)}" for left, right in merges],
        "pattern": _name(tokenizer.splits) or [asdict(split) for split in tokenizer.splits],
        "added_tokens": [asdict(token) for token in tokenizer.added_tokens],
        **{name: getattr(tokenizer, name) for name in _PLAIN},
        **{name: list(getattr(tokenizer, name)) for name in _LISTS},
    }


def settings_of(values: dict[str, Any]) -> dict[str, Any]:
    """The arguments of ``BPETokenizer`` that the values describe.

    Raises ValueError when they describe something else.

    >>> settings_of({"type": "bpe", "vocab": {"Ġ": 0}, "merges": None})["vocab"]
    {b' ': 0}
    """
    if values.get("type") != "bpe" or not isinstance(values.get("vocab"), dict):
        raise ValueError(
            "BPETokenizer.from_dict: expected {'type': 'bpe', 'vocab': {...}, ...}, got "
            f"type {values.get('type')!r} and keys {sorted(values)}"
        )
    merges = values.get("merges")
    try:
        read = None if merges is None else [read_merge(merge) for merge in merges]
    except ValueError as error:
        raise ValueError(f"BPETokenizer.from_dict: {error}") from None
    pattern = values.get("pattern", "gpt2")
    known = {field.name for field in fields(AddedToken)}
    return {
        "vocab": {from_printable(token): i for token, i in values["vocab"].items()},
        "merges": read,
        "pattern": pattern if isinstance(pattern, str) else [Split(**split) for split in pattern],
        "added_tokens": [
            AddedToken(**{name: token[name] for name in known & token.keys()})
            for token in values.get("added_tokens", ())
        ],
        **{name: values[name] for name in (*_PLAIN, *_LISTS) if name in values},
    }


def _name(splits: tuple[Split, ...]) -> str | None:
    """The name of the cuts, if they have one."""
    return next((name for name, known in PATTERNS.items() if known == splits), None)
