"""Corpora, token files and conversations; the split into training and validation; batches."""

from transformer.data.batches import get_batch, train_val_split
from transformer.data.conversations import Conversations
from transformer.data.corpora import CORPORA, load_text
from transformer.data.folder import open_tokens, write_folder
from transformer.data.order import Batches, Windows
from transformer.data.tokens import TokenFile, write_tokens

__all__ = [
    "CORPORA",
    "Batches",
    "Conversations",
    "TokenFile",
    "Windows",
    "get_batch",
    "load_text",
    "open_tokens",
    "train_val_split",
    "write_folder",
    "write_tokens",
]
