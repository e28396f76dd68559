"""Mixed precision: its blocks and scalers are accepted, and tensors keep their own types.

On a GPU torch switches both off, with a warning, when there is none; so it is here. On the CPU
torch computes matrix products inside ``autocast("cpu")`` in bfloat16; here they are computed in
the type of their tensors, which is more exact, and a warning says so.
"""

from .._missing import missing
from .autocast_mode import autocast, custom_bwd, custom_fwd, is_autocast_available
from .grad_scaler import GradScaler

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd", "is_autocast_available"]

__getattr__ = missing(__name__)
