"""Where a function has a kink (one-sided slopes differ) or a jump (no slope at all)."""

from typing import Protocol

import numpy as np

from gradcheck.forward import Array


class Sampled(Protocol):
    """What this file reads of numeric.Samples: arrays (levels, directions, outputs)."""

    rise: Array
    fall: Array
    noise: Array
    up: Array
    down: Array
    base: Array


def find_kinks(samples: Sampled, stride: int) -> Array:
    """Mark (direction, output) pairs whose one-sided slopes differ and do not come together.

    For a smooth function the difference shrinks with the step; a difference that stays within 30 %
    over the three finest levels that rise out of the noise, and that no finer level contradicts, is
    a kink.
    """
    gap = np.abs(samples.rise - samples.fall)
    signal = gap > 16 * samples.noise
    levels = gap.shape[0]
    last = levels - 1 - signal[::-1].argmax(axis=0)
    possible = signal.any(axis=0) & (last >= 2 * stride)
    if not possible.any():
        return possible
    last = np.maximum(last, 2 * stride)[None]
    fine, middle, coarse = (np.take_along_axis(gap, last - k * stride, 0)[0] for k in range(3))
    flat = (middle < fine / 0.7) & (middle > 0.7 * fine)
    flat &= (coarse < fine / 0.7) & (coarse > 0.7 * fine)
    kink = possible & flat
    if kink.any():
        finer = np.arange(levels)[:, None, None] > last
        denied = finer & (gap + 16 * samples.noise < 0.7 * fine)
        kink &= ~denied.any(axis=0)
    return kink


def find_jumps(samples: Sampled, stride: int) -> Array:
    """Mark (direction, output) pairs whose value does not approach the base value."""
    jump = np.zeros(samples.rise.shape[1:], bool)
    for side in (samples.up, samples.down):
        move = np.abs(side - samples.base)
        fine, coarse = move[-1], move[-1 - 2 * stride]
        # A jump is no small part of what the function moves at all; noise is.
        most = np.where(np.isfinite(move), move, 0.0).max(axis=0)
        floor = np.maximum(64 * np.finfo(float).eps * np.abs(samples.base), 1e-6 * most)
        jump |= (fine > 0.7 * coarse) & (fine > floor)
    return jump
