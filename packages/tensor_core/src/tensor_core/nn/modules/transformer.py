"""Torch's path to transformers: ``nn.modules.transformer``."""

from ._paths import found_in

__getattr__ = found_in("transformer")
