"""Torch's path to upsampling: ``nn.modules.upsampling``."""

from ._paths import found_in

__getattr__ = found_in("upsampling")
