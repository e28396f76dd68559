"""Optimizers that the engines lack, or lack in float32."""

from transformer.train.optimizers.lion import Lion
from transformer.train.optimizers.muon import Muon, orthogonal

__all__ = ["Lion", "Muon", "orthogonal"]
