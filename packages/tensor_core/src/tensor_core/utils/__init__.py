"""What programs need beside the mathematics: data, checkpoints, interchange."""

from . import data

__all__ = ["data"]
