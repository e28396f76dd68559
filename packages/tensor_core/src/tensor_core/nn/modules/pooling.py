"""Torch's path to pooling: ``nn.modules.pooling``."""

from ._paths import found_in

__getattr__ = found_in("pooling")
