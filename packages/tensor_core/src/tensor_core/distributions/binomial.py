"""Successes in a number of trials, where torch has it."""

from ._discrete import Binomial

__all__ = ["Binomial"]
