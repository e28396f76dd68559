"""Torch's path to lazy layers: ``nn.modules.lazy``."""

from ._paths import found_in

__getattr__ = found_in("lazy")
