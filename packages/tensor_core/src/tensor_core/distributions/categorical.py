"""One of several categories, where torch has it."""

from ._discrete import Categorical

__all__ = ["Categorical"]
