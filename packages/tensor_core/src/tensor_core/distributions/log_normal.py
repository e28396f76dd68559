"""Exponentials of normals, where torch has it."""

from .transformed_distribution import LogNormal

__all__ = ["LogNormal"]
