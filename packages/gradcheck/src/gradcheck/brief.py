"""A first look at a derivative, with eight evaluations instead of dozens.

Most gradients are right and most functions are tame. What agrees with these few differences, to a
bound this narrow, needs no ladder; whatever is not settled here (a kink, noise, a function that
moves faster than the steps) is left to :mod:`gradcheck.numeric`.
"""

import numpy as np

from gradcheck.forward import Direction, Forward
from gradcheck.numeric import EPS, Slopes

STEPS = np.array([-4, -6, -8, -17])  # three to extrapolate, and a fine one to contradict them
SHARP = 1e-9  # the part of a gradient by which its numeric counterpart may be uncertain


def look(forward: Forward, directions: list[Direction]) -> Slopes:
    """Directional derivatives, with an infinite error wherever four steps do not settle them.

    >>> f = Forward(lambda primals: (np.sin(primals[0]),), [np.array([1.0])])
    >>> s = look(f, f.coordinates(0))
    >>> bool(abs(s.low[0, 0] - np.cos(1.0)) <= s.error[0, 0] < 1e-9)
    True
    """
    up, down, plus, minus = forward.sample(directions, [STEPS] * len(directions))
    base = forward.base
    central = (up - down) / (plus + minus)
    # Richardson's extrapolation: the error falls by 4**2 from step to step, then by 4**4.
    first = central[1] + (central[1] - central[0]) / 15
    second = central[2] + (central[2] - central[1]) / 15
    value = second + (second - first) / 255
    size = np.maximum(np.abs(up[:3]), np.abs(down[:3])).max(axis=0)
    own = np.array([[forward.size_of(d)] for d in directions]) * np.abs(np.nan_to_num(value))
    noise = EPS * (np.maximum(size, np.abs(base)) + forward.floor + own)
    error = np.abs(value - second) + 4 * noise / plus[2]
    settled = np.abs(value - central[3]) <= 4 * error + 16 * noise / plus[3]
    # One-sided slopes come together as the step falls, unless there is a kink between them.
    gaps = [np.abs((up[k] - base) / plus[k] - (base - down[k]) / minus[k]) for k in (2, 3)]
    settled &= gaps[1] <= 0.25 * gaps[0] + 32 * noise / plus[3]
    error = np.where(settled & np.isfinite(error), error, np.inf)
    value = np.where(np.isfinite(value), value, 0.0)
    nothing = np.zeros(value.shape, bool)
    step = np.broadcast_to(plus[2], value.shape)
    return Slopes(value, value, error, step, nothing, nothing, nothing)
