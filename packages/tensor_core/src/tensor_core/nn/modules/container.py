"""Torch's path to containers: ``nn.modules.container``."""

from ._paths import found_in

__getattr__ = found_in("containers", "parameter_containers")
