"""Counts of several categories, where torch has it."""

from ._discrete import Multinomial

__all__ = ["Multinomial"]
