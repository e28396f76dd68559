"""Every value alike, where torch has it."""

from ._location_scale import Uniform

__all__ = ["Uniform"]
