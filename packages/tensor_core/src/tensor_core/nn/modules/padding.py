"""Torch's path to padding: ``nn.modules.padding``."""

from ._paths import found_in

__getattr__ = found_in("padding")
