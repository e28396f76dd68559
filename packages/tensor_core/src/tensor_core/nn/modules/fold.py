"""Torch's path to sliding windows: ``nn.modules.fold``."""

from ._paths import found_in

__getattr__ = found_in("fold")
