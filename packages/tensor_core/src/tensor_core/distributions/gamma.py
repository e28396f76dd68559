"""Sums of exponential times, where torch has it."""

from ._positive import Gamma

__all__ = ["Gamma"]
