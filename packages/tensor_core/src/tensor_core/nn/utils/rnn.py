"""Sequences of different lengths in one tensor."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ... import ops
from ..._creation import full
from ..._tensor import Tensor


def pad_sequence(
    sequences: Iterable[Tensor],
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Any:
    """Stack sequences, padded to the longest. Shapes: N times (T_i, ...) -> (T, N, ...).

    ``batch_first`` gives (N, T, ...).

    >>> import tensor_core as torch
    >>> pad_sequence([torch.ones(3), torch.ones(1)], batch_first=True).tolist()
    [[1.0, 1.0, 1.0], [1.0, 0.0, 0.0]]
    """
    if padding_side not in ("left", "right"):
        raise ValueError(f"pad_sequence: padding_side is 'left' or 'right', not {padding_side!r}")
    sequences = list(sequences)
    if not sequences:
        raise RuntimeError("pad_sequence: received an empty list of sequences")
    longest = max(sequence.shape[0] for sequence in sequences)
    rows = []
    for sequence in sequences:
        missing = (longest - sequence.shape[0], *sequence.shape[1:])
        padding = full(missing, padding_value, dtype=sequence.dtype)
        pair = [sequence, padding] if padding_side == "right" else [padding, sequence]
        rows.append(ops.cat(pair, dim=0))
    return ops.stack(rows, dim=0 if batch_first else 1)
