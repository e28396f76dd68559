"""Torch's path to the layer that shuffles channels: ``nn.modules.channelshuffle``."""

from ._paths import found_in

__getattr__ = found_in("channelshuffle", "pixelshuffle")
