"""Largest of many, where torch has it."""

from .transformed_distribution import Gumbel

__all__ = ["Gumbel"]
