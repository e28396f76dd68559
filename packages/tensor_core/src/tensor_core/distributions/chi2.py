"""Sums of squared normals, where torch has it."""

from ._positive import Chi2

__all__ = ["Chi2"]
