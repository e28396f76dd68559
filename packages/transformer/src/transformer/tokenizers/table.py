"""The tokenizers by the name that ``to_dict`` writes under ``"type"``."""

from typing import Any

from transformer.tokenizers.base import Tokenizer
from transformer.tokenizers.bpe import BPETokenizer
from transformer.tokenizers.bytes import ByteTokenizer
from transformer.tokenizers.char import CharTokenizer
from transformer.tokenizers.sentencepiece import SentencePieceTokenizer

TOKENIZERS: dict[str, Any] = {
    "char": CharTokenizer,
    "bytes": ByteTokenizer,
    "bpe": BPETokenizer,
    "sentencepiece": SentencePieceTokenizer,
}


def tokenizer_from_dict(values: dict[str, Any]) -> Tokenizer:
    """The tokenizer, of whatever kind, that its ``to_dict`` described.

    Raises ValueError for a kind that is not in ``TOKENIZERS``.

    >>> tokenizer_from_dict({"type": "char", "chars": ["a", "b"]}).decode([1, 0])
    'ba'
    """
    kind = values.get("type")
    if kind not in TOKENIZERS:
        raise ValueError(
            f"tokenizer_from_dict: unknown type {kind!r}; known: {', '.join(TOKENIZERS)}"
        )
    tokenizer: Tokenizer = TOKENIZERS[kind].from_dict(values)
    return tokenizer
