"""Exponential to both sides, where torch has it."""

from ._location_scale import Laplace

__all__ = ["Laplace"]
