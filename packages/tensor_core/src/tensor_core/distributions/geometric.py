"""Failures before the first success, where torch has it."""

from ._discrete import Geometric

__all__ = ["Geometric"]
