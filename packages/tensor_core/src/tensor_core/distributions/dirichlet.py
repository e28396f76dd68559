"""Shares of a whole, where torch has it."""

from ._positive import Dirichlet

__all__ = ["Dirichlet"]
