"""Text to token ids and back."""

from transformer.tokenizers.base import Tokenizer
from transformer.tokenizers.char import CharTokenizer
from transformer.tokenizers.table import TOKENIZERS, tokenizer_from_dict

__all__ = ["TOKENIZERS", "CharTokenizer", "Tokenizer", "tokenizer_from_dict"]
