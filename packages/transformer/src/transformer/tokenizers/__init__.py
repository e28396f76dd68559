"""Text to token ids and back."""

from transformer.tokenizers.added import AddedToken
from transformer.tokenizers.base import Tokenizer
from transformer.tokenizers.bpe import BPETokenizer
from transformer.tokenizers.bytes import ByteTokenizer
from transformer.tokenizers.char import CharTokenizer
from transformer.tokenizers.load import load_tokenizer
from transformer.tokenizers.patterns import PATTERNS, Split
from transformer.tokenizers.sentencepiece import SentencePieceTokenizer
from transformer.tokenizers.table import TOKENIZERS, tokenizer_from_dict

__all__ = [
    "PATTERNS",
    "TOKENIZERS",
    "AddedToken",
    "BPETokenizer",
    "ByteTokenizer",
    "CharTokenizer",
    "SentencePieceTokenizer",
    "Split",
    "Tokenizer",
    "load_tokenizer",
    "tokenizer_from_dict",
]
