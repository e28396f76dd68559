"""The loop itself: read the last tokens, draw the next, append it."""

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any

from transformer._engine import torch


@contextmanager
def evaluating(model: Any) -> Iterator[None]:
    """The model in eval mode, then every module of it back in the mode it was in.

    >>> model = torch.nn.Dropout(0.5)
    >>> with evaluating(model):
    ...     model.training
    False
    >>> model.training
    True
    """
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def decode(
    model: Any,
    idx: torch.Tensor,
    max_new_tokens: int,
    pick: Callable[[torch.Tensor], torch.Tensor],
) -> Generator[torch.Tensor, None, None]:
    """The next tokens one step at a time: (B, T) -> (B, 1), ``max_new_tokens`` times.

    ``pick`` chooses from the scores of the last position, (B, V) -> (B, 1). The model reads at
    most its last ``block_size`` tokens.

    >>> from transformer import build_model
    >>> model = build_model("bigram", vocab_size=5)
    >>> steps = decode(model, torch.tensor([[0]]), 3, lambda scores: torch.tensor([[2]]))
    >>> [step.tolist() for step in steps]
    [[[2]], [[2]], [[2]]]
    """
    with evaluating(model):
        for _ in range(max_new_tokens):
            idx = idx[:, -model.block_size :]  # (B, T), T at most block_size
            with torch.no_grad():  # inside the loop: what runs between two steps is not ours
                logits, _ = model(idx)  # (B, T, V)
                new = pick(logits[:, -1, :])  # (B, 1)
                idx = torch.cat([idx, new], dim=1)
            yield new
