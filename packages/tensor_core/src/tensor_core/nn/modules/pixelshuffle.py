"""Torch's path to sub-pixel layers: ``nn.modules.pixelshuffle``."""

from ._paths import found_in

__getattr__ = found_in("pixelshuffle")
