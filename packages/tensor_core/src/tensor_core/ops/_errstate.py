"""As in torch, infinities and NaN come without a warning."""

from __future__ import annotations

import numpy as np

quiet = np.errstate(all="ignore")  # as in torch, infinities and NaN come without a warning
