"""Torch's path to normalisation of each example: ``nn.modules.normalization``."""

from ._paths import found_in

__getattr__ = found_in("normalization", "local_response")
