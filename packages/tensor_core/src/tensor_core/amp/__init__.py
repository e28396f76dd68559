"""Mixed precision: matrix products in bfloat16, and losses scaled so that none vanishes.

For a GPU, torch switches both off with a warning when there is none; so it is here.
"""

from .._missing import missing
from .autocast_mode import autocast, custom_bwd, custom_fwd, is_autocast_available
from .grad_scaler import GradScaler

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd", "is_autocast_available"]

__getattr__ = missing(__name__)
