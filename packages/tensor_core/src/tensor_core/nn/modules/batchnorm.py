"""Torch's path to normalisation over the batch: ``nn.modules.batchnorm``."""

from ._paths import found_in

__getattr__ = found_in("batchnorm", "lazy_norm")
