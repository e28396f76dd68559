"""From one long row of token ids to random batches of inputs and targets."""

from collections.abc import Sequence
from typing import Any

from transformer._engine import torch


def train_val_split(
    ids: "Sequence[int] | torch.Tensor | Any", val_fraction: float = 0.1
) -> "tuple[torch.Tensor, torch.Tensor]":
    """The head of ``ids`` for training and its tail for validation, both int64.

    The tail, not a random sample: neighbours in a text are too alike to test on. Shapes:
    (N,) -> (N - V,), (V,). Raises ValueError when ``val_fraction`` is outside [0, 1).

    >>> train, val = train_val_split(list(range(10)), val_fraction=0.2)
    >>> train.tolist(), val.tolist()
    ([0, 1, 2, 3, 4, 5, 6, 7], [8, 9])
    """
    if not 0 <= val_fraction < 1:
        raise ValueError(f"train_val_split: val_fraction must be in [0, 1), got {val_fraction}")
    data = torch.as_tensor(ids, dtype=torch.int64)
    if data.dim() != 1:
        raise ValueError(
            f"train_val_split: ids must be one row of token ids, got shape {tuple(data.shape)}"
        )
    n = int(len(data) * (1 - val_fraction))
    return data[:n], data[n:]


def get_batch(
    data: "torch.Tensor",
    batch_size: int,
    block_size: int,
    generator: "torch.Generator | None" = None,
) -> "tuple[torch.Tensor, torch.Tensor]":
    """Random stretches of ``data`` and, as targets, the same stretches one token later.

    Shapes: (N,) -> (B, T), (B, T), int64, with B = ``batch_size`` and T = ``block_size``.
    The same seed gives the same batch on either engine. Raises ValueError when ``data`` has
    not more than ``block_size`` tokens.

    >>> x, y = get_batch(torch.arange(100), batch_size=2, block_size=4)
    >>> bool((y == x + 1).all()), tuple(x.shape)
    (True, (2, 4))
    """
    if batch_size < 1 or block_size < 1:
        raise ValueError(
            f"get_batch: batch_size and block_size must be at least 1, "
            f"got {batch_size} and {block_size}"
        )
    starts_left = len(data) - block_size
    if starts_left < 1:
        raise ValueError(
            f"get_batch: {len(data)} tokens are too few for block_size {block_size}, which needs "
            f"at least {block_size + 1}: use a longer text or a smaller block_size"
        )
    start = torch.randint(starts_left, (batch_size,), generator=generator)
    at = start.unsqueeze(1) + torch.arange(block_size)  # (B, T)
    return data[at], data[at + 1]
