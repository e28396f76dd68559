"""What is said of values that differ: how many, by how much at most, and where."""

from __future__ import annotations

from typing import Any

import numpy as np


def scalars(actual: Any, expected: Any, rtol: float, atol: float, name: str = "Scalars") -> str:
    """Two numbers and how far they are apart.

    >>> print(scalars(1, 2, 0, 0))
    Scalars are not equal!
    <BLANKLINE>
    Expected 2 but got 1.
    Absolute difference: 1
    Relative difference: 0.5
    """
    distance = abs(actual - expected)
    share = distance / abs(expected) if expected else float("inf")
    exact = rtol == atol == 0
    lines = [
        f"{name} are not {'equal' if exact else 'close'}!",
        "",
        f"Expected {expected} but got {actual}.",
        f"Absolute difference: {distance}" + ("" if exact else f" (up to {atol} allowed)"),
        f"Relative difference: {share}" + ("" if exact else f" (up to {rtol} allowed)"),
    ]
    return "\n".join(lines)


def arrays(a: np.ndarray, b: np.ndarray, close: np.ndarray, rtol: float, atol: float) -> str:
    """Two arrays of one shape and type: the largest differences among those not close.

    >>> a, b = np.array([1, 2]), np.array([1, 4])
    >>> print(arrays(a, b, a == b, 0, 0))
    Tensor-likes are not equal!
    <BLANKLINE>
    Mismatched elements: 1 / 2 (50.0%)
    Greatest absolute difference: 2 at index (1,)
    Greatest relative difference: 0.5 at index (1,)
    """
    exact = rtol == atol == 0
    if a.dtype.kind in "biu":
        a, b = a.astype(np.int64), b.astype(np.int64)
    distance = np.abs(a - b)
    distance = np.where(close, np.zeros((), distance.dtype), distance)
    with np.errstate(all="ignore"):
        size = np.abs(b)
        share = np.true_divide(distance, size, dtype=_share_type(distance.dtype))
        share = np.where(close, np.zeros((), share.dtype), share)
    missed = int(a.size - close.sum())
    lines = [
        f"Tensor-likes are not {'equal' if exact else 'close'}!",
        "",
        f"Mismatched elements: {missed} / {a.size} ({missed / a.size:.1%})",
        f"Greatest absolute difference: {_largest(distance)}"
        + ("" if exact else f" (up to {atol} allowed)"),
        f"Greatest relative difference: {_largest(share)}"
        + ("" if exact else f" (up to {rtol} allowed)"),
    ]
    return "\n".join(lines)


def _share_type(kind: Any) -> Any:
    """Quotients of integers are float32, as tensors have them."""
    return np.float32 if kind.kind in "iu" else kind


def _largest(x: np.ndarray) -> str:
    place = int(np.argmax(x))
    index = tuple(int(i) for i in np.unravel_index(place, x.shape))
    return f"{x.reshape(-1)[place].item()} at index {index}"
