"""Torch's path to linear layers: ``nn.modules.linear``."""

from ._paths import found_in

__getattr__ = found_in("linear", "lazy")
