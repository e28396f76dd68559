"""Torch's path to recurrent layers: ``nn.modules.rnn``."""

from ._paths import found_in

__getattr__ = found_in("rnn", "rnn_base", "rnn_cell")
