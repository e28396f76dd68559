"""Torch's path to normalisation of each channel of each example: ``nn.modules.instancenorm``."""

from ._paths import found_in

__getattr__ = found_in("instancenorm")
