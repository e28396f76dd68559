"""Torch's path to dropout: ``nn.modules.dropout``."""

from ._paths import found_in

__getattr__ = found_in("dropout")
