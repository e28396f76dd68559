"""Torch's path to losses: ``nn.modules.loss``."""

from ._paths import found_in

__getattr__ = found_in("loss", "loss_chances", "loss_margins")
