"""Times between events, where torch has it."""

from ._positive import Exponential

__all__ = ["Exponential"]
