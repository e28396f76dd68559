"""Reading and writing tensors on disk."""

from transformer.io.atomic import replace_file
from transformer.io.checkpoint import find_checkpoint, read_checkpoint, read_state, write_checkpoint
from transformer.io.safetensors import TensorFileError, read_metadata, read_tensors, write_tensors

__all__ = [
    "TensorFileError",
    "find_checkpoint",
    "read_checkpoint",
    "read_metadata",
    "read_state",
    "read_tensors",
    "replace_file",
    "write_checkpoint",
    "write_tensors",
]
