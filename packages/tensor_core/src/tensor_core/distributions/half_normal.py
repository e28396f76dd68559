"""Sizes of normals, where torch has it."""

from .transformed_distribution import HalfNormal

__all__ = ["HalfNormal"]
