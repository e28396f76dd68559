"""The loss on held-out text, over the same windows every time."""

from typing import Any

from transformer._engine import nn, torch
from transformer.train.parallel import Team


def evaluate(
    model: nn.Module,
    data: torch.Tensor,
    batch_size: int,
    block_size: int,
    batches: int,
    team: Team | None = None,
) -> float:
    """Return the mean loss of ``model``, in nats per token, on ``data``, (N,) token ids.

    Looks at ``batches * batch_size`` windows spread evenly over the text. They are no random
    sample, so two evaluations differ by what the model learned between them and by nothing else.
    """
    count = batches * batch_size
    starts = torch.arange(count) * (len(data) - block_size - 1) // max(count - 1, 1)
    windows = starts.unsqueeze(1) + torch.arange(block_size)  # (windows, T)
    team = team or Team(1)

    def work(worker: int) -> float:
        total = 0.0
        with torch.no_grad():  # grad mode belongs to a thread
            for batch in range(worker, batches, team.size):
                at = windows[batch * batch_size : (batch + 1) * batch_size]  # (B, T)
                total += _loss(model, data[at], data[at + 1])
        return total

    was_training = model.training
    model.eval()
    try:
        return sum(team.run(work)) / batches
    finally:
        model.train(was_training)


def _loss(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> Any:
    return model(x, y)[1].item()
