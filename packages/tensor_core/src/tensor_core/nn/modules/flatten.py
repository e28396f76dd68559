"""Torch's path to layers that change shapes: ``nn.modules.flatten``."""

from ._paths import found_in

__getattr__ = found_in("flatten")
