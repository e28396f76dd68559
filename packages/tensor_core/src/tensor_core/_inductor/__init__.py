"""The back end of ``torch.compile``: settings are kept, nothing is compiled."""

from .._missing import missing
from . import config

__all__ = ["config"]

__getattr__ = missing(__name__)
