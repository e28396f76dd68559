"""Torch's path to activations: ``nn.modules.activation``."""

from ._paths import found_in

__getattr__ = found_in("activation", "piecewise", "multihead")
