"""Corpora by name or path, the split into training and validation, and random batches."""

from transformer.data.batches import get_batch, train_val_split
from transformer.data.corpora import CORPORA, load_text

__all__ = ["CORPORA", "get_batch", "load_text", "train_val_split"]
