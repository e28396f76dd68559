"""Normals over their estimated deviation, where torch has it."""

from ._positive import StudentT

__all__ = ["StudentT"]
