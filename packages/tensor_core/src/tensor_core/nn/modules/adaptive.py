"""Torch's path to the adaptive softmax: ``nn.modules.adaptive``."""

from ._paths import found_in

__getattr__ = found_in("adaptive")
