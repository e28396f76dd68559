"""Torch's path to convolutions: ``nn.modules.conv``."""

from ._paths import found_in

__getattr__ = found_in("conv", "lazy_conv")
