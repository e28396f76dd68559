"""Counts of rare events, where torch has it."""

from ._discrete import Poisson

__all__ = ["Poisson"]
