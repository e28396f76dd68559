"""Torch's path to distances: ``nn.modules.distance``."""

from ._paths import found_in

__getattr__ = found_in("distance")
