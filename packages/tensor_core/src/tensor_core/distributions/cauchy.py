"""The distribution without a mean, where torch has it."""

from ._location_scale import Cauchy

__all__ = ["Cauchy"]
