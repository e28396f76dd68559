"""Yes or no, where torch has it."""

from ._discrete import Bernoulli

__all__ = ["Bernoulli"]
