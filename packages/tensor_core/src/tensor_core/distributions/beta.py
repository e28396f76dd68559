"""A share of a whole, where torch has it."""

from ._positive import Beta

__all__ = ["Beta"]
